#pragma once
// Random frames of each video, for components that their papers train on samples.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {

/// The frames that SampleFrames takes for `uniform` [batch, count] in [0, 1) and `lengths`
/// [batch, 1]: begin + floor(U * n) of the n frames from `begin` on. [batch, count] int64.
[[nodiscard]] inline torch::Tensor SampledFrames(const torch::Tensor& uniform,
                                                 const torch::Tensor& lengths,
                                                 std::int64_t skip_ends) {
  // At most half of the video, so that one or two frames are left to draw from.
  const torch::Tensor begin = (lengths - 1).div(2, "floor").clamp_max(skip_ends);
  const torch::Tensor range = lengths - 2 * begin;
  // U * n may be rounded up to n in a float, though U is below 1.
  const torch::Tensor offset =
      torch::minimum((uniform * range).floor().to(torch::kLong), range - 1);
  return begin + offset;
}

/// `count` frames of each video, drawn with replacement from its valid frames but the first and
/// last `skip_ends`; of a video that is too short for that the middle one or two frames remain.
/// Padding is never drawn and the result has none. Draws from torch's default generator.
[[nodiscard]] inline Sequence SampleFrames(const Sequence& input, std::int64_t count,
                                           std::int64_t skip_ends = 0) {
  const std::int64_t batch = input.frames.size(0);
  const torch::Tensor uniform =
      torch::rand({batch, count}, torch::TensorOptions().device(input.frames.device()));
  // From the mask, which is on the device, unlike the lengths.
  const torch::Tensor lengths = input.mask.sum(1, /*keepdim=*/true);
  const torch::Tensor index = SampledFrames(uniform, lengths, skip_ends)
                                  .unsqueeze(-1)
                                  .expand({-1, -1, input.frames.size(2)});
  return {input.frames.gather(1, index), torch::ones({batch, count}, input.mask.options()),
          torch::full({batch}, count, torch::kLong)};
}

/// The number of every `stride`-th frame among the valid ones but the first and last `skip_ends`,
/// as above. Lengths are int64, of any shape; so is the result.
[[nodiscard]] inline torch::Tensor StridedLengths(const torch::Tensor& lengths, std::int64_t stride,
                                                  std::int64_t skip_ends) {
  const torch::Tensor begin = (lengths - 1).div(2, "floor").clamp_max(skip_ends);
  return (lengths - 2 * begin - 1).div(stride, "floor") + 1;
}

/// These frames of each video, always the same.
[[nodiscard]] inline Sequence StridedFrames(const Sequence& input, std::int64_t stride,
                                            std::int64_t skip_ends) {
  // On the device from the mask, on the CPU from the lengths: neither waits for the other.
  const torch::Tensor lengths = input.mask.sum(1, /*keepdim=*/true);
  const torch::Tensor count = StridedLengths(lengths, stride, skip_ends);
  const torch::Tensor counts = StridedLengths(input.lengths, stride, skip_ends);
  const torch::Tensor position =
      torch::arange(counts.max().item<std::int64_t>(), count.options()).unsqueeze(0);
  const torch::Tensor mask = position < count;
  const torch::Tensor index = (lengths - 1).div(2, "floor").clamp_max(skip_ends) +
                              torch::minimum(position, count - 1) * stride;
  const torch::Tensor frames =
      input.frames.gather(1, index.unsqueeze(-1).expand({-1, -1, input.frames.size(2)}));
  return {ZeroPadding(frames, mask), mask, counts};
}

}  // namespace beamgrid::trainer
