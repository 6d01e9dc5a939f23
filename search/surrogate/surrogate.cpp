#include "search/surrogate/surrogate.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>

#include "search/surrogate/hyperparameters.h"

namespace beamgrid {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// What is added to the diagonal for the sake of rounding, in units of the scaled variance.
constexpr double kJitter = 1e-8;
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

Part PlainPart(std::string name, std::int64_t levels) {
  return {std::move(name), levels, [](std::int64_t left, std::int64_t right) {
            const double same = left == right ? 1 : 0;
            return Likeness{same, same};
          }};
}

RankScale RanksOf(const std::vector<double>& values) {
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  const auto repeated = std::ranges::unique(sorted);
  sorted.erase(repeated.begin(), repeated.end());
  RankScale scale;
  for (const double value : values) {
    const auto rank = std::ranges::lower_bound(sorted, value) - sorted.begin();
    scale.ranks.push_back(static_cast<double>(rank));
  }
  // Neighbours are half alike where there are few, more where there are many.
  scale.reach = std::max(1.5, 0.4 * static_cast<double>(sorted.size() - 1));
  return scale;
}

Part NumericPart(std::string name, const std::vector<double>& values) {
  RankScale scale = RanksOf(values);
  return {std::move(name), static_cast<std::int64_t>(values.size()),
          [scale = std::move(scale)](std::int64_t left, std::int64_t right) {
            const double distance = std::abs(scale.ranks[static_cast<std::size_t>(left)] -
                                             scale.ranks[static_cast<std::size_t>(right)]);
            return Likeness{left == right ? 1.0 : 0.0, std::exp(-distance / scale.reach)};
          }};
}

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

Pool::Pool(std::size_t parts, const std::vector<Levels>& models)
    : size_(models.size()), levels_(parts), digits_(parts) {
  for (std::size_t p = 0; p < parts; ++p) {
    std::map<std::int64_t, std::uint32_t> places;
    digits_[p].reserve(models.size());
    for (const Levels& model : models) {
      const auto [place, is_new] =
          places.emplace(model[p], static_cast<std::uint32_t>(levels_[p].size()));
      if (is_new) levels_[p].push_back(model[p]);
      digits_[p].push_back(place->second);
    }
  }
}

Surrogate::Surrogate(std::vector<Part> parts)
    : parts_(std::move(parts)), hyper_(ExpectedHyperparameters(parts_.size())) {}

void Surrogate::Fit(const std::vector<Observation>& observations) {
  std::vector<double> scores;
  std::vector<Levels> models;
  std::vector<double> errors;
  for (const Observation& observation : observations) {
    scores.push_back(observation.score);
    models.push_back(observation.levels);
    errors.push_back(1.0 / static_cast<double>(observation.repeats));
  }
  const Scale scale = ScaleOf(scores);
  VectorXd scaled(static_cast<Index>(scores.size()));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scaled[static_cast<Index>(i)] = scale.Scaled(scores[i]);
  }
  SeedSpread spread;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    // Below the floor a unit of the score is less than one of the scaled score.
    if (observations[i].repeats < 2 || scaled[static_cast<Index>(i)] < kFloor) continue;
    spread.squares += observations[i].squares / (scale.unit * scale.unit);
    spread.freedom += static_cast<double>(observations[i].repeats - 1);
  }
  Hyperparameters hyper = MostLikely(LikenessesOf(parts_, models), scaled, errors, spread);
  Condition(observations, std::move(hyper), scale);
}

void Surrogate::Condition(const std::vector<Observation>& observations) {
  Condition(observations, hyper_, scale_);
}

void Surrogate::Condition(const std::vector<Observation>& observations,
                          Hyperparameters hyperparameters, Scale scale) {
  hyper_ = std::move(hyperparameters);
  scale_ = scale;
  known_.clear();
  errors_.clear();
  scores_.resize(static_cast<Index>(observations.size()));
  for (std::size_t i = 0; i < observations.size(); ++i) {
    known_.push_back(observations[i].levels);
    errors_.push_back(1.0 / static_cast<double>(observations[i].repeats));
    scores_[static_cast<Index>(i)] = scale_.Scaled(observations[i].score);
  }
  Factorise();
}

void Surrogate::Factorise() {
  const auto n = static_cast<Index>(known_.size());
  MatrixXd k = CovarianceWith(Pool(parts_.size(), known_));
  for (Index i = 0; i < n; ++i) {
    k(i, i) += hyper_.noise * errors_[static_cast<std::size_t>(i)] + kJitter;
  }
  const Eigen::LLT<MatrixXd> cholesky(k);
  if (cholesky.info() != Eigen::Success) {
    throw std::logic_error("surrogate: the covariance of the models is not positive definite");
  }
  factor_ = cholesky.matrixL();
  weights_ = cholesky.solve(scores_);
}

void Surrogate::Suppose(const Levels& levels) {
  const Index n = factor_.rows();
  const VectorXd row = factor_.triangularView<Eigen::Lower>().solve(
      VectorXd(CovarianceWith(Pool(parts_.size(), {levels})).col(0)));
  const double rest = PriorVariance() + hyper_.noise + kJitter - row.squaredNorm();
  MatrixXd larger = MatrixXd::Zero(n + 1, n + 1);
  larger.topLeftCorner(n, n) = factor_;
  larger.row(n).head(n) = row.transpose();
  larger(n, n) = std::sqrt(std::max(rest, kJitter));
  factor_ = std::move(larger);
  known_.push_back(levels);
  errors_.push_back(1.0);
}

