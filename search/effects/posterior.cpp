#include "search/effects/posterior.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <utility>

namespace beamgrid {
namespace {

constexpr double kLevelVariance = 4;  ///< of level effects, in units of the scores' variance
constexpr double kLeastFreedom = 3;
constexpr std::size_t kMostForVariances = 300;  ///< points that variances are learnt from
constexpr std::uint64_t kPosteriorSeed = 1;

/// Variances is what the process is made of; `levels` also that of the mean.
struct Variances {
  double levels = 1, pairs = 0, points = 0, noise = 0;
};

/// Matches returns how many factors have the same level in both points.
int Matches(const GridPoint& one, const GridPoint& other) {
  int matches = 0;
  for (std::size_t f = 0; f < one.size(); ++f) matches += one[f] == other[f];
  return matches;
}

double Kernel(const Variances& variances, int matches, std::size_t factors) {
  double covariance =
      variances.levels * (1 + matches) + variances.pairs * matches * (matches - 1) / 2;
  if (static_cast<std::size_t>(matches) == factors) covariance += variances.points;
  return covariance;
}

/// Cholesky is the lower triangular root of a covariance, in place of its lower half.
class Cholesky {
 public:
  explicit Cholesky(SquareMatrix matrix) : root_(std::move(matrix)) {
    for (std::size_t i = 0; i < root_.size(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double rest = root_(i, j);
        const double* row = root_.Row(i);
        const double* other = root_.Row(j);
        for (std::size_t k = 0; k < j; ++k) rest -= row[k] * other[k];
        root_(i, j) = i == j ? std::sqrt(std::max(rest, kLeast * root_(i, i))) : rest / root_(j, j);
      }
    }
  }
  /// Returns the solution of root * x = values, of which those before `first` are 0.
  [[nodiscard]] std::vector<double> Solve(std::vector<double> values, std::size_t first = 0) const {
    for (std::size_t i = first; i < root_.size(); ++i) {
      const double* row = root_.Row(i);
      for (std::size_t k = first; k < i; ++k) values[i] -= row[k] * values[k];
      values[i] /= row[i];
    }
    return values;
  }
  [[nodiscard]] double LogDeterminant() const {
    double sum = 0;
    for (std::size_t i = 0; i < root_.size(); ++i) sum += 2 * std::log(root_(i, i));
    return sum;
  }

 private:
  static constexpr double kLeast = 1e-12;
  SquareMatrix root_;
};

/// Scores is what was measured, one line per point.
struct Scores {
  std::vector<GridPoint> points;
  std::vector<double> means;   ///< less the mean of them all
  std::vector<double> counts;  ///< of seeds
  double center = 0;
  double squares = 0;  ///< of seeds around their point's mean
  double freedom = 0;
};

Scores ScoresOf(const std::vector<MeasuredCombination>& observations) {
  Scores scores;
  for (const MeasuredCombination& observation : observations) {
    const auto count = static_cast<double>(observation.scores.size());
    const double mean =
        std::accumulate(observation.scores.begin(), observation.scores.end(), 0.0) / count;
    for (const double score : observation.scores) scores.squares += std::pow(score - mean, 2);
    scores.freedom += count - 1;
    scores.points.push_back(observation.point);
    scores.means.push_back(mean);
    scores.counts.push_back(count);
    scores.center += mean;
  }
  scores.center /= static_cast<double>(scores.points.size());
  for (double& mean : scores.means) mean -= scores.center;
  return scores;
}

SquareMatrix CovarianceOf(const Scores& scores, const Variances& variances) {
  const std::size_t n = scores.points.size();
  SquareMatrix matrix(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      matrix(i, j) =
          Kernel(variances, Matches(scores.points[i], scores.points[j]), scores.points[i].size());
    }
    matrix(i, i) += variances.noise / scores.counts[i];
  }
  return matrix;
}

/// Returns the logarithm of a weak prior, without which a variance that few scores speak of is 0,
/// and all is certain: of a twentieth of the scores' variance, up to a factor of 7 either way.
double LogPrior(double variance, double unit) {
  constexpr double kShare = 0.05;
  constexpr double kSpread = 2;  // of the natural logarithm
  return -std::pow(std::log(variance / (kShare * unit)) / kSpread, 2) / 2;
}

double LogLikelihood(const Scores& scores, const Variances& variances) {
  const Cholesky root(CovarianceOf(scores, variances));
  const std::vector<double> whitened = root.Solve(scores.means);
  double squares = std::inner_product(whitened.begin(), whitened.end(), whitened.begin(), 0.0);
  double logs = root.LogDeterminant();
  if (scores.freedom > 0) {
    squares += scores.squares / variances.noise;
    logs += scores.freedom * std::log(variances.noise);
  }
  const double unit = variances.levels / kLevelVariance;
  // Of one seed each, the points' own effects are in the noise.
  const double own = variances.points > 0 ? variances.points : variances.noise;
  return LogPrior(variances.pairs, unit) + LogPrior(own, unit) - (squares + logs) / 2;
}

/// Looks for the variances of largest likelihood, of pairs, points and noise in turn, in ever
/// smaller steps of their logarithms.
Variances Learnt(const Scores& scores, double unit) {
  constexpr double kSmallest = 1e-6;
  const bool told_apart = scores.freedom > 0;
  std::array<double, 3> logs = {std::log(0.05 * unit), std::log(0.05 * unit),
                                std::log(0.05 * unit)};
  if (told_apart) logs[2] = std::log(std::max(kSmallest * unit, scores.squares / scores.freedom));
  const auto variances_at = [&](const std::array<double, 3>& at) {
    Variances variances{.levels = kLevelVariance * unit,
                        .pairs = std::exp(at[0]),
                        .points = std::exp(at[1]),
                        .noise = std::exp(at[2])};
    if (!told_apart) variances.noise = std::exchange(variances.points, 0);
    return variances;
  };
  double best = LogLikelihood(scores, variances_at(logs));
  for (double step = 2; step > 0.1; step /= 2) {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t i = 0; i < (told_apart ? 3U : 2U); ++i) {
        for (const double sign : {-1.0, 1.0}) {
          std::array<double, 3> at = logs;
          at[i] = std::clamp(at[i] + sign * step, std::log(kSmallest * unit), std::log(10 * unit));
          const double likelihood = LogLikelihood(scores, variances_at(at));
          if (likelihood <= best + 1e-9) continue;
          best = likelihood;
          logs = at;
          moved = true;
        }
      }
    }
  }
  return variances_at(logs);
}

