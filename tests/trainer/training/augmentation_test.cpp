// Where the papers' future work can win: few examples, many inputs, and what is scored are others.

#include <gtest/gtest.h>

#include "tests/trainer/trial.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace augmentation_test {

/// Videos of one class, half of them with it.
struct Videos {
  torch::Tensor frames;  ///< [videos, frames, width]
  torch::Tensor labels;  ///< [videos, 1]

  [[nodiscard]] DeviceBatch Batch() const {
    const std::int64_t count = frames.size(0), length = frames.size(1);
    return {{frames, torch::ones({count, length}, torch::kBool),
             torch::full({count}, length, torch::kLong)},
            {labels, {}}};
  }
};

struct Score {
  double loss, accuracy;
};

/// Trains a model on some videos, all at once in each step, and scores it on others.
Score TrainAndScore(const Parts& parts, const Videos& train, const Videos& others, int steps,
                    double learning_rate) {
  const DataSpec data{.format = "frame",
                      .classes = 1,
                      .features = {{"rgb", train.frames.size(2)}},
                      .max_frames = train.frames.size(1)};
  Model model(MakeModel(parts), data);
  model.train();
  const auto settings = ReadOptions<TrainSettings>(Complete("train", "train", parts.train));
  Optimiser optimiser(settings, model.named_parameters().pairs(), model.RegularisedWeights());
  const DeviceBatch batch = train.Batch();
  for (int step = 0; step < steps; ++step) {
    TrainStep(model, optimiser, batch, settings, learning_rate);
  }
  const torch::NoGradGuard no_gradient;
  model.eval();
  const DeviceBatch scored = others.Batch();
  const ModelOutput output = model.forward(scored.input, {});
  const torch::Tensor right = (output.probabilities > 0.5) == (scored.targets.labels > 0.5);
  return {model.TotalLoss(output, scored.targets).item<double>(),
          right.to(torch::kFloat).mean().item<double>()};
}

torch::Tensor HalfTheLabels(std::int64_t videos) {
  return (torch::arange(videos) % 2).to(torch::kFloat).unsqueeze(1);
}

// ---- Few examples -------------------------------------------------------------------------------

/// Frames of noise, moved a little in 4 of 40 values, one way or the other by the label.
Videos Noisy(std::int64_t count) {
  const torch::Tensor labels = HalfTheLabels(count);
  torch::Tensor frames = torch::randn({count, 8, 40});
  frames.narrow(2, 0, 4).add_((labels - 0.5).unsqueeze(2) * 0.9);
  return {frames, labels};
}

/// The mean loss on other videos over four draws of 30 training videos.
double LossFrom30Videos(const Parts& parts) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    torch::manual_seed(seed);
    const Videos train = Noisy(30), others = Noisy(400);
    sum += TrainAndScore(parts, train, others, 150, 0.05).loss / 4;
  }
  return sum;
}

// A quarter of the loss in a simulation of the same by hand; mixing two thirds.
TEST(Augmentation, KeepsFewExamplesFromBeingLearntByHeart) {
  const double plain = LossFrom30Videos({});
  EXPECT_LT(LossFrom30Videos({.extras = {{"segment_dropout", {{"rate", 0.5}, {"length", 1}}}}}),
            0.6 * plain);
  EXPECT_LT(LossFrom30Videos({.extras = {{"frame_sampling", {{"frames", 3}}}}}), 0.6 * plain);
  EXPECT_LT(LossFrom30Videos({.train = {{"mix", 1.0}}}), 0.9 * plain);
}

// ---- Recurrent models ---------------------------------------------------------------------------

/// An event in one frame, or none.
Videos Events(std::int64_t count, std::int64_t length, std::int64_t at) {
  const torch::Tensor labels = HalfTheLabels(count);
  torch::Tensor frames = 0.1 * torch::randn({count, length, 2});
  frames.select(1, at).select(1, 0).add_(2 * labels.squeeze(1));
  return {frames, labels};
}

// What was only seen late is found early too.
TEST(Augmentation, ReversedVideosFindEventsWhereNoneWereSeen) {
  const auto accuracy = [](const std::map<std::string, Options>& extras) {
    torch::manual_seed(3);
    const Videos train = Events(100, 6, 5), others = Events(400, 6, 0);
    return TrainAndScore({.parts = {{"temporal", {"lstm", {{"hidden", 8}}}}}, .extras = extras},
                         train, others, 120, 0.03)
        .accuracy;
  };
  const double plain = accuracy({});
  const double reversed = accuracy({{"time_reversal", {{"rate", 0.5}}}});
  EXPECT_GT(reversed, 0.9);
  EXPECT_GT(reversed, plain + 0.2) << plain;
}

/// The first frames say the label, and the many behind them nothing.
Videos Beginnings(std::int64_t count) {
  const torch::Tensor labels = HalfTheLabels(count);
  torch::Tensor frames = 0.3 * torch::randn({count, 150, 2});
  frames.narrow(1, 0, 40).select(2, 0).add_(2 * labels - 1);
  return {frames, labels};
}

// Zhao 2017: sampling narrows the redundancy between frames. What 150 steps forget, 8 keep.
TEST(Augmentation, SampledFramesBringTheBeginningNearer) {
  const auto accuracy = [](const std::map<std::string, Options>& extras) {
    torch::manual_seed(4);
    const Videos train = Beginnings(100), others = Beginnings(400);
    return TrainAndScore({.parts = {{"temporal", {"lstm", {{"hidden", 8}}}}}, .extras = extras},
                         train, others, 60, 0.02)
        .accuracy;
  };
  const double plain = accuracy({});
  const double sampled = accuracy({{"frame_sampling", {{"frames", 8}, {"evaluation", "even"}}}});
  EXPECT_GT(sampled, 0.85);
  EXPECT_GT(sampled, plain + 0.1) << plain;
}

}  // namespace augmentation_test
}  // namespace beamgrid::trainer
