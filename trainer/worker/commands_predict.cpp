#include <iostream>
#include <mutex>

#include "registry/added_options.h"
#include "registry/scoring/prediction_stream.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "trainer/data/data_error.h"
#include "trainer/plugin.h"
#include "trainer/training/checkpoint.h"
#include "trainer/training/device.h"
#include "trainer/training/evaluation.h"
#include "trainer/training/open_dataset.h"
#include "trainer/training/shipped_weights.h"
#include "trainer/training/train_settings.h"
#include "trainer/worker/commands.h"
#include "trainer/worker/heartbeat.h"

namespace beamgrid::trainer {
namespace {

PredictRequest ReadRequest(std::istream& in) {
  std::string line;
  std::getline(in, line);
  PredictRequest request = PredictRequestFromJson(ParseJson(line));
  FillInAsBefore(request.spec.model);
  return request;
}

/// Here the device is what the user asks for, and not what a study has begun on.
torch::Device DeviceOf(const PredictRequest& request) {
  try {
    return ParseDevice(request.device);
  } catch (const Error& error) {
    throw UsageError(std::string(error.what()) + "; `--device cpu` predicts without a GPU");
  }
}

/// Builds the trial's model with the weights of the file.
std::shared_ptr<Model> LoadModel(const PredictRequest& request, torch::Device device) {
  for (const NamedFile& plugin : request.spec.model.plugins) LoadPlugin(plugin);
  torch::manual_seed(request.spec.seed);
  auto model = std::make_shared<Model>(request.spec.model, request.spec.data);
  const ShippedWeights weights = ShippedWeights::Read(request.model_file);
  try {
    weights.CopyTo(TensorsOf(*model));
  } catch (const Error& error) {
    throw Error(request.model_file + ": " + error.what());
  }
  model->to(device);
  return model;
}

/// LivingStream is the stream of predictions with signs of life between them, for as long as the
/// model moves.
class LivingStream {
 public:
  LivingStream(std::ostream& out, const PredictRequest& request)
      : out_(out),
        writer_(out),
        heartbeat_({.work = "prediction",
                    .interval_seconds = request.heartbeat_seconds,
                    .stall_seconds = request.stall_seconds,
                    .on_beat = [this] { Beat(); },
                    .on_stall =
                        [](const std::string& why) {
                          std::cerr << "beamgrid-trainer: " << why << std::endl;
                        }}) {}

  /// Says that the data are open: from here on the model is watched.
  void Begin() { heartbeat_.Tick(); }
  void Add(const VideoPrediction& video) {
    const std::scoped_lock lock(mutex_);
    writer_.Add(video);
    if (!out_) throw Error("nobody reads the predictions any more");
    heartbeat_.Tick();
  }
  /// False where nobody read it to its end.
  [[nodiscard]] bool Finish(std::int64_t skipped) {
    const std::scoped_lock lock(mutex_);
    writer_.Finish(skipped);
    return static_cast<bool>(out_);
  }

 private:
  void Beat() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock) return writer_.SayAlive();
    // Who reads is slow, an ensemble waits for its slowest member: that is no standstill.
    heartbeat_.Tick();
  }

  std::mutex mutex_;  ///< of the two below
  std::ostream& out_;
  PredictionWriter writer_;
  HeartbeatThread heartbeat_;  ///< last: it uses the members above
};

/// Calls `read`. A record that does not fit [data] is told with whose [data] that is: who predicts
/// has no recipe at hand, and cannot change what the model takes.
template <typename Read>
void AsOfTheModel(const Read& read) {
  try {
    read();
  } catch (const DataError& error) {
    if (error.fault() != DataFault::kContradiction) throw;
    throw DataError(error.fault(), error.file(), error.offset(),
                    error.reason() +
                        "; [data] is that of the model's recipe: predict takes records as those "
                        "that it was trained on");
  }
}

}  // namespace

int PredictCommand(std::istream& in, std::ostream& out) {
  const PredictRequest request = ReadRequest(in);
  LivingStream stream(out, request);
  const torch::Device device = DeviceOf(request);
  PrepareProcess(request.threads);
  const std::shared_ptr<Model> model = LoadModel(request, device);
  // The same batches as in training: in others a matrix product may sum in another order.
  const auto settings = ReadOptions<TrainSettings>(request.spec.model.train);
  std::int64_t skipped = 0;
  AsOfTheModel([&] {
    const auto dataset =
        OpenDataset(request.spec.data, request.spec.data.validate, LabelPolicy::kIgnored);
    stream.Begin();
    Predict(
        *model, *dataset, request.spec.data.classes,
        {.batch_size = settings.batch, .device = device, .top_k = static_cast<int>(request.top_k)},
        [&](const VideoPrediction& video) { stream.Add(video); });
    skipped = dataset->counts().skipped;
  });
  const bool was_read = stream.Finish(skipped);
  return static_cast<int>(was_read ? TrainerExit::kDone : TrainerExit::kBroken);
}

}  // namespace beamgrid::trainer
