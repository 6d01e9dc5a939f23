// Stacks of recurrent cells against their equations in plain loops: rnn, lstm, gru, blstm, bigru.

#include "tests/trainer/components/recurrent_reference.h"

namespace beamgrid::trainer {
namespace recurrent_test {

using namespace reference;  // the whole test is written in its words

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

TEST(MeanFrame, IsTheMeanOfTheValidFrames) {
  const auto module = MakeTemporal("mean", {}, kWidth);
  EXPECT_EQ(module->output_width(), kWidth);
  ExpectMatches(
      *module, RowsOf(*module),
      [](const Arrays&, const Videos& videos) {
        Matrix means;
        for (const Matrix& video : videos) means.push_back(MeanRow(video));
        return means;
      },
      Input());
}

TEST(Lstm, FollowsTheEquations) {
  for (const char* pool : {"last", "mean", "max"}) {
    const auto module = MakeTemporal("lstm", {{"hidden", 2}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), 2);
    ExpectMatches(*module, RowsOf(*module), Stack(LstmLayer(), 1, pool), Input());
  }
}

TEST(Lstm, StacksLayers) {
  const auto module = MakeTemporal("lstm", {{"hidden", 2}, {"layers", 2}}, kWidth);
  EXPECT_FALSE(module->adds_skip_connections());
  ExpectMatches(*module, RowsOf(*module), Stack(LstmLayer(), 2, "last"), Input());
}

TEST(Lstm, AddsSkipConnectionsWhereWidthsMatch) {
  const auto module = MakeTemporal("lstm", {{"hidden", 2}, {"layers", 2}}, kWidth, true);
  EXPECT_TRUE(module->adds_skip_connections());
  ExpectMatches(*module, RowsOf(*module), Stack(LstmLayer(), 2, "last", true), Input());

  const auto from_input = MakeTemporal("lstm", {{"hidden", kWidth}}, kWidth, true);
  EXPECT_TRUE(from_input->adds_skip_connections());
  ExpectMatches(*from_input, RowsOf(*from_input), Stack(LstmLayer(), 1, "last", true), Input());

  EXPECT_FALSE(MakeTemporal("lstm", {{"hidden", 2}}, kWidth, true)->adds_skip_connections());
}

TEST(Gru, FollowsTheEquations) {
  for (const char* pool : {"last", "mean", "max"}) {
    const auto module = MakeTemporal("gru", {{"hidden", 2}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), 2);
    ExpectMatches(*module, RowsOf(*module), Stack(GruLayer(), 1, pool), Input());
  }
}

TEST(Gru, StacksLayersWithSkipConnections) {
  const auto module = MakeTemporal("gru", {{"hidden", 2}, {"layers", 2}}, kWidth, true);
  EXPECT_TRUE(module->adds_skip_connections());
  ExpectMatches(*module, RowsOf(*module), Stack(GruLayer(), 2, "last", true), Input());
}

TEST(Gru, ResetsBeforeTheProductAsThePapersDo) {
  const auto module =
      MakeTemporal("gru", {{"hidden", 2}, {"layers", 2}, {"reset", "before"}}, kWidth);
  ExpectMatches(*module, RowsOf(*module), Stack(GruLayer(Reset::kBefore), 2, "last"), Input());
}

TEST(Rnn, FollowsTheEquations) {
  for (const char* pool : {"last", "mean", "max"}) {
    const auto module = MakeTemporal("rnn", {{"hidden", 2}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), 2);
    ExpectMatches(*module, RowsOf(*module), Stack(TanhLayer(), 1, pool), Input());
  }
}

TEST(Rnn, StacksLayersWithSkipConnections) {
  const auto module = MakeTemporal("rnn", {{"hidden", 2}, {"layers", 2}}, kWidth, true);
  EXPECT_TRUE(module->adds_skip_connections());
  ExpectMatches(*module, RowsOf(*module), Stack(TanhLayer(), 2, "last", true), Input());
}

TEST(Bigru, FollowsTheEquations) {
  for (const char* pool : {"final", "mean"}) {
    const auto module = MakeTemporal("bigru", {{"hidden", 1}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), 2);
    ExpectMatches(*module, RowsOf(*module), Bidirectional(GruLayer(), 2, pool), Input());
  }
}

TEST(Bigru, ResetsBeforeTheProductAsThePaperDoes) {
  const auto module =
      MakeTemporal("bigru", {{"hidden", 2}, {"layers", 1}, {"reset", "before"}}, kWidth);
  ExpectMatches(*module, RowsOf(*module), Bidirectional(GruLayer(Reset::kBefore), 1, "final"),
                Input());
}

TEST(Blstm, FollowsTheEquations) {
  for (const char* pool : {"final", "mean", "max"}) {
    const auto module =
        MakeTemporal("blstm", {{"hidden", 2}, {"residual", false}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), 4);
    ExpectMatches(*module, RowsOf(*module), Bidirectional(LstmLayer(), 1, pool), Input());
  }
}

TEST(Blstm, StacksLayers) {
  for (const char* pool : {"mean", "final"}) {
    const auto module = MakeTemporal(
        "blstm", {{"hidden", 1}, {"layers", 2}, {"residual", false}, {"pool", pool}}, kWidth);
    ExpectMatches(*module, RowsOf(*module), Bidirectional(LstmLayer(), 2, pool), Input());
  }
}

// y_t = P [forward_t; backward_t] + b + x_t, then pooled: frame by frame, as the paper has it.
TEST(Blstm, AddsTheInputToTheProjectedStates) {
  for (const char* pool : {"mean", "max"}) {
    const auto module = MakeTemporal("blstm", {{"hidden", 2}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), kWidth);
    const auto forward = [&](const Arrays& arrays, const Videos& videos) {
      Matrix embeddings;
      for (const Matrix& video : videos) {
        const Matrix states = BothDirections(LstmLayer(), arrays, Cell(0), video);
        Matrix outputs;
        for (std::size_t t = 0; t < video.size(); ++t) {
          outputs.push_back(Sum(reference::Linear(arrays, "projection", states[t]), video[t]));
        }
        embeddings.push_back(Pool(outputs, pool));
      }
      return embeddings;
    };
    ExpectMatches(*module, RowsOf(*module), forward, Input());
  }
}

TEST(Blstm, AddsTheLastFrameToTheProjectedEndStates) {
  const auto module = MakeTemporal("blstm", {{"hidden", 2}, {"pool", "final"}}, kWidth);
  const auto forward = [&](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      const Vector ends = Pool(BothDirections(LstmLayer(), arrays, Cell(0), video), "final");
      embeddings.push_back(Sum(reference::Linear(arrays, "projection", ends), video.back()));
    }
    return embeddings;
  };
  ExpectMatches(*module, RowsOf(*module), forward, Input());
}

// ---- Initial values and sizes -------------------------------------------------------------------

Arrays Initial(const std::string& name, const Options& set, std::int64_t width) {
  torch::manual_seed(1);
  const auto module = Makers<Temporal>::All().at(name)(
      {.input_width = width}, reference::WithDefaults("temporal", name, set));
  return reference::ArraysOf(*module);
}

Vector Slice(const Array& array, std::size_t first, std::size_t count) {
  const auto begin = array.values.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

double GreatestSize(const Vector& values) {
  double greatest = 0;
  for (const double value : values) greatest = std::max(greatest, std::abs(value));
  return greatest;
}

TEST(Lstm, StartsWithForgetGatesOpenAndXavierKernels) {
  const std::size_t h = 20;
  const Arrays arrays = Initial("blstm", {{"hidden", 20}}, 30);
  for (const std::string suffix : {"", "_reverse"}) {
    const Array& first = arrays.at("stack.layer0.bias_ih_l0" + suffix);
    EXPECT_EQ(Slice(first, 0, h), Vector(h, 0.0));
    EXPECT_EQ(Slice(first, h, h), Vector(h, 1.0)) << "forget gate";
    EXPECT_EQ(Slice(first, 2 * h, 2 * h), Vector(2 * h, 0.0));
    EXPECT_EQ(arrays.at("stack.layer0.bias_hh_l0" + suffix).values, Vector(4 * h, 0.0));
    const double limit = std::sqrt(6.0 / (30 + 20 + 4 * 20));
    for (const char* kernel : {"weight_ih_l0", "weight_hh_l0"}) {
      const double greatest =
          GreatestSize(arrays.at(std::string("stack.layer0.") + kernel + suffix).values);
      EXPECT_LE(greatest, limit);
      EXPECT_GT(greatest, 0.98 * limit);
    }
  }
}

TEST(Gru, StartsRememberingAndWithXavierKernels) {
  const std::size_t h = 20;
  const Arrays arrays = Initial("gru", {{"hidden", 20}}, 30);
  const Array& first = arrays.at("stack.layer0.bias_ih_l0");
  EXPECT_EQ(Slice(first, 0, 2 * h), Vector(2 * h, 1.0)) << "reset and update gates";
  EXPECT_EQ(Slice(first, 2 * h, h), Vector(h, 0.0));
  EXPECT_EQ(arrays.at("stack.layer0.bias_hh_l0").values, Vector(3 * h, 0.0));
  const Array& kernel = arrays.at("stack.layer0.weight_ih_l0");
  const double gates = GreatestSize(Slice(kernel, 0, 2 * h * 30));
  const double candidate = GreatestSize(Slice(kernel, 2 * h * 30, h * 30));
  EXPECT_NEAR(gates, std::sqrt(6.0 / (30 + 20 + 2 * 20)), 0.01);
  EXPECT_NEAR(candidate, std::sqrt(6.0 / (30 + 20 + 20)), 0.01);
}

// The papers' counts are for one bias vector a gate; LibTorch has two, so each layer and direction
// has 4 h more (LSTM), 3 h more (GRU) or h more (vanilla).
TEST(Recurrent, HasTheSizesOfThePapers) {
  constexpr std::int64_t h = 1024;
  EXPECT_EQ(CountRecurrent("mean", {}), 0);
  EXPECT_EQ(CountRecurrent("lstm", {}), 8'916'992 + 4 * h);
  EXPECT_EQ(CountRecurrent("lstm", {{"layers", 2}}), 17'309'696 + 2 * 4 * h);
  EXPECT_EQ(CountRecurrent("rnn", {}), 2'229'248 + h);
  EXPECT_EQ(CountRecurrent("gru", {}), 6'687'744 + 3 * h);
  EXPECT_EQ(CountRecurrent("gru", {{"layers", 2}}), 12'982'272 + 2 * 3 * h);
  EXPECT_EQ(CountRecurrent("blstm", {{"residual", false}}), 17'833'984 + 2 * 4 * h);
  EXPECT_EQ(CountRecurrent("blstm", {{"residual", false}, {"hidden", 512}}),
            6'819'840 + 2 * 4 * 512);
  EXPECT_EQ(CountRecurrent("blstm", {{"residual", false}, {"layers", 2}}), 43'008'000 + 4 * 4 * h);
  EXPECT_EQ(CountRecurrent("bigru", {}), 32'256'000 + 4 * 3 * h);
  EXPECT_EQ(CountRecurrent("bigru", {{"hidden", 512}}), 9'836'544 + 4 * 3 * 512);
  EXPECT_EQ(CountRecurrent("blstm", {}), 20'194'432 + 2 * 4 * h);
}

}  // namespace recurrent_test
}  // namespace beamgrid::trainer
