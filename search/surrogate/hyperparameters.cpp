#include "search/surrogate/hyperparameters.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

namespace beamgrid {
namespace {

using Eigen::ArrayXXd;
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
      return {std::log(0.01), 1.0};
    case kNoise:
      return {std::log(0.03), 1.0};
    case kByPlace:
      return {0, 1.5};
    default:
      return {std::log(0.7), 0.7};
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

/// Posterior is the logarithm of the hyperparameters' density (up to a constant), and its gradient.
class Posterior {
 public:
  Posterior(const Likenesses& likenesses, const VectorXd& scores, const std::vector<double>& errors,
            const SeedSpread& spread)
      : like_(likenesses), scores_(scores), spread_(spread), errors_(scores.size()) {
    for (Eigen::Index i = 0; i < scores.size(); ++i) {
      errors_[i] = errors[static_cast<std::size_t>(i)];
    }
    for (std::size_t p = 0; p < like_.by_name.size(); ++p) {
      has_places_.push_back((like_.by_name[p] != like_.by_place[p]).any());
    }
  }

  /// Returns the value at x, minus infinity where the covariance is not positive definite.
  double operator()(const VectorXd& x, VectorXd& gradient) {
    const Hyperparameters h = FromVector(x);
    const std::size_t parts = h.relevance.size();
    const Eigen::Index n = scores_.size();
    double total = 0;
    double squares = 0;
    for (const double r : h.relevance) {
      total += r;
      squares += r * r;
    }
    const double pairs = total * total - squares;
    alike_.resize(parts);
    sum_ = ArrayXXd::Zero(n, n);
    ArrayXXd sum_squares = ArrayXXd::Zero(n, n);
    ArrayXXd local = ArrayXXd::Ones(n, n);
    for (std::size_t p = 0; p < parts; ++p) {
      const double r = h.relevance[p];
      alike_[p] = like_.by_name[p];
      if (has_places_[p]) alike_[p] += h.by_place * (like_.by_place[p] - like_.by_name[p]);
      sum_ += r * alike_[p];
      sum_squares += (r * alike_[p]).square();
      local *= 1 - (1 - std::exp(-r)) * (1 - alike_[p]);
    }
    const ArrayXXd additive = sum_ / std::max(total, 1e-300);
    const bool has_pairs = parts > 1;
    const ArrayXXd pairwise =
        has_pairs ? ((sum_.square() - sum_squares) / pairs).eval() : ArrayXXd::Zero(n, n).eval();

    MatrixXd k = (kLevelVariance + h.additive * additive + h.pairwise * pairwise + h.local * local +
                  h.identity * like_.same)
                     .matrix();
    k.diagonal() += h.noise * errors_;
    const Eigen::LLT<MatrixXd> cholesky(k);
    if (cholesky.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
    const VectorXd weights = cholesky.solve(scores_);
    double value =
        -0.5 * scores_.dot(weights) - MatrixXd(cholesky.matrixL()).diagonal().array().log().sum();
    value -= 0.5 * (spread_.freedom * x[kNoise] + spread_.squares / h.noise);
    const ArrayXXd slope =
        0.5 * (weights * weights.transpose() - cholesky.solve(MatrixXd::Identity(n, n))).array();

    gradient.setZero(x.size());
    gradient[kAdditive] = h.additive * (slope * additive).sum();
    gradient[kPairwise] = h.pairwise * (slope * pairwise).sum();
    gradient[kLocal] = h.local * (slope * local).sum();
    gradient[kIdentity] = h.identity * (slope * like_.same).sum();
    gradient[kNoise] = h.noise * (slope.matrix().diagonal().array() * errors_.array()).sum();
    gradient[kNoise] -= 0.5 * (spread_.freedom - spread_.squares / h.noise);
    double by_place = 0;
    for (std::size_t p = 0; p < parts; ++p) {
      const double r = h.relevance[p];
      const double near = std::exp(-r);
      const ArrayXXd& s = alike_[p];
      const ArrayXXd rest = 1 - (1 - near) * (1 - s);
      const ArrayXXd others = sum_ - r * s;
      double of_relevance = h.additive * (slope * (s - additive)).sum() / total -
                            h.local * near * (slope * local * (1 - s) / rest).sum();
      if (has_pairs) {
        of_relevance +=
            h.pairwise * (slope * 2 * (s * others - pairwise * (total - r))).sum() / pairs;
      }
      gradient[kRelevance + static_cast<Eigen::Index>(p)] = r * of_relevance;
      if (!has_places_[p]) continue;
      ArrayXXd of_alike = h.additive * r / total + h.local * (1 - near) * local / rest;
      if (has_pairs) of_alike += h.pairwise * 2 * r * others / pairs;
      by_place += (slope * of_alike * (like_.by_place[p] - like_.by_name[p])).sum();
    }
    gradient[kByPlace] = h.by_place * (1 - h.by_place) * by_place;
    for (Eigen::Index i = 0; i < x.size(); ++i) {
      const Belief belief = BeliefOf(i);
      const double off = (x[i] - belief.mean) / belief.sd;
      value -= 0.5 * off * off;
      gradient[i] -= off / belief.sd;
    }
    return value;
  }

 private:
  const Likenesses& like_;
  const VectorXd& scores_;
  SeedSpread spread_;
  VectorXd errors_;
  std::vector<bool> has_places_;
  // Kept to spare allocations.
  std::vector<ArrayXXd> alike_;
  ArrayXXd sum_;
};

}  // namespace

Likenesses LikenessesOf(const std::vector<Part>& parts, const std::vector<Levels>& models) {
  const auto n = static_cast<Eigen::Index>(models.size());
  Likenesses all;
  all.same = ArrayXXd::Zero(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < n; ++j) {
      const bool same = models[static_cast<std::size_t>(i)] == models[static_cast<std::size_t>(j)];
      all.same(i, j) = same ? 1 : 0;
    }
  }
  for (std::size_t p = 0; p < parts.size(); ++p) {
    ArrayXXd by_name = ArrayXXd::Ones(n, n);
    ArrayXXd by_place = ArrayXXd::Ones(n, n);
    for (Eigen::Index i = 0; i < n; ++i) {
      for (Eigen::Index j = 0; j < i; ++j) {
        const Likeness like = parts[p].likeness(models[static_cast<std::size_t>(i)][p],
                                                models[static_cast<std::size_t>(j)][p]);
        by_name(i, j) = by_name(j, i) = like.by_name;
        by_place(i, j) = by_place(j, i) = like.by_place;
      }
    }
    all.by_name.push_back(std::move(by_name));
    all.by_place.push_back(std::move(by_place));
  }
  return all;
}

Hyperparameters ExpectedHyperparameters(std::size_t parts) {
  return FromVector(ExpectedVector(parts));
}

Hyperparameters MostLikely(const Likenesses& likenesses, const VectorXd& scores,
                           const std::vector<double>& errors, const SeedSpread& spread) {
  // Rprop: a step of its own for each, longer while the gradient's sign stays. It needs no line
  // search, and a value that cannot be computed only turns it round.
  constexpr int kSteps = 40;
  constexpr double kFirst = 0.2;
  constexpr double kShortest = 1e-3;
  constexpr double kLongest = 0.8;
  Posterior posterior(likenesses, scores, errors, spread);
  VectorXd x = ExpectedVector(likenesses.by_name.size());
  VectorXd step = VectorXd::Constant(x.size(), kFirst);
  VectorXd gradient(x.size());
  VectorXd before = VectorXd::Zero(x.size());
  VectorXd best = x;
  double highest = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < kSteps; ++i) {
    const double value = posterior(x, gradient);
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
  return FromVector(best);
}

}  // namespace beamgrid
