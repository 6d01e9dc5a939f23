#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace {

using reference::Array;
using reference::Arrays;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::Linear;
using reference::MakeTemporal;
using reference::Matrix;
using reference::MaxRow;
using reference::MeanRow;
using reference::RowsOf;
using reference::Sigmoid;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

void Append(Vector& values, const Vector& more) {
  values.insert(values.end(), more.begin(), more.end());
}

Vector Sum(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

Matrix Reversed(const Matrix& rows) { return {rows.rbegin(), rows.rend()}; }

/// W x + b over rows [first, first + count) of a cell's matrix "weight_<part>" and its bias.
Vector Gate(const Arrays& arrays, const std::string& cell, const std::string& part,
            const std::string& suffix, const Vector& x, std::size_t first, std::size_t count) {
  const Array& weight = arrays.at(cell + ".weight_" + part + "_l0" + suffix);
  const Array& bias = arrays.at(cell + ".bias_" + part + "_l0" + suffix);
  Vector y;
  for (std::size_t row = first; row < first + count; ++row) {
    y.push_back(bias(row));
    for (std::size_t i = 0; i < x.size(); ++i) y.back() += weight(row, i) * x[i];
  }
  return y;
}

/// One direction of one layer: the states of all steps.
using LayerFunction = Matrix (*)(const Arrays&, const std::string& cell, const std::string& suffix,
                                 const Matrix& inputs);

// i, f, o = sigmoid(W x + U h + b), g = tanh(W x + U h + b), c = f c + i g, h = o tanh(c).
Matrix LstmLayer(const Arrays& arrays, const std::string& cell, const std::string& suffix,
                 const Matrix& inputs) {
  const std::size_t hidden = arrays.at(cell + ".weight_hh_l0" + suffix).size(1);
  Vector h(hidden, 0.0), c(hidden, 0.0);
  Matrix states;
  for (const Vector& x : inputs) {
    const auto gate = [&](std::size_t index) {
      return Sum(Gate(arrays, cell, "ih", suffix, x, index * hidden, hidden),
                 Gate(arrays, cell, "hh", suffix, h, index * hidden, hidden));
    };
    const Vector input = gate(0), forget = gate(1), candidate = gate(2), output = gate(3);
    for (std::size_t i = 0; i < hidden; ++i) {
      c[i] = Sigmoid(forget[i]) * c[i] + Sigmoid(input[i]) * std::tanh(candidate[i]);
      h[i] = Sigmoid(output[i]) * std::tanh(c[i]);
    }
    states.push_back(h);
  }
  return states;
}

// r, z = sigmoid(W x + U h + b), n = tanh(W x + b + r (U h + d)), h = (1 - z) n + z h.
Matrix GruLayer(const Arrays& arrays, const std::string& cell, const std::string& suffix,
                const Matrix& inputs) {
  const std::size_t hidden = arrays.at(cell + ".weight_hh_l0" + suffix).size(1);
  Vector h(hidden, 0.0);
  Matrix states;
  for (const Vector& x : inputs) {
    const auto part = [&](const char* name, const Vector& values, std::size_t index) {
      return Gate(arrays, cell, name, suffix, values, index * hidden, hidden);
    };
    const Vector reset = Sum(part("ih", x, 0), part("hh", h, 0));
    const Vector update = Sum(part("ih", x, 1), part("hh", h, 1));
    const Vector from_input = part("ih", x, 2), from_state = part("hh", h, 2);
    for (std::size_t i = 0; i < hidden; ++i) {
      const double candidate = std::tanh(from_input[i] + Sigmoid(reset[i]) * from_state[i]);
      h[i] = (1 - Sigmoid(update[i])) * candidate + Sigmoid(update[i]) * h[i];
    }
    states.push_back(h);
  }
  return states;
}

Matrix BothDirections(const Arrays& arrays, const std::string& cell, const Matrix& inputs) {
  Matrix states = LstmLayer(arrays, cell, "", inputs);
  const Matrix backward = Reversed(LstmLayer(arrays, cell, "_reverse", Reversed(inputs)));
  for (std::size_t t = 0; t < states.size(); ++t) Append(states[t], backward[t]);
  return states;
}

Vector Pool(const Matrix& states, const std::string& pool) {
  if (pool == "mean") return MeanRow(states);
  if (pool == "max") return MaxRow(states);
  return states.back();
}

std::string Cell(int layer) { return "stack.layer" + std::to_string(layer); }

/// A stack of `layers` layers in one direction.
reference::Forward Stack(LayerFunction layer_function, int layers, const std::string& pool,
                         bool skip_connections = false) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      Matrix states = video;
      for (int layer = 0; layer < layers; ++layer) {
        Matrix next = layer_function(arrays, Cell(layer), "", states);
        for (std::size_t t = 0; t < next.size(); ++t) {
          if (skip_connections && next[t].size() == states[t].size()) {
            next[t] = Sum(next[t], states[t]);
          }
        }
        states = next;
      }
      embeddings.push_back(Pool(states, pool));
    }
    return embeddings;
  };
}

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
    ExpectMatches(*module, RowsOf(*module), Stack(LstmLayer, 1, pool), Input());
  }
}

TEST(Lstm, StacksLayers) {
  const auto module = MakeTemporal("lstm", {{"hidden", 2}, {"layers", 2}}, kWidth);
  EXPECT_FALSE(module->adds_skip_connections());
  ExpectMatches(*module, RowsOf(*module), Stack(LstmLayer, 2, "last"), Input());
}

