// Seconds per training step of a model at the papers' widths, on random data. The other half of
// step_vs_pytorch.py, which runs it beside the same model in Python.
//
//   step_bench MODEL BATCH FRAMES STEPS THREADS [DEVICE [ARITHMETIC]]
//
// MODEL: logistic | moe2 | moe4 of videos, blstm_moe2 | gru_moe2 | netvlad_moe4 of frames. DEVICE:
// cpu (default, processor time) or cuda:N (time). ARITHMETIC: fp32 (default) or bf16. A step ends
// when its loss is back on the host.
//
// Prints one JSON line {"model", "seconds": [per step, the first left out], "loss"}.

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <map>
#include <random>

#include "tests/trainer/trial.h"
#include "trainer/training/device.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace {

/// Processor time where the work is done on the CPU: other work on the machine is not in it.
double Now(torch::Device device) {
  if (device.is_cpu()) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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

Variant Mixture(int experts) { return {"moe", {{"experts", experts}}}; }

ModelSpec Spec(const std::string& name) {
  const std::map<std::string, Parts> specs = {
      {"logistic", {.parts = {{"classifier", {"logistic", {}}}}}},
      {"moe2", {.parts = {{"classifier", Mixture(2)}}}},
      {"moe4", {.parts = {{"classifier", Mixture(4)}}}},
      {"blstm_moe2",
       {.parts = {{"temporal", {"blstm", {{"hidden", 1024}, {"layers", 1}, {"residual", true}}}},
                  {"classifier", Mixture(2)}}}},
      {"gru_moe2",
       {.parts = {{"temporal", {"gru", {{"hidden", 1024}, {"layers", 1}}}},
                  {"classifier", Mixture(2)}}}},
      {"netvlad_moe4",
       {.parts = {{"temporal", {"netvlad", {{"clusters", 64}, {"hidden", 1024}}}},
                  {"classifier", Mixture(4)}}}}};
  const auto found = specs.find(name);
  if (found == specs.end()) throw std::invalid_argument(name + ": no such model");
  return MakeModel(found->second);
}

bool OfVideos(const std::string& name) { return name.find('_') == std::string::npos; }

int Run(const std::string& name, std::int64_t videos, std::int64_t frames, int steps, int threads,
        torch::Device device, const std::string& arithmetic) {
  PrepareProcess(threads);
  torch::manual_seed(1);
  const DataSpec data = PaperData(OfVideos(name) ? "video" : "frame");
  Model model(Spec(name), data);
  model.to(device);
  NamedTensors parameters;
  for (const auto& item : model.named_parameters()) {
    parameters.emplace_back(item.key(), item.value());
  }
  TrainSettings settings;
  settings.arithmetic = arithmetic;
  Optimiser optimiser(settings, parameters, {});
  const Batch batch = RandomBatch(data, videos, data.format == "video" ? 1 : frames);
  boost::json::array seconds;
  double loss = 0;
  for (int step = 0; step <= steps; ++step) {
    const double begin = Now(device);
    loss = TrainStep(model, optimiser, ToDevice(batch, data.classes, device, model.normalisation()),
                     settings, 0.001)
               .item<double>();
    if (step > 0) seconds.push_back(Now(device) - begin);
  }
  std::cout << boost::json::serialize(
                   boost::json::object{{"model", name}, {"seconds", seconds}, {"loss", loss}})
            << std::endl;
  return 0;
}

}  // namespace
}  // namespace beamgrid::trainer

int main(int argc, char** argv) {
  if (argc < 6 || argc > 8) {
    std::cerr << "usage: step_bench MODEL BATCH FRAMES STEPS THREADS [DEVICE [ARITHMETIC]]\n";
    return 2;
  }
  return beamgrid::trainer::Run(
      argv[1], std::stoll(argv[2]), std::stoll(argv[3]), std::stoi(argv[4]), std::stoi(argv[5]),
      beamgrid::trainer::ParseDevice(argc > 6 ? argv[6] : "cpu"), argc > 7 ? argv[7] : "fp32");
}
