#pragma once
// Small random batches that the contract's checks run on. All are drawn from torch's default
// generator and lie on the CPU.

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "trainer/component.h"

namespace beamgrid::trainer::contract {

/// The mask of videos of these lengths: [batch, frames] bool, true for the first `lengths[b]`
/// frames of row b.
[[nodiscard]] torch::Tensor MaskOf(const std::vector<std::int64_t>& lengths, std::int64_t frames);

/// Random videos: frames of length 1, as a model receives them, padding 0.
[[nodiscard]] Sequence RandomSequence(const std::vector<std::int64_t>& lengths, std::int64_t frames,
                                      std::int64_t width);
/// Random labels, [batch, classes]: about 40 % of the cells are 1.
[[nodiscard]] Targets RandomTargets(std::int64_t batch, std::int64_t classes);

/// Video `index` alone, without padding.
[[nodiscard]] Sequence Alone(const Sequence& batch, std::int64_t index);
[[nodiscard]] Targets Alone(const Targets& targets, std::int64_t index);

/// The same videos with `count` more padding frames, which hold `value`, as do those that were
/// there.
[[nodiscard]] Sequence Padded(const Sequence& batch, std::int64_t count, double value);

/// The mean over the valid frames, [batch, width].
[[nodiscard]] torch::Tensor MeanFrame(const Sequence& sequence);

/// Probabilities [batch, classes] that follow from an embedding [batch, width], always in the same
/// way: the input of components that act on probabilities.
[[nodiscard]] torch::Tensor SomeProbabilities(const torch::Tensor& embedding, std::int64_t classes);

}  // namespace beamgrid::trainer::contract
