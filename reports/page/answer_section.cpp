// The answer of a study in three sentences, made of its numbers.

#include <algorithm>
#include <map>
#include <set>

#include "registry/util/text.h"
#include "reports/effects_words.h"
#include "reports/page/ensemble_words.h"
#include "reports/page/section.h"

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

std::string BestSentence(const StudyFacts& facts) {
  const std::vector<Standing>& standings = facts.leaderboard.standings;
  const std::string heading = facts.objective->heading;
  if (standings.empty()) {
    return "Nothing is complete yet, so there is no best model; `beamgrid run` goes on with the "
           "study.";
  }
  const auto score = [](const Standing& standing) {
    return FixedText(standing.mean(), kMetricDigits);
  };
  const Standing& best = standings.front();
  const std::string seeds = best.values.size() == 1
                                ? " with one seed"
                                : " on average over " + CountText(best.values.size(), "seed");
  if (standings.size() == 1) {
    return best.name + " is the only model that is complete: " + heading + " " + score(best) +
           seeds + ".";
  }
  return best.name + " is the best of " + ModelsText(facts) + ": " + heading + " " + score(best) +
         seeds + ", before " + standings[1].name + " with " + score(standings[1]) + ".";
}

std::string PartsSentence(const StudyFacts& facts) {
  if (!facts.effects) return "What its parts do is not known: " + facts.no_effects + ".";
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
  if (made.factors.size() == 1) return "It varies " + made.factors[0].name + " alone" + best + ".";
  if (!made.shares_known) {
    return "Which part matters most is " + std::string(kSharesNotKnown) +
           "; so far it looks like " + FactorName(made, most) + tied +
           ", of which the best on average is " + BestLevelText(made, most) + ".";
  }
  return "Of its parts " + FactorName(made, most) + tied + (tied.empty() ? " matters" : " matter") +
         " most, with " + FactorShareText(made, most) + best + ".";
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
             (facts.not_counted == 1 ? " of other content counts" : " of other content count") +
             " no longer; `beamgrid trials " + facts.study.name + " --all` says why.";
  }
  section.Say(state);
  section.Note(std::string(facts.objective->heading) +
               " of a trial is that of its best epoch, on the videos that also chose that epoch: a "
               "selection score, a little too high for all.");
  return section;
}

}  // namespace beamgrid
