#pragma once
// Weights of an ensemble's members.

#include <vector>

#include "search/ensemble/combine.h"
#include "search/ensemble/models.h"

namespace beamgrid {

/// Returns the weights divided by their sum; all equal where the sum is 0.
[[nodiscard]] std::vector<double> Normalised(std::vector<double> weights);

/// The most videos that weights are learned on: far more than a handful of numbers can use.
inline constexpr std::size_t kMostLearnedOn = 20'000;

/// Returns w = softmax(theta) that minimises, over the videos, the cross entropy of the ensemble's
/// probabilities: sigmoid(sum_i w_i logit_i) as Kim et al. 2018, section 3.5, learn them, or sum_i
/// w_i p_i where probabilities are averaged. It runs over the labels that a member lists and the
/// true ones that none does. theta starts at 0, which is equal weights, and is pulled towards it:
/// pull / 2 * |theta|^2 is added to the mean loss of a video. Both losses are convex in w. Of more
/// than kMostLearnedOn videos every n-th counts, by id.
///
/// Newton's method, damped as by Levenberg and Marquardt, with the exact gradient; deterministic.
/// Eigen solves for the steps; its own Levenberg-Marquardt is for sums of squares, which this loss
/// is not.
[[nodiscard]] std::vector<double> LearnWeights(const std::vector<AlignedModel>& members,
                                               const Combination& combination, Missing missing,
                                               double pull = 0);

/// Returns the mean loss over the videos that LearnWeights minimises, of given weights.
[[nodiscard]] double CrossEntropy(const std::vector<AlignedModel>& members,
                                  const std::vector<double>& weights,
                                  const Combination& combination, Missing missing);

}  // namespace beamgrid
