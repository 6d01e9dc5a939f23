#pragma once
// The hyperparameters under which observations are likely.

#include <Eigen/Core>
#include <vector>

#include "search/surrogate/process.h"

namespace beamgrid {

/// Likenesses is how alike each pair of observed models is in each part: models 0 and 0, 1 and 0,
/// 1 and 1, 2 and 0 ...
struct Likenesses {
  std::vector<Eigen::ArrayXd> by_name, by_place;  ///< per part
  Eigen::ArrayXd same;                            ///< 1 where the models are the same
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

/// Returns `count` that are drawn from that density, so that what is expected of a model can be
/// averaged over all that the observations leave open: a walk from the most likely ones by
/// elliptical slice sampling (Murray, Adams and MacKay 2010), with the same random numbers each
/// time.
[[nodiscard]] std::vector<Hyperparameters> DrawLikely(const Likenesses& likenesses,
                                                      const Eigen::VectorXd& scores,
                                                      const std::vector<double>& errors,
                                                      const SeedSpread& spread, std::size_t count);

}  // namespace beamgrid
