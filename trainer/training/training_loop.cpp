#include "trainer/training/training_loop.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "registry/util/cache_folder.h"
#include "registry/util/words.h"
#include "trainer/label_statistics.h"
#include "trainer/products.h"
#include "trainer/training/device.h"
#include "trainer/training/mixing.h"
#include "trainer/training/open_dataset.h"
#include "trainer/training/warm_start.h"

namespace beamgrid::trainer {
namespace {

/// On a GPU reading the loss waits for the device, so the sum of the losses is looked at in every
/// 50th step only. A NaN or infinity stays in the sum: it is found late, never missed.
constexpr std::int64_t kStepsBetweenChecks = 50;

/// Looked up when the trial begins: an unknown word is refused before the first epoch's training.
const Metric* Objective(const std::string& name) {
  const Metric* found = FindMetric(name);
  if (found != nullptr) return found;
  throw SpecError("objective = " + name + ": " + RefusalOf(name, MetricNames()));
}

/// KeptValues puts back, when it is destroyed, the values that the tensors had when it was made.
/// They are copies: an evaluation that throws must not leave the shipped weights to train on with.
class KeptValues {
 public:
  explicit KeptValues(NamedTensors tensors) : tensors_(std::move(tensors)) {
    for (const auto& [name, tensor] : tensors_) values_.push_back(tensor.clone());
  }
  ~KeptValues() {
    try {
      const torch::NoGradGuard no_gradient;
      for (std::size_t i = 0; i < values_.size(); ++i) tensors_[i].second.copy_(values_[i]);
    } catch (const c10::Error&) {
      // Only a broken device refuses, and does so again where it can be reported.
    }
  }
  KeptValues(const KeptValues&) = delete;
  KeptValues& operator=(const KeptValues&) = delete;

