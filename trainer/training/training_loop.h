#pragma once
// One trial: epochs of training, evaluation after each, checkpoints, and the files of the result.
//
// Same spec, seed, data, kind of device and number of threads: the same numbers to the last bit,
// also where the trial was stopped anywhere and goes on from its last checkpoint. What the process
// shares (threads, determinism of the kernels, handling of denormals) is set by PrepareProcess.
//
// Three sets of weights: the model's own, which are trained; their average (WeightAverage), which
// best.checkpoint holds; and that average as it is shipped (ShippedWeights), with which every
// evaluation is done, so that metrics, best epoch, predictions.bin and model.pt agree. Where
// nothing is averaged and fp32 is shipped the three are one.
//
// A trial of 0 epochs is another one's weights (spec.warm_start) in another precision: it is
// measured and shipped, and its best epoch is 0.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "registry/outcome.h"
#include "trainer/data/batches.h"
#include "trainer/protocol/protocol.h"
#include "trainer/training/checkpoint.h"
#include "trainer/training/evaluation.h"
#include "trainer/training/input.h"
#include "trainer/training/model.h"
#include "trainer/training/optimiser.h"
#include "trainer/training/train_settings.h"
#include "trainer/training/weight_average.h"

namespace beamgrid::trainer {

/// Trains on one batch, which is what a trial spends its time on: examples mixed where settings.mix
/// says so, forward in settings.arithmetic, the loss with batch.teacher's share of
/// settings.teacher_weight, backward, L2 and the extras' work on the gradients in the order that
/// settings.l2_clipped says, the optimiser. The model must be in training mode. Returns the loss
/// before the step, a scalar on the device, detached.
torch::Tensor TrainStep(Model& model, Optimiser& optimiser, const DeviceBatch& batch,
                        const TrainSettings& settings, double learning_rate);

/// LoopHooks is how a training loop reaches the world around it: whom it tells, whom it asks
/// whether to stop, and how often it does so. All are called on the thread that trains.
struct LoopHooks {
  std::function<void(const Message&)> report;        ///< may be empty
  std::function<void(const std::string&)> log;       ///< lines for people; may be empty
  std::function<bool()> stop_requested;              ///< asked after each batch; may be empty
  std::chrono::milliseconds progress_interval{500};  ///< least time between two Progress messages
  std::chrono::milliseconds checkpoint_interval{60000};  ///< least time between two inside an epoch
};

/// TrainingLoop carries one trial from its initial weights, or from its last checkpoint, to its
/// result. Not thread-safe; owned by the thread that trains.
class TrainingLoop {
 public:
  /// Opens the data and builds the model, then goes on from `directory`'s last checkpoint or from
  /// trial.resume_from if there is one of this very trial; a damaged one is reported and ignored.
  /// Throws SpecError, std::invalid_argument (options), Error and DataError.
  TrainingLoop(const TrialFile& trial, std::filesystem::path directory, LoopHooks hooks);

  /// Trains to the end, writes the result's files, result.json last. Throws Diverged, DataError,
  /// Error; after a checkpoint was written Interrupted, or Paused after trial.until_epoch.
  TrialResult Run();

  /// Writes last.checkpoint. Run does so after each epoch but the last, whose result follows, in
  /// between and when it is stopped.
  void SaveLast();

  [[nodiscard]] Model& model() { return *model_; }
  /// The number of examples trained on so far, over all attempts; an example counts in each epoch.
  [[nodiscard]] std::int64_t examples() const { return progress_.result.examples; }

 private:
  using Clock = std::chrono::steady_clock;

  /// Progress says where the trial stands; all of it is in the last checkpoint.
  struct Progress {
    std::int64_t epoch = 0;           ///< 0-based, the one being trained
    std::int64_t position = 0;        ///< examples of the epoch's order that are behind us
    std::int64_t epoch_examples = 0;  ///< those of them that were trained on, not skipped
    TrialResult result;               ///< epochs so far, best epoch, examples
  };

  /// True where nothing is trained: the weights of the trial that this one starts from are measured
  /// and shipped in this one's precision.
  [[nodiscard]] bool ShipsOnly() const { return settings_.epochs == 0; }
  void StartAfresh();
  void Resume();
  void ResumeFrom(const std::filesystem::path& last);
  [[nodiscard]] NamedTensors ModelTensors() const;

  void TrainEpoch();
  void Step(const Batch& batch);
  void AfterStep();
  void CheckFinite() const;
  void CheckWeights() const;
  void EvaluateEpoch();
  /// Reports the epochs that have not been reported in this run.
  void TellEpochs();
  void CheckMeasured(const Metrics& metrics) const;
  [[nodiscard]] Evaluation EvaluateNow(int top_k);
  /// Evaluates with the weights that would be shipped now; afterwards the model has its own again.
  [[nodiscard]] Evaluation EvaluateAsShipped(int top_k);
  /// True when `patience` epochs have passed without a better one. The answer follows from
  /// `progress_` alone, so that a trial that is resumed after it stopped early does not train on.
  [[nodiscard]] bool IsOutOfPatience() const;
  /// True at the end of the epoch after which the trial is to pause.
  [[nodiscard]] bool IsToPause() const;

  /// The best epoch's weights, averaged but not yet rounded: the model's own, or read into it.
  [[nodiscard]] NamedTensors BestWeights();
  void MeasureShipped();
  [[nodiscard]] TrialResult Finish();

  void ReportProgress();
  [[nodiscard]] double ExamplesPerSecond() const;
  void Report(const Message& message) const;
  void Log(const std::string& line) const;

  TrialFile trial_;
  std::filesystem::path directory_;
  LoopHooks hooks_;
  TrainSettings settings_;
  torch::Device device_;
  std::string fingerprint_;
  std::unique_ptr<Dataset> train_, validate_;
  std::unique_ptr<Teacher> teacher_;  ///< null where it learns from the truth alone
  const Metric* objective_;
  std::shared_ptr<Model> model_;
  std::unique_ptr<Optimiser> optimiser_;
  std::unique_ptr<WeightAverage> average_;
  Progress progress_;
  torch::Tensor loss_sum_;  ///< scalar double on the device: sum over the examples of this epoch
  std::optional<Predictions> predictions_;  ///< those of the last epoch, if that is the best one

  Clock::time_point started_, next_progress_, next_checkpoint_;
  Clock::duration training_time_{};
  std::int64_t trained_here_ = 0;  ///< examples trained on by this process
  std::int64_t steps_here_ = 0;    ///< training steps made by this process
  std::size_t epochs_told_ = 0;    ///< epochs of the result that this process has reported
};

}  // namespace beamgrid::trainer
