#include "orchestrator/commands/recorded_ensemble_table.h"

#include <algorithm>
#include <cmath>

#include "orchestrator/audit/kept_ensembles.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

const KeptEnsemble& ChosenEnsemble(const std::vector<KeptEnsemble>& ensembles,
                                   const StudyRecord& study, const std::string& id) {
  const std::string all =
      Join(ensembles, ", ", [](const auto& ensemble) { return std::to_string(ensemble.id); });
  if (ensembles.empty()) {
    throw UsageError("study '" + study.name + "' has no ensemble; `beamgrid ensemble " +
                     study.name + "` makes one");
  }
  if (id.empty()) {
    if (const KeptEnsemble* latest = LatestThatCounts(ensembles)) return *latest;
    throw UsageError("no ensemble of study '" + study.name +
                     "' is of the trials that it counts now; --ensemble ID takes one of " + all +
                     ", `beamgrid ensemble " + study.name + "` makes another");
  }
  const auto found = std::ranges::find_if(
      ensembles, [&](const KeptEnsemble& ensemble) { return std::to_string(ensemble.id) == id; });
  if (found != ensembles.end()) return *found;
  throw UsageError("--ensemble: study '" + study.name + "' has no ensemble '" + id + "'; it has " +
                   all);
}

std::int64_t RecordedWhole(const boost::json::value* value) {
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}
std::optional<double> RecordedReal(const boost::json::value* value) {
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}
std::string RecordedText(const boost::json::object& object, const char* key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

EnsembleTableMember MemberOf(const Store& store, const boost::json::object& json) {
  EnsembleTableMember member{.name = RecordedText(json, "name"),
                             .size_bytes = RecordedWhole(json.if_contains("size_bytes")),
                             .weight = RecordedReal(json.if_contains("weight")).value_or(0),
                             .fingerprint = RecordedText(json, "fingerprint")};
  const std::optional<TrialRecord> trial =
      member.fingerprint.empty() ? std::nullopt : store.FindByFingerprint(member.fingerprint);
  if (!trial) return member;
  member.model = ModelSpecFromJson(ParseJson(trial->model_json));
  // A form in another precision is another model, which the record has no GAP of.
  const bool is_measured = trial->result && std::isfinite(trial->result->metrics.gap) &&
                           trial->size_bytes == member.size_bytes;
  if (is_measured) member.gap = trial->result->metrics.gap;
  return member;
}

}  // namespace

EnsembleTable RecordedEnsembleTable(const Store& store, const StudyRecord& study,
                                    const std::string& id) {
  const std::vector<KeptEnsemble> ensembles = KeptEnsembles(store, study);
  const KeptEnsemble& chosen = ChosenEnsemble(ensembles, study, id);
  const boost::json::object& answer = chosen.answer;
  EnsembleTable table{.title = study.name + ": ensemble " + std::to_string(chosen.id),
                      .members = {},
                      .size_bytes = RecordedWhole(answer.if_contains("size_bytes")),
                      .size_limit = RecordedWhole(answer.if_contains("size_limit")),
                      .seen_groups = store.SeenGroupsOf(study.id),
                      .combine = RecordedText(answer, "combine"),
                      .weights = RecordedText(answer, "weights_used")};
  for (const boost::json::value& member : chosen.members()) {
    if (member.is_object()) table.members.push_back(MemberOf(store, member.get_object()));
  }
  for (const char* part : {"holdout", "selection"}) {
    const boost::json::value* measured = answer.if_contains(part);
    if (table.gap || measured == nullptr || !measured->is_object()) continue;
    table.gap = RecordedReal(measured->get_object().if_contains("gap"));
    table.videos = RecordedWhole(measured->get_object().if_contains("videos"));
    table.gap_of = part;
  }
  if (const boost::json::value* groups = answer.if_contains("groups");
      groups != nullptr && groups->is_object()) {
    table.grouped_by = RecordedText(groups->get_object(), "by");
    table.groups = RecordedWhole(groups->get_object().if_contains(table.gap_of));
  }
  return table;
}

}  // namespace beamgrid
