#pragma once
// Small random batches that the contract's checks run on. All use torch's default generator.

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "trainer/component.h"

namespace beamgrid::trainer::contract {

/// [batch, frames] bool, true for the first `lengths[b]` frames of row b.
[[nodiscard]] torch::Tensor MaskOf(const std::vector<std::int64_t>& lengths, std::int64_t frames);

/// Unit frames, padding 0.
[[nodiscard]] Sequence RandomSequence(const std::vector<std::int64_t>& lengths, std::int64_t frames,
                                      std::int64_t width);
[[nodiscard]] Targets RandomTargets(std::int64_t batch, std::int64_t classes);

/// Video `index` alone, without padding.
[[nodiscard]] Sequence Alone(const Sequence& batch, std::int64_t index);
[[nodiscard]] Targets Alone(const Targets& targets, std::int64_t index);

/// `count` more padding frames, which hold `value`, as do those that were there.
[[nodiscard]] Sequence Padded(const Sequence& batch, std::int64_t count, double value);

/// Mean over the valid frames: [batch, width].
[[nodiscard]] torch::Tensor MeanFrame(const Sequence& sequence);

/// [batch, width] -> [batch, classes], the same for the same embedding: input of components that
/// act on probabilities.
[[nodiscard]] torch::Tensor SomeProbabilities(const torch::Tensor& embedding, std::int64_t classes);

}  // namespace beamgrid::trainer::contract
