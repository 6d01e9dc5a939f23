#include "orchestrator/commands/ensemble_text.h"

#include <algorithm>
#include <cmath>

#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "registry/scoring/metrics.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string GapText(double gap) { return FixedText(gap, 5); }
std::string GapText(const std::optional<double>& gap) { return gap ? GapText(*gap) : ""; }
std::string PercentText(double share) { return FixedText(100 * share, 0) + " %"; }
std::string CountOf(const EnsembleAnswer& answer, std::int64_t videos) {
  return CountText(static_cast<std::size_t>(videos), answer.of_segments ? "segment" : "video");
}

/// Returns the sentence on the gain over the best single model; a gain that may be chance is not
/// called one.
std::string GainText(const EnsembleAnswer& answer) {
  const EnsembleAnswer::Holdout& holdout = *answer.holdout;
  const std::string best = "the best single model, " + answer.best_single;
  if (IsBestSingle(answer)) {
    return "no gain: the ensemble is " + best;
  }
  const std::string interval = GapText(holdout.gap - answer.best_single_gap) +
                               " on the holdout, 95 % interval " + GapText(holdout.low) + " to " +
                               GapText(holdout.high);
  if (holdout.low > 0) return "gain over " + best + ": " + interval;
  if (holdout.high < 0) return "loss against " + best + ": " + interval;
  return "a gain over " + best + ", is not shown: " + interval + " holds 0";
}

/// Says what the ensemble scores where it was chosen, what elsewhere, and what lies between.
void PrintScores(std::ostream& out, const EnsembleAnswer& answer) {
  std::string selection = "selection GAP " + GapText(answer.selection_gap) + " on " +
                          CountOf(answer, answer.selection_videos);
  if (!answer.holdout) {
    PrintProse(out, "", selection + ", those that it was chosen on: too high for a test score");
    return;
  }
  const EnsembleAnswer::Holdout& holdout = *answer.holdout;
  PrintProse(out, "",
             selection + ", holdout GAP " + GapText(holdout.gap) + " on " +
                 std::to_string(holdout.videos) + ": shrinkage " +
                 GapText(answer.selection_gap - holdout.gap));
  std::vector<std::string> accuracies;
  for (const Metric& metric : kMetrics) {
    const double value = holdout.metrics.*metric.value;
    if (metric.needs != Metric::Needs::kOneLabel || !std::isfinite(value)) continue;
    accuracies.push_back(metric.heading + (" " + GapText(value)));
  }
  if (!accuracies.empty()) {
    PrintProse(out, "", Join(accuracies) + " on these " + std::to_string(holdout.videos));
  }
  PrintProse(out, "", GainText(answer));
}

/// Says which weighting was taken, what the others scored, and which members went.
void PrintWeights(std::ostream& out, const EnsembleAnswer& answer) {
  std::string text =
      std::string("weights ") +
      (answer.weights_given ? "as given" : WordFor(kWeightings, answer.weights_used));
  // Two digits at most, as 0.1.
  if (answer.pull) text += ", pulled to equal ones by " + FixedText(*answer.pull, 1);
  if (!answer.weightings.empty()) {
    text += ", the best by cross-fitting on the selection videos: " +
            Join(answer.weightings, ", ", [](const WeightingScore& score) {
              return WordFor(kWeightings, score.weights) + (" " + GapText(score.gap));
            });
  }
  PrintProse(out, "", text);
  for (const std::string& name : answer.dropped) {
    PrintProse(out, "", "dropped " + name + ": GAP is no lower without it");
  }
}

void PrintBestSingle(std::ostream& out, const EnsembleAnswer& answer) {
  std::string text = "best single " + answer.best_single + ", GAP " +
                     GapText(answer.best_single_gap) + " on the " +
                     (answer.holdout ? "holdout" : "selection") +
                     (answer.of_segments ? " segments" : " videos");
  // Beside each other, because `trials` and the leaderboard show the other one.
  if (answer.holdout) {
    text += "; " + GapText(answer.best_single_gap_of_all) + " on all " +
            CountOf(answer, answer.all_videos()) +
            (answer.common_videos ? " that all models have" : ", what `trials` and `score` show");
  }
  PrintProse(out, "", text);
}

std::string CertificateText(const Certificate& certificate) {
  const double below = certificate.best_gap - certificate.found_gap;
  const std::string sets = std::to_string(certificate.sets);
  if (certificate.sets > 0) {
    if (certificate.found_gap > certificate.optimum) {
      return "above the optimum of all " + sets + " sets that fit and take no model twice, by " +
             GapText(certificate.found_gap - certificate.optimum);
    }
    if (below == 0) return "optimal among all " + sets + " sets that fit";
    return "the search's set was " + GapText(below) + " below the best of all " + sets +
           " sets that fit, which is taken";
  }
  const Certificate::SubPools& measured = *certificate.sub_pools;
  std::string text =
      "none: too many sets fit to score them all. On " + std::to_string(measured.pools) +
      " random parts of the pool, of at most " + std::to_string(measured.models) +
      " models, the same search found the best of "
      "all sets in " +
      std::to_string(measured.optimal) + " and was " + GapText(measured.largest_gap) +
      " below it at worst: a measurement of the "
      "search, no bound for this answer";
  if (below > 0) {
    text += ". A set of these parts is " + GapText(below) + " better than what it found, and taken";
  }
  return text;
}

