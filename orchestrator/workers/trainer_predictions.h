#pragma once
// A finished model at work on record files: its predictions, video by video, from a
// `beamgrid-trainer predict` that runs beside us.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "registry/model_spec.h"
#include "registry/scoring/predictions.h"

namespace beamgrid {

/// PredictingModel is a finished trial and what it is to predict for.
struct PredictingModel {
  TrialSpec spec;              ///< data.validate are the files to predict for
  std::filesystem::path file;  ///< its model.pt
  std::string device = "cpu";
  std::int64_t threads = 1;
  std::chrono::milliseconds silence{60'000};  ///< a trainer that says nothing for so long hangs
  double heartbeat_seconds = 2;               ///< how often it is to say that it lives
  double stall_seconds = 600;                 ///< one without a batch for so long gives itself up
};

/// TrainerPredictions is the predictions of a model, with lists as long as those of a trial's own
/// predictions file; on the files, device and threads that its trial was evaluated on, to the last
/// bit. The trainer ends with this object. Not thread-safe.
class TrainerPredictions {
 public:
  /// Starts the trainer without waiting for it. Throws Error where it cannot be started.
  TrainerPredictions(const std::filesystem::path& trainer, const PredictingModel& model);
  ~TrainerPredictions();

  /// Replaces `video` by the next one, in the order of the files; false behind the last. Throws
  /// InputError where the files are not such as the model takes, UsageError where the trainer
  /// refuses the device or the model, Error with its last words where it fails otherwise or hangs.
  [[nodiscard]] bool Next(VideoPrediction& video);
  /// Kills the trainer: Next, which may be waiting in another thread or below a signal handler,
  /// then throws. May be called from a signal handler.
  void Stop() const;
  /// The number of records that were skipped as damaged; known behind the last video.
  [[nodiscard]] std::int64_t skipped() const;

 private:
  struct Process;
  std::unique_ptr<Process> process_;
};

}  // namespace beamgrid
