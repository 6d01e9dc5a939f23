#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace han_attention_test {

using reference::Array;
using reference::Arrays;
using reference::Dot;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::Linear;
using reference::MakeTemporal;
using reference::Matrix;
using reference::RowsOf;
using reference::Sigmoid;
using reference::Softmax;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

/// One of the cell's two products W x + b, all gates: `part` is "ih" or "hh".
Vector Product(const Arrays& arrays, const std::string& part, const std::string& direction,
               const Vector& x) {
  const Array& weight = arrays.at("encoder.layer0.weight_" + part + "_l0" + direction);
  Vector y = arrays.at("encoder.layer0.bias_" + part + "_l0" + direction).values;
  for (std::size_t row = 0; row < y.size(); ++row) {
    for (std::size_t i = 0; i < x.size(); ++i) y[row] += weight(row, i) * x[i];
  }
  return y;
}

/// r, z = sigmoid(W x + U h + b), n = tanh(W x + b + r (U h + d)), h = (1 - z) n + z h.
void GruStep(const Vector& a, const Vector& b, Vector& h, Vector& /*memory*/) {
  const std::size_t n = h.size();
  for (std::size_t i = 0; i < n; ++i) {
    const double reset = Sigmoid(a[i] + b[i]), update = Sigmoid(a[n + i] + b[n + i]);
    const double candidate = std::tanh(a[2 * n + i] + reset * b[2 * n + i]);
    h[i] = (1 - update) * candidate + update * h[i];
  }
}

/// i, f, o = sigmoid(W x + U h + b), g = tanh(W x + U h + b), c = f c + i g, h = o tanh(c).
void LstmStep(const Vector& a, const Vector& b, Vector& h, Vector& memory) {
  const std::size_t n = h.size();
  for (std::size_t i = 0; i < n; ++i) {
    const auto gate = [&](std::size_t index) { return a[index * n + i] + b[index * n + i]; };
    memory[i] = Sigmoid(gate(1)) * memory[i] + Sigmoid(gate(0)) * std::tanh(gate(2));
    h[i] = Sigmoid(gate(3)) * std::tanh(memory[i]);
  }
}

using CellStep = void (*)(const Vector&, const Vector&, Vector&, Vector&);

Matrix Direction(const Arrays& arrays, CellStep step, const std::string& direction,
                 const Matrix& inputs) {
  const std::size_t hidden = arrays.at("encoder.layer0.weight_hh_l0").size(1);
  Vector h(hidden, 0.0), memory(hidden, 0.0);
  Matrix states;
  for (const Vector& x : inputs) {
    step(Product(arrays, "ih", direction, x), Product(arrays, "hh", direction, h), h, memory);
    states.push_back(h);
  }
  return states;
}

Matrix BothDirections(const Arrays& arrays, CellStep step, const Matrix& inputs) {
  Matrix states = Direction(arrays, step, "", inputs);
  const Matrix backward =
      Direction(arrays, step, "_reverse", Matrix(inputs.rbegin(), inputs.rend()));
  for (std::size_t t = 0; t < states.size(); ++t) {
    const Vector& other = backward[states.size() - 1 - t];
    states[t].insert(states[t].end(), other.begin(), other.end());
  }
  return states;
}

/// u_t = tanh(W_w h_t + b_w), a = softmax_t(u_t . u_w), sum_t a_t h_t
Vector Attend(const Arrays& arrays, const Matrix& states) {
  Vector scores;
  for (const Vector& state : states) {
    Vector u = Linear(arrays, "projection", state);
    for (double& value : u) value = std::tanh(value);
    scores.push_back(Dot(u, arrays.at("query.weight").values));
  }
  const Vector weights = Softmax(scores);
  Vector embedding(states[0].size(), 0.0);
  for (std::size_t t = 0; t < states.size(); ++t) {
    for (std::size_t i = 0; i < embedding.size(); ++i) embedding[i] += weights[t] * states[t][i];
  }
  return embedding;
}

