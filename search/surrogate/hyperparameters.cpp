#include "search/surrogate/hyperparameters.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "search/pacing.h"

namespace beamgrid {
namespace {

using Eigen::ArrayXd;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Where each hyperparameter is in the vector that is optimised, as a logarithm (by_place: logit).
enum Slot { kAdditive, kPairwise, kLocal, kIdentity, kNoise, kByPlace, kRelevance };

/// Belief is the normal prior of one of them.
struct Belief {
  double mean, sd;
};
Belief BeliefOf(Eigen::Index slot) {
  switch (slot) {
    case kAdditive:
      return {std::log(0.8), 1.0};
    case kPairwise:
      return {std::log(0.4), 1.0};
    case kLocal:
      return {std::log(0.3), 1.0};
    case kIdentity:
      return {std::log(0.01), 1.5};
    case kNoise:
      return {std::log(0.03), 1.5};
    case kByPlace:
      return {0, 1.5};
    default:
      return {std::log(0.7), 1.2};
  }
}

Hyperparameters FromVector(const VectorXd& x) {
  Hyperparameters h;
  h.additive = std::exp(x[kAdditive]);
  h.pairwise = std::exp(x[kPairwise]);
  h.local = std::exp(x[kLocal]);
  h.identity = std::exp(x[kIdentity]);
  h.noise = std::exp(x[kNoise]);
  h.by_place = 1 / (1 + std::exp(-x[kByPlace]));
  for (Eigen::Index i = kRelevance; i < x.size(); ++i) h.relevance.push_back(std::exp(x[i]));
  return h;
}

VectorXd ExpectedVector(std::size_t parts) {
  VectorXd x(static_cast<Eigen::Index>(kRelevance + parts));
  for (Eigen::Index i = 0; i < x.size(); ++i) x[i] = BeliefOf(i).mean;
  return x;
}

/// Likelihood is the logarithm of the observations' density (up to a constant) under
/// hyperparameters, and its gradient.
class Likelihood {
 public:
  Likelihood(const Likenesses& likenesses, const VectorXd& scores,
             const std::vector<double>& errors, const SeedSpread& spread)
      : like_(likenesses),
        scores_(scores),
        spread_(spread),
        errors_(Eigen::Map<const VectorXd>(errors.data(), scores.size())),
        alike_(likenesses.by_name.size()) {
    for (std::size_t p = 0; p < like_.by_name.size(); ++p) {
      has_places_.push_back((like_.by_name[p] != like_.by_place[p]).any());
    }
  }

