#include "search/ensemble/weights.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace beamgrid {
namespace {

// Bounded, because a weight of exactly 0 would take an infinite theta: such a loss creeps on.
constexpr int kMostSteps = 200;
constexpr double kSmallestGain = 1e-12;  ///< of the mean loss, where a step no longer counts
constexpr double kLargestDamping = 1e12;

/// Observations is all videos' terms, one row per label, and whether it is true.
struct Observations {
  std::size_t members = 0;
  double videos = 0;
  std::vector<double> terms;   ///< [rows, members]
  std::vector<char> positive;  ///< [rows]
};

/// Returns the models over every n-th video, by id, so that they are at most kMostLearnedOn.
std::vector<AlignedModel> Spread(const std::vector<AlignedModel>& members) {
  const std::size_t step = (members[0].size() + kMostLearnedOn - 1) / kMostLearnedOn;
  if (step <= 1) return members;
  std::size_t place = 0;
  return Restrict(members, [&](const std::string&) { return place++ % step == 0; });
}

Observations Observe(const std::vector<AlignedModel>& members, const Combination& combination,
                     Missing missing) {
  Observations all{.members = members.size(), .videos = static_cast<double>(members[0].size())};
  const std::vector<Missing> absent = MissingOf(members, missing);
  RowReader reader(members);
  for (std::size_t v = 0; v < members[0].size(); ++v) {
    const std::span<const VideoPrediction* const> row = reader.Read(v);
    const VideoTerms video = GatherTerms(row, combination, absent, Rows::kListedAndTrue);
    all.terms.insert(all.terms.end(), video.terms.begin(), video.terms.end());
    const auto& truth = row[0]->labels;
    for (const std::int32_t label : video.labels) {
      all.positive.push_back(std::find(truth.begin(), truth.end(), label) != truth.end() ? 1 : 0);
    }
  }
  return all;
}

/// Loss is the loss of one label as a function of its mean term, with two derivatives.
struct Loss {
  double value, slope, curvature;
};

Loss LabelLoss(double mean_term, bool positive, const Combination& combination) {
  // One label that all members are wrong about would else cost an infinite loss.
  const double p = std::clamp(combination.Probability(mean_term), kSmallestProbability,
                              1 - kSmallestProbability);
  const double value = positive ? -std::log(p) : -std::log(1 - p);
  if (combination.logits()) return {value, p - (positive ? 1 : 0), p * (1 - p)};
  const double reciprocal = positive ? -1 / p : 1 / (1 - p);
  return {value, reciprocal, reciprocal * reciprocal};
}

/// Total is the loss over all observations with its derivatives.
struct Total {
  double value = 0;
  Eigen::VectorXd gradient;  ///< [members]
  Eigen::MatrixXd hessian;   ///< [members, members]
};

/// Returns the loss of weights, with derivatives in the weights.
Total Evaluate(const Observations& all, const std::vector<double>& weights,
               const Combination& combination) {
  const std::size_t n = all.members;
  double value = 0;
  std::vector<double> gradient(n);
  std::vector<double> hessian(n * n);  // lower triangle
  for (std::size_t row = 0; row < all.positive.size(); ++row) {
    const double* terms = all.terms.data() + row * n;
    const double mean = std::inner_product(terms, terms + n, weights.begin(), 0.0);
    const Loss loss = LabelLoss(mean, all.positive[row] != 0, combination);
    value += loss.value;
    for (std::size_t i = 0; i < n; ++i) {
      gradient[i] += loss.slope * terms[i];
      const double curved = loss.curvature * terms[i];
      for (std::size_t j = 0; j <= i; ++j) hessian[i * n + j] += curved * terms[j];
    }
  }
  const auto size = static_cast<Eigen::Index>(n);
  // Column by column the lower triangle is the upper one.
  const Eigen::MatrixXd triangle = Eigen::Map<Eigen::MatrixXd>(hessian.data(), size, size);
  return {value / all.videos, Eigen::Map<Eigen::VectorXd>(gradient.data(), size) / all.videos,
          Eigen::MatrixXd(triangle.selfadjointView<Eigen::Upper>()) / all.videos};
}

std::vector<double> Softmax(const std::vector<double>& theta) {
  // Subtracted, so that exp never overflows; the quotients stay the same.
  const double largest = *std::max_element(theta.begin(), theta.end());
  std::vector<double> weights;
  for (const double t : theta) weights.push_back(std::exp(t - largest));
  return Normalised(std::move(weights));
}

/// Point is a theta with its weights, and the loss there, with derivatives in theta.
struct Point {
  Eigen::VectorXd theta;
  std::vector<double> weights;
  Total loss;
};

/// Returns the point of a theta. By the chain rule through softmax, whose derivative is
/// J = diag(w) - w w'. The Hessian J H J leaves out softmax's own curvature, which keeps it
/// positive semi-definite.
Point PointOf(const Observations& all, const Eigen::VectorXd& theta, double pull,
              const Combination& combination) {
  Point point{theta, Softmax({theta.begin(), theta.end()}), {}};
  point.loss = Evaluate(all, point.weights, combination);
  const Eigen::Map<Eigen::VectorXd> w(point.weights.data(), theta.size());
  const Eigen::MatrixXd j = Eigen::MatrixXd(w.asDiagonal()) - w * w.transpose();
  point.loss.value += pull / 2 * theta.squaredNorm();
  point.loss.gradient = j * point.loss.gradient + pull * theta;
  point.loss.hessian = j * point.loss.hessian * j;
  point.loss.hessian.diagonal().array() += pull;
  return point;
}

/// Returns theta moved by the damped Newton step. Without damping there need not be one: softmax
/// does not change when all of theta move together, so the Hessian is singular in that direction.
Eigen::VectorXd Moved(const Point& from, double damping) {
  Eigen::MatrixXd damped = from.loss.hessian;
  // Relative to the trace, as the curvature's scale depends on the data; 1e-9 where all of it is 0.
  damped.diagonal().array() += damping * (damped.trace() + 1e-9);
  return from.theta - damped.ldlt().solve(from.loss.gradient);
}

}  // namespace

std::vector<double> Normalised(std::vector<double> weights) {
  double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (std::isinf(sum)) {
    const double largest = *std::ranges::max_element(weights);
    for (double& weight : weights) weight /= largest;
    sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  for (double& weight : weights) {
    weight = sum > 0 ? weight / sum : 1 / static_cast<double>(weights.size());
  }
  return weights;
}

std::vector<double> LearnWeights(const std::vector<AlignedModel>& members,
                                 const Combination& combination, Missing missing, double pull) {
  const Observations all = Observe(Spread(members), combination, missing);
  Point at = PointOf(all, Eigen::VectorXd::Zero(static_cast<Eigen::Index>(all.members)), pull,
                     combination);
  double damping = 1e-3;
  for (int step = 0; step < kMostSteps && damping < kLargestDamping; ++step) {
    Point next = PointOf(all, Moved(at, damping), pull, combination);
    // Written so that NaN counts as no gain.
    if (!(next.loss.value < at.loss.value)) {
      damping *= 10;
      continue;
    }
    const bool settled = at.loss.value - next.loss.value < kSmallestGain;
    at = std::move(next);
    damping = std::max(damping / 10, 1e-12);
    if (settled) break;
  }
  return at.weights;
}

double CrossEntropy(const std::vector<AlignedModel>& members, const std::vector<double>& weights,
                    const Combination& combination, Missing missing) {
  return Evaluate(Observe(members, combination, missing), weights, combination).value;
}

}  // namespace beamgrid
