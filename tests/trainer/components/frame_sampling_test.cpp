#include "trainer/components/temporal/frame_sampling.h"

#include "tests/trainer/components/contract.h"

namespace beamgrid::trainer {
namespace frame_sampling_test {

/// Videos whose valid frames hold their number and whose padding holds -100.
Sequence Numbered(const std::vector<std::int64_t>& lengths, std::int64_t frames) {
  const torch::Tensor mask = contract::MaskOf(lengths, frames);
  const auto batch = static_cast<std::int64_t>(lengths.size());
  const torch::Tensor numbers = torch::arange(frames, torch::kFloat).view({1, -1, 1});
  return {numbers.expand({batch, -1, 2}).masked_fill(mask.logical_not().unsqueeze(-1), -100), mask,
          torch::tensor(lengths)};
}

std::vector<std::int64_t> Drawn(double uniform, std::int64_t length, std::int64_t skip_ends) {
  const torch::Tensor index = SampledFrames(torch::full({1, 1}, uniform),
                                            torch::full({1, 1}, length, torch::kLong), skip_ends);
  return {index.item<std::int64_t>()};
}

TEST(SampleFrames, DrawsValidFramesOnly) {
  torch::manual_seed(1);
  const Sequence input = Numbered({1, 2, 7, 50}, 60);
  const Sequence sample = SampleFrames(input, 400);
  EXPECT_EQ(sample.frames.sizes().vec(), (std::vector<std::int64_t>{4, 400, 2}));
  EXPECT_TRUE(sample.mask.all().item<bool>());
  EXPECT_TRUE(sample.lengths.equal(torch::full({4}, 400, torch::kLong)));
  EXPECT_TRUE(sample.frames.select(2, 0).equal(sample.frames.select(2, 1))) << "frames are torn";
  for (std::int64_t b = 0; b < 4; ++b) {
    const torch::Tensor numbers = sample.frames[b].select(1, 0);
    EXPECT_EQ(numbers.min().item<float>(), 0);
    // Of 50 frames each is missed by 400 draws with probability 3e-4.
    EXPECT_EQ(numbers.max().item<float>(), input.lengths[b].item<float>() - 1);
  }
}

TEST(SampleFrames, DrawsEachFrameAsOften) {
  torch::manual_seed(2);
  const torch::Tensor numbers = SampleFrames(Numbered({5}, 8), 20'000).frames.flatten();
  for (int frame = 0; frame < 5; ++frame) {
    EXPECT_NEAR((numbers == frame).sum().item<double>() / 40'000, 0.2, 0.015) << frame;
  }
}

TEST(SampleFrames, VideosDrawApart) {
  torch::manual_seed(3);
  const torch::Tensor frames = SampleFrames(Numbered({40, 40}, 40), 30).frames;
  EXPECT_FALSE(frames[0].equal(frames[1]));
}

TEST(SampleFrames, SkipsTheEnds) {
  torch::manual_seed(4);
  const torch::Tensor frames = SampleFrames(Numbered({40}, 50), 500, /*skip_ends=*/15).frames;
  EXPECT_EQ(frames.min().item<float>(), 15);
  EXPECT_EQ(frames.max().item<float>(), 24);
}

TEST(StridedFrames, AreEveryFifthButTheEnds) {
  const Sequence strided = StridedFrames(Numbered({40, 31, 12, 1}, 41), 5, /*skip_ends=*/15);
  const auto numbers = [&](std::int64_t video) {
    std::vector<int> frames;
    for (std::int64_t t = 0; t < strided.lengths[video].item<std::int64_t>(); ++t) {
      EXPECT_TRUE(strided.mask[video][t].item<bool>());
      frames.push_back(static_cast<int>(strided.frames[video][t][0].item<float>()));
    }
    return frames;
  };
  EXPECT_EQ(numbers(0), (std::vector<int>{15, 20}));
  EXPECT_EQ(numbers(1), (std::vector<int>{15}));
  EXPECT_EQ(numbers(2), (std::vector<int>{5}));
  EXPECT_EQ(numbers(3), (std::vector<int>{0}));
  EXPECT_EQ(strided.frames.size(1), 2);
  EXPECT_TRUE(strided.mask.sum(1).equal(strided.lengths));
  const torch::Tensor padding = strided.frames.masked_fill(strided.mask.unsqueeze(-1), 0);
  EXPECT_EQ(padding.abs().max().item<float>(), 0) << "padding was not 0 in the input";
}

TEST(SampledFrames, StayInsideWhateverTheRounding) {
  for (const std::int64_t length : {1, 2, 3, 257, 300}) {
    EXPECT_EQ(Drawn(0, length, 0)[0], 0);
    EXPECT_EQ(Drawn(1 - 0x1p-24, length, 0)[0], length - 1);
    EXPECT_EQ(Drawn(1, length, 0)[0], length - 1) << "floor(U n) = n must be clamped";
  }
}

TEST(SampledFrames, KeepTheMiddleOfShortVideos) {
  // 31 frames are the fewest with one between the first and the last 15.
  EXPECT_EQ(Drawn(0, 31, 15)[0], 15);
  EXPECT_EQ(Drawn(0.999, 31, 15)[0], 15);
  EXPECT_EQ(Drawn(0, 30, 15)[0], 14);
  EXPECT_EQ(Drawn(0.999, 30, 15)[0], 15);
  EXPECT_EQ(Drawn(0, 3, 15)[0], 1);
  EXPECT_EQ(Drawn(0.999, 3, 15)[0], 1);
  EXPECT_EQ(Drawn(0.999, 2, 15)[0], 1);
  EXPECT_EQ(Drawn(0.999, 1, 15)[0], 0);
}

}  // namespace frame_sampling_test
}  // namespace beamgrid::trainer
