#pragma once
// Random frames of each video, for components that their papers train on samples.

#include "trainer/component.h"

namespace beamgrid::trainer {

/// `count` frames of each video, drawn with replacement from its valid frames but the first and
/// last `skip_ends`; of a video that is too short for that the middle one or two frames remain.
/// Padding is never drawn and the result has none. Draws from torch's default generator.
[[nodiscard]] Sequence SampleFrames(const Sequence& input, std::int64_t count,
                                    std::int64_t skip_ends = 0);

/// The frames that SampleFrames takes for `uniform` [batch, count] in [0, 1) and `lengths`
/// [batch, 1]: begin + floor(U * n) of the n frames from `begin` on. [batch, count] int64.
[[nodiscard]] torch::Tensor SampledFrames(const torch::Tensor& uniform,
                                          const torch::Tensor& lengths, std::int64_t skip_ends);

}  // namespace beamgrid::trainer
