#include "orchestrator/housekeeping/removal_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "registry/store/upkeep.h"

namespace beamgrid {
namespace {

using References = std::set<std::pair<StudyId, TrialId>>;

/// Returns every reference that goes.
References ReferencesThatGo(const RecordOverview& record, const RemovalQuestion& question) {
  References going(question.references.begin(), question.references.end());
  for (const StudyId study : question.studies) {
    for (const TrialRecord& trial : record.Of(study).trials) going.insert({study, trial.id});
  }
  for (const TrialId trial : question.trials) {
    const auto studies = record.studies_of.find(trial);
    if (studies == record.studies_of.end()) continue;
    for (const StudyId study : studies->second) going.insert({study, trial});
  }
  return going;
}

}  // namespace

bool RemovalPlan::SameAs(const RemovalPlan& other) const {
  const auto ids = [](const RemovalPlan& plan) {
    std::set<std::tuple<int, std::int64_t, std::int64_t>> all;
    const auto number = [](auto id) { return static_cast<std::int64_t>(id); };
    for (const StudyRecord& study : plan.studies) all.insert({0, number(study.id), 0});
    for (const Reference& reference : plan.references) {
      all.insert({1, number(reference.study.id), number(reference.trial.id)});
    }
    for (const TrialRecord& trial : plan.trials) all.insert({2, number(trial.id), 0});
    for (const Ensemble& ensemble : plan.ensembles) all.insert({3, ensemble.id, 0});
    for (const Start& start : plan.starts) all.insert({4, number(start.trial.id), 0});
    return all;
  };
  return ids(*this) == ids(other) && directories == other.directories;
}

std::vector<std::string> RemovalPlan::StudiesConcerned() const {
  std::set<std::string> names;
  for (const StudyRecord& study : studies) names.insert(study.name);
  for (const Reference& reference : references) names.insert(reference.study.name);
  return {names.begin(), names.end()};
}

RemovalPlan PlanRemoval(const Store& store, const RecordOverview& record,
                        const RemovalQuestion& question) {
  const References going = ReferencesThatGo(record, question);
  const std::set<StudyId> studies(question.studies.begin(), question.studies.end());
  RemovalPlan plan;
  for (const StudyId study : studies) plan.studies.push_back(record.Of(study).study);
  std::set<TrialId> touched, gone;
  for (const auto& [study, trial] : going) {
    touched.insert(trial);
    if (!studies.contains(study)) {
      plan.references.push_back({record.Of(study).study, record.trials.at(trial)});
    }
  }
  for (const TrialId trial : touched) {
    const bool stays = std::ranges::any_of(record.studies_of.at(trial), [&](StudyId study) {
      return !going.contains({study, trial});
    });
    (stays ? plan.staying : plan.trials).push_back(record.trials.at(trial));
    if (!stays) gone.insert(trial);
  }
  for (const StudyOverview& study : record.studies) {
    if (studies.contains(study.study.id)) continue;
    for (const EnsembleOverview& ensemble : study.ensembles) {
      const bool loses = std::ranges::any_of(ensemble.members, [&](TrialId member) {
        return gone.contains(member) || going.contains({study.study.id, member});
      });
      if (loses) plan.ensembles.push_back({study.study, ensemble.id, ensemble.created_at});
    }
  }
  for (const TrialId trial : gone) {
    const auto starting = record.starting_from.find(trial);
    if (starting != record.starting_from.end()) {
      for (const TrialId other : starting->second) {
        if (gone.contains(other) || !record.trials.contains(other)) continue;
        plan.starts.push_back({record.trials.at(trial), record.trials.at(other)});
      }
    }
    for (const Store::AttemptRecord& attempt : store.Attempts(trial)) {
      plan.directories.emplace_back(attempt.directory);
    }
  }
  return plan;
}

void CarryOut(Store& store, const RemovalPlan& plan) {
  RecordUpkeep upkeep(store);
  store.Together([&] {
    for (const RemovalPlan::Ensemble& ensemble : plan.ensembles) upkeep.RemoveEnsemble(ensemble.id);
    for (const RemovalPlan::Reference& reference : plan.references) {
      upkeep.RemoveReference(reference.study.id, reference.trial.id);
    }
    for (const StudyRecord& study : plan.studies) upkeep.RemoveStudy(study.id);
    for (const TrialRecord& trial : plan.trials) upkeep.RemoveTrial(trial.id);
  });
}

}  // namespace beamgrid
