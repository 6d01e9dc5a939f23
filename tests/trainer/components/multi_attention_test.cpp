#include "tests/trainer/components/temporal_reference.h"
#include "tests/trainer/trial.h"
#include "trainer/components/temporal/frame_sampling.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace multi_attention_test {

using reference::AllRows;
using reference::Apart;
using reference::Array;
using reference::Arrays;
using reference::BatchNormalise;
using reference::CountOf;
using reference::Dot;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::LinearRows;
using reference::MakeTemporal;
using reference::Matrix;
using reference::PaperFeatures;
using reference::RowsOf;
using reference::Sigmoid;
using reference::Softmax;
using reference::Statistics;
using reference::Vector;
using reference::Videos;

// ---- Reference ----------------------------------------------------------------------------------

/// Sets are scored one by one; sparsemax by removing the lowest score until all are positive.
Vector Sparsemax(const Vector& scores) {
  std::vector<bool> in(scores.size(), true);
  for (;;) {
    double sum = 0, size = 0;
    std::size_t lowest = scores.size();
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (!in[i]) continue;
      sum += scores[i];
      size += 1;
      if (lowest == scores.size() || scores[i] < scores[lowest]) lowest = i;
    }
    const double tau = (sum - 1) / size;
    if (scores[lowest] > tau) {
      Vector weights(scores.size(), 0.0);
      for (std::size_t i = 0; i < scores.size(); ++i) weights[i] = in[i] ? scores[i] - tau : 0;
      return weights;
    }
    in[lowest] = false;
  }
}

Matrix Columns(const Matrix& rows, std::size_t begin, std::size_t width) {
  Matrix part;
  for (const Vector& row : rows) {
    const auto first = row.begin() + static_cast<std::ptrdiff_t>(begin);
    part.emplace_back(first, first + static_cast<std::ptrdiff_t>(width));
  }
  return part;
}

/// s_m of one reduced frame u: w_m . (tanh(u V_m) o sigmoid(u G_m)).
double Score(const Arrays& arrays, const std::string& name, const Vector& u, std::size_t set) {
  const Array& value = arrays.at(name + ".value.weight");
  const Array& gate = arrays.at(name + ".gate.weight");
  const Array& weight = arrays.at(name + ".weight");
  double score = 0;
  for (std::size_t i = 0; i < weight.size(1); ++i) {
    double v = 0, g = 0;
    for (std::size_t j = 0; j < u.size(); ++j) {
      v += u[j] * value(set * weight.size(1) + i, j);
      g += u[j] * gate(set * weight.size(1) + i, j);
    }
    score += weight(set, i) * std::tanh(v) * Sigmoid(g);
  }
  return score;
}

using Weighting = Vector (*)(const Vector& scores);

/// Appends sum_t a_t x_t of one feature and set to each video's embedding.
void Pool(const Videos& reduced, const Videos& frames, const Arrays& arrays,
          const std::string& name, std::size_t set, Weighting weighting, Matrix& embeddings) {
  for (std::size_t b = 0; b < frames.size(); ++b) {
    Vector scores;
    for (const Vector& u : reduced[b]) scores.push_back(Score(arrays, name, u, set));
    const Vector weights = weighting(scores);
    for (std::size_t j = 0; j < frames[b][0].size(); ++j) {
      double sum = 0;
      for (std::size_t t = 0; t < weights.size(); ++t) sum += weights[t] * frames[b][t][j];
      embeddings[b].push_back(sum);
    }
  }
}

reference::Forward MultiAttention(const std::vector<std::size_t>& widths, std::size_t sets,
                                  Weighting weighting, Statistics statistics) {
  return [=](const Arrays& arrays, const Videos& videos) {
    const std::size_t batch = videos.size();
    const Matrix rows = BatchNormalise(arrays, "input_norm", AllRows(videos), statistics);
    Matrix all(batch * sets);  // video after video, set after set
    for (std::size_t set = 0; set < sets; ++set) {
      Matrix embeddings(batch);
      std::size_t begin = 0;
      for (std::size_t i = 0; i < widths.size(); ++i) {
        const std::string name = "scores" + std::to_string(i);
        const Matrix part = Columns(rows, begin, widths[i]);
        const Matrix reduced = BatchNormalise(
            arrays, name + ".norm", LinearRows(arrays, name + ".reduction", part), statistics);
        Pool(Apart(reduced, videos), Apart(part, videos), arrays, name, set, weighting, embeddings);
        begin += widths[i];
      }
      for (std::size_t b = 0; b < batch; ++b) all[b * sets + set] = embeddings[b];
    }
    all = BatchNormalise(arrays, "hidden_norm", LinearRows(arrays, "to_hidden", all), statistics);
    const Matrix gates =
        BatchNormalise(arrays, "gate_norm", LinearRows(arrays, "gate", all), statistics);
    Matrix result(batch);
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all[i].size(); ++j) {
        result[i / sets].push_back(all[i][j] * Sigmoid(gates[i][j]));
      }
    }
    return result;
  };
}

// ---- Equations ----------------------------------------------------------------------------------

