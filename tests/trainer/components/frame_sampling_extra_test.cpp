// Extras that choose among a video's frames: frame_sampling, time_reversal, segment_dropout.

#include <gmock/gmock.h>

#include <set>

#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace frame_sampling_extra_test {

using testing::ElementsAre;

std::shared_ptr<Extra> Make(const std::string& name, const Options& set) {
  return Makers<Extra>::All().at(name)({}, reference::WithDefaults("extras", name, set));
}

/// Videos whose valid frames hold their number; padding is 0, as it must be.
Sequence Numbered(const std::vector<std::int64_t>& lengths, std::int64_t frames) {
  const torch::Tensor mask = contract::MaskOf(lengths, frames);
  const auto batch = static_cast<std::int64_t>(lengths.size());
  const torch::Tensor numbers = torch::arange(1, frames + 1, torch::kFloat).view({1, -1, 1});
  return {numbers.expand({batch, -1, 2}).masked_fill(mask.logical_not().unsqueeze(-1), 0), mask,
          torch::tensor(lengths)};
}

/// The numbers of the valid frames of a video; everything behind them must be padding.
std::vector<int> FramesOf(const Sequence& output, std::int64_t video) {
  const auto length = output.lengths[video].item<std::int64_t>();
  EXPECT_EQ(output.mask[video].sum().item<std::int64_t>(), length);
  EXPECT_TRUE(output.mask[video].slice(0, 0, length).all().item<bool>());
  EXPECT_TRUE(output.frames[video].slice(0, length).eq(0).all().item<bool>());
  EXPECT_TRUE(output.frames[video].select(1, 0).equal(output.frames[video].select(1, 1)));
  std::vector<int> numbers;
  for (std::int64_t t = 0; t < length; ++t) {
    numbers.push_back(static_cast<int>(output.frames[video][t][0].item<float>()));
  }
  return numbers;
}

// ---- frame_sampling -----------------------------------------------------------------------------

TEST(FrameSampling, TakesEveryFifthFrame) {
  const auto module = Make("frame_sampling", {{"frames", 0}, {"stride", 5}});
  const Sequence output = module->OnInput(Numbered({12, 1, 5, 6}, 13));
  EXPECT_THAT(FramesOf(output, 0), ElementsAre(1, 6, 11));
  EXPECT_THAT(FramesOf(output, 1), ElementsAre(1));
  EXPECT_THAT(FramesOf(output, 2), ElementsAre(1));
  EXPECT_THAT(FramesOf(output, 3), ElementsAre(1, 6));
  EXPECT_EQ(output.frames.size(1), 3);
}

TEST(FrameSampling, SkipsTheEndsOfVideosThatAreLongEnough) {
  const auto module = Make("frame_sampling", {{"frames", 0}, {"stride", 2}, {"skip_ends", 3}});
  const Sequence output = module->OnInput(Numbered({11, 6, 1}, 11));
  EXPECT_THAT(FramesOf(output, 0), ElementsAre(4, 6, 8));
  EXPECT_THAT(FramesOf(output, 1), ElementsAre(3)) << "of the middle two";
  EXPECT_THAT(FramesOf(output, 2), ElementsAre(1));
}

TEST(FrameSampling, DrawsFramesInTheOrderOfTimeOrAsTheyCome) {
  for (const char* order : {"time", "drawn"}) {
    torch::manual_seed(3);
    const auto module = Make("frame_sampling", {{"frames", 40}, {"order", order}});
    const Sequence output = module->OnInput(Numbered({20, 1, 3}, 25));
    EXPECT_EQ(output.frames.size(1), 40);
    const std::vector<int> drawn = FramesOf(output, 0);
    EXPECT_EQ(std::ranges::is_sorted(drawn), order == std::string("time"));
    const std::set<int> distinct(drawn.begin(), drawn.end());
    EXPECT_GT(distinct.size(), 12U);
    EXPECT_LE(*distinct.rbegin(), 20);
    EXPECT_THAT(FramesOf(output, 1), testing::Each(1));
    EXPECT_THAT(FramesOf(output, 2), testing::Each(testing::AllOf(testing::Ge(1), testing::Le(3))));
  }
}

TEST(FrameSampling, DrawsFromEveryFifthFrame) {
  torch::manual_seed(4);
  const auto module = Make("frame_sampling", {{"frames", 60}, {"stride", 5}});
  const std::vector<int> drawn = FramesOf(module->OnInput(Numbered({13}, 13)), 0);
  EXPECT_EQ(std::set<int>(drawn.begin(), drawn.end()), (std::set<int>{1, 6, 11}));
}

