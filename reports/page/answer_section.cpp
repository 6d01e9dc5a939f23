// The answer of a study in three sentences, made of its numbers.

#include <algorithm>
#include <map>
#include <set>

#include "registry/util/text.h"
#include "reports/effects_words.h"
#include "reports/page/ensemble_words.h"
#include "reports/page/section.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

/// Returns "20 trials: 18 complete, 2 failed".
std::string StatesText(const std::vector<TrialRecord>& trials) {
  std::map<TrialState, std::size_t> counts;
  for (const TrialRecord& trial : trials) ++counts[trial.told_state()];
  std::vector<std::string> states;
  for (const TrialState state : {TrialState::kComplete, TrialState::kRunning, TrialState::kWaiting,
                                 TrialState::kPruned, TrialState::kFailed}) {
    if (counts[state] > 0) states.push_back(std::to_string(counts[state]) + " " + ToString(state));
  }
  return CountText(trials.size(), "trial") + (states.empty() ? "" : ": " + Join(states));
}

/// Returns "10 models", or "3 models that are complete, of 16 asked for".
std::string ModelsText(const StudyFacts& facts) {
  std::set<std::string> asked;
  for (const TrialRecord& trial : facts.trials) asked.insert(trial.name);
  const std::size_t complete = facts.leaderboard.standings.size();
  return CountText(complete, "model") +
         (complete == asked.size()
              ? ""
              : " that are complete, of " + std::to_string(asked.size()) + " asked for");
}

/// Returns "0.6260 ± 0.0028 over 2 seeds", digits by the rule of tables.
std::string ScoreText(const StudyFacts& facts, const Standing& standing) {
  const TableRow* row = RowOfModel(facts, standing);
  const int decimals = facts.models ? facts.models->table.decimals : kMetricDigits;
  std::string text = FixedText(standing.mean(), decimals);
  if (row != nullptr && row->std) text += " ± " + FixedText(*row->std, decimals);
  return text + (standing.values.size() == 1
                     ? " with one seed"
                     : " over " + CountText(standing.values.size(), "seed"));
}

/// Says what the lead of the highest mean is worth: what tests show of the others.
std::string LeadText(const StudyFacts& facts) {
  const std::vector<Standing>& standings = facts.leaderboard.standings;
  const TableRow* best = RowOfModel(facts, standings.front());
  std::size_t lower = 0, open = 0;
  for (std::size_t i = 1; i < standings.size(); ++i) {
    const TableRow* row = RowOfModel(facts, standings[i]);
    if (row == nullptr || (!row->best && !row->p_best)) continue;
    ++(row->among_best ? open : lower);  // an equal mean is as good
  }
  if (best == nullptr || !best->best || lower + open == 0) {
    return "; whether it is better than the others is not tested";
  }
  const std::size_t untested = standings.size() - 1 - lower - open;
  const std::string rest =
      untested == 0 ? "" : "; " + CountText(untested, "other") + " could not be tested";
  if (open == 0) {
    return "; it is shown to be better than " +
           (lower == 1 ? "the other" : "all " + std::to_string(lower) + " others") +
           (untested == 0 ? "" : " that could be tested") + rest;
  }
  const std::string few = FewSeedsText(facts.models->table);
  return "; it is not shown to be better than " + CountText(open, "other") +
         (few.empty() ? "" : " (" + few + " show little)") + rest;
}

/// Returns ", as high as that of NAME" where others have the same mean; else empty.
std::string EqualText(const StudyFacts& facts) {
  const std::vector<Standing>& standings = facts.leaderboard.standings;
  std::vector<std::string> equal;
  for (std::size_t i = 1; i < standings.size(); ++i) {
    if (standings[i].mean() == standings[0].mean()) equal.push_back(standings[i].name);
  }
  constexpr std::size_t kNamed = 3;
  return equal.empty() ? "" : ", as high as that of " + JoinFirst(equal, kNamed);
}

std::string BestSentence(const StudyFacts& facts) {
  const std::vector<Standing>& standings = facts.leaderboard.standings;
  const std::string heading = facts.objective->heading;
  if (standings.empty()) {
    const bool all_failed =
        !facts.trials.empty() && std::ranges::all_of(facts.trials, [](const TrialRecord& trial) {
          return trial.state == TrialState::kFailed;
        });
    if (all_failed) {
      return "There is no best model: every trial failed for good. The failures below say why; "
             "`beamgrid run RECIPE --retry failed` tries them again.";
    }
    return "Nothing is complete yet, so there is no best model; `beamgrid run` goes on with the "
           "study.";
  }
  const Standing& best = standings.front();
  const std::string score = heading + " " + ScoreText(facts, best);
  if (standings.size() == 1) {
    return best.name + " is the only model that is complete: " + score + ".";
  }
  return best.name + " has the highest mean of " + ModelsText(facts) + EqualText(facts) + ": " +
         score + LeadText(facts) + ".";
}

std::string PartsSentence(const StudyFacts& facts) {
  if (!facts.effects) return "What the study's parts do is not known: " + facts.no_effects + ".";
  const StudyEffects& made = *facts.effects;
  const auto share = [&](std::size_t factor) { return made.effects.factors[factor].share; };
  const auto told = [&](std::size_t factor) { return made.effects.factors[factor].told; };
  std::size_t most = 0;
  for (std::size_t i = 0; i < made.factors.size(); ++i) {
    if (!told(i) && std::ranges::none_of(made.effects.factors[i].tied_to, told)) {
      return "Which part matters most is not known: " + made.factors[i].name + " " +
             NotToldText(made, i) + ", for what is excluded ties them.";
    }
    if (told(i) && (!told(most) || share(i) > share(most))) most = i;
  }
  const std::string best = "; on average over the others the best is " + BestLevelText(made, most);
  const std::string tied = made.effects.factors[most].confounded
                               ? " (they cannot be told apart, for what is excluded ties them)"
                               : "";
  if (made.factors.size() == 1)
    return "The study varies " + made.factors[0].name + " alone" + best + ".";
  if (!made.shares_known) {
    return "Which part matters most is " + std::string(kSharesNotKnown) +
           "; so far it looks like " + FactorName(made, most) + tied +
           ", of which the best on average is " + BestLevelText(made, most) + ".";
  }
  if (ShareText(share(most)) == ShareText(0)) {
    return "None of the study's parts is seen to matter by itself.";
  }
  return "Of the study's parts " + FactorName(made, most) + tied +
         (tied.empty() ? " matters" : " matter") + " most, with " + FactorShareText(made, most) +
         best + ".";
}

}  // namespace

PageSection AnswerSection(const StudyFacts& facts) {
  PageSection section{"answer", "The answer", {}};
  std::vector<std::string> sentences = {BestSentence(facts), PartsSentence(facts)};
  if (!facts.is_part) sentences.push_back(EnsembleSentence(facts));
  for (const std::string& sentence : sentences) section.Add(Paragraph(sentence, "answer"));
  std::string state = StatesText(facts.trials) + ".";
  if (facts.not_counted > 0) {
    state += " " + CountText(facts.not_counted, "trial") +
             (facts.not_counted == 1 ? " counts" : " count") + " no longer; `beamgrid trials " +
             facts.study.name + " --all` says why.";
  }
  section.Say(state);
  section.Note(
      Sentence(facts.objective->heading +
               std::string(" of a trial is that of its best epoch, on the videos that also chose "
                           "that epoch: a selection score, a little too high for all")));
  return section;
}

}  // namespace beamgrid