struct Structure {
  std::string name;
  std::vector<Feature> features;
  std::int64_t sets;
  const char* attention;
  OptionValue bottleneck;
};

class MultiAttentionTest : public ::testing::TestWithParam<Structure> {
 protected:
  static std::shared_ptr<Temporal> Make() {
    const Structure& s = GetParam();
    const auto module = MakeTemporal(
        "multi_attention",
        {{"sets", s.sets}, {"attention", s.attention}, {"hidden", 3}, {"bottleneck", s.bottleneck}},
        s.features);
    // Far enough apart for sparsemax to give some frames nothing.
    const torch::NoGradGuard no_gradient;
    for (auto& item : module->named_parameters()) {
      if (item.key().find("scores") == 0 && item.key().find("norm") == std::string::npos) {
        item.value().mul_(2.5);
      }
    }
    return module;
  }
  static reference::Forward Expected(Statistics statistics) {
    std::vector<std::size_t> widths;
    for (const auto& [name, width] : GetParam().features) {
      widths.push_back(static_cast<std::size_t>(width));
    }
    return MultiAttention(widths, static_cast<std::size_t>(GetParam().sets),
                          GetParam().attention == std::string("sparsemax") ? Sparsemax : Softmax,
                          statistics);
  }
  static Sequence Input() {
    std::int64_t sum = 0;
    for (const auto& [name, width] : GetParam().features) sum += width;
    return contract::RandomSequence(kLengths, kFrames, sum);
  }
};

TEST_P(MultiAttentionTest, FollowsTheEquationsInEvaluation) {
  const auto module = Make();
  module->eval();
  EXPECT_EQ(module->output_width(), 3);
  ExpectMatches(*module, RowsOf(*module), Expected(Statistics::kRunning), Input());
}

TEST_P(MultiAttentionTest, FollowsTheEquationsInTraining) {
  const auto module = Make();
  ExpectMatches(*module, RowsOf(*module), Expected(Statistics::kOfTheBatch), Input());
}

INSTANTIATE_TEST_SUITE_P(
    Structures, MultiAttentionTest,
    ::testing::Values(Structure{"OneSet", {{"rgb", 4}}, 1, "softmax", "auto"},
                      Structure{"TwoSets", {{"rgb", 3}, {"audio", 2}}, 2, "softmax", "auto"},
                      Structure{"Sparse", {{"rgb", 3}, {"audio", 2}}, 2, "sparsemax", 4},
                      Structure{"OddBottleneck", {{"rgb", 2}, {"audio", 2}}, 3, "softmax", 5}),
    [](const auto& info) { return info.param.name; });

TEST(MultiAttention, ReturnsASetPerRow) {
  for (const std::int64_t sets : {1, 3}) {
    const auto module =
        MakeTemporal("multi_attention", {{"sets", sets}, {"hidden", 2}}, {{"rgb", 4}});
    const torch::Tensor output =
        module->forward(contract::RandomSequence(kLengths, kFrames, 4), {});
    EXPECT_EQ(output.sizes().vec(), (std::vector<std::int64_t>{4, sets, 2}));
  }
}

TEST(MultiAttention, SparsemaxIgnoresFrames) {
  torch::manual_seed(8);
  const auto module = MakeTemporal(
      "multi_attention", {{"sets", 1}, {"hidden", 3}, {"attention", "sparsemax"}}, {{"rgb", 4}});
  const torch::NoGradGuard no_gradient;
  for (auto& item : module->named_parameters()) {
    if (item.key() == "scores0.weight") item.value().mul_(1e5);
  }
  module->eval();
  // One frame is far above the others: it is the whole video.
  const Sequence input = contract::RandomSequence({4}, 4, 4);
  const torch::Tensor all = module->forward(input, {});
  bool found = false;
  for (std::int64_t t = 0; t < 4; ++t) {
    const Sequence one{input.frames.slice(1, t, t + 1), input.mask.slice(1, 0, 1),
                       torch::ones({1}, torch::kLong)};
    found |= all.allclose(module->forward(one, {}), 1e-5, 1e-6);
  }
  EXPECT_TRUE(found);
}

// ---- Sampling -----------------------------------------------------------------------------------

std::shared_ptr<Temporal> Sampling(std::int64_t frames, std::int64_t skip_ends = 0) {
  return MakeTemporal(
      "multi_attention",
      {{"sets", 2}, {"hidden", 3}, {"sample_frames", frames}, {"skip_ends", skip_ends}},
      {{"rgb", 4}});
}

TEST(MultiAttention, SamplesInTrainingOnly) {
  const Sequence input = contract::RandomSequence({30, 1, 9}, 30, 4);
  const auto all = Sampling(0), some = Sampling(5);
  EXPECT_FALSE(some->forward(input, {}).equal(some->forward(input, {}))) << "draws are the same";
  EXPECT_TRUE(all->forward(input, {}).equal(all->forward(input, {})));

  const auto fresh = Sampling(0), sampling = Sampling(5);
  fresh->eval();
  sampling->eval();
  EXPECT_TRUE(fresh->forward(input, {}).equal(sampling->forward(input, {})));
}

