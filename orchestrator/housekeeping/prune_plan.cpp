#include "orchestrator/housekeeping/prune_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <ranges>
#include <system_error>

#include "orchestrator/audit/precision_forms.h"
#include "registry/scoring/metrics.h"
#include "registry/store/upkeep.h"
#include "search/recipe.h"
#include "search/recipe/warm_start_name.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

bool IsComplete(const TrialRecord& trial) {
  return trial.state == TrialState::kComplete && trial.result;
}

enum class Which { kCounted, kNotCounted };

/// Returns the trials of the study's best models by the mean of its objective over their complete
/// seeds; of equal ones the first by name, as the leaderboard has them.
std::set<TrialId> BestOf(const StudyOverview& study, Which which, std::size_t keep) {
  struct Standing {
    double sum = 0;
    std::vector<TrialId> trials;
    [[nodiscard]] double mean() const { return sum / static_cast<double>(trials.size()); }
  };
  const Metric* objective =
      MetricNamed("study '" + study.study.name + "': objective", study.study.objective);
  std::map<std::string, Standing> by_name;
  for (const TrialRecord& trial : study.trials) {
    if (!IsComplete(trial) || trial.counts() != (which == Which::kCounted)) continue;
    const double value = ObjectiveOf(trial.result->metrics, objective);
    // What was not measured is worse than anything that was.
    by_name[trial.name].sum += std::isfinite(value) ? value : -1;
    by_name[trial.name].trials.push_back(trial.id);
  }
  std::vector<Standing> standings;
  for (auto& [name, standing] : by_name) standings.push_back(std::move(standing));
  std::ranges::stable_sort(standings, std::ranges::greater(), &Standing::mean);
  std::set<TrialId> best;
  for (const Standing& standing : standings | std::views::take(keep)) {
    best.insert(standing.trials.begin(), standing.trials.end());
  }
  return best;
}

class Planner {
 public:
  Planner(const RecordOverview& record, const RunsFolder& runs, const PruneQuestion& question,
          const std::set<std::string>& running)
      : record_(record), runs_(runs), question_(question) {
    for (const StudyOverview& study : record.studies) {
      if (!running.contains(study.study.name)) continue;
      for (const std::string& start :
           WarmStartsOfRecipe(study.study.recipe_text, study.study.name)) {
        if (const auto name = ParseWarmStartName(start))
          asked_for_[study.study.name].push_back(*name);
      }
    }
  }

  /// Returns why the trial keeps its files though it is not among the best; empty: it does not.
  [[nodiscard]] std::string WhyKept(const TrialRecord& trial) const {
    for (const StudyOverview& study : record_.studies) {
      for (const EnsembleOverview& ensemble : study.ensembles) {
        if (ensemble.members.contains(trial.id)) {
          return "a member of an ensemble of study " + study.study.name;
        }
      }
    }
    const auto start = record_.starting_from.find(trial.id);
    if (start != record_.starting_from.end()) {
      for (const TrialId other : start->second) {
        // What a form is, is whole in its own files.
        const TrialRecord& starting = record_.trials.at(other);
        if (IsComplete(starting) && IsForm(starting)) continue;
        return record_.Label(other) + " starts from it";
      }
    }
    for (const StudyId study : record_.studies_of.at(trial.id)) {
      if (std::ranges::find(question_.studies, study) != question_.studies.end()) continue;
      const std::string& name = record_.Of(study).study.name;
      return "study " + name + " has it too; name that one as well to prune both";
    }
    for (const auto& [study, names] : asked_for_) {
      if (std::ranges::any_of(names, [&](const auto& name) { return MayMean(name, trial); })) {
        return "study " + study + ", which is being run, starts trials from it";
      }
    }
    const std::string obstacle = runs_.Obstacle(fs::path(trial.directory) / kModelFile);
    return obstacle.empty() ? "" : "its folder " + trial.directory + " " + obstacle;
  }

