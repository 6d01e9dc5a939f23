#pragma once
// What became of an attempt and what a finished trial measured. Stored in the database and in
// result.json.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "registry/scoring/metrics.h"

namespace beamgrid {

/// Stored in the database by name: never rename.
enum class TrialState { kWaiting, kRunning, kComplete, kPruned, kFailed };
[[nodiscard]] std::string ToString(TrialState state);
[[nodiscard]] TrialState TrialStateFromString(const std::string& text);

/// Why an attempt did not complete. Stored in the database by name: never rename.
enum class FailureKind {
  kCrashed,      ///< died by a signal or with an unknown exit code
  kOutOfMemory,  ///< host or device memory
  kDiverged,     ///< loss or weights not finite
  kTimedOut,     ///< exceeded resources.timeout
  kHung,         ///< no heartbeat
  kBadSpec,      ///< the trainer refused the trial
  kBadData,      ///< damaged record, missing feature, label beyond classes
  kStartFailed,  ///< the worker could not be started
  kEnvironment,  ///< disk full, folder not writable, no descriptors left: the machine's fault
  kInterrupted,  ///< stopped with the study; goes on from its checkpoint and never counts as a try
};
[[nodiscard]] std::string ToString(FailureKind kind);
[[nodiscard]] FailureKind FailureKindFromString(const std::string& text);
/// Whether the machine is the cause, so that any other trial would fail in the same way: it costs
/// the trial no try, and the study stops until somebody has mended it.
[[nodiscard]] bool IsMachineFault(FailureKind kind);

struct EpochResult {
  std::int64_t epoch = 0;  ///< 1-based
  double train_loss = 0;   ///< mean over the epoch, sum over classes
  double validate_loss = 0;
  Metrics metrics;
};

/// A file of a finished attempt, relative to the attempt's directory.
struct Artifact {
  std::string name;  ///< "model", "predictions"
  std::string path;
  std::int64_t bytes = 0;
  std::string hash;  ///< XXH3-128, hex
  /// When `prune` deleted the file, ISO-8601 UTC; empty: it is kept. Known to the record only.
  std::string pruned_at = {};
};

/// What a complete trial measured (result.json).
struct TrialResult {
  Metrics metrics;  ///< of the best epoch by the trial's objective
  double validate_loss = 0;
  std::int64_t best_epoch = 0;
  std::vector<EpochResult> epochs;
  bool stopped_early = false;  ///< the objective had not improved for train.patience epochs
  std::int64_t parameters = 0;
  std::int64_t size_bytes = 0;
  std::int64_t examples = 0;       ///< trained on, over all attempts
  double examples_per_second = 0;  ///< training only, of the last attempt
  double wall_seconds = 0;         ///< of the last attempt
  std::int64_t peak_memory_bytes = 0;
  std::int64_t skipped_records = 0;
  std::string device;  ///< "cpu MODEL, OpenBLAS SkylakeX" or "cuda:0 NVIDIA H200"
  std::int64_t threads = 1;
  std::string program_version;
  std::string libtorch_version;
  std::vector<Artifact> artifacts;
};

/// Why an attempt left no result.
struct AttemptFailure {
  FailureKind kind = FailureKind::kCrashed;
  std::string message;   ///< one line
  std::string log_tail;  ///< last lines of the worker's log
};

/// How an attempt ended: with a result or with a failure.
struct AttemptOutcome {
  std::variant<TrialResult, AttemptFailure> end;
  int exit_code = 0;  ///< the worker's exit status, or -signal

  [[nodiscard]] bool complete() const { return std::holds_alternative<TrialResult>(end); }
  /// Only of a complete attempt.
  [[nodiscard]] const TrialResult& result() const { return std::get<TrialResult>(end); }
  [[nodiscard]] TrialResult& result() { return std::get<TrialResult>(end); }
  /// Only of one that is not.
  [[nodiscard]] const AttemptFailure& failure() const { return std::get<AttemptFailure>(end); }
};

}  // namespace beamgrid
