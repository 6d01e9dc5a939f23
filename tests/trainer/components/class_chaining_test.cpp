// class_chaining against its equations in plain loops, one video and one label at a time.

#include <gtest/gtest.h>

#include "tests/trainer/components/classifier_reference.h"

namespace beamgrid::trainer {
namespace class_chaining_test {

using reference::Arrays;
using reference::kClasses;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

constexpr auto kCount = static_cast<std::size_t>(kClasses);
constexpr std::size_t kStop = kCount;
constexpr std::size_t kStart = kCount;

Vector Sum(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

Vector Part(const Vector& values, std::size_t part, std::size_t width) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(part * width);
  return {begin, begin + static_cast<std::ptrdiff_t>(width)};
}

/// TensorFlow's GRU cell.
Vector NextState(const Arrays& arrays, const Vector& input, const Vector& state) {
  const std::size_t hidden = state.size();
  const Vector from_state = reference::Linear(arrays, "chain.gates_from_state", state);
  const auto gate = [&](std::size_t part) {
    return reference::Sigmoids(Sum(Part(input, part, hidden), Part(from_state, part, hidden)));
  };
  const Vector reset = gate(0), update = gate(1);
  Vector kept = state;
  for (std::size_t i = 0; i < hidden; ++i) kept[i] *= reset[i];
  const Vector candidate =
      Sum(Part(input, 2, hidden), reference::Linear(arrays, "chain.candidate_from_state", kept));
  Vector next(hidden);
  for (std::size_t i = 0; i < hidden; ++i) {
    next[i] = update[i] * state[i] + (1 - update[i]) * std::tanh(candidate[i]);
  }
  return next;
}

/// p(class or STOP | what was said), without the classes that were said.
Vector Outcomes(const Arrays& arrays, const Vector& state, const std::vector<std::size_t>& said) {
  Vector logits = reference::Linear(arrays, "chain.output", state);
  logits.push_back(0);
  Vector outcomes(logits.size(), 0.0);
  double total = 0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    if (std::ranges::count(said, c) == 0) outcomes[c] = std::exp(logits[c]);
    total += outcomes[c];
  }
  for (double& outcome : outcomes) outcome /= total;
  return outcomes;
}

/// `truth`: what is said in training, in this order; nothing: the most probable.
Vector ReferenceChain(const Arrays& arrays, const Vector& x, std::size_t steps,
                      const std::optional<std::vector<std::size_t>>& truth) {
  Vector state(arrays.at("chain.candidate_from_state.weight").size(0), 0.0);
  if (arrays.contains("chain.initial.weight")) {
    state = reference::Linear(arrays, "chain.initial", x);
    for (double& value : state) value = std::tanh(value);
  }
  Vector scores(kCount, 0.0);
  Vector own(kCount, -1.0);
  std::vector<std::size_t> said;
  const reference::Array& vectors = arrays.at("chain.label_vectors");
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t word = said.empty() ? kStart : said.back();
    Vector vector;
    for (std::size_t j = 0; j < vectors.size(1); ++j) vector.push_back(vectors(word, j));
    Vector input = reference::Linear(arrays, "chain.from_label", vector);
    if (arrays.contains("chain.from_video.weight")) {
      input = Sum(input, reference::Linear(arrays, "chain.from_video", x));
    }
    state = NextState(arrays, input, state);
    const Vector outcomes = Outcomes(arrays, state, said);
    for (std::size_t c = 0; c < kCount; ++c) scores[c] = std::max(scores[c], outcomes[c]);
    std::size_t next = 0;
    for (std::size_t c = 1; c <= kStop; ++c) next = outcomes[c] > outcomes[next] ? c : next;
    if (truth) next = step < truth->size() ? (*truth)[step] : kStop;
    if (next == kStop) break;
    said.push_back(next);
    if (truth) own[next] = outcomes[next];
  }
  for (std::size_t c = 0; c < kCount; ++c) scores[c] = own[c] >= 0 ? own[c] : scores[c];
  return scores;
}

struct ChainCase {
  std::int64_t steps;
  const char* video;
};

class RecurrentChainTest : public ::testing::TestWithParam<ChainCase> {
 protected:
  [[nodiscard]] static std::shared_ptr<Classifier> Make(const LabelStatistics* labels = nullptr) {
    const auto [steps, video] = GetParam();
    return reference::MakeClassifier(
        "class_chaining", {{"steps", steps}, {"hidden", 4}, {"label_width", 2}, {"video", video}},
        labels);
  }
  [[nodiscard]] static std::size_t Steps() {
    return static_cast<std::size_t>(std::min(GetParam().steps, kClasses));
  }
};

