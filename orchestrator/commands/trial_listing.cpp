#include "orchestrator/commands/trial_listing.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "registry/scoring/metrics.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

bool Has(const TrialRecord& trial, const Metric& metric) {
  return trial.result && std::isfinite(trial.result->metrics.*metric.value);
}

/// Returns the metrics that a list of these trials has columns for.
std::vector<Metric> ListedMetrics(const std::vector<TrialRecord>& trials) {
  std::vector<Metric> listed;
  for (const Metric& metric : kMetrics) {
    const auto has = [&metric](const TrialRecord& trial) { return Has(trial, metric); };
    const bool always = metric.needs == Metric::Needs::kLabels;
    if (always || std::ranges::any_of(trials, has)) listed.push_back(metric);
  }
  return listed;
}

/// Returns the headings of a list of trials that a narrow terminal can do without, the least
/// important one first.
std::vector<std::string> LeastImportant(const std::vector<Metric>& metrics,
                                        const std::string& objective) {
  std::vector<std::string> headings = {"attempts"};
  for (auto metric = metrics.rbegin(); metric != metrics.rend(); ++metric) {
    if (metric->name != objective) headings.emplace_back(metric->heading);
  }
  headings.insert(headings.end(), {"size", "seed", "state"});
  return headings;
}

}  // namespace

boost::json::object ListingJson(const TrialRecord& trial) {
  boost::json::object json{{"id", static_cast<std::int64_t>(trial.id)}, {"name", trial.name},
                           {"fingerprint", trial.fingerprint},          {"seed", trial.seed},
                           {"state", ToString(trial.told_state())},     {"counts", trial.counts()}};
  for (const Metric& metric : kMetrics) {
    json[metric.name] = trial.result ? NumberOrNull(trial.result->metrics.*metric.value) : nullptr;
  }
  json["parameters"] = trial.parameters;
  json["size_bytes"] = trial.size_bytes;
  json["examples_per_second"] = nullptr;
  json["wall_seconds"] = nullptr;
  json["skipped_records"] = nullptr;
  if (trial.result) {
    json["skipped_records"] = trial.result->skipped_records;
    json["examples_per_second"] = trial.result->examples_per_second;
    json["wall_seconds"] = trial.result->wall_seconds;
  }
  json["attempts"] = trial.attempts;
  json["device"] = nullptr;
  json["failure"] = nullptr;
  if (!trial.device.empty()) json["device"] = trial.device;
  if (!trial.failure.empty()) json["failure"] = trial.failure;
  json["not_counted"] = nullptr;
  if (!trial.counts()) json["not_counted"] = trial.not_counted;
  return json;
}

std::string SkippedRemark(const std::vector<TrialRecord>& trials) {
  std::vector<std::string> skipping;
  for (const TrialRecord& trial : trials) {
    if (trial.state != TrialState::kComplete || !trial.result) continue;
    if (trial.result->skipped_records == 0) continue;
    skipping.push_back(trial.name + " seed " + std::to_string(trial.seed) + ": " +
                       std::to_string(trial.result->skipped_records));
  }
  if (skipping.empty()) return "";
  constexpr std::size_t kShown = 3;
  return "records of the data were skipped as damaged (" + JoinFirst(skipping, kShown) +
         "): these results are of the rest; `beamgrid data verify RECIPE` says which";
}

void PrintTrials(std::ostream& out, const std::vector<TrialRecord>& trials,
                 const std::string& objective) {
  const std::vector<Metric> metrics = ListedMetrics(trials);
  std::vector<std::string> headings = {">id", "state", ">seed"};
  for (const Metric& metric : metrics) headings.push_back(std::string(">") + metric.heading);
  headings.insert(headings.end(), {">size", ">attempts", "name", "failure"});
  const bool mixed = !std::ranges::all_of(trials, &TrialRecord::counts);
  if (mixed) headings.emplace_back("counts");
  TextTable table(std::move(headings));
  table.LeaveOutFirst(LeastImportant(metrics, objective));
  table.BreakLines({"failure", "counts"});
  table.ColourStates();
  for (const TrialRecord& trial : trials) {
    std::vector<std::string> cells = {std::to_string(static_cast<std::int64_t>(trial.id)),
                                      ToString(trial.told_state()), std::to_string(trial.seed)};
    for (const Metric& metric : metrics) {
      cells.push_back(
          Has(trial, metric) ? FixedText(trial.result->metrics.*metric.value, kMetricDigits) : "");
    }
    cells.insert(cells.end(), {SizeText(trial.size_bytes), std::to_string(trial.attempts),
                               trial.name, trial.failure});
    if (mixed) cells.push_back(trial.counts() ? "yes" : "no: " + trial.not_counted);
    table.Add(std::move(cells));
  }
  table.Print(out);
}

void PrintLeaderboard(std::ostream& out, const Store& store, const StudyRecord& study) {
  const Leaderboard leaderboard = MakeLeaderboard(study, store.Trials(study.id));
  // Of the mean it may be another model than the one with the best trial.
  const bool is_mean = std::ranges::any_of(
      leaderboard.standings, [](const Standing& standing) { return standing.values.size() > 1; });
  TextTable table(
      {">rank", (is_mean ? ">mean " : ">") + study.objective, ">seeds", ">size", "name"});
  std::int64_t rank = 0;
  for (const Standing& standing : leaderboard.standings) {
    table.Add({std::to_string(++rank), FixedText(standing.mean(), kMetricDigits),
               std::to_string(standing.values.size()) + "/" + std::to_string(standing.trials),
               SizeText(standing.size_bytes), standing.name});
  }
  table.Print(out);
  if (const std::string note = SeedsNote(leaderboard); !note.empty()) PrintProse(out, "", note, 2);
}

boost::json::array LeaderboardJson(const Store& store, const StudyRecord& study) {
  const Leaderboard leaderboard = MakeLeaderboard(study, store.Trials(study.id));
  const auto allowed = [&](std::size_t SeedRange::* bound) {
    return leaderboard.seeds ? boost::json::value((*leaderboard.seeds).*bound)
                             : boost::json::value(nullptr);
  };
  return JsonList(leaderboard.standings, [&](const Standing& standing) {
    return boost::json::object{{"name", standing.name},
                               {"objective", standing.mean()},
                               {"seeds", standing.values.size()},
                               {"trials", standing.trials},
                               {"least_seeds", allowed(&SeedRange::least)},
                               {"most_seeds", allowed(&SeedRange::most)},
                               {"size_bytes", standing.size_bytes}};
  });
}

}  // namespace beamgrid