double Surrogate::PriorVariance() const {
  // Every model is wholly like itself.
  return kLevelVariance + hyper_.additive + (parts_.size() > 1 ? hyper_.pairwise : 0) +
         hyper_.local + hyper_.identity;
}

MatrixXd Surrogate::CovarianceWith(const Pool& pool) const {
  const auto size = static_cast<Index>(pool.size());
  double total = 0;
  double squares = 0;
  for (const double r : hyper_.relevance) {
    total += r;
    squares += r * r;
  }
  const double pairs = total * total - squares;
  MatrixXd covariance(static_cast<Index>(known_.size()), size);
  Eigen::ArrayXd sum(size);
  Eigen::ArrayXd sum_squares(size);
  Eigen::ArrayXd local(size);
  Eigen::ArrayXd same(size);
  std::vector<double> first;
  std::vector<double> near;
  std::vector<double> equal;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    sum.setZero();
    sum_squares.setZero();
    local.setOnes();
    same.setOnes();
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      const double r = hyper_.relevance[p];
      const double far = 1 - std::exp(-r);
      const std::vector<std::int64_t>& levels = pool.levels_[p];
      first.resize(levels.size());
      near.resize(levels.size());
      equal.resize(levels.size());
      for (std::size_t l = 0; l < levels.size(); ++l) {
        Likeness like{1, 1};
        equal[l] = levels[l] == known_[i][p] ? 1 : 0;
        if (equal[l] == 0) like = parts_[p].likeness(known_[i][p], levels[l]);
        const double s = like.by_name + hyper_.by_place * (like.by_place - like.by_name);
        first[l] = r * s;
        near[l] = 1 - far * (1 - s);
      }
      const std::uint32_t* digit = pool.digits_[p].data();
      for (Index j = 0; j < size; ++j) {
        const std::uint32_t l = digit[j];
        const double s = first[l];
        sum[j] += s;
        sum_squares[j] += s * s;
        local[j] *= near[l];
        same[j] *= equal[l];
      }
    }
    Eigen::ArrayXd k = kLevelVariance + hyper_.local * local + hyper_.identity * same;
    if (!parts_.empty()) k += (hyper_.additive / total) * sum;
    if (parts_.size() > 1) k += (hyper_.pairwise / pairs) * (sum.square() - sum_squares);
    if (parts_.empty()) k += hyper_.additive;
    covariance.row(static_cast<Index>(i)) = k.matrix().transpose();
  }
  return covariance;
}

std::vector<Prediction> Surrogate::Predict(const Pool& pool) const {
  MatrixXd with = CovarianceWith(pool);
  const VectorXd means = with.topRows(weights_.size()).transpose() * weights_;
  factor_.triangularView<Eigen::Lower>().solveInPlace(with);
  const Eigen::RowVectorXd explained = with.colwise().squaredNorm();
  std::vector<Prediction> predictions(pool.size());
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const auto index = static_cast<Index>(i);
    const double variance = std::max(0.0, PriorVariance() - explained[index]);
    predictions[i] = {scale_.centre + scale_.unit * means[index],
                      scale_.unit * std::sqrt(variance)};
  }
  return predictions;
}

Prediction Surrogate::Predict(const Levels& model) const {
  return Predict(Pool(parts_.size(), {model})).front();
}

Surrogate::Joint Surrogate::PredictJointly(const std::vector<Levels>& models) const {
  const Pool pool(parts_.size(), models);
  MatrixXd with = CovarianceWith(pool);
  Joint joint;
  joint.mean = ((with.topRows(weights_.size()).transpose() * weights_) * scale_.unit).array() +
               scale_.centre;
  factor_.triangularView<Eigen::Lower>().solveInPlace(with);
  MatrixXd prior(static_cast<Index>(models.size()), static_cast<Index>(models.size()));
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double k = Covariance(models[i], models[j]);
      prior(static_cast<Index>(i), static_cast<Index>(j)) = k;
      prior(static_cast<Index>(j), static_cast<Index>(i)) = k;
    }
  }
  joint.covariance = (prior - with.transpose() * with) * (scale_.unit * scale_.unit);
  return joint;
}

double Surrogate::seed_noise() const { return scale_.unit * std::sqrt(hyper_.noise); }

double Surrogate::LogLikelihood() const {
  const Index n = weights_.size();
  return -0.5 * scores_.dot(weights_) - factor_.diagonal().head(n).array().log().sum() -
         0.5 * static_cast<double>(n) * std::log(2 * std::numbers::pi);
}

double Surrogate::Covariance(const Levels& left, const Levels& right) const {
  double total = 0;
  double squares = 0;
  double sum = 0;
  double sum_squares = 0;
  double local = 1;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const double r = hyper_.relevance[p];
    const Likeness like =
        left[p] == right[p] ? Likeness{1, 1} : parts_[p].likeness(left[p], right[p]);
    const double s = like.by_name + hyper_.by_place * (like.by_place - like.by_name);
    total += r;
    squares += r * r;
    sum += r * s;
    sum_squares += r * r * s * s;
    local *= 1 - (1 - std::exp(-r)) * (1 - s);
  }
  double k = kLevelVariance + hyper_.local * local + (left == right ? hyper_.identity : 0);
  k += parts_.empty() ? hyper_.additive : hyper_.additive * sum / total;
  if (parts_.size() > 1) {
    k += hyper_.pairwise * (sum * sum - sum_squares) / (total * total - squares);
  }
  return k;
}

}  // namespace beamgrid
