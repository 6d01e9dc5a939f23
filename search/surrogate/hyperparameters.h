#pragma once
// The hyperparameters under which observations are most likely.

#include <Eigen/Core>
#include <vector>

#include "search/surrogate/surrogate.h"

namespace beamgrid {

/// Likenesses is how alike each pair of observed models is in each part.
struct Likenesses {
  std::vector<Eigen::ArrayXXd> by_name, by_place;  ///< per part
  Eigen::ArrayXXd same;                            ///< 1 where the models are the same
};
[[nodiscard]] Likenesses LikenessesOf(const std::vector<Part>& parts,
                                      const std::vector<Levels>& models);

/// Returns the hyperparameters that it expects before anything is observed.
[[nodiscard]] Hyperparameters ExpectedHyperparameters(std::size_t parts);

/// SeedSpread is what seeds of the same model say of the seed noise: the squares of their scores
/// about the models' means, scaled and summed, and how many of the scores are free to vary.
struct SeedSpread {
  double squares = 0;
  double freedom = 0;
};

/// Returns those with the highest posterior density: `scores` are scaled, `errors` the variances of
/// their errors in units of the seed noise. Starts from the expected ones and follows the gradient.
[[nodiscard]] Hyperparameters MostLikely(const Likenesses& likenesses,
                                         const Eigen::VectorXd& scores,
                                         const std::vector<double>& errors,
                                         const SeedSpread& spread);

/// Fixed variance of the process's level: the scores' centre is only about that of all models.
inline constexpr double kLevelVariance = 1.0;

}  // namespace beamgrid