 private:
  [[nodiscard]] bool MayMean(const WarmStartName& start, const TrialRecord& trial) const {
    if (!start.fingerprint.empty()) return trial.fingerprint.starts_with(start.fingerprint);
    return std::ranges::any_of(record_.studies_of.at(trial.id), [&](StudyId study) {
      return record_.Of(study).study.name == start.study;
    });
  }

  const RecordOverview& record_;
  const RunsFolder& runs_;
  const PruneQuestion& question_;
  std::map<std::string, std::vector<WarmStartName>> asked_for_;
};

/// Adds the checkpoints in the folders of a complete trial's attempts, half-written ones too.
void AddCheckpoints(const Store& store, const RunsFolder& runs, const TrialRecord& trial,
                    std::vector<fs::path>* checkpoints) {
  for (const Store::AttemptRecord& attempt : store.Attempts(trial.id)) {
    std::error_code error;
    for (fs::directory_iterator file(attempt.directory, error), end; !error && file != end;
         file.increment(error)) {
      const std::string name = file->path().filename().string();
      const bool checkpoint =
          name.starts_with(kLastCheckpoint) || name.starts_with(kBestCheckpoint);
      if (checkpoint && runs.Obstacle(file->path()).empty()) checkpoints->push_back(file->path());
    }
  }
}

}  // namespace

std::vector<fs::path> CheckpointsOf(const Store& store, const RunsFolder& runs,
                                    const std::vector<TrialRecord>& trials) {
  std::vector<fs::path> checkpoints;
  for (const TrialRecord& trial : trials) {
    if (IsComplete(trial)) AddCheckpoints(store, runs, trial, &checkpoints);
  }
  return checkpoints;
}

std::vector<fs::path> PrunePlan::Paths() const {
  std::vector<fs::path> paths = checkpoints;
  for (const GivenUpFile& file : files) paths.push_back(file.path);
  return paths;
}

PrunePlan PlanPrune(const Store& store, const RecordOverview& record, const RunsFolder& runs,
                    const PruneQuestion& question, const std::set<std::string>& running) {
  std::set<TrialId> best, best_not_counted, spared;
  std::map<TrialId, TrialRecord> trials;
  for (const StudyId id : question.studies) {
    const StudyOverview& study = record.Of(id);
    best.merge(BestOf(study, Which::kCounted, question.keep));
    std::set<TrialId> others = BestOf(study, Which::kNotCounted, question.keep);
    // A run that was interrupted after a change of content has nothing yet to take their place.
    const bool any_counts = std::ranges::any_of(
        study.trials, [](const TrialRecord& trial) { return IsComplete(trial) && trial.counts(); });
    (any_counts ? best_not_counted : spared).merge(others);
    for (const TrialRecord& trial : study.trials) {
      if (IsComplete(trial)) trials.try_emplace(trial.id, trial);
    }
  }
  const Planner planner(record, runs, question, running);
  PrunePlan plan;
  for (const auto& [id, trial] : trials) {
    AddCheckpoints(store, runs, trial, &plan.checkpoints);
    if (best.contains(id)) continue;
    std::vector<GivenUpFile> files;
    for (const Artifact& artifact : trial.result->artifacts) {
      const fs::path path = fs::path(trial.directory) / artifact.path;
      std::error_code error;
      const bool there = fs::exists(path, error);
      if (question.artifacts.contains(artifact.name) && artifact.pruned_at.empty() && there) {
        files.push_back(
            {trial, artifact, path, best_not_counted.contains(id) ? trial.not_counted : ""});
      }
    }
    if (files.empty()) continue;
    std::string why = spared.contains(id)
                          ? "one of the best that do not count now, and nothing that counts is "
                            "complete yet"
                          : planner.WhyKept(trial);
    if (why.empty()) {
      std::ranges::move(files, std::back_inserter(plan.files));
    } else {
      plan.kept.push_back({trial, std::move(why)});
    }
  }
  return plan;
}

void CarryOut(Store& store, const PrunePlan& plan) {
  RecordUpkeep upkeep(store);
  store.Together([&] {
    for (const GivenUpFile& file : plan.files) upkeep.GiveUpFile(file.trial, file.artifact);
  });
}

}  // namespace beamgrid
