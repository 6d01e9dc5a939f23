#include "orchestrator/housekeeping/removal_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "registry/store/upkeep.h"
#include "search/recipe.h"
#include "search/recipe/warm_start_name.h"

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

/// Looks for names in recipes that mean nothing once the references are gone.
class LostNames {
 public:
  LostNames(const RecordOverview& record, const std::set<StudyId>& studies, const References& going)
      : record_(record), studies_(studies), going_(going) {}

  void AddOf(const StudyRecord& by, std::vector<RemovalPlan::LostName>& lost) const {
    for (const std::string& text : WarmStartsOfRecipe(by.recipe_text, by.name)) {
      const auto start = ParseWarmStartName(text);
      if (!start || !start->fingerprint.empty()) continue;
      const auto named = std::ranges::find(record_.studies, start->study,
                                           [](const auto& study) { return study.study.name; });
      if (named == record_.studies.end()) continue;
      const bool whole = studies_.contains(named->study.id);
      const std::vector<TrialRecord> meant = TrialsThatGo(*named, *start);
      if (whole || !meant.empty()) lost.push_back({by, text, Still(*start, meant)});
    }
  }

 private:
  /// Returns the complete trials that the name means and that go from the study.
  [[nodiscard]] std::vector<TrialRecord> TrialsThatGo(const StudyOverview& study,
                                                      const WarmStartName& start) const {
    std::vector<TrialRecord> meant = study.trials;
    std::erase_if(meant, [&](const TrialRecord& trial) {
      return trial.state != TrialState::kComplete || !trial.counts() ||
             !going_.contains({study.study.id, trial.id}) ||
             (start.name != "*" && start.name != trial.name) ||
             (start.seed && *start.seed != trial.seed);
    });
    return meant;
  }

  /// Returns the name in a study that keeps all of these trials, and under one name where one was
  /// named.
  [[nodiscard]] std::string Still(const WarmStartName& start,
                                  const std::vector<TrialRecord>& meant) const {
    if (meant.empty()) return "";
    for (const StudyOverview& study : record_.studies) {
      std::set<std::string> names;
      const bool keeps_all = std::ranges::all_of(meant, [&](const TrialRecord& trial) {
        const auto place = study.places.find(trial.id);
        if (place == study.places.end() || going_.contains({study.study.id, trial.id}))
          return false;
        names.insert(study.trials[place->second].name);
        return study.trials[place->second].counts();
      });
      if (!keeps_all || (start.name != "*" && names.size() != 1)) continue;
      return study.study.name + "/" + (start.name == "*" ? "*" : *names.begin()) +
             (start.seed ? "/" + std::to_string(*start.seed) : "");
    }
    return "";
  }

  const RecordOverview& record_;
  const std::set<StudyId>& studies_;
  const References& going_;
};

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
    for (const LostName& lost : plan.lost_names) all.insert({5, number(lost.by.id), 0});
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
  const LostNames lost_names(record, studies, going);
  for (const StudyOverview& study : record.studies) {
    if (studies.contains(study.study.id)) continue;
    lost_names.AddOf(study.study, plan.lost_names);
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