TEST_P(RecurrentChainTest, MatchesTheEquationInEvaluation) {
  const auto module = Make();
  module->eval();
  const auto forward = [](const Arrays& arrays, const Videos& videos) {
    return reference::ForEachVideo(
        videos, [&](const Vector& x) { return ReferenceChain(arrays, x, Steps(), {}); });
  };
  reference::ExpectMatches(*module, reference::ProbabilitiesOf(*module), forward,
                           reference::Embeddings());
}

TEST_P(RecurrentChainTest, MatchesTheEquationInTraining) {
  // Label 3 is the most frequent one, then 0 and 4 (of equal ones the first), 2, 1.
  const reference::GivenLabels statistics(
      torch::diag(torch::tensor({5.0, 1.0, 2.0, 9.0, 5.0}, torch::kDouble)));
  const auto module = Make(&statistics);
  const Targets targets{torch::tensor(
      {{1, 0, 0, 1, 0}, {0, 0, 0, 0, 0}, {1, 1, 1, 1, 1}, {0, 1, 1, 0, 1}}, torch::kDouble)};
  const std::vector<std::vector<std::size_t>> truth = {{3, 0}, {}, {3, 0, 4, 2, 1}, {4, 2, 1}};
  const auto forward = [&](const Arrays& arrays, const Videos& videos) {
    Matrix rows;
    for (std::size_t b = 0; b < videos.size(); ++b) {
      rows.push_back(ReferenceChain(arrays, videos[b][0], Steps(), truth[b]));
    }
    return rows;
  };
  reference::ExpectMatches(*module, reference::ProbabilitiesOf(*module, targets), forward,
                           reference::Embeddings());
}

INSTANTIATE_TEST_SUITE_P(Variants, RecurrentChainTest,
                         ::testing::Values(ChainCase{2, "input"}, ChainCase{4, "input"},
                                           ChainCase{99, "input"}, ChainCase{3, "state"}));

TEST(ClassChainingTest, WithoutStatisticsTheOrderIsThatOfTheClasses) {
  const torch::Tensor x = reference::Embeddings().frames.squeeze(1);
  const Targets targets{torch::ones({4, kClasses})};
  const reference::GivenLabels falling(
      torch::diag(torch::tensor({5.0, 4.0, 3.0, 2.0, 1.0}, torch::kDouble)));
  const reference::GivenLabels rising(
      torch::diag(torch::tensor({1.0, 2.0, 3.0, 4.0, 5.0}, torch::kDouble)));
  const auto scores = [&](const LabelStatistics* labels) {
    const auto module =
        reference::MakeClassifier("class_chaining", {{"hidden", 4}, {"label_width", 2}}, labels);
    return module->forward(x, targets).probabilities;
  };
  EXPECT_TRUE(scores(nullptr).equal(scores(&falling)));
  EXPECT_FALSE(scores(nullptr).equal(scores(&rising)));
}

TEST(ClassChainingTest, TheLossHoldsTheLikelihoodOfTheLabels) {
  // p(y|x) of the labels {0, 3} in this order, by hand from two looks at the model.
  const auto module = reference::MakeClassifier("class_chaining",
                                                {{"hidden", 4}, {"label_width", 2}, {"steps", 5}});
  const torch::Tensor x = reference::Embeddings().frames.squeeze(1);
  const auto trained_on = [&](const std::vector<std::int64_t>& labels) {
    torch::Tensor matrix = torch::zeros({4, kClasses});
    for (const std::int64_t label : labels) matrix.select(1, label).fill_(1);
    return module->forward(x, {matrix}).probabilities;
  };
  const torch::Tensor both = trained_on({0, 3}), first = trained_on({0});
  EXPECT_TRUE(torch::allclose(both.select(1, 0), first.select(1, 0)));
  EXPECT_FALSE(torch::allclose(both.select(1, 3), trained_on({3}).select(1, 3)))
      << "the second label does not see the first";
}

