#include "search/surrogate/surrogate.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include "search/surrogate/hyperparameters.h"

namespace beamgrid {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

/// Processes that are averaged. More change little and take time.
constexpr std::size_t kProcesses = 5;
/// Scaled scores below this one are drawn towards it.
constexpr double kFloor = -1.0;

/// Returns what fraction `share` of the sorted values is below, between two of them in proportion.
double Quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  if (low + 1 >= sorted.size()) return sorted.back();
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[low + 1] - sorted[low]);
}

}  // namespace

double Scale::Scaled(double score) const {
  const double scaled = (score - centre) / unit;
  return scaled >= kFloor ? scaled : kFloor - std::log1p(kFloor - scaled);
}

double Scale::Score(double scaled) const {
  const double straight = scaled >= kFloor ? scaled : kFloor - std::expm1(kFloor - scaled);
  return centre + unit * straight;
}

Scale ScaleOf(const std::vector<double>& scores) {
  if (scores.empty()) return {};
  std::vector<double> sorted = scores;
  std::ranges::sort(sorted);
  Scale scale{.centre = Quantile(sorted, 0.5)};
  const double spreads[] = {Quantile(sorted, 0.9) - scale.centre, sorted.back() - scale.centre,
                            scale.centre - Quantile(sorted, 0.1), scale.centre - sorted.front()};
  for (const double spread : spreads) {
    if (spread > 1e-12 * std::max(1.0, std::abs(scale.centre))) {
      scale.unit = spread;
      return scale;
    }
  }
  return scale;
}

double ExpectedGain(const Prediction& prediction, double best) {
  const double above = prediction.mean - best;
  if (!(prediction.sd > 0)) return std::max(0.0, above);
  const double z = above / prediction.sd;
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  const double share = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  return std::max(0.0, above * share + prediction.sd * density);
}

Surrogate::Surrogate(std::vector<Part> parts)
    : parts_(std::make_shared<const std::vector<Part>>(std::move(parts))),
      processes_({Process(parts_, ExpectedHyperparameters(parts_->size()))}) {}

void Surrogate::Fit(const std::vector<Observation>& observations) {
  std::vector<double> scores;
  std::vector<Levels> models;
  std::vector<double> errors;
  for (const Observation& observation : observations) {
    scores.push_back(observation.score);
    models.push_back(observation.levels);
    errors.push_back(1.0 / static_cast<double>(observation.repeats));
  }
  scale_ = ScaleOf(scores);
  VectorXd scaled(static_cast<Index>(scores.size()));
  SeedSpread spread;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double score = scale_.Scaled(scores[i]);
    scaled[static_cast<Index>(i)] = score;
    // Below the floor a unit of the score is less than one of the scaled score.
    if (observations[i].repeats < 2 || score < kFloor) continue;
    spread.squares += observations[i].squares / (scale_.unit * scale_.unit);
    spread.freedom += static_cast<double>(observations[i].repeats - 1);
  }
  processes_.clear();
  for (Hyperparameters& drawn :
       DrawLikely(LikenessesOf(*parts_, models), scaled, errors, spread, kProcesses)) {
    processes_.emplace_back(parts_, std::move(drawn));
    processes_.back().Condition(models, scaled, errors);
  }
}

void Surrogate::Condition(const std::vector<Observation>& observations) {
  std::vector<Levels> models;
  std::vector<double> errors;
  VectorXd scaled(static_cast<Index>(observations.size()));
  for (std::size_t i = 0; i < observations.size(); ++i) {
    models.push_back(observations[i].levels);
    errors.push_back(1.0 / static_cast<double>(observations[i].repeats));
    scaled[static_cast<Index>(i)] = scale_.Scaled(observations[i].score);
  }
  for (Process& process : processes_) process.Condition(models, scaled, errors);
}

void Surrogate::Suppose(const Levels& levels) {
  for (Process& process : processes_) process.Suppose(levels);
}

std::vector<Prediction> Surrogate::Predict(const Pool& pool) const {
  // The mean and the variance of the mixture, whose parts weigh the same.
  const auto size = static_cast<Index>(pool.size());
  Eigen::ArrayXd means = Eigen::ArrayXd::Zero(size);
  Eigen::ArrayXd squares = Eigen::ArrayXd::Zero(size);
  for (const Process& process : processes_) {
    const Process::Moments moments = process.Predict(pool);
    means += moments.mean.array();
    squares += moments.variance.array() + moments.mean.array().square();
  }
  const auto count = static_cast<double>(processes_.size());
  means /= count;
  const Eigen::ArrayXd sds = (squares / count - means.square()).max(0.0).sqrt();
  std::vector<Prediction> predictions(pool.size());
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const auto at = static_cast<Index>(i);
    predictions[i] = {scale_.centre + scale_.unit * means[at], scale_.unit * sds[at]};
  }
  return predictions;
}

Prediction Surrogate::Predict(const Levels& model) const {
  return Predict(Pool(parts_->size(), {model})).front();
}

Outlook Surrogate::OutlookOf(const Prediction& prediction) const {
  constexpr double kReach = 1.96;  // standard deviations
  const auto score = [&](double straight) {
    return scale_.Score((straight - scale_.centre) / scale_.unit);
  };
  return {.middle = score(prediction.mean),
          .low = score(prediction.mean - kReach * prediction.sd),
          .high = score(prediction.mean + kReach * prediction.sd)};
}

double Surrogate::seed_noise() const {
  double sum = 0;
  for (const Process& process : processes_) sum += process.hyperparameters().noise;
  return scale_.unit * std::sqrt(sum / static_cast<double>(processes_.size()));
}

std::vector<double> Surrogate::relevance() const {
  std::vector<double> mean(parts_->size());
  for (const Process& process : processes_) {
    for (std::size_t p = 0; p < mean.size(); ++p) {
      mean[p] += process.hyperparameters().relevance[p] / static_cast<double>(processes_.size());
    }
  }
  return mean;
}

}  // namespace beamgrid