void PrintFrontier(std::ostream& out, const EnsembleFrontier& frontier) {
  out << "\nFrontier\n\n";
  TextTable table({">size", ">members", ">selection GAP", ">holdout GAP", "models"});
  table.BreakLines({"models"});
  table.DropWhereEmpty({"holdout GAP"});
  for (const FrontierPoint& point : frontier.points) {
    table.Add({SizeText(point.size_bytes), std::to_string(point.members.size()),
               GapText(point.selection_gap), GapText(point.holdout_gap), Join(point.members)});
  }
  table.Print(out);
  const std::string sets = std::to_string(frontier.sets);
  PrintProse(out, "",
             "Each row is the best set from its size to that of the next, with the weights of the "
             "search, " +
                 (frontier.complete ? "of all " + sets + " sets that fit"
                                    : "of the " + sets + " sets that were scored") +
                 ". Selection GAP chose it, so that it is no test score.");
}

void PrintMembersWhy(std::ostream& out, const EnsembleWhy& why) {
  TextTable table({"member", ">loss", ">holdout loss", ">chosen"});
  table.DropWhereEmpty({"holdout loss", "chosen"});
  for (const EnsembleWhy::Member& member : why.members) {
    const auto choice = std::ranges::find(why.choices, member.name, &EnsembleWhy::Choice::name);
    const bool searched = why.resamples > 0;
    const double share = choice == why.choices.end() ? 0 : choice->share;
    table.Add({member.name, GapText(member.loss), GapText(member.holdout_loss),
               searched ? PercentText(share) : ""});
  }
  table.Print(out);
  std::string text = "loss: of GAP, without the member";
  if (why.resamples > 0) {
    text += "; chosen: share of " + std::to_string(why.resamples) + " resamples, of " +
            (why.resampled_groups > 0
                 ? CountText(static_cast<std::size_t>(why.resampled_groups), "group")
                 : CountText(static_cast<std::size_t>(why.resampled_videos), "video")) +
            " of the selection part, in which the search takes it (these members and no other: " +
            PercentText(why.same_members) + ")";
  }
  PrintProse(out, "", text);
}

void PrintOthersChosen(std::ostream& out, const EnsembleWhy& why) {
  constexpr std::size_t kMost = 5;
  std::vector<std::string> others;
  for (const EnsembleWhy::Choice& choice : why.choices) {
    if (std::ranges::find(why.members, choice.name, &EnsembleWhy::Member::name) ==
        why.members.end()) {
      others.push_back(choice.name + " " + PercentText(choice.share));
    }
  }
  if (!others.empty()) PrintProse(out, "", "chosen too: " + JoinFirst(others, kMost));
}

void PrintAlike(std::ostream& out, const std::vector<EnsembleWhy::Pair>& pairs) {
  constexpr std::size_t kMost = 15;  // of six members all
  if (pairs.empty()) return;
  out << "\n";
  TextTable table({"member", "beside", ">correlation", ">disagree"});
  for (std::size_t i = 0; i < std::min(kMost, pairs.size()); ++i) {
    table.Add({pairs[i].first, pairs[i].second, FixedText(pairs[i].correlation, 3),
               PercentText(pairs[i].disagreement)});
  }
  table.Print(out);
  std::string text =
      "correlation: of the scores that are averaged, over the labels that a member "
      "lists; disagree: in how many videos their best labels differ";
  if (pairs.size() > kMost) {
    text = "and " + std::to_string(pairs.size() - kMost) + " pairs that are less alike (--json). " +
           text;
  }
  PrintProse(out, "", text);
}

void PrintWhy(std::ostream& out, const EnsembleWhy& why) {
  out << "\nWhy these\n\n";
  PrintMembersWhy(out, why);
  PrintOthersChosen(out, why);
  PrintAlike(out, why.pairs);
}

}  // namespace

void PrintEnsemble(std::ostream& out, const EnsembleAnswer& answer) {
  TextTable table({"member", ">size", ">weight"});
  for (const EnsembleAnswer::Member& member : answer.members) {
    table.Add({member.name, SizeText(member.size_bytes), FixedText(member.weight, 4)});
  }
  table.Print(out);
  out << "size " << SizeText(answer.size_bytes) << " of " << SizeText(answer.size_limit) << "\n";
  PrintScores(out, answer);
  PrintWeights(out, answer);
  PrintBestSingle(out, answer);
  if (answer.certificate) {
    PrintProse(
        out, "certificate: ",
        CertificateText(*answer.certificate) + " (selection GAP, with the weights of the search)");
  }
  for (const std::string& note : answer.notes) PrintProse(out, "note: ", note);
  if (answer.frontier) PrintFrontier(out, *answer.frontier);
  if (answer.why) PrintWhy(out, *answer.why);
}

}  // namespace beamgrid
