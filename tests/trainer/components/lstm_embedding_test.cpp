// The embeddings of Na et al. 2017 and the layer-normalised cell against their equations.

#include <gmock/gmock.h>

#include "tests/trainer/components/recurrent_reference.h"

namespace beamgrid::trainer {
namespace lstm_embedding_test {

using namespace reference;  // the whole test is written in its words

constexpr std::int64_t kWidth = 3;
constexpr std::int64_t kCells = 2;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

std::shared_ptr<Temporal> Make(Options set) {
  set["hidden"] = kCells;
  return MakeTemporal("lstm", set, kWidth);
}

Vector SumRow(const Matrix& rows) {
  Vector sum(rows[0].size(), 0.0);
  for (const Vector& row : rows) sum = Sum(sum, row);
  return sum;
}

Vector Normalised(Vector values) {
  const double norm = std::sqrt(Dot(values, values));
  for (double& value : values) value /= norm;
  return values;
}

using Trace = std::function<LstmTrace(const Arrays&, const Matrix& video)>;

LstmTrace TracePlain(const Arrays& arrays, const Matrix& video) {
  return TraceLstm(arrays, Cell(0), "", video);
}

/// Pieces of the embedding: O (sum of h), G (sum of g), c, h, M, in this order.
Forward Embedding(const Trace& trace, const std::string& pieces, bool normalise = true) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      const LstmTrace lstm = trace(arrays, video);
      const std::map<char, Vector> all = {{'O', SumRow(lstm.states)},
                                          {'G', lstm.candidate_sum},
                                          {'c', lstm.memory},
                                          {'h', lstm.states.back()},
                                          {'M', SumRow(video)}};
      Vector embedding;
      for (const char piece : pieces) {
        const bool is_sum = piece != 'c' && piece != 'h';
        Append(embedding, normalise && is_sum ? Normalised(all.at(piece)) : all.at(piece));
      }
      embeddings.push_back(embedding);
    }
    return embeddings;
  };
}

struct EmbeddingCase {
  const char* option;
  const char* pieces;
  std::int64_t width;
};

const std::vector<EmbeddingCase> kEmbeddings = {{"state", "ch", 2 * kCells},
                                                {"memory", "chM", 2 * kCells + kWidth},
                                                {"memory_output", "OchM", 3 * kCells + kWidth},
                                                {"memory_candidate", "GchM", 3 * kCells + kWidth}};

TEST(LstmEmbedding, JoinsTheStatesAndSums) {
  for (const EmbeddingCase& c : kEmbeddings) {
    SCOPED_TRACE(c.option);
    const auto module = Make({{"embedding", c.option}});
    EXPECT_EQ(module->output_width(), c.width);
    EXPECT_EQ(module->states_width(), kCells);
    ExpectMatches(*module, RowsOf(*module), Embedding(TracePlain, c.pieces), Input());
  }
}

TEST(LstmEmbedding, LeavesTheSumsAsTheyAre) {
  for (const EmbeddingCase& c : kEmbeddings) {
    SCOPED_TRACE(c.option);
    const auto module = Make({{"embedding", c.option}, {"normalise", false}});
    ExpectMatches(*module, RowsOf(*module), Embedding(TracePlain, c.pieces, false), Input());
  }
}

TEST(LstmEmbedding, TakesTheTopLayersStateAndTheInputsSum) {
  const auto module = Make({{"embedding", "memory_candidate"}, {"layers", 2}});
  const Trace trace = [](const Arrays& arrays, const Matrix& video) {
    return TraceLstm(arrays, Cell(1), "", TraceLstm(arrays, Cell(0), "", video).states);
  };
  ExpectMatches(*module, RowsOf(*module), Embedding(trace, "GchM"), Input());
}

TEST(LstmEmbedding, PoolsNothingButTheStates) {
  const Options options =
      WithDefaults("temporal", "lstm", {{"embedding", "state"}, {"pool", "mean"}, {"hidden", 2}});
  try {
    Makers<Temporal>::All().at("lstm")({.input_width = kWidth}, options);
    FAIL() << "accepted";
  } catch (const SpecError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("needs pool = last"));
  }
}

// ---- Layer norm ---------------------------------------------------------------------------------

Vector LayerNormalised(const Vector& x, const Vector& scale, const Vector& shift) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, variance = 0;
  for (const double value : x) mean += value / n;
  for (const double value : x) variance += (value - mean) * (value - mean) / n;
  Vector y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back((x[i] - mean) / std::sqrt(variance + 1e-5) * scale[i] + shift[i]);
  }
  return y;
}

