#include "search/effects/surface.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace beamgrid {
namespace {

constexpr std::uint64_t kGridSeed = 20180901;
constexpr std::size_t kTriesPerPoint = 200;

double AverageOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Moves on to the next point of the product, the last factor fastest; false behind the last.
bool Advance(GridPoint& point, const std::vector<std::int32_t>& levels) {
  for (std::size_t f = levels.size(); f-- > 0;) {
    if (++point[f] < levels[f]) return true;
    point[f] = 0;
  }
  return false;
}

/// Returns the number of points of the product, or `most` + 1 where there are more.
std::size_t ProductSize(const std::vector<std::int32_t>& levels, std::size_t most) {
  std::size_t size = 1;
  for (const std::int32_t count : levels) {
    if (size > most / static_cast<std::size_t>(count)) return most + 1;
    size *= static_cast<std::size_t>(count);
  }
  return size;
}

std::vector<GridPoint> Drawn(const EffectsQuestion& question, const std::set<GridPoint>& measured,
                             std::size_t most) {
  std::mt19937_64 random(kGridSeed);
  std::set<GridPoint> drawn;
  for (std::size_t tries = 0; tries < most * kTriesPerPoint && drawn.size() < most; ++tries) {
    GridPoint point;
    for (const std::int32_t count : question.levels) {
      point.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(count)));
    }
    if (!question.allowed || measured.contains(point) || question.allowed(point)) {
      drawn.insert(std::move(point));
    }
  }
  return {drawn.begin(), drawn.end()};
}

/// Returns the lower triangular root of the covariance of some points. What rounding made negative
/// is 0: these points follow from those before.
SquareMatrix CholeskyRoot(const SquareMatrix& covariance, const std::vector<std::size_t>& points) {
  SquareMatrix root(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = covariance(points[i], points[j]);
      for (std::size_t k = 0; k < j; ++k) rest -= root(i, k) * root(j, k);
      if (i == j) {
        root(i, i) = rest > 1e-12 * covariance(points[i], points[i]) ? std::sqrt(rest) : 0;
      } else {
        root(i, j) = root(j, j) > 0 ? rest / root(j, j) : 0;
      }
    }
  }
  return root;
}

/// Returns a normal number, the same one from every standard library.
double NormalNumber(std::mt19937_64& random) {
  const double uniform = (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
  return boost::math::quantile(boost::math::normal(), uniform);
}

/// Returns what a normal number times this is Student's t by.
double StudentSpread(double freedom, std::mt19937_64& random) {
  const auto whole = static_cast<int>(std::max(1.0, std::round(freedom)));
  double squares = 0;
  for (int i = 0; i < whole; ++i) squares += std::pow(NormalNumber(random), 2);
  return std::sqrt(whole / squares);
}

}  // namespace

Grid GridOf(const EffectsQuestion& question, std::size_t most) {
  // Exclusions may leave few of many; more than this is not looked through for them.
  constexpr std::size_t kMostWalked = 300'000;
  std::set<GridPoint> measured;
  for (const MeasuredCombination& observation : question.observations)
    measured.insert(observation.point);
  const std::size_t walked = std::max(kMostWalked, measured.size());
  if (ProductSize(question.levels, walked) > walked) {
    return {Drawn(question, measured, most), true};
  }
  Grid grid;
  bool all_measured = true;
  GridPoint point(question.levels.size(), 0);
  do {
    const bool is_measured = measured.contains(point);
    if (!is_measured && question.allowed && !question.allowed(point)) continue;
    all_measured = all_measured && is_measured;
    grid.points.push_back(point);
  } while (Advance(point, question.levels));
  if (!all_measured && grid.points.size() > most) {
    return {Drawn(question, measured, most), true};
  }
  return grid;
}

std::optional<std::size_t> Surface::Find(const GridPoint& point) const {
  // Where a point stands for others too, what is known of itself is beside the grid.
  const auto grid_end = points.begin() + static_cast<std::ptrdiff_t>(averaged);
  const auto beside = std::find(grid_end, points.end(), point);
  if (beside != points.end()) return static_cast<std::size_t>(beside - points.begin());
  const auto in_grid = std::lower_bound(points.begin(), grid_end, point);
  if (in_grid == grid_end || *in_grid != point) return std::nullopt;
  return static_cast<std::size_t>(in_grid - points.begin());
}

double Sum(const Weights& weights, const std::vector<double>& values) {
  return std::inner_product(weights.begin(), weights.end(), values.begin(), 0.0);
}

