#pragma once
// A study as it is at this moment, from the record alone: what `watch` shows and `serve` sends.
// Reading it changes nothing, and nobody has to run the study.

#include <boost/json.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "orchestrator/study/progress.h"
#include "registry/store/store.h"
#include "registry/store/study_lock.h"

namespace beamgrid {

/// RunState says what the record knows of the last run of a study.
enum class RunState {
  kRunning,  ///< it goes on
  kStopped,  ///< it was interrupted, stopped or killed, and `run` goes on with it
  kEnded     ///< it has asked for all that its search asks for, or no trial is left to train
};
[[nodiscard]] std::string ToString(RunState state);

/// StudySnapshot is one moment of a study.
struct StudySnapshot {
  RunState run = RunState::kEnded;
  /// In words: "run by pid 17 on HOST since 2026-01-31T23:59:59Z", "interrupted at ...".
  std::string run_text;
  /// What RenderProgress shows and Eta tells the time of. While the study runs it is what its run
  /// noted last: of trials that began or ended at once, of what goes on within an epoch every few
  /// seconds; `elapsed` is told up to now. Where nobody runs it: as the record is now, with no
  /// trial at work, and the times of the last run.
  ProgressState progress;
  std::string noted_at;  ///< ISO-8601 UTC; empty: no run has noted anything

  [[nodiscard]] bool running() const { return run == RunState::kRunning; }
};

/// Returns the study as it is. `running` is of the same database.
[[nodiscard]] StudySnapshot TakeSnapshot(const Store& store, const RunningStudies& running,
                                         const StudyRecord& study,
                                         std::chrono::system_clock::time_point now);

/// Returns RenderProgress of it and, where it does not go on, why below it.
[[nodiscard]] std::vector<std::string> RenderSnapshot(const StudySnapshot& snapshot, int width,
                                                      int height, Colour colour);

/// Returns the keys of ToJson(ProgressState), and with them run ("running", "stopped", "ended"),
/// run_text, noted_at, eta_seconds, examples_per_second and trials_per_hour; null where it is not
/// known.
[[nodiscard]] boost::json::object ToJson(const StudySnapshot& snapshot);

}  // namespace beamgrid