 private:
  NamedTensors tensors_;
  std::vector<torch::Tensor> values_;
};

/// The loss of a batch, with products in the settings' arithmetic.
torch::Tensor ForwardLoss(Model& model, const MixedBatch& batch, const TrainSettings& settings) {
  const ProductsIn arithmetic(ArithmeticOf(settings.arithmetic));
  const ModelOutput output = model.forward(batch.input, batch.targets.front());
  return model.TotalLoss(output, batch.targets, {batch.teachers, settings.teacher_weight});
}

}  // namespace

torch::Tensor TrainStep(Model& model, Optimiser& optimiser, const DeviceBatch& batch,
                        const TrainSettings& settings, double learning_rate) {
  const MixedBatch mixed = Mix(batch, settings.mix);
  const torch::Tensor loss = ForwardLoss(model, mixed, settings);
  optimiser.DropGradients();
  loss.backward();
  if (settings.l2_clipped) optimiser.AddL2();
  model.OnGradients();
  if (!settings.l2_clipped) optimiser.AddL2();
  optimiser.Step(learning_rate);
  // Detached: the epoch's sum of losses would otherwise grow a graph of all its steps.
  return loss.detach();
}

TrainingLoop::TrainingLoop(const TrialFile& trial, std::filesystem::path directory, LoopHooks hooks)
    : trial_(trial),
      directory_(std::move(directory)),
      hooks_(std::move(hooks)),
      settings_(ReadOptions<TrainSettings>(trial.spec.model.train)),
      device_(ParseDevice(trial.device)),
      fingerprint_(Fingerprint(trial.spec)),
      train_(OpenDataset(trial.spec.data, trial.spec.data.train, LabelPolicy::kRequired)),
      validate_(OpenDataset(trial.spec.data, trial.spec.data.validate, LabelPolicy::kRequired)),
      teacher_(OpenTeacher(trial.spec.model, trial.spec.data)),
      objective_(Objective(trial.spec.objective)),
      started_(Clock::now()) {
  if (ShipsOnly() && trial.spec.warm_start.empty()) {
    throw SpecError(
        "train.epochs = 0 ships another trial's weights as they are, and there is none to start "
        "from (train.from)");
  }
  StartAfresh();
  Resume();
  // Only where no checkpoint was found: its weights have moved on from the other trial's.
  if (progress_.result.examples == 0) StartFrom(trial_, ModelTensors(), hooks_.log);
}

void TrainingLoop::StartAfresh() {
  // First of all: initial weights, and later dropout and sampling, draw from this generator. Here
  // and not in the constructor, because a damaged checkpoint may have been read half already.
  torch::manual_seed(trial_.spec.seed);
  const TrainingLabels labels(trial_.spec.data);
  model_ = std::make_shared<Model>(trial_.spec.model, trial_.spec.data, &labels);
  if (model_->normalisation().standardises()) {
    model_->normalisation().SetStatistics(TrainingStatistics(trial_.spec.data, CacheFolder()));
  }
  model_->to(device_);
  model_->loss().to(device_);
  optimiser_ = std::make_unique<Optimiser>(settings_, model_->named_parameters().pairs(),
                                           model_->RegularisedWeights());
  average_ = std::make_unique<WeightAverage>(settings_, ModelTensors());
  // Double: an epoch of millions of examples with losses of tens reaches 1e8, where a float's
  // neighbours are 8 apart.
  loss_sum_ = torch::zeros({}, torch::TensorOptions(device_).dtype(torch::kDouble));
  progress_ = {};
  progress_.result.parameters = model_->ParameterCount();
  progress_.result.size_bytes = model_->SizeBytes();
}

TrialResult TrainingLoop::Run() {
  started_ = Clock::now();
  next_progress_ = started_;
  next_checkpoint_ = started_ + hooks_.checkpoint_interval;
  Report(Started{.pid = ::getpid(),
                 .parameters = progress_.result.parameters,
                 .size_bytes = progress_.result.size_bytes,
                 .epochs = settings_.epochs,
                 .train_examples = train_->Size(),
                 .resumed_examples = progress_.result.examples});
  TellEpochs();
  if (ArithmeticOf(settings_.arithmetic) == Arithmetic::kBf16 && !MultipliesBf16(device_)) {
    Log("train.arithmetic = bf16: " + device_.str() +
        " does not multiply bf16 itself (a CPU needs avx512_bf16, a GPU compute capability "
        "8.0), so this is not faster than fp32");
  }
  try {
    while (progress_.epoch < settings_.epochs && !IsOutOfPatience()) {
      // Before any step: one that goes on from a checkpoint may be as far already, with the epoch
      // told above.
      if (IsToPause()) throw Paused(progress_.epoch, settings_.epochs);
      TrainEpoch();
      EvaluateEpoch();
    }
    if (progress_.epoch < settings_.epochs) {
      Log("stops after epoch " + std::to_string(progress_.epoch) + ": epoch " +
          std::to_string(progress_.result.best_epoch) + " is still the best");
    }
    return Finish();
  } catch (const Paused&) {
    throw;  // at the end of an epoch, whose checkpoint is written
  } catch (const Interrupted&) {
    // The batch at hand is finished, or the evaluation is dropped: both are places to go on from,
    // unless the steps since the last look at the loss have spoilt it.
    CheckFinite();
    SaveLast();
    throw;
  }
}

void TrainingLoop::TrainEpoch() {
  model_->train();
  Batches batches(*train_, {.batch_size = settings_.batch,
                            .seed = static_cast<std::uint64_t>(trial_.spec.seed)});
  batches.Start(progress_.epoch, progress_.position);
  // Of an epoch that was begun elsewhere nobody knows.
  bool weighs = progress_.position > 0;
  auto begin = Clock::now();
  for (Batch batch; batches.Next(batch);) {
    weighs = weighs || batch.video_weights.empty() ||
             std::ranges::any_of(batch.video_weights, [](float weight) { return weight > 0; });
    Step(batch);
    const auto end = Clock::now();
    // Waiting for the batch counts, a checkpoint does not: examples_per_second is to tell how fast
    // the model trains from these files.
    training_time_ += end - begin;
    AfterStep();
    begin = Clock::now();
  }
  if (progress_.epoch_examples == 0) {
    throw DataFilesError("the training data hold no sound record: all " +
                         std::to_string(train_->Size()) + " were skipped as damaged");
  }
  if (!weighs) {
    throw DataFilesError("nothing to train on: all training examples weigh 0 ('" +
                         trial_.spec.data.video_weight + "', data.video_weight)");
  }
  // A step's loss is from before its update, so what the last update did shows in the weights only.
  CheckFinite();
  CheckWeights();
}

void TrainingLoop::Step(const Batch& batch) {
  const std::int64_t classes = trial_.spec.data.classes;
  DeviceBatch on_device = ToDevice(batch, classes, device_, model_->normalisation());
  if (teacher_) on_device.teacher = TeacherMatrix(*teacher_, batch, classes, device_);
  const torch::Tensor loss = TrainStep(*model_, *optimiser_, on_device, settings_,
                                       LearningRate(settings_, progress_.result.examples));
  if (average_->OfSteps()) average_->AfterStep(ModelTensors());
  // On the device, without asking for the value. Times the batch's size: the last batch of an epoch
  // is smaller, and the mean is over examples.
  loss_sum_.add_(loss.to(torch::kDouble), static_cast<double>(batch.Size()));
  progress_.epoch_examples += batch.Size();
  progress_.result.examples += batch.Size();
  // Not position + Size(): skipped records are behind us too.
  progress_.position = batch.next_position;
  trained_here_ += batch.Size();
  ++steps_here_;
}

void TrainingLoop::AfterStep() {
  const auto now = Clock::now();
  const bool checkpoint_due = now >= next_checkpoint_;
  // Always before a checkpoint: what goes on from one with NaN in it can only diverge.
  if (device_.is_cpu() || steps_here_ % kStepsBetweenChecks == 0 || checkpoint_due) CheckFinite();
  if (now >= next_progress_) ReportProgress();
  // Before the checkpoint that is due: being stopped writes one, and two would take twice as long.
  if (hooks_.stop_requested && hooks_.stop_requested()) throw Interrupted();
  if (checkpoint_due) SaveLast();
}

void TrainingLoop::CheckFinite() const {
  if (std::isfinite(loss_sum_.item<double>())) return;
  throw Diverged("the training loss is not finite in epoch " + std::to_string(progress_.epoch + 1) +
                 " after " + std::to_string(progress_.result.examples) +
                 " examples; try a lower learning_rate or extras.gradient_clip");
}

void TrainingLoop::CheckWeights() const {
  for (const auto& item : model_->named_parameters()) {
    // The sum is finite only if every weight is, and costs one pass and one value to fetch.
    if (torch::isfinite(item.value().detach().sum()).item<bool>()) continue;
    throw Diverged("the weights of " + item.key() + " are not finite after epoch " +
                   std::to_string(progress_.epoch + 1) +
                   "; try a lower learning_rate or extras.gradient_clip");
  }
}

void TrainingLoop::EvaluateEpoch() {
  const bool last_epoch = progress_.epoch + 1 == settings_.epochs;
  // An evaluation that is interrupted is repeated after a resumption, so this may come twice for an
  // epoch; the average then does nothing.
  average_->AfterEpoch(progress_.epoch + 1, ModelTensors());
  Evaluation evaluation =
      EvaluateAsShipped(last_epoch ? static_cast<int>(trial_.predictions_top_k) : 0);
  CheckMeasured(evaluation.metrics);
  TrialResult& result = progress_.result;
  EpochResult epoch{
      .epoch = progress_.epoch + 1,
      .train_loss = loss_sum_.item<double>() / static_cast<double>(progress_.epoch_examples),
      .validate_loss = evaluation.loss,
      .metrics = evaluation.metrics};
  result.epochs.push_back(epoch);
  // Greater, not as great: of equal epochs the first stays, which was written already.
  if (result.best_epoch == 0 ||
      ObjectiveOf(epoch.metrics, objective_) > ObjectiveOf(result.metrics, objective_)) {
    result.best_epoch = epoch.epoch;
    result.metrics = epoch.metrics;
    result.validate_loss = epoch.validate_loss;
    if (last_epoch) {
      predictions_ = std::move(evaluation.predictions);
    } else {
      // Before the last checkpoint, which names the best epoch and must find it here. A process
      // that dies between the two trains this epoch again, to the same bits, and writes the same
      // file.
      WriteCheckpoint(directory_ / kBestCheckpoint,
                      {{"fingerprint", fingerprint_}, {"epoch", epoch.epoch}},
                      average_->Average(ModelTensors()));
    }
  }
  ++progress_.epoch;
  progress_.position = 0;
  progress_.epoch_examples = 0;
  loss_sum_.zero_();
  // Finish follows, and the result tells of the last epoch.
  if (last_epoch) return;
  // Saved before it is told: what was reported once must not come out otherwise after a crash.
  SaveLast();
  TellEpochs();
}

void TrainingLoop::TellEpochs() {
  const std::vector<EpochResult>& epochs = progress_.result.epochs;
  for (; epochs_told_ < epochs.size(); ++epochs_told_) {
    Report(Evaluated{.epoch = epochs[epochs_told_], .earlier = trained_here_ == 0});
  }
}

void TrainingLoop::CheckMeasured(const Metrics& metrics) const {
  // The orchestrator has looked at all data before it starts a trial; who gets here was started by
  // hand, or the files have changed since.
  if (std::isfinite(ObjectiveOf(metrics, objective_))) return;
  throw DataFilesError(
      trial_.spec.data.validate.front() + ": " + objective_->name +
      " cannot be measured on the validation data: " + std::to_string(metrics.videos) +
      " videos can be used, " + std::to_string(validate_->counts().skipped) +
      " records were skipped, and no class is shown in the rest");
}

Evaluation TrainingLoop::EvaluateNow(int top_k) {
  return Evaluate(*model_, *validate_, trial_.spec.data.classes,
                  {.batch_size = settings_.batch,
                   .device = device_,
                   .top_k = top_k,
                   .stop_requested = hooks_.stop_requested});
}

Evaluation TrainingLoop::EvaluateAsShipped(int top_k) {
  const Precision precision = ParsePrecision(settings_.precision);
  // The usual case: the weights are shipped as they are, so no copy of the model is needed.
  if (!average_->IsOn() && precision == Precision::kFp32) return EvaluateNow(top_k);
  const NamedTensors weights = ModelTensors();
  const KeptValues kept(weights);
  ShippedWeights(average_->Average(weights), precision).CopyTo(weights);
  return EvaluateNow(top_k);
}

bool TrainingLoop::IsOutOfPatience() const {
  const std::int64_t epochs_since_best = progress_.epoch - progress_.result.best_epoch;
  return settings_.patience > 0 && epochs_since_best >= settings_.patience;
}

bool TrainingLoop::IsToPause() const {
  return trial_.until_epoch > 0 && progress_.epoch >= trial_.until_epoch;
}

void TrainingLoop::ReportProgress() {
  next_progress_ = Clock::now() + hooks_.progress_interval;
  Report(beamgrid::Progress{
      .epoch = progress_.epoch + 1,
      .examples = progress_.result.examples,
      .total_examples = settings_.epochs * train_->Size(),
      .loss = loss_sum_.item<double>() / static_cast<double>(progress_.epoch_examples),
      .examples_per_second = ExamplesPerSecond()});
}

double TrainingLoop::ExamplesPerSecond() const {
  const double seconds = std::chrono::duration<double>(training_time_).count();
  return seconds > 0 ? static_cast<double>(trained_here_) / seconds : 0;
}

void TrainingLoop::Report(const Message& message) const {
  if (hooks_.report) hooks_.report(message);
}

void TrainingLoop::Log(const std::string& line) const {
  if (hooks_.log) hooks_.log(line);
}

}  // namespace beamgrid::trainer
