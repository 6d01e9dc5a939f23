// Seconds per training step (forward and backward) and per forward pass of a layer of recurrent
// cells at the papers' widths: LibTorch's own (cuDNN's on a GPU) beside beamgrid's, turn by turn in
// one run.
//
//   recurrent_bench BATCH FRAMES STEPS THREADS [cpu|cuda]
//
// Prints a JSON line for each layer: {"layer", "train": [seconds of each step, the first left out],
// "forward": [...]}.

#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <iostream>

#include "trainer/components/temporal/recurrent_layer.h"
#include "trainer/training/device.h"

namespace beamgrid::trainer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kWidth = 1152;
constexpr std::int64_t kCells = 1024;

struct Contender {
  std::string name;
  std::shared_ptr<torch::nn::Module> module;
  std::function<torch::Tensor(const Packed&)> run;
  boost::json::array train = {};
  boost::json::array forward = {};
};

/// LibTorch's layer with its own forward.
template <typename Cell>
Contender Theirs(const std::string& name) {
  Cell cell(kWidth, kCells);
  return {name, cell.ptr(), [cell](const Packed& frames) mutable {
            return std::get<0>(cell->forward_with_packed_input(frames)).data();
          }};
}

Contender Ours(const std::string& name, CellKind cell, double zoneout = 0) {
  const std::shared_ptr<RecurrentLayer> layer = MakeLayer(
      kWidth, {.cell = cell, .hidden = kCells, .zoneout = {.rate = zoneout, .cell_rate = zoneout}});
  return {name, layer->module(),
          [layer](const Packed& frames) { return layer->Run(frames).states.data(); }};
}

std::vector<Contender> Contenders() {
  return {Theirs<torch::nn::LSTM>("LibTorch's LSTM"),
          Ours("lstm", CellKind::kLstm),
          Ours("lstm, zoneout", CellKind::kLstm, 0.1),
          Ours("lstm, layer norm", CellKind::kLayerNormLstm),
          Theirs<torch::nn::GRU>("LibTorch's GRU"),
          Ours("gru", CellKind::kGru),
          Ours("gru, reset before", CellKind::kResetBeforeGru),
          Theirs<torch::nn::RNN>("LibTorch's RNN"),
          Ours("rnn", CellKind::kTanh)};
}

double Timed(const std::function<torch::Tensor()>& pass) {
  const auto begin = Clock::now();
  (void)pass().item<float>();  // waits for the device
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

torch::Tensor TrainingStep(Contender& contender, const Packed& frames) {
  contender.module->train();
  contender.module->zero_grad();
  const torch::Tensor mean = contender.run(frames).mean();
  mean.backward();
  return contender.module->parameters()[1].grad().sum();
}

torch::Tensor ForwardPass(Contender& contender, const Packed& frames) {
  const torch::NoGradGuard no_gradient;
  contender.module->eval();
  return contender.run(frames).mean();
}

int Run(std::int64_t batch, std::int64_t frames, int steps, int threads, torch::Device device) {
  PrepareProcess(threads);
  torch::manual_seed(1);
  const Packed packed =
      Pack({torch::randn({batch, frames, kWidth}, device), torch::ones({batch, frames}, device),
            torch::full({batch}, frames, torch::kLong)});
  std::vector<Contender> contenders = Contenders();
  for (Contender& contender : contenders) contender.module->to(device);
  for (int step = 0; step <= steps; ++step) {
    for (Contender& contender : contenders) {
      const double train = Timed([&] { return TrainingStep(contender, packed); });
      const double forward = Timed([&] { return ForwardPass(contender, packed); });
      if (step == 0) continue;
      contender.train.push_back(train);
      contender.forward.push_back(forward);
    }
  }
  for (const Contender& contender : contenders) {
    boost::json::object line;
    line["layer"] = contender.name;
    line["train"] = contender.train;
    line["forward"] = contender.forward;
    std::cout << boost::json::serialize(line) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace beamgrid::trainer

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "recurrent_bench BATCH FRAMES STEPS THREADS [cpu|cuda]\n";
    return 2;
  }
  return beamgrid::trainer::Run(std::stoll(argv[1]), std::stoll(argv[2]), std::stoi(argv[3]),
                                std::stoi(argv[4]), torch::Device(argc > 5 ? argv[5] : "cpu"));
}
