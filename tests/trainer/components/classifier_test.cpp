// logistic, moe and conditional_inference against their equations in plain loops.

#include <gtest/gtest.h>

#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/reference.h"
#include "trainer/components/classifier/mixture.h"

namespace beamgrid::trainer {
namespace {

using reference::Arrays;
using reference::Matrix;
using reference::Sigmoid;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;
constexpr std::int64_t kClasses = 5;

std::shared_ptr<Classifier> Make(const std::string& name, const Options& set) {
  torch::manual_seed(11);
  const auto module =
      Makers<Classifier>::All().at(name)({.classes = kClasses, .input_width = kWidth},
                                         reference::WithDefaults("classifier", name, set));
  reference::Randomise(*module);
  return module;
}

/// Embeddings as videos of one frame.
Sequence Embeddings() {
  torch::manual_seed(12);
  return contract::RandomSequence({1, 1, 1, 1}, 1, kWidth);
}

reference::Rows ProbabilitiesOf(Classifier& module, const Targets& targets = {}) {
  return [&module, targets](const Sequence& input) {
    return module.forward(input.frames.squeeze(1), targets).probabilities.unbind(0);
  };
}

Matrix ForEachVideo(const Videos& videos, const std::function<Vector(const Vector&)>& function) {
  Matrix rows;
  for (const Matrix& video : videos) rows.push_back(function(video[0]));
  return rows;
}

/// Gates "<name>gates", experts "<name>experts"; row i*C + c is expert i of class c.
Vector ReferenceMixture(const Arrays& arrays, const std::string& name, const Vector& x,
                        std::size_t classes) {
  const Vector gates = reference::Linear(arrays, name + "gates", x);
  const Vector heads = reference::Linear(arrays, name + "experts", x);
  const std::size_t experts = heads.size() / classes;
  Vector probabilities;
  for (std::size_t c = 0; c < classes; ++c) {
    Vector of_class;
    for (std::size_t i = 0; i <= experts; ++i) of_class.push_back(gates[i * classes + c]);
    const Vector weights = reference::Softmax(of_class);
    double p = 0;
    for (std::size_t i = 0; i < experts; ++i) p += weights[i] * Sigmoid(heads[i * classes + c]);
    probabilities.push_back(p);
  }
  return probabilities;
}

Vector Sigmoids(Vector values) {
  for (double& value : values) value = Sigmoid(value);
  return values;
}

TEST(LogisticTest, MatchesTheEquation) {
  const auto module = Make("logistic", {});
  const auto forward = [](const Arrays& arrays, const Videos& videos) {
    return ForEachVideo(
        videos, [&](const Vector& x) { return Sigmoids(reference::Linear(arrays, "linear", x)); });
  };
  reference::ExpectMatches(*module, ProbabilitiesOf(*module), forward, Embeddings());
}

TEST(LogisticTest, LogitsBelongToTheProbabilities) {
  const auto module = Make("logistic", {});
  const Scores scores = module->forward(Embeddings().frames.squeeze(1), {});
  EXPECT_TRUE(torch::allclose(scores.logits.sigmoid(), scores.probabilities));
}

class MoeTest : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(MoeTest, MatchesTheEquation) {
  const auto module = Make("moe", {{"experts", GetParam()}});
  const auto forward = [](const Arrays& arrays, const Videos& videos) {
    return ForEachVideo(
        videos, [&](const Vector& x) { return ReferenceMixture(arrays, "mixture.", x, kClasses); });
  };
  reference::ExpectMatches(*module, ProbabilitiesOf(*module), forward, Embeddings());
}

INSTANTIATE_TEST_SUITE_P(Experts, MoeTest, ::testing::Values(1, 2, 4));

TEST(MoeTest, TheDummyExpertAloneSaysNo) {
  // All weight on the last gate: probability 0 whatever the experts say.
  torch::Tensor gates = torch::zeros({1, 3, 2});
  gates.select(1, 2).fill_(100);
  const torch::Tensor p = MixExperts(gates, torch::full({1, 2, 2}, 50.0));
  EXPECT_LT(p.max().item<double>(), 1e-30);
}

TEST(MoeTest, RegularisesBothMatricesAndNoBias) {
  const auto module = Make("moe", {{"experts", 2}});
  std::int64_t values = 0;
  for (const torch::Tensor& weight : module->RegularisedWeights()) {
    EXPECT_EQ(weight.dim(), 2);
    values += weight.numel();
  }
  EXPECT_EQ(values, (2 * 2 + 1) * kClasses * kWidth);
}

// ---- Conditional inference ----------------------------------------------------------------------

struct ReferenceSteps {
  Matrix probabilities;            ///< of each evaluation
  std::vector<std::size_t> picks;  ///< label observed after evaluation i
};

/// f(x, l), with l as a sum of label vectors.
Vector ReferenceEvaluate(const Arrays& arrays, const Vector& x,
                         const std::vector<std::size_t>& observed, bool moe) {
  Vector pooled = reference::Linear(arrays, "from_video", x);
  for (std::size_t r = 0; r < pooled.size(); ++r) {
    double label = arrays.at("label_bias")(r);
    for (const std::size_t c : observed) label += arrays.at("label_vectors")(c, r);
    pooled[r] = std::tanh(pooled[r]) * std::tanh(label);
  }
  Vector z = reference::Linear(arrays, "project", pooled);
  const Vector gate = reference::Linear(arrays, "gate", z);
  for (std::size_t r = 0; r < z.size(); ++r) z[r] *= Sigmoid(gate[r]);
  return moe ? ReferenceMixture(arrays, "mixture.", z, kClasses)
             : Sigmoids(reference::Linear(arrays, "linear", z));
}

ReferenceSteps ReferenceUnroll(const Arrays& arrays, const Vector& x, std::size_t steps, bool moe) {
  ReferenceSteps result;
  while (result.probabilities.size() < steps) {
    if (!result.probabilities.empty()) {
      const Vector& p = result.probabilities.back();
      std::size_t best = kClasses;
      for (std::size_t c = 0; c < p.size(); ++c) {
        if (std::ranges::count(result.picks, c) > 0) continue;
        if (best == kClasses || p[c] > p[best]) best = c;
      }
      result.picks.push_back(best);
    }
    result.probabilities.push_back(ReferenceEvaluate(arrays, x, result.picks, moe));
  }
  return result;
}

Vector ScoredByPick(const ReferenceSteps& steps) {
  Vector scores = steps.probabilities.back();
  for (std::size_t i = 0; i < steps.picks.size(); ++i) {
    scores[steps.picks[i]] = steps.probabilities[i][steps.picks[i]];
  }
  return scores;
}

Vector ScoredByMaximum(const ReferenceSteps& steps) {
  return reference::MaxRow(steps.probabilities);
}

struct InferenceCase {
  std::int64_t steps;
  const char* head;
  const char* score;
};

class ConditionalInferenceTest : public ::testing::TestWithParam<InferenceCase> {};

TEST_P(ConditionalInferenceTest, MatchesTheEquation) {
  const auto [steps, head, score] = GetParam();
  const auto module = Make("conditional_inference",
                           {{"steps", steps}, {"rank", 4}, {"head", head}, {"score", score}});
  const bool moe = std::string(head) == "moe";
  const bool maximum = std::string(score) == "max";
  const auto forward = [=, steps = steps](const Arrays& arrays, const Videos& videos) {
    return ForEachVideo(videos, [&](const Vector& x) {
      const auto unrolled = ReferenceUnroll(arrays, x, static_cast<std::size_t>(steps), moe);
      return maximum ? ScoredByMaximum(unrolled) : ScoredByPick(unrolled);
    });
  };
  reference::ExpectMatches(*module, ProbabilitiesOf(*module), forward, Embeddings());
}

INSTANTIATE_TEST_SUITE_P(Variants, ConditionalInferenceTest,
                         ::testing::Values(InferenceCase{2, "logistic", "picked"},
                                           InferenceCase{4, "logistic", "picked"},
                                           InferenceCase{3, "logistic", "max"},
                                           InferenceCase{3, "moe", "picked"}));

TEST(ConditionalInferenceTest, OneStepSeesNoLabels) {
  const auto module = Make("conditional_inference", {{"steps", 1}, {"rank", 4}});
  const Sequence input = Embeddings();
  const Arrays arrays = reference::ArraysOf(*module);
  const torch::Tensor p = module->forward(input.frames.squeeze(1), {}).probabilities;
  const auto videos = reference::VideosOf(input);
  for (std::size_t b = 0; b < videos.size(); ++b) {
    const Vector expected = ReferenceEvaluate(arrays, videos[b][0], {}, false);
    for (std::size_t c = 0; c < kClasses; ++c) {
      EXPECT_NEAR(p[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(c)].item<double>(),
                  expected[c], 1e-6);
    }
  }
}

TEST(ConditionalInferenceTest, MoreStepsThanClassesPickEachOnce) {
  const auto few = Make("conditional_inference", {{"steps", kClasses}, {"rank", 4}});
  const auto many = Make("conditional_inference", {{"steps", 60}, {"rank", 4}});
  const torch::Tensor x = Embeddings().frames.squeeze(1);
  EXPECT_TRUE(few->forward(x, {}).probabilities.equal(many->forward(x, {}).probabilities));
}

TEST(ConditionalInferenceTest, MeanTrainingAveragesTheLossOverTheSteps) {
  const auto module =
      Make("conditional_inference", {{"steps", 3}, {"rank", 4}, {"training", "mean"}});
  const torch::Tensor x = Embeddings().frames.squeeze(1);
  const Targets targets{torch::ones({4, kClasses})};
  EXPECT_EQ(module->forward(x, targets).loss_over.size(), 3U);
  module->eval();
  EXPECT_TRUE(module->forward(x, targets).loss_over.empty());
}

TEST(ConditionalInferenceTest, TeacherShowsSubsetsOfTheTrueLabels) {
  const auto module =
      Make("conditional_inference", {{"steps", 3}, {"rank", 4}, {"training", "teacher"}});
  torch::manual_seed(3);
  const torch::Tensor x = Embeddings().frames.squeeze(1);
  const torch::Tensor labels = torch::tensor({1, 1, 1, 0, 0}, torch::kFloat).repeat({4, 1});
  std::vector<double> seen(4, 0);
  for (int i = 0; i < 100; ++i) {
    const Scores scores = module->forward(x, {labels});
    ASSERT_EQ(scores.loss_over.size(), 1U);
    // Shown labels count as found: their probability in the loss is exactly 1.
    const torch::Tensor shown = scores.loss_over[0] == 1;
    EXPECT_EQ((shown * (labels == 0)).sum().item<std::int64_t>(), 0) << "a wrong label was shown";
    const torch::Tensor counts = shown.sum(1);
    for (std::int64_t b = 0; b < 4; ++b)
      ++seen[static_cast<std::size_t>(counts[b].item<std::int64_t>())];
  }
  // 0, 1 or 2 of the three, each about a third of the 400 times.
  for (std::size_t count = 0; count < 3; ++count) EXPECT_NEAR(seen[count], 133, 45);
  EXPECT_EQ(seen[3], 0);
}

TEST(ConditionalInferenceTest, TeacherTrainingReachesTheLabelVectors) {
  const auto module =
      Make("conditional_inference", {{"steps", 5}, {"rank", 4}, {"training", "teacher"}});
  torch::manual_seed(4);
  const torch::Tensor x = Embeddings().frames.squeeze(1);
  const torch::Tensor labels = torch::ones({4, kClasses});
  module->forward(x, {labels}).probabilities.sum().backward();
  EXPECT_GT(module->named_parameters()["label_vectors"].grad().abs().sum().item<double>(), 0);
}

TEST(ConditionalInferenceTest, DoesNotTieThePickedLabels) {
  const auto module = Make("conditional_inference", {{"steps", 4}, {"rank", 4}});
  const torch::Tensor p = module->forward(Embeddings().frames.squeeze(1), {}).probabilities;
  EXPECT_LT(p.max().item<double>(), 1);
  EXPECT_EQ(std::get<0>(torch::_unique(p.flatten())).numel(), p.numel());
}

}  // namespace
}  // namespace beamgrid::trainer
