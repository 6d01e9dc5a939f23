// Zoneout against its equation, and cells that run step by step against LibTorch's fused ones.

#include <gmock/gmock.h>

#include "tests/trainer/components/recurrent_reference.h"
#include "trainer/components/temporal/recurrent_layer.h"

namespace beamgrid::trainer {
namespace zoneout_test {

using namespace reference;  // the whole test is written in its words

constexpr std::int64_t kWidth = 3;
constexpr std::int64_t kCells = 2;
constexpr double kRate = 0.3;
constexpr double kCellRate = 0.6;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

/// A temporal component with the extra on.
std::shared_ptr<Temporal> Make(const std::string& name, Options set, double rate,
                               double cell_rate) {
  set["hidden"] = kCells;
  const std::map<std::string, Options> extras = {
      {"zoneout", WithDefaults("extras", "zoneout", {{"rate", rate}, {"cell_rate", cell_rate}})}};
  torch::manual_seed(5);
  const auto module = Makers<Temporal>::All().at(name)({.input_width = kWidth, .extras = &extras},
                                                       WithDefaults("temporal", name, set));
  Randomise(*module);
  return module;
}

// ---- The loop -----------------------------------------------------------------------------------

struct Result {
  torch::Tensor states, memory;
  std::vector<torch::Tensor> gradients;  ///< of parameters, then frames
};

using RunLayer =
    std::function<std::pair<torch::Tensor, torch::Tensor>(RecurrentLayer&, const Packed&)>;

/// A layer with these options, its parameters and input always the same, run by `run`.
Result ResultOf(const LayerOptions& options, const RunLayer& run) {
  torch::manual_seed(3);
  const auto layer = MakeLayer(kWidth, options);
  Randomise(*layer->module());
  layer->module()->to(torch::kDouble);
  Sequence input = Input();
  input.frames = input.frames.to(torch::kDouble).requires_grad_();
  const auto [states, memory] = run(*layer, Pack(input));
  const torch::Tensor weights = torch::linspace(-1, 2, states.numel(), torch::kDouble);
  torch::Tensor objective = (states.flatten() * weights).sum();
  if (memory.defined()) objective = objective + memory.square().sum();
  objective.backward();
  Result result{states.detach(), memory, {}};
  for (const torch::Tensor& parameter : layer->module()->parameters()) {
    result.gradients.push_back(parameter.grad());
  }
  result.gradients.push_back(input.frames.grad());
  return result;
}

std::pair<torch::Tensor, torch::Tensor> Ours(RecurrentLayer& layer, const Packed& input) {
  const LayerOutput output = layer.Run(input);
  return {output.states.data(), output.memory};
}

template <typename Cell>
std::pair<torch::Tensor, torch::Tensor> LibTorchs(RecurrentLayer& layer, const Packed& input) {
  auto& cell = dynamic_cast<Cell&>(*layer.module());
  const auto [states, last] = cell.forward_with_packed_input(input);
  if constexpr (std::is_same_v<Cell, torch::nn::LSTMImpl>) {
    return {states.data(), std::get<1>(last).transpose(0, 1).flatten(1)};
  }
  return {states.data(), {}};
}

void ExpectSame(const Result& ours, const Result& theirs) {
  EXPECT_TRUE(ours.states.allclose(theirs.states, 0, 1e-12));
  ASSERT_EQ(ours.gradients.size(), theirs.gradients.size());
  for (std::size_t i = 0; i < ours.gradients.size(); ++i) {
    EXPECT_TRUE(ours.gradients[i].allclose(theirs.gradients[i], 0, 1e-12)) << i;
  }
  if (theirs.memory.defined()) {
    EXPECT_TRUE(ours.memory.allclose(theirs.memory, 0, 1e-12));
  }
}

TEST(CellLoop, IsLibTorchsCell) {
  const std::vector<std::pair<CellKind, RunLayer>> cells = {
      {CellKind::kTanh, LibTorchs<torch::nn::RNNImpl>},
      {CellKind::kLstm, LibTorchs<torch::nn::LSTMImpl>},
      {CellKind::kGru, LibTorchs<torch::nn::GRUImpl>}};
  for (const auto& [cell, theirs] : cells) {
    for (const Direction direction : {Direction::kForward, Direction::kBoth}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(cell)) + ", " +
                   std::to_string(static_cast<int>(direction)));
      const LayerOptions options{.cell = cell, .hidden = 4, .direction = direction};
      ExpectSame(ResultOf(options, Ours), ResultOf(options, theirs));
    }
  }
}

// ---- Evaluation: the expectation ----------------------------------------------------------------

TEST(Zoneout, TakesTheExpectationInEvaluation) {
  const auto expect = [](const std::shared_ptr<Temporal>& module, const Forward& forward) {
    module->eval();
    ExpectMatches(*module, RowsOf(*module), forward, Input());
  };
  expect(Make("lstm", {}, kRate, kCellRate), Stack(LstmLayer(kRate, kCellRate), 1, "last"));
  expect(Make("lstm", {{"layers", 2}}, 0, kCellRate), Stack(LstmLayer(0, kCellRate), 2, "last"));
  expect(Make("gru", {}, kRate, kCellRate), Stack(GruLayer(Reset::kAfter, kRate), 1, "last"));
  expect(Make("gru", {{"reset", "before"}}, kRate, 0),
         Stack(GruLayer(Reset::kBefore, kRate), 1, "last"));
  expect(Make("rnn", {}, kRate, 0), Stack(TanhLayer(kRate), 1, "last"));
  expect(Make("blstm", {{"residual", false}}, kRate, kCellRate),
         Bidirectional(LstmLayer(kRate, kCellRate), 1, "mean"));
  expect(Make("bigru", {{"layers", 1}}, kRate, 0),
         Bidirectional(GruLayer(Reset::kAfter, kRate), 1, "final"));
}

