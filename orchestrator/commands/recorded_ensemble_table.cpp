#include "orchestrator/commands/recorded_ensemble_table.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/study_ensemble.h"
#include "registry/scoring/predictions.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "search/ensemble/models.h"
#include "search/recipe.h"

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
  return member;
}

/// Puts the members' predictions into a pool under their places.
void ReadMembers(const Store& store, const StudyRecord& study, const EnsembleTable& table,
                 EnsembleModels& pool) {
  for (std::size_t i = 0; i < table.members.size(); ++i) {
    const EnsembleTableMember& member = table.members[i];
    const std::optional<TrialRecord> trial =
        member.fingerprint.empty() ? std::nullopt : store.FindByFingerprint(member.fingerprint);
    if (!trial || !trial->result) throw Error("the record does not know " + member.name);
    // A form in another precision is another model.
    if (trial->size_bytes != member.size_bytes) {
      throw Error("the record has no predictions of " + member.name + " in this precision");
    }
    pool.Add(std::to_string(i), member.size_bytes,
             ReadPredictions(CheckedArtifact(*trial, "predictions", study.name)));
  }
}

/// Gives the members what they have on the ensemble's own videos. The record does not say which
/// these were: they are those of the recipe's holdout where these are as many.
void MeasureMembers(const Store& store, const StudyRecord& study, EnsembleTable& table) {
  EnsembleModels pool;
  pool.set_groups(GroupsOfStudies(store, {study}));
  ReadMembers(store, study, table, pool);
  const bool is_holdout = table.gap_of == "holdout";
  const double share = EnsembleOfRecipe(study.recipe_text, study.name).holdout;
  const SplitModels parts = SplitVideos(pool.Aligned(), share);
  for (const AlignedModel& model : is_holdout ? parts.holdout : parts.selection) {
    if (std::cmp_not_equal(model.size(), table.videos)) {
      throw Error("its " + table.gap_of + " was not that of the recipe (" +
                  CountText(static_cast<std::size_t>(table.videos), "video") + ", not " +
                  std::to_string(model.size()) + ")");
    }
    table.members[std::stoul(model.model->name)].gap = SingleGap(model);
  }
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
  if (answer.contains("unit")) table.unit = RecordedText(answer, "unit");
  if (const boost::json::value* groups = answer.if_contains("groups");
      groups != nullptr && groups->is_object()) {
    table.grouped_by = RecordedText(groups->get_object(), "by");
    table.groups = RecordedWhole(groups->get_object().if_contains(table.gap_of));
  }
  try {
    MeasureMembers(store, study, table);
  } catch (const RecipeError&) {
    table.no_member_gaps = "this program cannot read the study's recipe";
  } catch (const std::runtime_error& error) {
    table.no_member_gaps = FirstLine(error.what());
  }
  return table;
}

}  // namespace beamgrid