  /// Returns the value at x, minus infinity where the covariance is not positive definite.
  double At(const VectorXd& x) {
    hyper_ = FromVector(x);
    const Eigen::Index size = like_.same.size();
    total_ = 0;
    double squares = 0;
    for (const double r : hyper_.relevance) {
      total_ += r;
      squares += r * r;
    }
    pairs_ = total_ * total_ - squares;
    sum_.setZero(size);
    sum_squares_.setZero(size);
    local_.setOnes(size);
    for (std::size_t p = 0; p < alike_.size(); ++p) {
      const double r = hyper_.relevance[p];
      alike_[p] = like_.by_name[p];
      if (has_places_[p]) alike_[p] += hyper_.by_place * (like_.by_place[p] - like_.by_name[p]);
      sum_ += r * alike_[p];
      sum_squares_ += (r * alike_[p]).square();
      local_ *= 1 - (1 - std::exp(-r)) * (1 - alike_[p]);
    }
    additive_ = sum_ / std::max(total_, 1e-300);
    pairwise_.setZero(size);
    if (HasPairs()) pairwise_ = (sum_.square() - sum_squares_) / pairs_;
    const ArrayXd covariance = kLevelVariance + hyper_.additive * additive_ +
                               hyper_.pairwise * pairwise_ + hyper_.local * local_ +
                               hyper_.identity * like_.same;
    MatrixXd k(scores_.size(), scores_.size());
    Eigen::Index pair = 0;
    for (Eigen::Index i = 0; i < k.rows(); ++i) {
      for (Eigen::Index j = 0; j <= i; ++j) k(i, j) = covariance[pair++];
    }
    k.diagonal() += hyper_.noise * errors_;
    cholesky_.compute(k);
    if (cholesky_.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
    weights_ = cholesky_.solve(scores_);
    return -0.5 * scores_.dot(weights_) - cholesky_.matrixLLT().diagonal().array().log().sum() -
           0.5 * (spread_.freedom * x[kNoise] + spread_.squares / hyper_.noise);
  }

  /// Returns the gradient where `At` was asked last, which must have had a value.
  [[nodiscard]] VectorXd Gradient() const {
    const Eigen::Index n = scores_.size();
    const MatrixXd inverse = cholesky_.solve(MatrixXd::Identity(n, n));
    // By each pair of models; two models count twice.
    ArrayXd slope(like_.same.size());
    double of_noise = 0;
    Eigen::Index pair = 0;
    for (Eigen::Index i = 0; i < n; ++i) {
      for (Eigen::Index j = 0; j < i; ++j)
        slope[pair++] = weights_[i] * weights_[j] - inverse(i, j);
      slope[pair] = 0.5 * (weights_[i] * weights_[i] - inverse(i, i));
      of_noise += slope[pair++] * errors_[i];
    }
    VectorXd gradient(static_cast<Eigen::Index>(kRelevance + alike_.size()));
    gradient[kAdditive] = hyper_.additive * (slope * additive_).sum();
    gradient[kPairwise] = hyper_.pairwise * (slope * pairwise_).sum();
    gradient[kLocal] = hyper_.local * (slope * local_).sum();
    gradient[kIdentity] = hyper_.identity * (slope * like_.same).sum();
    gradient[kNoise] =
        hyper_.noise * of_noise - 0.5 * (spread_.freedom - spread_.squares / hyper_.noise);
    double by_place = 0;
    for (std::size_t p = 0; p < alike_.size(); ++p) {
      const double r = hyper_.relevance[p];
      const double near = std::exp(-r);
      const ArrayXd& s = alike_[p];
      const ArrayXd rest = 1 - (1 - near) * (1 - s);
      const ArrayXd others = sum_ - r * s;
      double of_relevance = hyper_.additive * (slope * (s - additive_)).sum() / total_ -
                            hyper_.local * near * (slope * local_ * (1 - s) / rest).sum();
      if (HasPairs()) {
        of_relevance +=
            hyper_.pairwise * (slope * 2 * (s * others - pairwise_ * (total_ - r))).sum() / pairs_;
      }
      gradient[kRelevance + static_cast<Eigen::Index>(p)] = r * of_relevance;
      if (!has_places_[p]) continue;
      ArrayXd of_alike = hyper_.additive * r / total_ + hyper_.local * (1 - near) * local_ / rest;
      if (HasPairs()) of_alike += hyper_.pairwise * 2 * r * others / pairs_;
      by_place += (slope * of_alike * (like_.by_place[p] - like_.by_name[p])).sum();
    }
    gradient[kByPlace] = hyper_.by_place * (1 - hyper_.by_place) * by_place;
    return gradient;
  }

 private:
  [[nodiscard]] bool HasPairs() const { return alike_.size() > 1; }

  const Likenesses& like_;
  const VectorXd& scores_;
  SeedSpread spread_;
  VectorXd errors_;
  std::vector<bool> has_places_;
  // Where it was asked last.
  Hyperparameters hyper_;
  double total_ = 0, pairs_ = 0;
  std::vector<ArrayXd> alike_;
  ArrayXd sum_, sum_squares_, additive_, pairwise_, local_;
  Eigen::LLT<MatrixXd> cholesky_;
  VectorXd weights_;
};

/// Returns where likelihood times prior is highest, as a vector.
VectorXd Summit(Likelihood& likelihood, std::size_t parts) {
  // Rprop: a step of its own for each, longer while the gradient's sign stays. It needs no line
  // search, and a value that cannot be computed only turns it round.
  constexpr int kSteps = 40;
  constexpr double kFirst = 0.2;
  constexpr double kShortest = 1e-3;
  constexpr double kLongest = 0.8;
  VectorXd x = ExpectedVector(parts);
  VectorXd step = VectorXd::Constant(x.size(), kFirst);
  VectorXd before = VectorXd::Zero(x.size());
  VectorXd best = x;
  double highest = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < kSteps; ++i) {
    double value = likelihood.At(x);
    VectorXd gradient = before;
    if (std::isfinite(value)) gradient = likelihood.Gradient();
    for (Eigen::Index j = 0; j < x.size(); ++j) {
      const Belief belief = BeliefOf(j);
      const double off = (x[j] - belief.mean) / belief.sd;
      value -= 0.5 * off * off;
      gradient[j] -= off / belief.sd;
    }
    if (!std::isfinite(value) || !gradient.allFinite()) {
      x = best;
      step *= 0.3;
      before.setZero();
      if (!std::isfinite(highest)) break;
      continue;
    }
    if (value > highest) {
      highest = value;
      best = x;
    }
    for (Eigen::Index j = 0; j < x.size(); ++j) {
      const double turn = gradient[j] * before[j];
      if (turn > 0) step[j] = std::min(step[j] * 1.3, kLongest);
      if (turn < 0) step[j] = std::max(step[j] * 0.5, kShortest);
      before[j] = turn < 0 ? 0 : gradient[j];
      if (gradient[j] == 0) continue;
      x[j] += std::copysign(step[j], gradient[j]);
    }
  }
  return best;
}

/// Chance is random numbers that are the same on every machine, but for rounding.
class Chance {
 public:
  /// Returns one between 0 and 1, without the ends.
  double Uniform() { return (static_cast<double>(dice_.Roll(kSides)) + 0.5) / kSides; }
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(Uniform()));
    return radius * std::cos(2 * std::numbers::pi * Uniform());
  }