TEST(FrameSampling, EvaluationSeesAllFramesOrEvenlySpacedOnes) {
  const Sequence input = Numbered({10, 1, 3}, 11);
  const auto all = Make("frame_sampling", {{"frames", 4}});
  all->eval();
  EXPECT_TRUE(all->OnInput(input).frames.equal(input.frames));
  const auto even = Make("frame_sampling", {{"frames", 4}, {"evaluation", "even"}});
  even->eval();
  const Sequence output = even->OnInput(input);
  EXPECT_THAT(FramesOf(output, 0), ElementsAre(2, 4, 7, 9));  // floor(10 (i + 1/2) / 4) + 1
  EXPECT_THAT(FramesOf(output, 1), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(FramesOf(output, 2), ElementsAre(1, 2, 2, 3));
  const auto stride =
      Make("frame_sampling", {{"frames", 0}, {"stride", 4}, {"evaluation", "even"}});
  stride->eval();
  EXPECT_THAT(FramesOf(stride->OnInput(input), 0), ElementsAre(1, 5, 9));
}

TEST(FrameSampling, HandsGradientsToTheFramesItTook) {
  Sequence input = Numbered({7, 2}, 8);
  input.frames = input.frames.clone().requires_grad_();
  Make("frame_sampling", {{"frames", 0}, {"stride", 3}})->OnInput(input).frames.sum().backward();
  const torch::Tensor taken = input.frames.grad().select(2, 0);
  EXPECT_TRUE(taken.equal(torch::tensor(
      {{1., 0., 0., 1., 0., 0., 1., 0.}, {1., 0., 0., 0., 0., 0., 0., 0.}}, torch::kFloat)));
}

// ---- time_reversal ------------------------------------------------------------------------------

TEST(TimeReversal, TurnsVideosAndLeavesPadding) {
  const auto module = Make("time_reversal", {{"rate", 1.0}});
  const Sequence input = Numbered({4, 1, 2}, 5);
  const Sequence output = module->OnInput(input);
  EXPECT_TRUE(output.mask.equal(input.mask));
  EXPECT_THAT(FramesOf(output, 0), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(FramesOf(output, 1), ElementsAre(1));
  EXPECT_THAT(FramesOf(output, 2), ElementsAre(2, 1));
  module->eval();
  EXPECT_TRUE(module->OnInput(input).frames.equal(input.frames));
}

TEST(TimeReversal, TurnsAShareOfTheVideos) {
  torch::manual_seed(5);
  const Sequence input = Numbered(std::vector<std::int64_t>(4000, 2), 2);
  const torch::Tensor first =
      Make("time_reversal", {{"rate", 0.3}})->OnInput(input).frames.select(1, 0).select(1, 0);
  EXPECT_NEAR((first == 2).to(torch::kFloat).mean().item<double>(), 0.3, 0.03);
}

// ---- segment_dropout ----------------------------------------------------------------------------

TEST(SegmentDropout, LeavesWholeSegmentsOut) {
  torch::manual_seed(6);
  const auto module = Make("segment_dropout", {{"rate", 0.5}, {"length", 3}});
  std::set<std::vector<int>> seen;
  for (int i = 0; i < 200; ++i) {
    const Sequence output = module->OnInput(Numbered({8, 1, 3}, 10));
    seen.insert(FramesOf(output, 0));
    EXPECT_THAT(FramesOf(output, 1), ElementsAre(1)) << "the only segment stays";
    EXPECT_THAT(FramesOf(output, 2), ElementsAre(1, 2, 3));
    EXPECT_EQ(output.frames.size(1), output.lengths.max().item<std::int64_t>());
  }
  // Segments {1 2 3}, {4 5 6}, {7 8}: every subset but the empty one, which is the whole.
  EXPECT_EQ(seen, (std::set<std::vector<int>>{{1, 2, 3, 4, 5, 6, 7, 8},
                                              {1, 2, 3, 4, 5, 6},
                                              {1, 2, 3, 7, 8},
                                              {4, 5, 6, 7, 8},
                                              {1, 2, 3},
                                              {4, 5, 6},
                                              {7, 8}}));
}

TEST(SegmentDropout, LeavesAShareOut) {
  torch::manual_seed(7);
  const Sequence output = Make("segment_dropout", {{"rate", 0.2}})
                              ->OnInput(Numbered(std::vector<std::int64_t>(300, 300), 300));
  EXPECT_NEAR(output.lengths.to(torch::kFloat).mean().item<double>() / 300, 0.8, 0.01);
}

TEST(SegmentDropout, DoesNothingOutsideTraining) {
  const auto module = Make("segment_dropout", {{"rate", 0.9}});
  module->eval();
  const Sequence input = Numbered({30, 7}, 31);
  EXPECT_TRUE(module->OnInput(input).frames.equal(input.frames));
}

TEST(FramesOfVideos, AreRefusedWhereThereAreNone) {
  for (const char* name : {"frame_sampling", "time_reversal", "segment_dropout"}) {
    EXPECT_THROW(Makers<Extra>::All().at(name)({.video_level = true},
                                               reference::WithDefaults("extras", name, {})),
                 SpecError)
        << name;
  }
}

}  // namespace frame_sampling_extra_test
}  // namespace beamgrid::trainer
