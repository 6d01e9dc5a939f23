#include "orchestrator/audit/warm_start_files.h"

#include <algorithm>
#include <map>
#include <string>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/study/warm_start.h"
#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/hash_cache.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

/// The plan is asked only where a file is damaged; a search of more trials is told when it gets
/// there.
constexpr std::int64_t kMostPlanned = 10'000;

/// Returns a study that refers to the trial, for messages.
std::string StudyOf(const Store& store, TrialId id) {
  for (const StudyRecord& study : store.Studies()) {
    const std::vector<TrialRecord> trials = store.Trials(study.id, Counting::kAll);
    if (std::ranges::find(trials, id, &TrialRecord::id) != trials.end()) return study.name;
  }
  return "STUDY";
}

/// Returns what is wrong with the weights that trials may start from, by fingerprint.
std::map<std::string, std::string> DamagedStarts(const Recipe& recipe, const Store& store) {
  std::map<std::string, std::string> damaged;
  HashCache cache(CacheFolder());
  for (const std::string& fingerprint : WarmStarts(recipe, &store).Fingerprints(recipe.seeds)) {
    const std::optional<TrialRecord> trial = store.FindByFingerprint(fingerprint);
    if (!trial) continue;
    try {
      static_cast<void>(CheckedArtifact(*trial, "model", StudyOf(store, trial->id), &cache));
    } catch (const Error& error) {
      if (IsMachineFault(SystemCode(error))) throw;
      damaged[fingerprint] = error.what();
    }
  }
  cache.Save();
  return damaged;
}

}  // namespace

void RequireWarmStartFiles(const PlanParts& parts) {
  if (parts.store == nullptr || parts.recipe->warm_starts.empty()) return;
  const std::map<std::string, std::string> damaged = DamagedStarts(*parts.recipe, *parts.store);
  if (damaged.empty()) return;
  PlanSink sink{.on_refused = [](const std::string&, const std::string&) {}};
  sink.on_trial = [&](const StudyTrial& trial) {
    if (PlannedState(trial) == TrialState::kComplete) return;
    const auto start = damaged.find(trial.spec.warm_start);
    if (start == damaged.end()) return;
    throw Error(trial.name + " seed " + std::to_string(trial.spec.seed) +
                " cannot start from train.from = \"" + WarmStartText(trial.spec.model) +
                "\": " + start->second);
  };
  PlanParts limited = parts;
  limited.limit = kMostPlanned;
  static_cast<void>(PlanStudy(limited, sink));
}

}  // namespace beamgrid
