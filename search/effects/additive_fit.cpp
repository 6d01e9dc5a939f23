#include "search/effects/additive_fit.h"

#include <cmath>
#include <numeric>

namespace beamgrid {
namespace {

// Counts of points are whole numbers: what is left of a pivot that depends on others is rounding.
constexpr double kNoPivot = 1e-9;
constexpr std::size_t kMostPairColumns = 1000;

/// Terms is the columns that a point has a 1 in.
using Terms = std::vector<std::size_t>;

/// Returns a column per level, or per pair of levels, for each point.
std::vector<Terms> TermsOf(const std::vector<GridPoint>& points,
                           const std::vector<std::int32_t>& levels, bool pairs,
                           std::size_t& columns) {
  std::vector<Terms> terms(points.size());
  columns = 0;
  const auto add = [&](std::size_t factor, std::size_t other) {
    const auto width = static_cast<std::size_t>(pairs ? levels[other] : 1);
    for (std::size_t p = 0; p < points.size(); ++p) {
      const auto level = static_cast<std::size_t>(points[p][factor]);
      const auto second = pairs ? static_cast<std::size_t>(points[p][other]) : 0;
      terms[p].push_back(columns + level * width + second);
    }
    columns += static_cast<std::size_t>(levels[factor]) * width;
  };
  for (std::size_t factor = 0; factor < levels.size(); ++factor) {
    if (!pairs) add(factor, factor);
    for (std::size_t other = factor + 1; pairs && other < levels.size(); ++other) {
      add(factor, other);
    }
  }
  return terms;
}

}  // namespace

std::vector<std::vector<double>> InvertInPlace(SquareMatrix& matrix) {
  const std::size_t n = matrix.size();
  std::vector<double> diagonal(n);
  for (std::size_t k = 0; k < n; ++k) diagonal[k] = matrix(k, k);
  std::vector<bool> swept(n, false);
  // Gauss-Jordan, row by row: of a dependent row nothing is left, and it is passed over.
  for (std::size_t k = 0; k < n; ++k) {
    const double pivot = matrix(k, k);
    if (pivot <= kNoPivot * diagonal[k] || pivot <= 0) continue;
    swept[k] = true;
    for (std::size_t j = 0; j < n; ++j) matrix(k, j) /= pivot;
    matrix(k, k) = 1 / pivot;
    for (std::size_t i = 0; i < n; ++i) {
      const double factor = matrix(i, k);
      if (i == k || factor == 0) continue;
      for (std::size_t j = 0; j < n; ++j) {
        if (j != k) matrix(i, j) -= factor * matrix(k, j);
      }
      matrix(i, k) = -factor / pivot;
    }
  }
  std::vector<std::vector<double>> dependences;
  for (std::size_t k = 0; k < n; ++k) {
    if (swept[k]) continue;
    std::vector<double> dependence(n, 0.0);
    for (std::size_t j = 0; j < n; ++j) {
      if (swept[j]) dependence[j] = -matrix(j, k);
    }
    dependence[k] = 1;
    dependences.push_back(std::move(dependence));
  }
  for (std::size_t k = 0; k < n; ++k) {
    if (swept[k]) continue;
    for (std::size_t j = 0; j < n; ++j) matrix(k, j) = matrix(j, k) = 0;
  }
  return dependences;
}

AdditiveFit::AdditiveFit(const std::vector<GridPoint>& points,
                         const std::vector<std::int32_t>& levels)
    : points_(&points), tied_(levels.size()) {
  std::size_t columns = 0;
  for (const std::int32_t count : levels) {
    first_column_.push_back(columns);
    columns += static_cast<std::size_t>(count);
  }
  counts_ = SquareMatrix(columns);
  for (const GridPoint& point : points) {
    for (std::size_t f = 0; f < levels.size(); ++f) {
      for (std::size_t g = 0; g < levels.size(); ++g) {
        ++counts_(Column(f, point[f]), Column(g, point[g]));
      }
    }
  }
  // The normal equations, and for each factor that its effects sum to 0 over the points.
  inverse_ = counts_;
  const auto total = static_cast<double>(points.size());
  for (std::size_t f = 0; f < levels.size(); ++f) {
    for (std::int32_t a = 0; a < levels[f]; ++a) {
      for (std::int32_t b = 0; b < levels[f]; ++b) {
        const std::size_t row = Column(f, a);
        const std::size_t column = Column(f, b);
        inverse_(row, column) += counts_(row, row) * counts_(column, column) / total;
      }
    }
  }
  for (const std::vector<double>& dependence : InvertInPlace(inverse_)) {
    std::set<std::size_t> together;
    for (std::size_t f = 0; f < levels.size(); ++f) {
      for (std::int32_t level = 0; level < levels[f]; ++level) {
        const std::size_t column = Column(f, level);
        // A level that no point has depends on nothing but itself.
        if (counts_(column, column) > 0 && std::abs(dependence[column]) > kNoPivot) {
          together.insert(f);
        }
      }
    }
    for (const std::size_t f : std::set(together)) {
      together.insert(tied_[f].begin(), tied_[f].end());
    }
    for (const std::size_t f : together) {
      tied_[f] = together;
      tied_[f].erase(f);
    }
  }
}

std::int64_t AdditiveFit::Count(std::size_t factor, std::int32_t level) const {
  return Count(factor, level, factor, level);
}

std::int64_t AdditiveFit::Count(std::size_t factor, std::int32_t level, std::size_t other,
                                std::int32_t other_level) const {
  return std::llround(counts_(Column(factor, level), Column(other, other_level)));
}

Weights AdditiveFit::Combined(const std::vector<double>& factors) const {
  const std::size_t columns = counts_.size();
  std::vector<double> of_column(columns, 0.0);
  double of_mean = 0;
  for (std::size_t q = 0; q < columns; ++q) {
    if (factors[q] == 0) continue;
    for (std::size_t p = 0; p < columns; ++p) of_column[p] += factors[q] * inverse_(q, p);
  }
  for (std::size_t p = 0; p < columns; ++p) of_mean += of_column[p] * counts_(p, p);
  of_mean /= static_cast<double>(points_->size());
  Weights weights(points_->size(), -of_mean);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const GridPoint& point = (*points_)[i];
    for (std::size_t f = 0; f < point.size(); ++f) weights[i] += of_column[Column(f, point[f])];
  }
  return weights;
}