 private:
  static constexpr std::int64_t kSides = std::int64_t{1} << 50;
  Dice dice_{1};
};

}  // namespace

Likenesses LikenessesOf(const std::vector<Part>& parts, const std::vector<Levels>& models) {
  const auto size = static_cast<Eigen::Index>(models.size() * (models.size() + 1) / 2);
  Likenesses all;
  all.same.resize(size);
  all.by_name.assign(parts.size(), ArrayXd(size));
  all.by_place.assign(parts.size(), ArrayXd(size));
  Eigen::Index pair = 0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j, ++pair) {
      all.same[pair] = models[i] == models[j] ? 1 : 0;
      for (std::size_t p = 0; p < parts.size(); ++p) {
        const Likeness like = parts[p].likeness(models[i][p], models[j][p]);
        all.by_name[p][pair] = like.by_name;
        all.by_place[p][pair] = like.by_place;
      }
    }
  }
  return all;
}

Hyperparameters ExpectedHyperparameters(std::size_t parts) {
  return FromVector(ExpectedVector(parts));
}

Hyperparameters MostLikely(const Likenesses& likenesses, const VectorXd& scores,
                           const std::vector<double>& errors, const SeedSpread& spread) {
  Likelihood likelihood(likenesses, scores, errors, spread);
  return FromVector(Summit(likelihood, likenesses.by_name.size()));
}

std::vector<Hyperparameters> DrawLikely(const Likenesses& likenesses, const VectorXd& scores,
                                        const std::vector<double>& errors, const SeedSpread& spread,
                                        std::size_t count) {
  constexpr int kStepsApart = 4;
  constexpr int kMostTries = 50;
  Likelihood likelihood(likenesses, scores, errors, spread);
  const VectorXd centre = ExpectedVector(likenesses.by_name.size());
  VectorXd off = Summit(likelihood, likenesses.by_name.size()) - centre;
  double value = likelihood.At(centre + off);
  Chance chance;
  std::vector<Hyperparameters> drawn;
  while (drawn.size() < count) {
    for (int step = 0; step < kStepsApart; ++step) {
      // A point of the ellipse through where it is and a draw from the prior, above a height drawn.
      VectorXd other(off.size());
      for (Eigen::Index j = 0; j < other.size(); ++j) other[j] = BeliefOf(j).sd * chance.Normal();
      const double height = value + std::log(chance.Uniform());
      double angle = 2 * std::numbers::pi * chance.Uniform();
      double low = angle - 2 * std::numbers::pi;
      double high = angle;
      for (int i = 0; i < kMostTries; ++i) {
        const VectorXd next = off * std::cos(angle) + other * std::sin(angle);
        const double there = likelihood.At(centre + next);
        if (there > height) {
          off = next;
          value = there;
          break;
        }
        (angle < 0 ? low : high) = angle;
        angle = low + (high - low) * chance.Uniform();
      }
    }
    drawn.push_back(FromVector(centre + off));
  }
  return drawn;
}

}  // namespace beamgrid
