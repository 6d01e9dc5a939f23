#include "orchestrator/housekeeping/record_overview.h"

#include <algorithm>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/recorded_files.h"
#include "search/recipe.h"
#include "search/recipe/warm_start_name.h"

namespace beamgrid {
namespace {

using TrialsByMember = std::map<std::string, std::set<TrialId>>;

std::set<TrialId> MembersOf(const boost::json::object& ensemble, const std::string& study,
                            const TrialsByMember& trials,
                            const std::map<std::string, TrialId>& by_fingerprint) {
  std::set<TrialId> members;
  const boost::json::value* list = ensemble.if_contains("members");
  if (list == nullptr) return members;
  for (const boost::json::value& member : list->as_array()) {
    if (const auto* fingerprint = member.as_object().if_contains("fingerprint")) {
      const auto found = by_fingerprint.find(std::string(fingerprint->as_string()));
      if (found != by_fingerprint.end()) members.insert(found->second);
      continue;
    }
    // Of an older version: all that it may be.
    const std::string name(member.at("name").as_string());
    // As a member of its own study, or with the study's name before it.
    for (const std::string& key : {study + "/" + name, name}) {
      const auto found = trials.find(key);
      if (found != trials.end()) members.insert(found->second.begin(), found->second.end());
    }
  }
  return members;
}

}  // namespace

const StudyOverview& RecordOverview::Of(StudyId study) const {
  return *std::ranges::find(studies, study,
                            [](const StudyOverview& entry) { return entry.study.id; });
}

const StudyOverview& RecordOverview::StudyOf(TrialId trial,
                                             const std::vector<StudyId>& preferred) const {
  const std::set<StudyId>& of = studies_of.at(trial);
  const auto named =
      std::ranges::find_if(preferred, [&](StudyId study) { return of.contains(study); });
  return Of(named != preferred.end() ? *named : *of.begin());
}

std::string RecordOverview::Label(TrialId trial, const std::vector<StudyId>& preferred) const {
  const StudyOverview& study = StudyOf(trial, preferred);
  const TrialRecord& record = study.trials.at(study.places.at(trial));
  if (studies.size() == 1) return LabelOf(record);
  return study.study.name + "/" + record.name + "#" + std::to_string(record.seed);
}

std::vector<std::string> StudiesNaming(const Store& store, const std::string& study) {
  std::vector<std::string> found;
  for (const StudyRecord& other : store.Studies()) {
    const auto starts = WarmStartsOfRecipe(other.recipe_text, other.name);
    const bool names = std::ranges::any_of(starts, [&](const std::string& start) {
      const auto name = ParseWarmStartName(start);
      return name && name->study == study;
    });
    if (names) found.push_back(other.name);
  }
  return found;
}

RecordOverview LookAtRecord(const Store& store) {
  RecordOverview overview;
  TrialsByMember members;
  std::map<std::string, TrialId> by_fingerprint;
  for (const StudyRecord& study : store.Studies()) {
    StudyOverview& entry = overview.studies.emplace_back();
    entry.study = study;
    entry.trials = store.Trials(study.id, Counting::kAll);  // all of them take room
    for (const TrialRecord& trial : entry.trials) {
      entry.places.emplace(trial.id, entry.places.size());
      overview.studies_of[trial.id].insert(study.id);
      overview.trials.try_emplace(trial.id, trial);
      members[study.name + "/" + MemberName(trial)].insert(trial.id);
      by_fingerprint[trial.fingerprint] = trial.id;
    }
  }
  const Store::Table ensembles =
      store.Query("SELECT id, study, created_at, json FROM ensemble ORDER BY id");
  for (const auto& row : ensembles.rows) {
    const StudyId study{row[1].as_int64()};
    auto& entry = *std::ranges::find(
        overview.studies, study, [](const StudyOverview& candidate) { return candidate.study.id; });
    entry.ensembles.push_back(
        {.id = row[0].as_int64(),
         .created_at = std::string(row[2].as_string()),
         .members = MembersOf(EnsembleAnswerOf(row[0].as_int64(), std::string(row[3].as_string())),
                              entry.study.name, members, by_fingerprint)});
  }
  const Store::Table starts =
      store.Query("SELECT id, spec ->> '$.start' FROM trial WHERE spec ->> '$.start' IS NOT NULL");
  for (const auto& row : starts.rows) {
    const auto from = by_fingerprint.find(std::string(row[1].as_string()));
    if (from == by_fingerprint.end()) continue;
    overview.starting_from[from->second].insert(TrialId{row[0].as_int64()});
  }
  return overview;
}

}  // namespace beamgrid
