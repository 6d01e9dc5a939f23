// Training steps against their equations in double precision: gradients of the loss and of L2,
// clipping in both orders, Adam; and examples that are mixed.

#include <gtest/gtest.h>

#include <cmath>

#include "tests/trainer/components/reference.h"
#include "tests/trainer/trial.h"
#include "trainer/training/mixing.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace train_step_test {

constexpr std::int64_t kWidth = 3, kClasses = 4, kVideos = 5;

DataSpec Data() {
  return {.format = "frame", .classes = kClasses, .features = {{"rgb", kWidth}}, .max_frames = 9};
}

DeviceBatch Batch() {
  torch::manual_seed(51);
  const Sequence input = contract::RandomSequence({4, 1, 3, 2, 4}, 5, kWidth);
  return {input, {(torch::rand({kVideos, kClasses}) < 0.4).to(torch::kFloat), {}}};
}

torch::Tensor Doubles(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kDouble).clone();
}

// ---- L2 and clipping ----------------------------------------------------------------------------

/// A logistic model of the mean frame, trained by hand.
struct ByHand {
  torch::Tensor weight, bias;
  torch::Tensor first[2], second[2];

  /// -[y log(p + e) + (1 - y) log(1 - p + e)], summed over classes, mean over videos: its gradients
  /// in weight and bias.
  [[nodiscard]] std::array<torch::Tensor, 2> Gradients(const DeviceBatch& batch) const {
    const torch::Tensor valid = batch.input.mask.to(torch::kDouble);
    const torch::Tensor x =
        (Doubles(batch.input.frames) * valid.unsqueeze(2)).sum(1) / valid.sum(1, /*keepdim=*/true);
    const torch::Tensor y = Doubles(batch.targets.labels);
    const torch::Tensor p = (x.matmul(weight.t()) + bias).sigmoid();
    const torch::Tensor in_p = -y / (p + 1e-5) + (1 - y) / (1 - p + 1e-5);
    const torch::Tensor in_logit = in_p * p * (1 - p) / static_cast<double>(kVideos);
    return {in_logit.t().matmul(x), in_logit.sum(0)};
  }

  static torch::Tensor Clipped(const torch::Tensor& gradient, double norm) {
    return gradient * std::min(1.0, norm / gradient.norm().item<double>());
  }

  void Step(const DeviceBatch& batch, int number, double norm, double l2, bool clips_l2) {
    std::array<torch::Tensor, 2> gradients = Gradients(batch);
    if (clips_l2) gradients[0] = gradients[0] + l2 * weight;
    for (torch::Tensor& gradient : gradients) gradient = Clipped(gradient, norm);
    if (!clips_l2) gradients[0] = gradients[0] + l2 * weight;
    for (int i = 0; i < 2; ++i) {
      first[i] = 0.9 * first[i] + 0.1 * gradients[i];
      second[i] = 0.999 * second[i] + 0.001 * gradients[i].square();
      const torch::Tensor mean = first[i] / (1 - std::pow(0.9, number));
      const torch::Tensor variance = second[i] / (1 - std::pow(0.999, number));
      (i == 0 ? weight : bias) -= 0.05 * mean / (variance.sqrt() + 1e-8);
    }
  }
};

/// The weights after three steps: the model's and those by hand.
std::pair<torch::Tensor, torch::Tensor> AfterThreeSteps(bool clips_l2) {
  constexpr double kNorm = 0.3, kL2 = 0.5;
  torch::manual_seed(52);
  Model model(MakeModel({.extras = {{"gradient_clip", {{"norm", kNorm}}}}}), Data());
  model.train();
  const auto parameters = model.named_parameters();
  const torch::Tensor weight = parameters["classifier.linear.weight"];
  const torch::Tensor bias = parameters["classifier.linear.bias"];
  ByHand by_hand{Doubles(weight), Doubles(bias), {}, {}};
  for (int i = 0; i < 2; ++i) {
    by_hand.first[i] = torch::zeros_like(i == 0 ? by_hand.weight : by_hand.bias);
    by_hand.second[i] = torch::zeros_like(by_hand.first[i]);
  }
  const TrainSettings settings{.l2 = kL2, .l2_clipped = clips_l2};
  Optimiser optimiser(settings, parameters.pairs(), model.RegularisedWeights());
  const DeviceBatch batch = Batch();
  for (int step = 1; step <= 3; ++step) {
    // So that it is clipped at all, and L2 counts.
    const auto gradients = by_hand.Gradients(batch);
    EXPECT_GT(gradients[0].norm().item<double>(), kNorm);
    TrainStep(model, optimiser, batch, settings, 0.05);
    by_hand.Step(batch, step, kNorm, kL2, clips_l2);
  }
  EXPECT_TRUE(torch::allclose(Doubles(bias), by_hand.bias, 1e-5, 1e-6));
  return {Doubles(weight), by_hand.weight};
}

TEST(TrainStep, ClipsTheGradientsOfLossAndL2Together) {
  const auto [weight, expected] = AfterThreeSteps(/*clips_l2=*/true);
  EXPECT_TRUE(torch::allclose(weight, expected, 1e-5, 1e-6)) << weight << expected;
}

TEST(TrainStep, ClipsTheGradientOfTheLossAlone) {
  const auto [weight, expected] = AfterThreeSteps(/*clips_l2=*/false);
  EXPECT_TRUE(torch::allclose(weight, expected, 1e-5, 1e-6)) << weight << expected;
}

TEST(TrainStep, TheOrderMattersAndTheStarterCodesIsTheDefault) {
  EXPECT_TRUE(TrainSettings().l2_clipped);
  EXPECT_GT((AfterThreeSteps(true).first - AfterThreeSteps(false).first).abs().max().item<double>(),
            1e-3);
}