TEST(Lstm, AddsSkipConnectionsWhereWidthsMatch) {
  const auto module = MakeTemporal("lstm", {{"hidden", 2}, {"layers", 2}}, kWidth, true);
  EXPECT_TRUE(module->adds_skip_connections());
  ExpectMatches(*module, RowsOf(*module), Stack(LstmLayer, 2, "last", true), Input());

  const auto from_input = MakeTemporal("lstm", {{"hidden", kWidth}}, kWidth, true);
  EXPECT_TRUE(from_input->adds_skip_connections());
  ExpectMatches(*from_input, RowsOf(*from_input), Stack(LstmLayer, 1, "last", true), Input());

  EXPECT_FALSE(MakeTemporal("lstm", {{"hidden", 2}}, kWidth, true)->adds_skip_connections());
}

TEST(Gru, FollowsTheEquations) {
  for (const char* pool : {"last", "mean", "max"}) {
    const auto module = MakeTemporal("gru", {{"hidden", 2}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), 2);
    ExpectMatches(*module, RowsOf(*module), Stack(GruLayer, 1, pool), Input());
  }
}

TEST(Gru, StacksLayersWithSkipConnections) {
  const auto module = MakeTemporal("gru", {{"hidden", 2}, {"layers", 2}}, kWidth, true);
  EXPECT_TRUE(module->adds_skip_connections());
  ExpectMatches(*module, RowsOf(*module), Stack(GruLayer, 2, "last", true), Input());
}

/// The states [forward; backward] of the top layer, pooled; "last" is each direction's own end.
Vector PoolBoth(const Matrix& states, const std::string& pool) {
  if (pool != "last") return Pool(states, pool);
  Vector ends = states.back();
  const std::size_t hidden = ends.size() / 2;
  for (std::size_t i = hidden; i < ends.size(); ++i) ends[i] = states.front()[i];
  return ends;
}

reference::Forward Bidirectional(int layers, const std::string& pool) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      Matrix states = video;
      for (int layer = 0; layer < layers; ++layer) {
        states = BothDirections(arrays, Cell(layer), states);
      }
      embeddings.push_back(PoolBoth(states, pool));
    }
    return embeddings;
  };
}

TEST(Blstm, FollowsTheEquations) {
  for (const char* pool : {"last", "mean", "max"}) {
    const auto module =
        MakeTemporal("blstm", {{"hidden", 2}, {"residual", false}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), 4);
    ExpectMatches(*module, RowsOf(*module), Bidirectional(1, pool), Input());
  }
}

TEST(Blstm, StacksLayers) {
  const auto module =
      MakeTemporal("blstm", {{"hidden", 1}, {"layers", 2}, {"residual", false}}, kWidth);
  ExpectMatches(*module, RowsOf(*module), Bidirectional(2, "mean"), Input());
}

// y_t = P [forward_t; backward_t] + b + x_t, then pooled: frame by frame, as the paper has it.
TEST(Blstm, AddsTheInputToTheProjectedStates) {
  for (const char* pool : {"mean", "max"}) {
    const auto module = MakeTemporal("blstm", {{"hidden", 2}, {"pool", pool}}, kWidth);
    EXPECT_EQ(module->output_width(), kWidth);
    const auto forward = [&](const Arrays& arrays, const Videos& videos) {
      Matrix embeddings;
      for (const Matrix& video : videos) {
        const Matrix states = BothDirections(arrays, Cell(0), video);
        Matrix outputs;
        for (std::size_t t = 0; t < video.size(); ++t) {
          outputs.push_back(Sum(Linear(arrays, "projection", states[t]), video[t]));
        }
        embeddings.push_back(Pool(outputs, pool));
      }
      return embeddings;
    };
    ExpectMatches(*module, RowsOf(*module), forward, Input());
  }
}

TEST(Blstm, AddsTheLastFrameToTheProjectedEndStates) {
  const auto module = MakeTemporal("blstm", {{"hidden", 2}, {"pool", "last"}}, kWidth);
  const auto forward = [&](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      const Vector ends = PoolBoth(BothDirections(arrays, Cell(0), video), "last");
      embeddings.push_back(Sum(Linear(arrays, "projection", ends), video.back()));
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

std::int64_t Count(const std::string& name, const Options& set) {
  const WithoutMemory guard;
  std::int64_t count = 0;
  for (const auto& parameter : MakeTemporal(name, set, 1152)->parameters()) {
    count += parameter.numel();
  }
  return count;
}

// The papers' counts are for one bias vector a gate; LibTorch has two, so each layer and direction
// has 4 h more (LSTM) or 3 h more (GRU).
TEST(Recurrent, HasTheSizesOfThePapers) {
  constexpr std::int64_t h = 1024;
  EXPECT_EQ(Count("mean", {}), 0);
  EXPECT_EQ(Count("lstm", {}), 8'916'992 + 4 * h);
  EXPECT_EQ(Count("lstm", {{"layers", 2}}), 17'309'696 + 2 * 4 * h);
  EXPECT_EQ(Count("gru", {}), 6'687'744 + 3 * h);
  EXPECT_EQ(Count("gru", {{"layers", 2}}), 12'982'272 + 2 * 3 * h);
  EXPECT_EQ(Count("blstm", {{"residual", false}}), 17'833'984 + 2 * 4 * h);
  EXPECT_EQ(Count("blstm", {{"residual", false}, {"hidden", 512}}), 6'819'840 + 2 * 4 * 512);
  EXPECT_EQ(Count("blstm", {{"residual", false}, {"layers", 2}}), 43'008'000 + 4 * 4 * h);
  EXPECT_EQ(Count("blstm", {}), 20'194'432 + 2 * 4 * h);
}

}  // namespace
}  // namespace beamgrid::trainer
