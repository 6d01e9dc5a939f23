#pragma once
// What orchestrator and worker say to each other. Torch-free: both programs link it.
//
// An attempt is a directory. The orchestrator writes `trial.json` there and has a worker carry it
// out, whose JSON lines it reads; what the worker logs goes to `worker.log`. The worker leaves
// `last.checkpoint` and `best.checkpoint` to go on from while it is not done, then `model.pt` (the
// shipped weights), `predictions.bin` and, last and by rename, `result.json`, with which the
// checkpoints go. If message and file disagree, the file decides. While it works in the directory
// the worker holds a lock on `worker.lock` (fcntl's F_SETLK: the system says whose it is, and takes
// it back however the worker ends).
//
// A worker is `beamgrid-trainer train DIRECTORY`, which ends with its attempt, or
// `beamgrid-trainer serve`, which reads directories from stdin, one a line: after an attempt that
// went well it is as new again, says `ready` and nothing more until the next line; after any
// failure, and where it cannot be as new, it ends as `train` does. It also ends with its stdin. An
// attempt may be carried out by a copy of it, which then holds the lock and says its own pid.

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "registry/model_spec.h"
#include "registry/outcome.h"
#include "registry/util/files.h"  // WriteFileAtomically, ReadFile, HashFile

namespace beamgrid {

inline constexpr char kTrialFile[] = "trial.json";
inline constexpr char kResultFile[] = "result.json";
inline constexpr char kWorkerLog[] = "worker.log";
inline constexpr char kWorkerLock[] = "worker.lock";
inline constexpr char kLastCheckpoint[] = "last.checkpoint";
inline constexpr char kBestCheckpoint[] = "best.checkpoint";
inline constexpr char kModelFile[] = "model.pt";
inline constexpr char kPredictionsFile[] = "predictions.bin";

/// TrialFile is trial.json, all that a worker is told of an attempt. It can be replayed by hand
/// with `beamgrid-trainer train DIRECTORY`.
struct TrialFile {
  std::string study;
  std::string name;
  std::string fingerprint;
  TrialSpec spec;
  std::int64_t attempt = 1;
  std::string device = "cpu";  ///< "cpu" | "cuda:N"
  std::int64_t threads = 1;
  std::string resume_from;  ///< path of a last.checkpoint of an earlier attempt, or empty
  std::int64_t until_epoch =
      0;  ///< pause after this epoch, checkpoint written; 0: train to the end
  /// Path of the model.pt to start from, where spec.warm_start names a trial; else empty.
  std::string warm_start_model;
  std::string warm_start_hash;           ///< XXH3-128 of that file, as the record holds it
  std::int64_t predictions_top_k = 100;  ///< labels a video in predictions.bin
  double heartbeat_seconds = 2;          ///< time between two Heartbeats
  /// A worker whose training finishes no batch for so long gives itself up as hung; 0: never.
  double stall_seconds = 600;
};
[[nodiscard]] boost::json::object ToJson(const TrialFile& trial);
/// Reads a trial.json. Throws std::invalid_argument naming the key that is missing, of a wrong type
/// or out of range, as does TrialResultFromJson.
[[nodiscard]] TrialFile TrialFileFromJson(const boost::json::value& json);

/// PredictRequest is what `beamgrid-trainer predict` is asked on its standard input.
struct PredictRequest {
  TrialSpec spec;          ///< of the trial; data.validate are the files to predict for
  std::string model_file;  ///< path of its model.pt
  std::string device = "cpu";
  std::int64_t threads = 1;
  std::int64_t top_k = 100;      ///< labels a video
  double heartbeat_seconds = 2;  ///< time between two signs of life
  double stall_seconds = 600;    ///< longest time between two batches; 0: any
};
[[nodiscard]] boost::json::object ToJson(const PredictRequest& request);
/// Throws std::invalid_argument as TrialFileFromJson.
[[nodiscard]] PredictRequest PredictRequestFromJson(const boost::json::value& json);

/// TrialResult as result.json. A number that is not finite is written as null and read back as NaN.
[[nodiscard]] boost::json::object ToJson(const TrialResult& result);
[[nodiscard]] TrialResult TrialResultFromJson(const boost::json::value& json);

/// Exit codes of beamgrid-trainer. Part of the protocol: never renumber.
enum class TrainerExit : int {
  kDone = 0,
  kBroken = 1,  ///< environment: disk, files
  kBadSpec = 2,
  kOutOfMemory = 3,
  kDiverged = 4,
  kBadData = 5,
  kInterrupted = 130,
};

// Messages, one JSON object a line, {"type": ...}.

/// Started says that data and model are ready and the training begins.
struct Started {
  std::int64_t pid = 0, parameters = 0, size_bytes = 0, epochs = 0, train_examples = 0;
  std::int64_t resumed_examples = 0;  ///< already trained on, from the checkpoint
};
/// Progress says how far the training is: `epoch` is 1-based, `loss` the mean over the epoch so
/// far.
struct Progress {
  std::int64_t epoch = 0, examples = 0, total_examples = 0;  ///< examples over the whole trial
  double loss = 0, examples_per_second = 0;
};
/// Evaluated says what an epoch came to. A worker that goes on from a checkpoint says so of all
/// epochs before it too, for an attempt that was killed may not have been heard.
struct Evaluated {
  EpochResult epoch;
  bool earlier = false;  ///< ended before this attempt began
};
/// Heartbeat says that the worker lives and its training moves.
struct Heartbeat {};
/// Finished says that result.json is in place.
struct Finished {};
/// Failed says why there is no result, in one line.
struct Failed {
  FailureKind kind = FailureKind::kCrashed;
  std::string message;
};
/// Ready says, in `serve`, that the attempt is over and the worker takes another.
struct Ready {};
using Message = std::variant<Started, Progress, Evaluated, Heartbeat, Finished, Failed, Ready>;

/// The message as one line without the newline.
[[nodiscard]] std::string ToLine(const Message& message);
/// The message that a line holds, or nothing if it is none of ours. Never throws: a worker's stdout
/// is input like any other.
[[nodiscard]] std::optional<Message> MessageFromLine(std::string_view line);

}  // namespace beamgrid
