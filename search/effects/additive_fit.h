#pragma once
// Main effects and interactions of pairs as linear functions of the scores of a set of points.

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "search/effects/effects.h"

namespace beamgrid {

/// Weights is one weight per point: a linear function of the points' scores.
using Weights = std::vector<double>;

/// SquareMatrix is a dense matrix, by rows.
class SquareMatrix {
 public:
  SquareMatrix() = default;
  explicit SquareMatrix(std::size_t size) : size_(size), values_(size * size, 0.0) {}
  [[nodiscard]] std::size_t size() const { return size_; }
  double& operator()(std::size_t row, std::size_t column) { return values_[row * size_ + column]; }
  double operator()(std::size_t row, std::size_t column) const {
    return values_[row * size_ + column];
  }
  [[nodiscard]] const double* Row(std::size_t row) const { return &values_[row * size_]; }

 private:
  std::size_t size_ = 0;
  std::vector<double> values_;
};

/// Turns a symmetric positive semidefinite matrix into a generalised inverse, with zeros in the
/// rows and columns that depend on earlier ones. Returns, for each of these, the dependence: a
/// vector v with matrix * v = 0.
std::vector<std::vector<double>> InvertInPlace(SquareMatrix& matrix);

/// AdditiveFit is the least-squares fit of mean + sum of one effect per factor to scores of points
/// that weigh the same, where each factor's effects sum to 0 over the points. On a whole product of
/// levels these are the plain averages of analysis of variance.
class AdditiveFit {
 public:
  /// Level l of factor f, 0 <= l < levels[f].
  AdditiveFit(const std::vector<GridPoint>& points, const std::vector<std::int32_t>& levels);

  /// Returns the number of points that have the level.
  [[nodiscard]] std::int64_t Count(std::size_t factor, std::int32_t level) const;
  /// Returns the number that have both levels.
  [[nodiscard]] std::int64_t Count(std::size_t factor, std::int32_t level, std::size_t other,
                                   std::int32_t other_level) const;
  /// Returns the effect of a level that some point has.
  [[nodiscard]] Weights LevelEffect(std::size_t factor, std::int32_t level) const;
  /// Returns the mean over the points with both levels, of which there are some, of what the fit
  /// leaves over.
  [[nodiscard]] Weights Interaction(std::size_t factor, std::int32_t level, std::size_t other,
                                    std::int32_t other_level) const;
  /// Returns the factors whose effects the points do not tell from this one's.
  [[nodiscard]] const std::set<std::size_t>& TiedTo(std::size_t factor) const {
    return tied_[factor];
  }

 private:
  [[nodiscard]] std::size_t Column(std::size_t factor, std::int32_t level) const {
    return first_column_[factor] + static_cast<std::size_t>(level);
  }
  /// Returns the scores' weights in sum over columns of factors[column] * effect of the column.
  [[nodiscard]] Weights Combined(const std::vector<double>& factors) const;

  const std::vector<GridPoint>* points_;
  std::vector<std::size_t> first_column_;
  SquareMatrix counts_;   ///< points that have both columns' levels
  SquareMatrix inverse_;  ///< effects = inverse * (totals - counts * mean)
  std::vector<std::set<std::size_t>> tied_;
};

/// ResidualNoise is what a fit leaves over.
struct ResidualNoise {
  double variance = 0;
  std::int64_t freedom = 0;  ///< 0: nothing is left, the variance is unknown
};

/// Returns what effects of all pairs (and of the factors) leave over of one score per point; of the
/// factors alone where there are two, or where pairs have too many levels.
[[nodiscard]] ResidualNoise NoiseFromInteractions(const std::vector<GridPoint>& points,
                                                  const std::vector<std::int32_t>& levels,
                                                  const std::vector<double>& scores);

}  // namespace beamgrid