TEST(ClassChainingTest, LearnsWhichLabelsBelongTogether) {
  // Two kinds of videos that look alike: labels {0, 1} or {2, 3}, never mixed.
  torch::manual_seed(3);
  const auto module = Makers<Classifier>::All().at("class_chaining")(
      {.classes = kClasses, .input_width = reference::kWidth},
      reference::WithDefaults("classifier", "class_chaining",
                              {{"steps", 4}, {"hidden", 16}, {"label_width", 8}}));
  const torch::Tensor x = torch::ones({2, reference::kWidth});
  const Targets targets{torch::tensor({{1, 1, 0, 0, 0}, {0, 0, 1, 1, 0}}, torch::kFloat)};
  const auto criterion = Makers<Loss>::All().at("cross_entropy")(
      {}, reference::WithDefaults("loss", "cross_entropy", {}));
  torch::optim::Adam adam(module->parameters(), torch::optim::AdamOptions(0.02));
  for (int step = 0; step < 200; ++step) {
    adam.zero_grad();
    criterion->forward(module->forward(x, targets).probabilities, {}, targets).backward();
    adam.step();
  }
  module->eval();
  const torch::Tensor p = module->forward(x, {}).probabilities[0];
  // Whichever it begins with, the partner is then certain and nothing else follows.
  const bool first_pair = p[0].item<double>() > p[2].item<double>();
  EXPECT_GT(p[first_pair ? 1 : 3].item<double>(), 0.8) << p;
  EXPECT_LT(p[first_pair ? 3 : 1].item<double>(), 0.3) << p;
  EXPECT_LT(p[4].item<double>(), 0.1) << p;
}

// ---- Deep combine -------------------------------------------------------------------------------

/// Predictions of all mixtures, the last one last.
Matrix ReferenceCombine(const Arrays& arrays, const Vector& x, std::size_t steps) {
  Matrix predictions;
  Vector seen = x;
  for (std::size_t step = 0;; ++step) {
    const std::string number = std::to_string(step);
    predictions.push_back(
        reference::ReferenceMixture(arrays, "chain.mixture" + number + ".", seen));
    if (step == steps) return predictions;
    Vector link = reference::Linear(arrays, "chain.link" + number, predictions.back());
    for (double& value : link) value = std::max(value, 0.0);
    const double norm = std::sqrt(std::max(reference::Dot(link, link), 1e-12));
    for (const double value : link) seen.push_back(value / norm);
  }
}

std::shared_ptr<Classifier> MakeCombine(std::int64_t steps) {
  return reference::MakeClassifier(
      "class_chaining",
      {{"form", "deep_combine"}, {"steps", steps}, {"link", 6}, {"auxiliary", 0.2}});
}

TEST(CombineChainTest, MatchesTheEquation) {
  for (const std::int64_t steps : {1, 3}) {
    const auto module = MakeCombine(steps);
    const auto forward = [&](const Arrays& arrays, const Videos& videos) {
      return reference::ForEachVideo(videos, [&](const Vector& x) {
        return ReferenceCombine(arrays, x, static_cast<std::size_t>(steps)).back();
      });
    };
    reference::ExpectMatches(*module, reference::ProbabilitiesOf(*module), forward,
                             reference::Embeddings());
  }
}

TEST(CombineChainTest, TheLossIsSharedWithThePredictionsBefore) {
  const auto module = MakeCombine(3);
  const torch::Tensor x = reference::Embeddings().frames.squeeze(1);
  const Arrays arrays = reference::ArraysOf(*module);
  const Scores scores = module->forward(x, {torch::ones({4, kClasses})});
  ASSERT_EQ(scores.loss_over.size(), 4U);
  ASSERT_EQ(scores.loss_shares.size(), 4U);
  const Matrix expected = ReferenceCombine(arrays, reference::ArrayOf(x[1]).values, 3);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(scores.loss_shares[i], i < 3 ? 0.2 / 3 : 0.8, 1e-12);
    const Vector actual = reference::ArrayOf(scores.loss_over[i][1]).values;
    for (std::size_t c = 0; c < kCount; ++c) EXPECT_NEAR(actual[c], expected[i][c], 1e-6);
  }
  module->eval();
  EXPECT_TRUE(module->forward(x, {}).loss_over.empty());
}

TEST(ClassChainingTest, HasTheExpectedSizes) {
  EXPECT_EQ(reference::ParametersOf("class_chaining", {}), 17'747'734);
  EXPECT_EQ(reference::ParametersOf("class_chaining", {{"video", "state"}}),
            3863 * 1024 + 3 * (1024 * 2048 + 1024) + 1024 * 1152 + 1024 + 3862 * 1025);
  std::int64_t combine = 8 * (3862 * 128 + 128);
  for (std::int64_t l = 0; l <= 8; ++l) combine += 5 * 3862 * (1152 + 128 * l) + 2 * 3862;
  EXPECT_EQ(reference::ParametersOf("class_chaining", {{"form", "deep_combine"}}), combine);
}

TEST(ClassChainingTest, RegularisesTheMatrices) {
  for (const char* form : {"rnn", "deep_combine"}) {
    reference::ExpectRegularisesTheMatrices(*reference::MakeClassifier(
        "class_chaining", {{"form", form}, {"hidden", 4}, {"label_width", 2}, {"link", 3}}));
  }
}

}  // namespace class_chaining_test
}  // namespace beamgrid::trainer