TEST(MultiAttention, SamplesBetweenTheEnds) {
  // Of three frames only the middle one is between the ends, however often it is drawn.
  const Sequence input = contract::RandomSequence({3, 3, 3, 3}, 5, 4);
  const Sequence middle{input.frames.slice(1, 1, 2), input.mask.slice(1, 1, 2),
                        torch::ones({4}, torch::kLong)};
  EXPECT_TRUE(
      Sampling(6, 1)->forward(input, {}).allclose(Sampling(0)->forward(middle, {}), 1e-4, 1e-5));
}

// The slides' "subsampling".
TEST(MultiAttention, TakesEveryFifthFrameInTrainingOnly) {
  const Options options = {{"sets", 2}, {"hidden", 3}};
  Options strided = options;
  strided["stride"] = 5;
  const auto every = MakeTemporal("multi_attention", strided, {{"rgb", 4}});
  const auto all = MakeTemporal("multi_attention", options, {{"rgb", 4}});
  const Sequence input = contract::RandomSequence({30, 1, 9}, 30, 4);
  const Sequence some = StridedFrames(input, 5, 0);
  EXPECT_TRUE(every->forward(input, {}).equal(all->forward(some, {})));
  every->eval();
  all->eval();
  EXPECT_TRUE(every->forward(input, {}).equal(all->forward(input, {})));
}

TEST(MultiAttention, RefusesToDrawAndToStride) {
  const Options both = {{"stride", 5}, {"sample_frames", 120}};
  EXPECT_THROW(MakeTemporal("multi_attention", both, {{"rgb", 4}}), SpecError);
}

TEST(MultiAttention, RefusesEndsWithoutASample) { EXPECT_THROW(Sampling(0, 15), SpecError); }

// ---- Sizes --------------------------------------------------------------------------------------

constexpr std::int64_t kTrunk = 2'241'024;

TEST(MultiAttention, HasTheSizesOfThePaper) {
  const auto attention = [](std::int64_t sets) {
    return CountOf("multi_attention", {{"sets", sets}}, PaperFeatures()) - kTrunk;
  };
  EXPECT_EQ(attention(1), 341'408);
  EXPECT_EQ(attention(8), 829'952);
  EXPECT_EQ(attention(16), 1'388'288);
  // Fused frames are one stream: F c + 4 c + M (c^2 + c / 2) of F = 1024, and a narrower trunk.
  const auto one = CountOf("multi_attention", {{"sets", 1}}, {{"fused", 1024}});
  EXPECT_EQ(one, 1024 * 256 + 4 * 256 + 256 * 256 + 128 + kTrunk - 128 * (4 + 1024));
}

TEST(MultiAttention, ScoresFusedFramesAsOne) {
  BuildContext context{.features = PaperFeatures(), .input_width = 1024};
  const WithoutMemory guard;
  const auto module = Makers<Temporal>::All().at("multi_attention")(
      context, reference::WithDefaults("temporal", "multi_attention", {}));
  EXPECT_EQ(reference::Count(*module), CountOf("multi_attention", {}, {{"fused", 1024}}));
}

TEST(MultiAttention, GivesTheModelsOfThePaper) {
  const Variant temporal = {"multi_attention", {{"sets", 8}}};
  // MoE 19,781,164 and the gate on the probabilities 14,930,492 = C^2 + 4 C: with batch norm and
  // without a bias, running statistics counted.
  const ModelSize mixture = MeasureModel(
      MakeModel({.parts = {{"temporal", temporal}, {"classifier", {"moe", {{"experts", 2}}}}},
                 .extras = {{"context_gating", {{"on", "probabilities"}, {"batch_norm", true}}}}}),
      PaperData());
  EXPECT_EQ(mixture.parameters, 829'952 + kTrunk + 19'781'164 + 14'930'492);
  EXPECT_EQ(mixture.parameters, 37'782'632);
  EXPECT_NEAR(static_cast<double>(mixture.size_bytes) / 1e6, 151.1, 0.05);

  // The logistic model has no gate on the probabilities.
  const ModelSize logistic =
      MeasureModel(MakeModel({.parts = {{"temporal", temporal}}}), PaperData());
  EXPECT_EQ(logistic.parameters, 7'029'526);
  EXPECT_NEAR(static_cast<double>(logistic.size_bytes) / 1e6, 28.1, 0.05);
}

TEST(MultiAttention, TheBestSetOfAClassCounts) {
  torch::manual_seed(2);
  Model model(
      MakeModel({.parts = {{"temporal", {"multi_attention", {{"sets", 3}, {"hidden", 4}}}}}}),
      {.format = "frame", .classes = 5, .features = {{"rgb", 4}, {"audio", 2}}});
  model.eval();
  const ModelOutput output = model.forward(contract::RandomSequence(kLengths, kFrames, 6), {});
  EXPECT_EQ(output.embedding.sizes().vec(), (std::vector<std::int64_t>{4, 3, 4}));
  EXPECT_EQ(output.probabilities.sizes().vec(), (std::vector<std::int64_t>{4, 5}));
}

}  // namespace multi_attention_test
}  // namespace beamgrid::trainer
