#include "reports/two_level.h"

#include <algorithm>
#include <cmath>

#include "reports/statistics.h"

namespace beamgrid {
namespace {

constexpr double kConfidence = 0.95;
/// The 97.5 % quantile of the normal distribution.
constexpr double kNormalQuantile = 1.959963984540054;

double VarianceOf(const std::vector<double>& values) {
  return values.size() < 2 ? 0 : std::pow(SampleDeviation(values), 2);
}

/// Contrast is a number per seed: of a pair of rows the difference, of a row alone its value, with
/// the sign that it has in the difference.
struct Contrast {
  std::vector<std::int64_t> seeds;
  std::vector<double> values;                  ///< [seeds]
  std::vector<std::vector<double>> resamples;  ///< [seeds][resamples]

  [[nodiscard]] double count() const { return static_cast<double>(values.size()); }
  [[nodiscard]] double seeds_variance() const { return VarianceOf(values) / count(); }
  /// Returns the mean over the seeds in each resample.
  [[nodiscard]] std::vector<double> Means() const {
    std::vector<double> means(resamples[0].size());
    for (const std::vector<double>& of_seed : resamples) {
      for (std::size_t r = 0; r < means.size(); ++r) means[r] += of_seed[r] / count();
    }
    return means;
  }
  /// Returns the part of the variance of the mean that seeds and videos have together: videos move
  /// the mean of n seeds by their own variance and by 1 / n of what they do to one seed alone.
  [[nodiscard]] double RemainderVariance() const {
    double alone = 0;
    for (const std::vector<double>& of_seed : resamples) alone += VarianceOf(of_seed) / count();
    return std::max(0.0, (alone - VarianceOf(Means())) / (count() - 1));
  }
  /// Returns by how much the mean of the seeds that a resample draws differs from that of all.
  [[nodiscard]] std::vector<double> SeedDeviations() const;
};

std::vector<double> Contrast::SeedDeviations() const {
  std::uint64_t key = seeds.size();
  for (const std::int64_t seed : seeds) key = Mixed(key, static_cast<std::uint64_t>(seed));
  const double freedom = count() - 1;
  const double stretch =
      std::sqrt(count() / freedom) * StudentQuantile(0.975, freedom) / kNormalQuantile;
  const double mean = Mean(values);
  std::vector<double> deviations;
  for (std::size_t r = 0; r < resamples[0].size(); ++r) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      // The bias of the remainder is below 1e-17.
      sum += values[Mixed(key, r * values.size() + i) % values.size()];
    }
    deviations.push_back(stretch * (sum / count() - mean));
  }
  return deviations;
}

Contrast Alone(const SeededRow& row, double sign) {
  Contrast contrast{.seeds = row.seeds};
  for (const Resampled* trial : row.trials) {
    contrast.values.push_back(sign * trial->value);
    std::vector<double>& resamples = contrast.resamples.emplace_back(trial->resamples);
    for (double& value : resamples) value *= sign;
  }
  return contrast;
}

Contrast Paired(const SeededRow& a, const SeededRow& b) {
  Contrast contrast = Alone(a, 1);
  for (std::size_t i = 0; i < a.trials.size(); ++i) {
    contrast.values[i] -= b.trials[i]->value;
    for (std::size_t r = 0; r < contrast.resamples[i].size(); ++r) {
      contrast.resamples[i][r] -= b.trials[i]->resamples[r];
    }
  }
  return contrast;
}

double QuantileOf(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(
      std::lround(share * static_cast<double>(sorted.size() - 1)))];
}

void TakeInterval(std::vector<double> differences, RowDifference& difference) {
  std::ranges::sort(differences);
  difference.interval = {QuantileOf(differences, (1 - kConfidence) / 2),
                         QuantileOf(differences, (1 + kConfidence) / 2)};
  double above = 0;
  for (const double value : differences) above += value > 0 ? 1 : value == 0 ? 0.5 : 0;
  difference.above = above / static_cast<double>(differences.size());
}

/// Returns the degrees of freedom of the seeds' part, by Welch and Satterthwaite where it has two.
double SeedsFreedom(const std::vector<Contrast>& contrasts) {
  double variance = 0, parts = 0;
  for (const Contrast& contrast : contrasts) {
    variance += contrast.seeds_variance();
    parts += std::pow(contrast.seeds_variance(), 2) / (contrast.count() - 1);
  }
  return parts == 0 ? 1 : variance * variance / parts;
}

}  // namespace

RowDifference TwoLevelDifference(const SeededRow& a, const SeededRow& b) {
  std::vector<Contrast> contrasts;
  if (a.seeds == b.seeds) {
    contrasts.push_back(Paired(a, b));
  } else {
    contrasts = {Alone(a, 1), Alone(b, -1)};
  }
  RowDifference difference;
  std::vector<double> resamples(a.trials[0]->resamples.size());
  for (const Contrast& contrast : contrasts) {
    difference.value += Mean(contrast.values);
    const std::vector<double> means = contrast.Means();
    for (std::size_t r = 0; r < means.size(); ++r) resamples[r] += means[r];
    if (contrast.values.size() < 2) difference.levels = Levels::kVideos;
  }
  const double videos_variance = VarianceOf(resamples);
  difference.videos_variance = videos_variance;
  if (difference.levels == Levels::kSeedsAndVideos) {
    double seeds_variance = 0, remainder = 0;
    for (const Contrast& contrast : contrasts) {
      seeds_variance += contrast.seeds_variance();
      remainder += contrast.RemainderVariance();
    }
    remainder = std::min({remainder, seeds_variance, videos_variance});
    difference.remainder_variance = remainder;
    difference.seeds_variance = seeds_variance - remainder;
    difference.videos_variance = videos_variance - remainder;
    const double both = seeds_variance + videos_variance;
    const double once = both == 0 ? 1 : std::sqrt((both - remainder) / both);
    for (const Contrast& contrast : contrasts) {
      const std::vector<double> deviations = contrast.SeedDeviations();
      for (std::size_t r = 0; r < resamples.size(); ++r) resamples[r] += deviations[r];
    }
    for (double& value : resamples) value = difference.value + once * (value - difference.value);
  }
  difference.p = BehrensFisherP(
      difference.value, std::sqrt(difference.seeds_variance + difference.remainder_variance),
      difference.levels == Levels::kVideos ? 1 : SeedsFreedom(contrasts),
      std::sqrt(difference.videos_variance));
  TakeInterval(std::move(resamples), difference);
  return difference;
}

std::optional<RowDifference> SeedsDifference(const std::vector<std::int64_t>& a_seeds,
                                             const std::vector<double>& a,
                                             const std::vector<std::int64_t>& b_seeds,
                                             const std::vector<double>& b) {
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  const auto part = [](const std::vector<double>& values) {
    return VarianceOf(values) / static_cast<double>(values.size());
  };
  RowDifference difference{.value = Mean(a) - Mean(b), .levels = Levels::kSeeds};
  double freedom = static_cast<double>(a.size()) - 1;
  if (a_seeds == b_seeds) {
    std::vector<double> differences;
    for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
    difference.seeds_variance = part(differences);
    difference.p = PairedTTest(a, b);
  } else {
    const double part_a = part(a), part_b = part(b);
    difference.seeds_variance = part_a + part_b;
    freedom = WelchFreedom(a, b);
    difference.p = WelchTTest(a, b);
  }
  const double error = std::sqrt(difference.seeds_variance);
  const double half = error == 0 ? 0 : StudentQuantile((1 + kConfidence) / 2, freedom) * error;
  difference.interval = {difference.value - half, difference.value + half};
  return difference;
}

}  // namespace beamgrid
