#pragma once
// What happens in a running study, told to people: keeps the progress state and the result's counts
// and words each event as a line.

#include <chrono>
#include <cstdint>
#include <set>
#include <string>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/progress.h"
#include "orchestrator/study/study_runner.h"
#include "registry/store/store.h"

namespace beamgrid {

/// Names a trial in lines.
struct TrialLabel {
  std::string name;
  std::int64_t seed = 0;
};
[[nodiscard]] std::string ToString(const TrialLabel& label);  ///< "MC-MoE2 seed 1"

class StudyEvents {
 public:
  StudyEvents(const Recipe& recipe, ProgressDisplay& display);

  void OnReused(const TrialLabel& label, const TrialResult& result);
  void OnRefused(const TrialLabel& label, const std::string& why);
  void OnFailedBefore(const TrialLabel& label, const std::string& failure);
  void OnAbandoned(const TrialLabel& label, const AttemptOutcome& outcome);
  void OnStarted(TrialId trial, const TrialLabel& label, const Slot& slot, std::int64_t attempt);
  void OnMessage(TrialId trial, const Message& message);
  void OnComplete(TrialId trial, const TrialLabel& label, const TrialResult& result);
  void OnRetry(TrialId trial, const TrialLabel& label, const AttemptOutcome& outcome);
  void OnFailed(TrialId trial, const TrialLabel& label, const AttemptOutcome& outcome);
  void OnInterrupted(TrialId trial, const TrialLabel& label);
  void OnStopping(const std::string& why);
  /// A trial waits because other studies use the device; said once a device.
  void OnDeviceInUse(const std::string& device);
  /// Once a turn of the loop.
  void Show(std::int64_t waiting, std::chrono::milliseconds elapsed);

  /// Trials in all as the strategy sees it now.
  void SetPlanned(std::optional<std::int64_t> trials) { state_.planned = trials; }
  [[nodiscard]] StudyResult& result() { return result_; }
  [[nodiscard]] const ProgressState& state() const { return state_; }

 private:
  void NoteBest(const std::string& name, const TrialResult& result);
  void CountFailure(const TrialLabel& label, const std::string& failure);

  std::string objective_;
  ProgressDisplay& display_;
  ProgressState state_;
  StudyResult result_;
  std::set<std::string> in_use_;  ///< devices that OnDeviceInUse has spoken of
};

}  // namespace beamgrid