/// Returns as many of the observations as variances are learnt from, at random.
std::vector<MeasuredCombination> Some(std::vector<MeasuredCombination> observations) {
  if (observations.size() <= kMostForVariances) return observations;
  std::mt19937_64 random(kPosteriorSeed);
  for (std::size_t i = 0; i < kMostForVariances; ++i) {
    std::swap(observations[i], observations[i + random() % (observations.size() - i)]);
  }
  observations.resize(kMostForVariances);
  return observations;
}

/// Process is the posterior.
class Process {
 public:
  explicit Process(const EffectsQuestion& question)
      : scores_(ScoresOf(question.observations)),
        variances_(VariancesOf(question.observations)),
        root_(CovarianceOf(scores_, variances_)),
        whitened_(root_.Solve(scores_.means)) {}

  [[nodiscard]] const Variances& variances() const { return variances_; }
  /// Returns the degrees of freedom of what is known of the variances. Scores with long tails say
  /// less of them than normal ones: by Satterthwaite, of a variance whose estimate varies by
  /// (kurtosis - 1) / n of its square. The kurtosis is that of what each score is off what all
  /// others say of it, in standard errors: the order of the scores says nothing.
  [[nodiscard]] double Freedom(double free_scores) const {
    double squares = 0;
    double fourth = 0;
    for (std::size_t i = 0; i < whitened_.size(); ++i) {
      std::vector<double> unit(whitened_.size(), 0.0);
      unit[i] = 1;
      const std::vector<double> column = root_.Solve(std::move(unit), i);
      const double value =
          std::inner_product(column.begin(), column.end(), whitened_.begin(), 0.0) /
          std::sqrt(std::inner_product(column.begin(), column.end(), column.begin(), 0.0));
      squares += value * value;
      fourth += std::pow(value, 4);
    }
    const double kurtosis = squares > 0 ? free_scores * fourth / (squares * squares) : 0;
    const double share = kurtosis > 3 ? 2 / (kurtosis - 1) : 1;
    return std::max(kLeastFreedom, free_scores * share);
  }
  [[nodiscard]] double MeanAt(const GridPoint& point) const {
    const std::vector<double> column = root_.Solve(KernelColumn(point, variances_));
    return scores_.center +
           std::inner_product(column.begin(), column.end(), whitened_.begin(), 0.0);
  }
  /// `sampled`: the grid's points stand for others and have nothing of their own.
  void Fill(Surface& surface, bool sampled) const {
    const std::size_t n = surface.points.size();
    Variances smooth = variances_;
    smooth.points = 0;
    const auto of = [&](std::size_t i) -> const Variances& {
      return sampled && i < surface.averaged ? smooth : variances_;
    };
    std::vector<std::vector<double>> columns;
    for (std::size_t i = 0; i < n; ++i) {
      columns.push_back(root_.Solve(KernelColumn(surface.points[i], of(i))));
      surface.mean.push_back(scores_.center + std::inner_product(columns.back().begin(),
                                                                 columns.back().end(),
                                                                 whitened_.begin(), 0.0));
    }
    surface.covariance = SquareMatrix(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const double* one = columns[i].data();
        const double* other = columns[j].data();
        // The grid comes first: where one of two has nothing of its own, it is the other.
        double covariance =
            Kernel(of(j), Matches(surface.points[i], surface.points[j]), surface.points[i].size());
        for (std::size_t k = 0; k < columns[i].size(); ++k) covariance -= one[k] * other[k];
        surface.covariance(i, j) = surface.covariance(j, i) = covariance;
      }
    }
    if (sampled) surface.beyond = variances_.points;
  }

 private:
  static Variances VariancesOf(const std::vector<MeasuredCombination>& observations) {
    const Scores some = ScoresOf(Some(observations));
    double unit = 0;
    for (const double mean : some.means) unit += mean * mean;
    unit /= static_cast<double>(std::max<std::size_t>(1, some.means.size() - 1));
    // Scores that are all the same vary by their last digits.
    unit = std::max(unit, std::pow(1e-9 * (std::abs(some.center) + 1e-9), 2));
    return Learnt(some, unit);
  }
  [[nodiscard]] std::vector<double> KernelColumn(const GridPoint& point,
                                                 const Variances& variances) const {
    std::vector<double> column;
    for (const GridPoint& measured : scores_.points) {
      column.push_back(Kernel(variances, Matches(measured, point), point.size()));
    }
    return column;
  }

  Scores scores_;
  Variances variances_;
  Cholesky root_;
  std::vector<double> whitened_;
};

}  // namespace

