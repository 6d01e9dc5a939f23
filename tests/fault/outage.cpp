#include "tests/fault/outage.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/fault/power_cut.h"
#include "tests/fault/processes.h"

namespace beamgrid {
namespace {

/// Everything stands still: first who could start more, then who works.
std::vector<pid_t> FreezeAll(pid_t orchestrator) {
  Freeze(orchestrator);
  std::vector<pid_t> workers = WorkersOf(orchestrator);
  for (const pid_t worker : workers) Freeze(worker);
  return workers;
}

}  // namespace

RecipeText FourTrials() {
  RecipeText recipe = TwoTrials();
  recipe.grid += "[grid.train]\nlearning_rate = [0.01, 0.02]\n";
  return recipe;
}

void CutThePower(FaultyStudy& study, Unsynced unsynced, const std::function<bool()>& moment) {
  const TemporaryFolder outside;
  study.Forget();
  study.faults().Trace(outside / "trace");
  Process run(study.RunCommand(FaultyStudy::With::kFaults), study.path());
  WaitUntil("the moment", [&] { return moment() || HasEnded(run.pid()); });
  const std::vector<pid_t> workers = FreezeAll(run.pid());
  PowerCut cut(study.path(), outside / "aside");
  run.Signal(SIGKILL);
  (void)run.Wait();
  for (const pid_t worker : workers) WaitUntil("a worker dies", [&] { return IsGone(worker); });
  if (unsynced == Unsynced::kLost) cut.LoseWhatWasNotSynced(outside / "trace");
  cut.PutBack();
  study.ExpectRecordReadable();
  study.ExpectUndisturbedEnd();
  study.ExpectNothingRepeated(static_cast<std::int64_t>(workers.size()));
}

}  // namespace beamgrid