TEST(Zoneout, IsNothingAtRateZero) {
  for (const char* name : {"rnn", "lstm", "gru", "blstm", "bigru", "hierarchical_lstm"}) {
    const auto without = MakeTemporal(name, {{"hidden", kCells}}, kWidth);
    const auto with = Make(name, {}, 0, 0);
    const Sequence input = Input();
    EXPECT_TRUE(with->forward(input, {}).equal(without->forward(input, {}))) << name;
  }
}

// ---- Training: the draws ------------------------------------------------------------------------

/// Whether a value was kept, by video, step and unit.
using Draws = std::vector<std::vector<Vector>>;

/// What the loop draws for these lengths: at each step, for the videos that have it, the longest
/// first, the hidden states and then the memories.
struct AllDraws {
  Draws hidden, memory;
};
AllDraws Replay(double rate, double cell_rate) {
  std::vector<std::size_t> by_length = {0, 1, 2, 3};
  std::ranges::sort(by_length, [](auto a, auto b) { return kLengths[a] > kLengths[b]; });
  AllDraws draws{Draws(kLengths.size()), Draws(kLengths.size())};
  for (std::int64_t t = 0; t < kLengths[by_length[0]]; ++t) {
    std::vector<std::size_t> videos;
    for (const std::size_t video : by_length) {
      if (kLengths[video] > t) videos.push_back(video);
    }
    for (auto [table, z] : {std::pair(&draws.hidden, rate), std::pair(&draws.memory, cell_rate)}) {
      const torch::Tensor uniform =
          torch::rand({static_cast<std::int64_t>(videos.size()), kCells}, torch::kDouble);
      for (std::size_t row = 0; row < videos.size(); ++row) {
        Vector kept = ArrayOf(uniform[static_cast<std::int64_t>(row)]).values;
        for (double& value : kept) value = value < z ? 1 : 0;
        (*table)[videos[row]].push_back(kept);
      }
    }
  }
  return draws;
}

Keep Of(const std::vector<Vector>& video) {
  return [&video](std::size_t t, std::size_t i) { return video[t][i]; };
}

TEST(Zoneout, KeepsWhatItDrawsInTraining) {
  const auto module = Make("lstm", {}, kRate, kCellRate);
  module->train();
  torch::manual_seed(40);
  const AllDraws draws = Replay(kRate, kCellRate);
  const Rows rows = [&](const Sequence& input) {
    torch::manual_seed(40);
    return module->forward(input, {}).unbind(0);
  };
  const Forward forward = [&](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (std::size_t b = 0; b < videos.size(); ++b) {
      embeddings.push_back(
          TraceLstm(arrays, Cell(0), "", videos[b], Of(draws.hidden[b]), Of(draws.memory[b]))
              .states.back());
    }
    return embeddings;
  };
  ExpectMatches(*module, rows, forward, Input());
}

TEST(Zoneout, KeepsTheGivenShare) {
  const auto module = Make("rnn", {}, kRate, 0);
  module->train();
  torch::manual_seed(41);
  const std::int64_t frames = 500;
  const Sequence input = contract::RandomSequence({frames, frames}, frames, kWidth);
  const torch::Tensor states = module->States(input, {}).frames;
  const torch::Tensor kept = states.slice(1, 1) == states.slice(1, 0, -1);
  const double share = kept.to(torch::kDouble).mean().item<double>();
  EXPECT_NEAR(share, kRate, 0.05);  // five standard deviations
}

// ---- The extra ----------------------------------------------------------------------------------

std::string Refusal(const std::string& temporal, const BuildContext& context) {
  const auto extra =
      Makers<Extra>::All().at("zoneout")(context, WithDefaults("extras", "zoneout", {}));
  Options set;
  if (temporal != "mean") set = {{"hidden", 2}};
  try {
    extra->OnTemporalBuilt(*MakeTemporal(temporal, set, kWidth));
  } catch (const SpecError& error) {
    return error.what();
  }
  return "";
}

TEST(Zoneout, WantsCells) {
  for (const char* name : {"rnn", "lstm", "gru", "blstm", "bigru", "hierarchical_lstm"}) {
    EXPECT_EQ(Refusal(name, {}), "") << name;
  }
  for (const char* name : {"mean", "hm_lstm"}) {
    EXPECT_THAT(Refusal(name, {}), ::testing::HasSubstr("use rnn, lstm, gru, blstm, bigru"))
        << name;
  }
}

TEST(Zoneout, WantsFrames) { EXPECT_THROW(Refusal("lstm", {.video_level = true}), SpecError); }

}  // namespace zoneout_test
}  // namespace beamgrid::trainer
