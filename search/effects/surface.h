#pragma once
// What is known of the scores of the grid's points: their means and how sure these are.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "search/effects/additive_fit.h"
#include "search/effects/effects.h"

namespace beamgrid {

/// Grid is the points that effects are averaged over, in the order of their indices.
struct Grid {
  std::vector<GridPoint> points;
  bool sampled = false;  ///< there are more: these were drawn with a fixed seed
};

/// Returns every allowed point where there are at most `most`, else about as many, drawn at random;
/// all the same if each was measured.
[[nodiscard]] Grid GridOf(const EffectsQuestion& question, std::size_t most);

/// Surface is what is known of the scores of points. The errors of the means are normal, or follow
/// Student's t where the noise was learnt from few differences.
struct Surface {
  std::vector<GridPoint> points;
  std::size_t averaged = 0;  ///< the first so many are the grid; the rest is only compared
  std::vector<double> mean;
  std::vector<double> variance;  ///< of independent errors, where there is no covariance
  SquareMatrix covariance;       ///< of all points, or empty
  std::optional<double> noise;   ///< variance of one seed's score; nothing: unknown, as all errors
  /// Variance of what a point has beyond levels and pairs, where the grid is a sample: its points
  /// stand for many, over which this averages to nothing, and do not have it.
  double beyond = 0;
  NoiseSource source = NoiseSource::kNone;
  std::optional<double> freedom;  ///< of Student's t; nothing: normal

  /// Returns the index of a point; nothing where it is not there.
  [[nodiscard]] std::optional<std::size_t> Find(const GridPoint& point) const;
  /// Returns the covariance of each point's mean with the sum of weights * mean. Weights beyond the
  /// last are 0.
  [[nodiscard]] std::vector<double> CovarianceWith(const Weights& weights) const;
  [[nodiscard]] double VarianceOf(std::size_t point) const;
  /// Returns the variance of the difference of two points' means.
  [[nodiscard]] double VarianceOfDifference(std::size_t one, std::size_t other) const;
  /// Takes in that one more seed of the point will have been measured: the errors shrink.
  void Expect(std::size_t point);
  /// Returns how many standard errors an interval reaches to either side so that the truth lies
  /// beyond each end with probability `tail`.
  [[nodiscard]] double Quantile(double tail) const;
  /// Returns what the lead of the best point over `chosen`, whichever it is, exceeds with
  /// probability `tail`, by draws of all scores with a fixed seed. Needs a covariance.
  [[nodiscard]] double MostLead(std::size_t chosen, double tail) const;
};

/// Returns sum of weights[i] * values[i] over the weights there are.
[[nodiscard]] double Sum(const Weights& weights, const std::vector<double>& values);

/// Returns the surface of a grid whose every point was measured: means of the seeds, errors by the
/// noise of a seed.
[[nodiscard]] Surface MeasuredSurface(const Grid& grid, const EffectsQuestion& question);

}  // namespace beamgrid