/// `skip`: the encoder's states also have its input added.
reference::Forward Han(CellStep step, bool skip = false) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      Matrix inputs;
      for (const Vector& frame : video) inputs.push_back(Linear(arrays, "embedding", frame));
      Matrix states = BothDirections(arrays, step, inputs);
      for (std::size_t t = 0; skip && t < states.size(); ++t) {
        for (std::size_t i = 0; i < states[t].size(); ++i) states[t][i] += inputs[t][i];
      }
      embeddings.push_back(Attend(arrays, states));
    }
    return embeddings;
  };
}

TEST(HanAttention, FollowsTheEquations) {
  for (const char* cell : {"gru", "lstm"}) {
    const auto module =
        MakeTemporal("han_attention",
                     {{"embedding", 3}, {"hidden", 2}, {"attention", 3}, {"cell", cell}}, kWidth);
    EXPECT_EQ(module->output_width(), 4);
    EXPECT_FALSE(module->adds_skip_connections());
    ExpectMatches(*module, RowsOf(*module), Han(cell == std::string("gru") ? GruStep : LstmStep),
                  Input());
  }
}

TEST(HanAttention, AddsSkipConnectionsWhereWidthsMatch) {
  const Options options = {{"embedding", 4}, {"hidden", 2}, {"attention", 2}};
  const auto module = MakeTemporal("han_attention", options, kWidth, true);
  EXPECT_TRUE(module->adds_skip_connections());
  ExpectMatches(*module, RowsOf(*module), Han(GruStep, true), Input());
}

// What zoneout computes is the recurrent layers' test; here, that the encoder hears of it.
TEST(HanAttention, AppliesZoneoutInTraining) {
  const Sequence input = Input();
  const auto repeats = [&](const std::map<std::string, Options>& extras) {
    const auto module = Makers<Temporal>::All().at("han_attention")(
        {.input_width = kWidth, .extras = &extras},
        reference::WithDefaults("temporal", "han_attention",
                                {{"embedding", 3}, {"hidden", 4}, {"attention", 3}}));
    EXPECT_TRUE(module->applies_zoneout());
    return module->forward(input, {}).equal(module->forward(input, {}));
  };
  torch::manual_seed(5);
  EXPECT_TRUE(repeats({}));
  EXPECT_FALSE(
      repeats({{"zoneout", reference::WithDefaults("extras", "zoneout", {{"rate", 0.5}})}}));
}

TEST(HanAttention, StartsGlorotNormalAndWithoutBias) {
  torch::manual_seed(1);
  const auto module = Makers<Temporal>::All().at("han_attention")(
      {.input_width = 60},
      reference::WithDefaults("temporal", "han_attention",
                              {{"embedding", 80}, {"hidden", 30}, {"attention", 50}}));
  const Arrays arrays = reference::ArraysOf(*module);
  const auto deviation = [&](const char* name) {
    const Vector& values = arrays.at(name).values;
    return std::sqrt(Dot(values, values) / static_cast<double>(values.size()));
  };
  EXPECT_NEAR(deviation("embedding.weight"), std::sqrt(2.0 / (60 + 80)), 0.01);
  EXPECT_NEAR(deviation("projection.weight"), std::sqrt(2.0 / (60 + 50)), 0.01);
  EXPECT_NEAR(deviation("query.weight"), std::sqrt(2.0 / (50 + 1)), 0.06);
  EXPECT_EQ(arrays.at("projection.bias").values, Vector(50, 0.0));
}

// The paper's formula has one bias vector a gate, LibTorch's cells have two.
TEST(HanAttention, HasTheSizesOfThePaper) {
  const auto count = [](const Options& set) {
    const WithoutMemory guard;
    std::int64_t sum = 0;
    for (const auto& parameter : MakeTemporal("han_attention", set, 1152)->parameters()) {
      sum += parameter.numel();
    }
    return sum;
  };
  EXPECT_EQ(count({}), 6'951'936 + 2 * 3 * 512);
  // Four gates instead of three: 512 (1024 + 512 + 2) more a direction.
  EXPECT_EQ(count({{"cell", "lstm"}}), 6'951'936 + 2 * 3 * 512 + 2 * 512 * (1024 + 512 + 2));
}

}  // namespace han_attention_test
}  // namespace beamgrid::trainer