Vector Part(const Array& array, std::size_t index, std::size_t count) {
  const auto begin = array.values.begin() + static_cast<std::ptrdiff_t>(index * count);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

// i, f, g, o = LN(W x + U h); c = LN(sigmoid(f) c + sigmoid(i) tanh(g)); h = sigmoid(o) tanh(c).
LstmTrace TraceLayerNorm(const Arrays& arrays, const Matrix& video) {
  const auto array = [&](const char* name) { return arrays.at(Cell(0) + "." + name); };
  const Array from_input = array("weight_ih"), from_state = array("weight_hh");
  const std::size_t hidden = from_state.size(1);
  Vector h(hidden, 0.0), c(hidden, 0.0);
  LstmTrace trace{.candidate_sum = Vector(hidden, 0.0)};
  for (const Vector& x : video) {
    const auto gate = [&](std::size_t index) {
      Vector sums(hidden, 0.0);
      for (std::size_t i = 0; i < hidden; ++i) {
        const std::size_t row = index * hidden + i;
        for (std::size_t j = 0; j < x.size(); ++j) sums[i] += from_input(row, j) * x[j];
        for (std::size_t j = 0; j < hidden; ++j) sums[i] += from_state(row, j) * h[j];
      }
      return LayerNormalised(sums, Part(array("gate_scale"), index, hidden),
                             Part(array("gate_shift"), index, hidden));
    };
    const Vector input = gate(0), forget = gate(1), candidate = gate(2), output = gate(3);
    for (std::size_t i = 0; i < hidden; ++i) {
      const double g = std::tanh(candidate[i]);
      c[i] = Sigmoid(forget[i]) * c[i] + Sigmoid(input[i]) * g;
      trace.candidate_sum[i] += g;
    }
    c = LayerNormalised(c, array("memory_scale").values, array("memory_shift").values);
    for (std::size_t i = 0; i < hidden; ++i) h[i] = Sigmoid(output[i]) * std::tanh(c[i]);
    trace.states.push_back(h);
  }
  trace.memory = c;
  return trace;
}

TEST(LayerNormLstm, FollowsTheEquations) {
  for (const EmbeddingCase& c : kEmbeddings) {
    SCOPED_TRACE(c.option);
    const auto module = MakeTemporal(
        "lstm", {{"layer_norm", true}, {"embedding", c.option}, {"hidden", 3}}, kWidth);
    ExpectMatches(*module, RowsOf(*module), Embedding(TraceLayerNorm, c.pieces), Input());
  }
}

TEST(LayerNormLstm, StartsWithForgetGatesOpen) {
  torch::manual_seed(1);
  const auto module = Makers<Temporal>::All().at("lstm")(
      {.input_width = kWidth},
      WithDefaults("temporal", "lstm", {{"layer_norm", true}, {"hidden", 2}}));
  const Arrays arrays = ArraysOf(*module);
  EXPECT_EQ(arrays.at(Cell(0) + ".gate_shift").values, (Vector{0, 0, 1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(arrays.at(Cell(0) + ".gate_scale").values, Vector(8, 1.0));
  EXPECT_EQ(arrays.at(Cell(0) + ".memory_scale").values, Vector(2, 1.0));
}

// ---- Dropout of the candidate -------------------------------------------------------------------

TEST(CandidateDropout, DropsInTrainingOnly) {
  for (const bool layer_norm : {false, true}) {
    const Options with = {{"layer_norm", layer_norm}, {"candidate_dropout", 0.5}};
    const auto dropping = Make(with), plain = Make({{"layer_norm", layer_norm}});
    const Sequence input = Input();
    torch::manual_seed(7);
    dropping->train();
    EXPECT_FALSE(dropping->forward(input, {}).allclose(plain->forward(input, {})));
    dropping->eval();
    EXPECT_TRUE(dropping->forward(input, {}).allclose(plain->forward(input, {}), 1e-5, 1e-6));
  }
}

// With everything dropped but a vanishing share, the memory of one step is 0 or 1 / (1 - rate)
// times what it would be.
TEST(CandidateDropout, ScalesWhatItKeeps) {
  constexpr double kRate = 0.75;
  const auto dropping = Make({{"candidate_dropout", kRate}, {"embedding", "state"}});
  const auto plain = Make({{"embedding", "state"}});
  const Sequence input = contract::RandomSequence(std::vector<std::int64_t>(500, 1), 1, kWidth);
  torch::manual_seed(8);
  dropping->train();
  const torch::Tensor memory = dropping->forward(input, {}).slice(1, 0, kCells);
  const torch::Tensor ratio = memory / plain->forward(input, {}).slice(1, 0, kCells);
  const torch::Tensor kept = ratio > 0.5;
  EXPECT_TRUE(ratio.allclose(kept.to(torch::kFloat) / (1 - kRate), 1e-4, 1e-5));
  EXPECT_NEAR(kept.to(torch::kFloat).mean().item<double>(), 1 - kRate, 0.06);  // 4 deviations
}

// ---- Sizes --------------------------------------------------------------------------------------

TEST(LstmEmbedding, HasTheSizesOfThePaper) {
  constexpr std::int64_t h = 1152;
  Options lstm_m_o = {{"hidden", h}, {"embedding", "memory_output"}};
  EXPECT_EQ(CountRecurrent("lstm", lstm_m_o), 10'621'440 + 4 * h);  // LibTorch's second bias
  lstm_m_o["layer_norm"] = true;
  EXPECT_EQ(CountRecurrent("lstm", lstm_m_o), 10'628'352);
  const WithoutMemory guard;
  EXPECT_EQ(MakeTemporal("lstm", lstm_m_o, h)->output_width(), 4608);
}

}  // namespace lstm_embedding_test
}  // namespace beamgrid::trainer
