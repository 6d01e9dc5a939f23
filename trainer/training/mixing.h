#pragma once
// Virtual examples: linear combinations of the examples of a batch.

#include <vector>

#include "trainer/training/input.h"

namespace beamgrid::trainer {

/// MixedBatch is a batch of which each example may be a combination of two.
struct MixedBatch {
  Sequence input;
  /// What each is a combination of, the one with the greater share first: targets whose weights are
  /// times the share, so that the sum of the losses against them is the combination of two losses.
  std::vector<Targets> targets;
  std::vector<torch::Tensor> teachers = {};  ///< a teacher's probabilities beside them; or none
};

/// Mixes each example of a batch with another one: frames q x + (1 - q) x', losses q L + (1 - q) L'
/// (Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization; the same as labels q y + (1 - q)
/// y' for cross entropy, and right for segments too, which are rated for different classes). q
/// comes from Beta(alpha, alpha), for each example anew, and its greater side is the example's own.
/// Of two examples of different lengths the shorter one adds nothing behind its end. alpha = 0
/// leaves the batch as it is and draws nothing. Draws from torch's default generator.
[[nodiscard]] MixedBatch Mix(const DeviceBatch& batch, double alpha);

}  // namespace beamgrid::trainer