Weights AdditiveFit::LevelEffect(std::size_t factor, std::int32_t level) const {
  std::vector<double> factors(counts_.size(), 0.0);
  factors[Column(factor, level)] = 1;
  return Combined(factors);
}

Weights AdditiveFit::Interaction(std::size_t factor, std::int32_t level, std::size_t other,
                                 std::int32_t other_level) const {
  std::vector<double> factors(counts_.size(), 0.0);
  double both = 0;
  for (const GridPoint& point : *points_) {
    if (point[factor] != level || point[other] != other_level) continue;
    ++both;
    for (std::size_t f = 0; f < point.size(); ++f) ++factors[Column(f, point[f])];
  }
  for (double& share : factors) share /= both;
  Weights weights = Combined(factors);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const GridPoint& point = (*points_)[i];
    const bool has_both = point[factor] == level && point[other] == other_level;
    weights[i] = (has_both ? 1 / both : 0) - 1 / static_cast<double>(weights.size()) - weights[i];
  }
  return weights;
}

ResidualNoise NoiseFromInteractions(const std::vector<GridPoint>& points,
                                    const std::vector<std::int32_t>& levels,
                                    const std::vector<double>& scores) {
  std::vector<std::int32_t> varied;
  std::vector<GridPoint> reduced(points.size());
  std::size_t pair_columns = 0;
  for (std::size_t f = 0; f < levels.size(); ++f) {
    if (levels[f] < 2) continue;
    for (const std::int32_t before : varied) {
      pair_columns += static_cast<std::size_t>(before) * static_cast<std::size_t>(levels[f]);
    }
    varied.push_back(levels[f]);
    for (std::size_t p = 0; p < points.size(); ++p) reduced[p].push_back(points[p][f]);
  }
  const bool pairs = varied.size() > 2 && pair_columns <= kMostPairColumns;
  std::size_t columns = 0;
  const std::vector<Terms> terms = TermsOf(reduced, varied, pairs, columns);
  SquareMatrix counts(columns);
  std::vector<double> totals(columns, 0.0);
  // Around the mean, so that what is left over does not drown in rounding.
  const double mean =
      std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
  for (std::size_t p = 0; p < points.size(); ++p) {
    for (const std::size_t a : terms[p]) {
      totals[a] += scores[p] - mean;
      for (const std::size_t b : terms[p]) ++counts(a, b);
    }
  }
  const auto rank = static_cast<std::int64_t>(columns - InvertInPlace(counts).size());
  std::vector<double> fitted(columns, 0.0);
  for (std::size_t a = 0; a < columns; ++a) {
    for (std::size_t b = 0; b < columns; ++b) fitted[a] += counts(a, b) * totals[b];
  }
  ResidualNoise noise{.freedom = std::ssize(points) - rank};
  for (std::size_t p = 0; p < points.size(); ++p) {
    double rest = scores[p] - mean;
    for (const std::size_t term : terms[p]) rest -= fitted[term];
    noise.variance += rest * rest;
  }
  if (noise.freedom > 0) noise.variance /= static_cast<double>(noise.freedom);
  return noise;
}

}  // namespace beamgrid