Surface PosteriorSurface(const Grid& grid, const EffectsQuestion& question) {
  const Process process(question);
  Surface surface{.points = grid.points, .averaged = grid.points.size()};
  std::set<GridPoint> known;
  if (!grid.sampled) known.insert(grid.points.begin(), grid.points.end());
  const auto add = [&](const GridPoint& point) {
    if (known.insert(point).second) surface.points.push_back(point);
  };
  for (const MeasuredCombination& observation : question.observations) add(observation.point);
  const auto is_allowed = [&](const GridPoint& point) {
    return known.contains(point) || !question.allowed || question.allowed(point);
  };
  // Of a sample the highest is rarely the grid's: from the best that was measured upwards.
  GridPoint top = std::ranges::max_element(question.observations, {}, [&](const auto& observation) {
                    return process.MeanAt(observation.point);
                  })->point;
  for (bool climbs = grid.sampled; climbs;) {
    climbs = false;
    const GridPoint from = top;
    double highest = process.MeanAt(from);
    for (std::size_t f = 0; f < from.size(); ++f) {
      GridPoint point = from;
      for (std::int32_t level = 0; level < question.levels[f]; ++level) {
        point[f] = level;
        if (!is_allowed(point)) continue;
        add(point);
        const double mean = process.MeanAt(point);
        if (mean <= highest) continue;
        highest = mean;
        top = point;
        climbs = true;
      }
    }
  }
  if (question.baseline && is_allowed(*question.baseline)) {
    add(*question.baseline);
    GridPoint chosen = *question.baseline;
    const double start = process.MeanAt(chosen);
    for (std::size_t f = 0; f < chosen.size(); ++f) {
      double highest = start;
      GridPoint point = *question.baseline;
      for (std::int32_t level = 0; level < question.levels[f]; ++level) {
        point[f] = level;
        if (!is_allowed(point)) continue;
        add(point);
        const double mean = process.MeanAt(point);
        if (mean <= highest) continue;
        highest = mean;
        chosen[f] = level;
      }
    }
    if (is_allowed(chosen)) add(chosen);
  }
  process.Fill(surface, grid.sampled);
  surface.noise = process.variances().noise;
  surface.source = NoiseSource::kModel;
  double freedom = static_cast<double>(question.observations.size()) - 1;
  for (const std::int32_t count : question.levels) freedom -= count - 1;
  surface.freedom = process.Freedom(freedom);
  return surface;
}

}  // namespace beamgrid
