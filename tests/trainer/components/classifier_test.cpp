// logistic, moe and conditional_inference against their equations in plain loops.

#include <gtest/gtest.h>

#include "tests/trainer/components/classifier_reference.h"
#include "trainer/components/classifier/mixture.h"

namespace beamgrid::trainer {
namespace classifier_test {

using reference::Arrays;
using reference::Matrix;
using reference::Sigmoid;
using reference::Vector;
using reference::Videos;

using reference::Embeddings;
using reference::ExpectRegularisesTheMatrices;
using reference::ForEachVideo;
using reference::kClasses;
using reference::ParametersOf;
using reference::ProbabilitiesOf;
using reference::ReferenceMixture;
using reference::Sigmoids;

std::shared_ptr<Classifier> Make(const std::string& name, const Options& set) {
  return reference::MakeClassifier(name, set);
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
    return ForEachVideo(videos,
                        [&](const Vector& x) { return ReferenceMixture(arrays, "mixture.", x); });
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

TEST(MoeTest, MatchesTheEquationWithAGateBias) {
  const auto module = Make("moe", {{"experts", 2}, {"gate_bias", true}});
  const auto forward = [](const Arrays& arrays, const Videos& videos) {
    EXPECT_EQ(arrays.at("mixture.gates.bias").values.size(), 3U * kClasses);
    return ForEachVideo(videos,
                        [&](const Vector& x) { return ReferenceMixture(arrays, "mixture.", x); });
  };
  reference::ExpectMatches(*module, ProbabilitiesOf(*module), forward, Embeddings());
}

TEST(MoeTest, MatchesTheEquationOfTwoLayers) {
  const auto module = Make("moe", {{"experts", 2}, {"layers", 2}, {"hidden", 4}});
  const auto forward = [](const Arrays& arrays, const Videos& videos) {
    return ForEachVideo(videos, [&](const Vector& x) {
      return ReferenceMixture(arrays, "mixture.", reference::Linear(arrays, "before_gates", x),
                              reference::Linear(arrays, "before_experts", x));
    });
  };
  reference::ExpectMatches(*module, ProbabilitiesOf(*module), forward, Embeddings());
}

TEST(MoeTest, HasThePapersSizes) {
  const auto experts = [](std::int64_t k, std::int64_t width) {
    return ParametersOf("moe", {{"experts", k}}, width);
  };
  EXPECT_EQ(experts(2, 1024), 19'781'164);
  EXPECT_EQ(experts(2, 1152), 22'252'844);
  EXPECT_EQ(experts(4, 1152), 40'056'664);
  EXPECT_EQ(experts(16, 1152), 146'879'584);
  // Na et al. have a bias at the gates too.
  EXPECT_EQ(ParametersOf("moe", {{"layers", 2}, {"gate_bias", true}}), 44'288'878);
  EXPECT_EQ(ParametersOf("moe", {{"layers", 2}}), 44'288'878 - 3 * 3862);
}

TEST(MoeTest, RegularisesTheMatricesAndNoBias) {
  ExpectRegularisesTheMatrices(*Make("moe", {{"experts", 2}}));
  ExpectRegularisesTheMatrices(*Make("moe", {{"layers", 2}, {"hidden", 4}, {"gate_bias", true}}));
  ExpectRegularisesTheMatrices(*Make("logistic", {}));
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
  return moe ? ReferenceMixture(arrays, "mixture.", z)
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

TEST(ConditionalInferenceTest, HasThePapersSizes) {
  const std::int64_t logistic = ParametersOf("conditional_inference", {});
  EXPECT_EQ(logistic, 11'194'134);
  EXPECT_EQ(logistic - 3862 * 1025, 7'235'584);
  EXPECT_EQ(ParametersOf("conditional_inference", {{"head", "moe"}}), 27'016'748);
}

TEST(ConditionalInferenceTest, RegularisesTheMatricesAndNoBias) {
  ExpectRegularisesTheMatrices(*Make("conditional_inference", {{"rank", 4}}));
  ExpectRegularisesTheMatrices(*Make("conditional_inference", {{"rank", 4}, {"head", "moe"}}));
}

/// Loss of the training mode, averaged over its random choices.
double TrainingLoss(Classifier& module, Loss& criterion, const torch::Tensor& x,
                    const Targets& targets) {
  const torch::NoGradGuard no_gradient;
  constexpr int kDraws = 30;
  double sum = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const Scores scores = module.forward(x, targets);
    const torch::Tensor& p = scores.loss_over.empty() ? scores.probabilities : scores.loss_over[0];
    sum += criterion.forward(p, {}, targets).item<double>() / kDraws;
  }
  return sum;
}

TEST(ConditionalInferenceTest, EveryWayOfTrainingLearns) {
  const auto criterion = Makers<Loss>::All().at("cross_entropy")(
      {}, reference::WithDefaults("loss", "cross_entropy", {}));
  for (const char* training : {"last", "mean", "teacher"}) {
    SCOPED_TRACE(training);
    const auto module =
        Make("conditional_inference", {{"steps", 3}, {"rank", 8}, {"training", training}});
    const torch::Tensor x = Embeddings().frames.squeeze(1);
    const Targets targets{torch::eye(4, kClasses)};
    const double before = TrainingLoss(*module, *criterion, x, targets);
    torch::optim::Adam adam(module->parameters(), torch::optim::AdamOptions(0.05));
    for (int step = 0; step < 100; ++step) {
      const Scores scores = module->forward(x, targets);
      const torch::Tensor& p =
          scores.loss_over.empty() ? scores.probabilities : scores.loss_over.back();
      adam.zero_grad();
      criterion->forward(p, {}, targets).backward();
      adam.step();
    }
    EXPECT_LT(TrainingLoss(*module, *criterion, x, targets), before / 2);
    // What is picked first was seen in every way of training; later picks of "teacher" are not:
    // it never sees a wrong label, so only the first evaluation is judged.
    const auto one_step = Make("conditional_inference", {{"steps", 1}, {"rank", 8}});
    {
      const torch::NoGradGuard no_gradient;
      const auto from = module->parameters(), to = one_step->parameters();
      for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
    }
    one_step->eval();
    const torch::Tensor first = one_step->forward(x, {}).probabilities;
    EXPECT_TRUE(first.argmax(1).equal(targets.labels.argmax(1))) << first;
    EXPECT_LT(criterion->forward(first, {}, targets).item<double>(), before / 2);
  }
}

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

}  // namespace classifier_test
}  // namespace beamgrid::trainer
