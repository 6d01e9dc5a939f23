#include "orchestrator/commands/trial_listing.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "orchestrator/commands/text_table.h"
#include "registry/scoring/metrics.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr int kMetricDigits = 5;
constexpr std::ptrdiff_t kAfterMap = 7;  // columns of a trial's line

bool HasSegments(const TrialRecord& trial) {
  return trial.result && std::isfinite(trial.result->metrics.segment_map);
}

/// One model's complete seeds.
struct Standing {
  std::string name;
  std::vector<double> values;
  std::int64_t trials = 0;
  std::int64_t size_bytes = 0;

  [[nodiscard]] double mean() const {
    return std::accumulate(values.begin(), values.end(), 0.0) /
           static_cast<double>(std::max<std::size_t>(values.size(), 1));
  }
};

std::vector<Standing> Standings(const Store& store, const StudyRecord& study) {
  std::map<std::string, Standing> by_name;
  for (const TrialRecord& trial : store.Trials(study.id)) {
    Standing& standing = by_name[trial.name];
    standing.name = trial.name;
    standing.size_bytes = trial.size_bytes;
    ++standing.trials;
    if (trial.state == TrialState::kComplete && trial.result) {
      standing.values.push_back(ObjectiveOf(trial.result->metrics, study.objective));
    }
  }
  std::vector<Standing> standings;
  for (auto& [name, standing] : by_name) {
    if (!standing.values.empty()) standings.push_back(std::move(standing));
  }
  std::stable_sort(standings.begin(), standings.end(),
                   [](const Standing& a, const Standing& b) { return a.mean() > b.mean(); });
  return standings;
}

}  // namespace

boost::json::object ListingJson(const TrialRecord& trial) {
  boost::json::object json{{"id", static_cast<std::int64_t>(trial.id)},
                           {"name", trial.name},
                           {"fingerprint", trial.fingerprint},
                           {"seed", trial.seed},
                           {"state", ToString(trial.state)},
                           {"gap", nullptr},
                           {"hit_at_1", nullptr},
                           {"perr", nullptr},
                           {"map", nullptr},
                           {"segment_map", nullptr},
                           {"parameters", trial.parameters},
                           {"size_bytes", trial.size_bytes},
                           {"examples_per_second", nullptr},
                           {"wall_seconds", nullptr},
                           {"attempts", trial.attempts},
                           {"device", nullptr},
                           {"failure", nullptr}};
  if (!trial.device.empty()) json["device"] = trial.device;
  if (!trial.failure.empty()) json["failure"] = trial.failure;
  if (trial.result) {
    json["gap"] = trial.result->metrics.gap;
    json["hit_at_1"] = trial.result->metrics.hit_at_1;
    json["perr"] = trial.result->metrics.perr;
    json["map"] = trial.result->metrics.map;
    json["segment_map"] = NumberOrNull(trial.result->metrics.segment_map);
    json["examples_per_second"] = trial.result->examples_per_second;
    json["wall_seconds"] = trial.result->wall_seconds;
  }
  return json;
}

void PrintTrials(std::ostream& out, const std::vector<TrialRecord>& trials) {
  std::vector<std::string> headings = {">id",  "state", ">seed",     ">GAP", ">Hit@1", ">PERR",
                                       ">mAP", ">size", ">attempts", "name", "failure"};
  const bool segments = std::any_of(trials.begin(), trials.end(), HasSegments);
  if (segments) headings.insert(headings.begin() + kAfterMap, ">MAP@100k");
  TextTable table(std::move(headings));
  for (const TrialRecord& trial : trials) {
    const auto metric = [&trial](double Metrics::* member) {
      return trial.result ? FixedText(trial.result->metrics.*member, kMetricDigits) : "";
    };
    std::vector<std::string> cells = {std::to_string(static_cast<std::int64_t>(trial.id)),
                                      ToString(trial.state),
                                      std::to_string(trial.seed),
                                      metric(&Metrics::gap),
                                      metric(&Metrics::hit_at_1),
                                      metric(&Metrics::perr),
                                      metric(&Metrics::map),
                                      SizeText(trial.size_bytes),
                                      std::to_string(trial.attempts),
                                      trial.name,
                                      trial.failure};
    if (segments) {
      cells.insert(cells.begin() + kAfterMap,
                   HasSegments(trial) ? metric(&Metrics::segment_map) : "");
    }
    table.Add(std::move(cells));
  }
  table.Print(out);
}

void PrintLeaderboard(std::ostream& out, const Store& store, const StudyRecord& study) {
  TextTable table({">rank", ">" + study.objective, ">seeds", ">size", "name"});
  std::int64_t rank = 0;
  for (const Standing& standing : Standings(store, study)) {
    table.Add({std::to_string(++rank), FixedText(standing.mean(), kMetricDigits),
               std::to_string(standing.values.size()) + "/" + std::to_string(standing.trials),
               SizeText(standing.size_bytes), standing.name});
  }
  table.Print(out);
}

}  // namespace beamgrid