std::vector<double> Surface::CovarianceWith(const Weights& weights) const {
  std::vector<double> result(points.size(), 0.0);
  if (covariance.size() == 0) {
    for (std::size_t i = 0; i < weights.size(); ++i) result[i] = weights[i] * variance[i];
    return result;
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double* row = covariance.Row(i);
    for (std::size_t j = 0; j < weights.size(); ++j) result[i] += row[j] * weights[j];
  }
  return result;
}

double Surface::VarianceOf(std::size_t point) const {
  return covariance.size() == 0 ? variance[point] : covariance(point, point);
}

double Surface::VarianceOfDifference(std::size_t one, std::size_t other) const {
  if (one == other) return 0;
  const double both = covariance.size() == 0 ? 0 : covariance(one, other);
  return std::max(0.0, VarianceOf(one) + VarianceOf(other) - 2 * both);
}

void Surface::Expect(std::size_t point) {
  const double total = VarianceOf(point) + beyond + *noise;
  if (total <= 0) return;
  if (covariance.size() == 0) {
    variance[point] *= *noise / total;
    return;
  }
  const std::vector<double> column(covariance.Row(point), covariance.Row(point) + points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j < points.size(); ++j) {
      covariance(i, j) -= column[i] * column[j] / total;
    }
  }
}

double Surface::Quantile(double tail) const {
  if (freedom) {
    return boost::math::quantile(boost::math::complement(boost::math::students_t(*freedom), tail));
  }
  return boost::math::quantile(boost::math::complement(boost::math::normal(), tail));
}

double Surface::MostLead(std::size_t chosen, double tail) const {
  constexpr std::size_t kContenders = 200;
  constexpr std::size_t kDraws = 500;
  constexpr double kFar = 3;  // standard errors up to which a point may surprise
  // Those that might come out highest; the rest would change nothing.
  std::vector<std::size_t> contenders(points.size());
  std::iota(contenders.begin(), contenders.end(), std::size_t{0});
  const auto reach = [&](std::size_t i) {
    return mean[i] + kFar * std::sqrt(std::max(0.0, VarianceOf(i)));
  };
  std::ranges::stable_sort(contenders,
                           [&](std::size_t a, std::size_t b) { return reach(a) > reach(b); });
  contenders.resize(std::min(contenders.size(), kContenders));
  if (std::ranges::find(contenders, chosen) == contenders.end()) contenders.push_back(chosen);

  const SquareMatrix root = CholeskyRoot(covariance, contenders);
  std::mt19937_64 random(kGridSeed);
  std::vector<double> leads;
  std::vector<double> normal(contenders.size());
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    for (double& value : normal) value = NormalNumber(random);
    const double spread = freedom ? StudentSpread(*freedom, random) : 1;
    double highest = -std::numeric_limits<double>::infinity();
    double of_chosen = 0;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      double score = mean[contenders[i]];
      for (std::size_t j = 0; j <= i; ++j) score += spread * root(i, j) * normal[j];
      highest = std::max(highest, score);
      if (contenders[i] == chosen) of_chosen = score;
    }
    leads.push_back(highest - of_chosen);
  }
  std::ranges::sort(leads);
  return leads[static_cast<std::size_t>((1 - tail) * static_cast<double>(kDraws - 1))];
}

Surface MeasuredSurface(const Grid& grid, const EffectsQuestion& question) {
  std::map<GridPoint, const std::vector<double>*> scores;
  for (const MeasuredCombination& observation : question.observations) {
    scores.emplace(observation.point, &observation.scores);
  }
  Surface surface{.points = grid.points, .averaged = grid.points.size()};
  double squares = 0;
  std::int64_t freedom = 0;
  for (const GridPoint& point : grid.points) {
    const std::vector<double>& of_point = *scores.at(point);
    surface.mean.push_back(AverageOf(of_point));
    for (const double score : of_point) squares += std::pow(score - surface.mean.back(), 2);
    freedom += std::ssize(of_point) - 1;
    surface.variance.push_back(1 / static_cast<double>(of_point.size()));
  }
  surface.source = NoiseSource::kSeeds;
  if (freedom == 0) {
    const ResidualNoise rest = NoiseFromInteractions(grid.points, question.levels, surface.mean);
    freedom = rest.freedom;
    squares = rest.variance * static_cast<double>(rest.freedom);
    surface.source = freedom > 0 ? NoiseSource::kInteractions : NoiseSource::kNone;
  }
  if (freedom == 0) {
    std::ranges::fill(surface.variance, 0.0);
    return surface;
  }
  surface.noise = squares / static_cast<double>(freedom);
  surface.freedom = static_cast<double>(freedom);
  for (double& variance : surface.variance) variance *= *surface.noise;
  return surface;
}

}  // namespace beamgrid
