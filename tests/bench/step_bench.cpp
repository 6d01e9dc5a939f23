// Seconds per training step of a model at the papers' widths, on random data. The other half of
// step_vs_pytorch.py, which runs it beside the same model in Python.
//
//   step_bench MODEL BATCH FRAMES STEPS THREADS [DEVICE]     MODEL: blstm_moe2 | moe4
//
// DEVICE: cpu (default) or cuda:N. A step ends when its loss is back on the host.
//
// Prints one JSON line {"model", "seconds": [per step, the first left out], "loss"}.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <random>

#include "tests/trainer/trial.h"
#include "trainer/training/device.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace {

using Clock = std::chrono::steady_clock;

Batch RandomBatch(const DataSpec& data, std::int64_t videos, std::int64_t frames) {
  constexpr int kLabels = 3;
  Batch batch{.longest = frames, .width = 1152};
  std::mt19937 random(1);
  batch.label_offsets.push_back(0);
  for (std::int64_t video = 0; video < videos; ++video) {
    batch.ids.push_back(std::to_string(video));
    batch.lengths.push_back(frames);
    for (int i = 0; i < kLabels; ++i) {
      batch.labels.push_back(static_cast<std::int32_t>(random() % 1000) + 1000 * i);
    }
    batch.label_offsets.push_back(static_cast<std::int64_t>(batch.labels.size()));
  }
  if (data.format == "video") {
    std::normal_distribution<float> normal;
    batch.features.resize(static_cast<std::size_t>(videos * batch.width));
    std::ranges::generate(batch.features, [&] { return normal(random); });
  } else {
    batch.frames.resize(static_cast<std::size_t>(videos * frames * batch.width));
    std::ranges::generate(batch.frames, [&] { return static_cast<std::uint8_t>(random()); });
  }
  return batch;
}

ModelSpec Spec(const std::string& name) {
  if (name == "moe4") return MakeModel({.parts = {{"classifier", {"moe", {{"experts", 4}}}}}});
  if (name != "blstm_moe2") throw std::invalid_argument(name + ": must be blstm_moe2 or moe4");
  return MakeModel(
      {.parts = {{"temporal", {"blstm", {{"hidden", 1024}, {"layers", 1}, {"residual", true}}}},
                 {"classifier", {"moe", {{"experts", 2}}}}}});
}

int Run(const std::string& name, std::int64_t videos, std::int64_t frames, int steps, int threads,
        torch::Device device) {
  PrepareProcess(threads);
  torch::manual_seed(1);
  const DataSpec data = PaperData(name == "moe4" ? "video" : "frame");
  Model model(Spec(name), data);
  model.to(device);
  NamedTensors parameters;
  for (const auto& item : model.named_parameters()) {
    parameters.emplace_back(item.key(), item.value());
  }
  Optimiser optimiser({}, parameters, {});
  const Batch batch = RandomBatch(data, videos, data.format == "video" ? 1 : frames);
  boost::json::array seconds;
  double loss = 0;
  for (int step = 0; step <= steps; ++step) {
    const auto begin = Clock::now();
    loss = TrainStep(model, optimiser, ToDevice(batch, data.classes, device, model.normalisation()),
                     {}, 0.001)
               .item<double>();
    if (step > 0) seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::cout << boost::json::serialize(
                   boost::json::object{{"model", name}, {"seconds", seconds}, {"loss", loss}})
            << std::endl;
  return 0;
}

}  // namespace
}  // namespace beamgrid::trainer

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) {
    std::cerr << "usage: step_bench MODEL BATCH FRAMES STEPS THREADS [DEVICE]\n";
    return 2;
  }
  return beamgrid::trainer::Run(argv[1], std::stoll(argv[2]), std::stoll(argv[3]),
                                std::stoi(argv[4]), std::stoi(argv[5]),
                                beamgrid::trainer::ParseDevice(argc == 7 ? argv[6] : "cpu"));
}
