#pragma once
// Weights of an ensemble's members.

#include <vector>

#include "search/ensemble/combine.h"
#include "search/ensemble/models.h"

namespace beamgrid {

/// Returns the weights divided by their sum; all equal where the sum is 0.
[[nodiscard]] std::vector<double> Normalised(std::vector<double> weights);

/// Returns w = softmax(theta) that minimises, over the videos, the cross entropy of the ensemble's
/// probabilities: sigmoid(sum_i w_i logit_i) as Kim et al. 2018, section 3.5, learn them, or sum_i
/// w_i p_i where probabilities are averaged. It runs over the labels that a member lists and the
/// true ones that none does. theta starts at 0; both losses are convex in w. Levenberg-Marquardt
/// with the exact gradient, deterministic.
[[nodiscard]] std::vector<double> LearnWeights(const std::vector<AlignedModel>& members,
                                               const Combination& combination, Missing missing);

/// Returns the mean loss over the videos that LearnWeights minimises, of given weights.
[[nodiscard]] double CrossEntropy(const std::vector<AlignedModel>& members,
                                  const std::vector<double>& weights,
                                  const Combination& combination, Missing missing);

}  // namespace beamgrid
