// TrainingLoop: the files that a finished trial leaves.

#include <torch/version.h>

#include <algorithm>
#include <limits>

#include "registry/util/files.h"
#include "trainer/training/device.h"
#include "trainer/training/failures.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace {

Artifact Write(FilesTogether& files, const char* name, const char* file, std::string_view content) {
  files.Write(file, content);
  return {.name = name,
          .path = file,
          .bytes = static_cast<std::int64_t>(content.size()),
          .hash = HashBytes(content)};
}

Artifact WriteModel(FilesTogether& files, const ShippedWeights& shipped) {
  const std::vector<char> bytes = shipped.Pickled();
  return Write(files, "model", kModelFile, std::string_view(bytes.data(), bytes.size()));
}

/// Predictions are kept by id. The orchestrator has looked for repeated ones before the first step;
/// who gets here was started by hand, or the files have changed since.
void CheckIds(const Predictions& predictions, const std::string& first_file) {
  const auto repeated = std::ranges::adjacent_find(predictions.videos, {}, &VideoPrediction::id);
  if (repeated == predictions.videos.end()) return;
  throw DataFilesError(first_file + " and the other files of the validation data hold video '" +
                       repeated->id + "' twice; `beamgrid data verify RECIPE` says where");
}

}  // namespace

NamedTensors TrainingLoop::BestWeights() {
  if (ShipsOnly()) return ModelTensors();
  // The last epoch was the best and was trained just now.
  if (predictions_) return average_->Average(ModelTensors());
  const std::filesystem::path path = directory_ / kBestCheckpoint;
  CheckpointReader best(path);
  const JsonReader meta(best.meta(), path.string());
  if (meta.Text("fingerprint") != fingerprint_ ||
      meta.Integer("epoch") != progress_.result.best_epoch) {
    throw Error(path.string() + ": not the best epoch of this trial; delete " +
                std::string(kLastCheckpoint) + " beside it to train again");
  }
  best.ReadInto(ModelTensors());
  return ModelTensors();
}

/// Measures the model as it is, with its shipped weights.
void TrainingLoop::MeasureShipped() {
  Evaluation evaluation = EvaluateNow(static_cast<int>(trial_.predictions_top_k));
  CheckMeasured(evaluation.metrics);
  TrialResult& result = progress_.result;
  result.metrics = evaluation.metrics;
  // A loss with parameters of its own (center) left them with the trial that trained them.
  const bool is_whole = model_->loss().parameters().empty() && model_->loss().buffers().empty();
  result.validate_loss = is_whole ? evaluation.loss : std::numeric_limits<double>::quiet_NaN();
  predictions_ = std::move(evaluation.predictions);
}

TrialResult TrainingLoop::Finish() {
  const ShippedWeights shipped(BestWeights(), ParsePrecision(settings_.precision));
  shipped.CopyTo(ModelTensors());
  if (ShipsOnly()) MeasureShipped();
  // Kept from the last evaluation where the last epoch is the best: that saves a pass over the
  // data.
  if (!predictions_) {
    predictions_ = EvaluateNow(static_cast<int>(trial_.predictions_top_k)).predictions;
  }
  CheckIds(*predictions_, trial_.spec.data.validate.front());
  FilesTogether files(directory_);
  const Artifact predictions =
      Write(files, "predictions", kPredictionsFile, PredictionsBytes(*predictions_));
  const Artifact model = WriteModel(files, shipped);
  TrialResult result = progress_.result;
  result.stopped_early = progress_.epoch < settings_.epochs;
  result.examples_per_second = ExamplesPerSecond();
  result.wall_seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  result.peak_memory_bytes = PeakMemoryBytes(device_);
  result.skipped_records = train_->counts().skipped + validate_->counts().skipped;
  result.device = DeviceName(device_, ArithmeticOf(settings_.arithmetic));
  result.threads = trial_.threads;
  result.program_version = BEAMGRID_VERSION;
  result.libtorch_version = TORCH_VERSION;
  result.artifacts = {model, predictions};
  // The result last: once it is there, everything that it names is.
  files.Write(kResultFile, boost::json::serialize(ToJson(result)) + "\n");
  // The trial's folder and the study's: both may be new, and each must still hold the next one
  // after a power cut, or the result is there and cannot be reached. Those above are the
  // orchestrator's.
  SyncFoldersAbove(directory_, 2);
  files.Finish();
  // Three to five times the model (weights, two moments, up to two averages) and once more, and
  // nothing goes on from them any more. If they stay, only room is lost. The last one first: a last
  // checkpoint whose best one is gone is of no use.
  std::error_code ignored;
  for (const char* checkpoint : {kLastCheckpoint, kBestCheckpoint}) {
    std::filesystem::remove(directory_ / checkpoint, ignored);
  }
  TellEpochs();
  return result;
}

}  // namespace beamgrid::trainer