// ---- Mixing -------------------------------------------------------------------------------------

TEST(Mix, LeavesTheBatchAloneWithoutAsking) {
  const DeviceBatch batch = Batch();
  torch::manual_seed(1);
  const torch::Tensor next = torch::rand({3});
  torch::manual_seed(1);
  const MixedBatch mixed = Mix(batch, 0);
  EXPECT_TRUE(torch::rand({3}).equal(next)) << "it draws";
  EXPECT_TRUE(mixed.input.frames.equal(batch.input.frames));
  ASSERT_EQ(mixed.targets.size(), 1U);
  EXPECT_TRUE(mixed.targets[0].labels.equal(batch.targets.labels));
}

/// The video whose labels are the second targets of video `b`: labels that are numbers tell.
std::int64_t PartnerOf(const MixedBatch& mixed, std::int64_t b) {
  return mixed.targets[1].labels[b][0].item<std::int64_t>();
}

TEST(Mix, IsALinearCombinationOfTwoExamples) {
  DeviceBatch batch = Batch();
  batch.targets.labels = torch::arange(kVideos, torch::kFloat).unsqueeze(1).repeat({1, kClasses});
  for (const bool rated : {false, true}) {
    if (rated) batch.targets.weights = torch::rand({kVideos, kClasses});
    torch::manual_seed(7);
    const MixedBatch mixed = Mix(batch, 0.4);
    ASSERT_EQ(mixed.targets.size(), 2U);
    EXPECT_TRUE(mixed.targets[0].labels.equal(batch.targets.labels));
    std::set<std::int64_t> partners;
    for (std::int64_t b = 0; b < kVideos; ++b) {
      const std::int64_t other = PartnerOf(mixed, b);
      partners.insert(other);
      const auto weight_of = [&](std::int64_t video) {
        return rated ? batch.targets.weights[video] : torch::ones({kClasses});
      };
      const double share = (mixed.targets[0].weights[b] / weight_of(b)).mean().item<double>();
      EXPECT_GE(share, 0.5);
      EXPECT_LE(share, 1);
      EXPECT_TRUE(
          torch::allclose(mixed.targets[1].weights[b], (1 - share) * weight_of(other), 1e-4, 1e-6));
      // Padding is 0 in the input, so the shorter one adds nothing behind its end.
      const torch::Tensor expected =
          share * batch.input.frames[b] + (1 - share) * batch.input.frames[other];
      EXPECT_TRUE(torch::allclose(mixed.input.frames[b], expected, 1e-4, 1e-6));
      EXPECT_EQ(mixed.input.lengths[b].item<std::int64_t>(),
                std::max(batch.input.lengths[b].item<std::int64_t>(),
                         batch.input.lengths[other].item<std::int64_t>()));
      EXPECT_EQ(mixed.input.mask[b].sum().item<std::int64_t>(),
                mixed.input.lengths[b].item<std::int64_t>());
    }
    EXPECT_EQ(partners.size(), static_cast<std::size_t>(kVideos)) << "no permutation";
  }
}

// What Zhang et al. have: the cross entropy against q y + (1 - q) y'.
TEST(Mix, HasTheLossOfMixedLabels) {
  DeviceBatch batch = Batch();
  torch::manual_seed(8);
  Model model(MakeModel({}), Data());
  model.train();
  const MixedBatch mixed = Mix(batch, 1.0);
  const ModelOutput output = model.forward(mixed.input, mixed.targets[0]);
  const double loss = model.TotalLoss(output, mixed.targets).item<double>();
  const torch::Tensor q = Doubles(mixed.targets[0].weights);
  const torch::Tensor y =
      q * Doubles(mixed.targets[0].labels) + (1 - q) * Doubles(mixed.targets[1].labels);
  const torch::Tensor p = Doubles(output.probabilities);
  const torch::Tensor cells = -(y * (p + 1e-5).log() + (1 - y) * (1 - p + 1e-5).log());
  EXPECT_NEAR(loss, cells.sum().item<double>() / static_cast<double>(kVideos), 1e-5);
}

TEST(Mix, FollowsTheBetaDistribution) {
  DeviceBatch batch{{torch::zeros({20'000, 1, 1}), torch::ones({20'000, 1}, torch::kBool),
                     torch::ones({20'000}, torch::kLong)},
                    {torch::zeros({20'000, 1}), {}}};
  for (const double alpha : {0.2, 1.0, 4.0}) {
    torch::manual_seed(9);
    const torch::Tensor q = Doubles(Mix(batch, alpha).targets[0].weights);
    // Of a symmetric Beta: E (q - 1/2)^2 = 1 / (4 (2 alpha + 1)), whichever side is taken.
    EXPECT_NEAR((q - 0.5).square().mean().item<double>(), 1 / (4 * (2 * alpha + 1)), 0.003);
    EXPECT_GE(q.min().item<double>(), 0.5);
  }
}

TEST(TrainStep, TrainsOnMixedExamples) {
  torch::manual_seed(53);
  Model model(MakeModel({.parts = {{"loss", {"center", {}}}}}), Data());
  model.train();
  const TrainSettings settings{.mix = 0.5};
  Optimiser optimiser(settings, model.named_parameters().pairs(), model.RegularisedWeights());
  const DeviceBatch batch = Batch();
  const double before = TrainStep(model, optimiser, batch, settings, 0.05).item<double>();
  double after = 0;
  for (int i = 0; i < 60; ++i) {
    after = TrainStep(model, optimiser, batch, settings, 0.05).item<double>();
  }
  EXPECT_LT(after, before);
}

}  // namespace train_step_test
}  // namespace beamgrid::trainer
