#include "reports/page/ensemble_words.h"

#include <exception>
#include <stdexcept>

#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr int kEnsembleDigits = 5;

std::string EnsembleGap(double gap) { return FixedText(gap, kEnsembleDigits); }

std::string CountOfVideos(const EnsembleNumbers& ensemble, std::int64_t videos) {
  return CountText(static_cast<std::size_t>(videos), ensemble.unit);
}

std::vector<std::string> TextsOf(const JsonReader& json, std::string_view key) {
  std::vector<std::string> texts;
  if (!json.Has(key)) return texts;
  for (const boost::json::value& text : json.List(key)) {
    if (text.is_string()) texts.emplace_back(text.get_string());
  }
  return texts;
}

bool IsTheBestSingle(const EnsembleNumbers& ensemble) {
  return ensemble.members.size() == 1 && ensemble.members[0].name == ensemble.best_single;
}

}  // namespace

EnsembleNumbers NumbersOf(const EnsembleFact& ensemble) try {
  const JsonReader json(ensemble.answer, "ensemble");
  EnsembleNumbers numbers{.size_bytes = json.Integer("size_bytes"),
                          .size_limit = json.Integer("size_limit"),
                          .selection_gap = json.Object("selection").Number("gap"),
                          .selection_videos = json.Object("selection").Integer("videos"),
                          .best_single = json.Object("best_single").Text("name"),
                          .best_single_gap = json.Object("best_single").Number("gap"),
                          .weights_used = json.Text("weights_used"),
                          .dropped = TextsOf(json, "dropped"),
                          .notes = TextsOf(json, "notes")};
  for (const boost::json::value& value : json.List("members")) {
    const JsonReader member(value, "members");
    numbers.members.push_back(
        {member.Text("name"), member.Integer("size_bytes"), member.Number("weight")});
  }
  if (!json.At("holdout").is_null()) {
    const JsonReader holdout = json.Object("holdout");
    const boost::json::array& interval = holdout.List("interval");
    numbers.holdout = {.gap = holdout.Number("gap"),
                       .gain = holdout.Number("gain"),
                       .low = interval.at(0).to_number<double>(),
                       .high = interval.at(1).to_number<double>(),
                       .videos = holdout.Integer("videos")};
  }
  if (json.Has("unit")) numbers.unit = json.Text("unit");
  if (numbers.members.empty()) throw std::invalid_argument("no members");
  return numbers;
} catch (const std::exception&) {
  const std::string id = std::to_string(ensemble.id);
  throw Error("ensemble " + id + " of the record is not what `beamgrid ensemble` writes; " +
              "`beamgrid rm --ensemble " + id + "` removes it");
}

std::string GainSentence(const EnsembleNumbers& ensemble) {
  const EnsembleNumbers::Holdout& holdout = *ensemble.holdout;
  const std::string best = "the best single model, " + ensemble.best_single;
  if (IsTheBestSingle(ensemble)) return "it is " + best + ", so there is no gain";
  const std::string interval = EnsembleGap(holdout.gain) + ", 95 % interval " +
                               EnsembleGap(holdout.low) + " to " + EnsembleGap(holdout.high);
  if (holdout.low > 0) return "a gain over " + best + ", of " + interval;
  if (holdout.high < 0) return "a loss against " + best + ", of " + interval;
  return "a gain over " + best + ", is not shown: " + interval + " holds 0";
}

std::string EnsembleSentence(const StudyFacts& facts) {
  if (!facts.ensemble) {
    const std::string start = facts.stale_ensembles == 0
                                  ? "No ensemble is recorded"
                                  : "The ensembles that are recorded are of trials that no longer "
                                    "count";
    if (facts.leaderboard.standings.empty()) {
      return start + ", and none can be made before a trial is complete.";
    }
    return start + "; `beamgrid ensemble " + facts.study.name + "` makes one.";
  }
  const EnsembleNumbers ensemble = NumbersOf(*facts.ensemble);
  const std::string start =
      "The recorded ensemble, " + CountText(ensemble.members.size(), "model") + " in " +
      SizeText(ensemble.size_bytes) + " of " + SizeText(ensemble.size_limit) + ", scores GAP ";
  if (!ensemble.holdout) {
    return start + EnsembleGap(ensemble.selection_gap) + " on " +
           CountOfVideos(ensemble, ensemble.selection_videos) +
           ", those that it was chosen on: too high for a test score.";
  }
  return start + EnsembleGap(ensemble.holdout->gap) + " on the " +
         CountOfVideos(ensemble, ensemble.holdout->videos) +
         " of the holdout: " + GainSentence(ensemble) + ".";
}

}  // namespace beamgrid
