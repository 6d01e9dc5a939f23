#include "search/ensemble/weights.h"

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

/// Total is the loss over all observations with its derivatives in the weights.
struct Total {
  double value = 0;
  std::vector<double> gradient;  ///< [members]
  std::vector<double> hessian;   ///< [members, members], lower triangle
};

Total Evaluate(const Observations& all, const std::vector<double>& weights,
               const Combination& combination) {
  const std::size_t n = all.members;
  Total total{0, std::vector<double>(n), std::vector<double>(n * n)};
  for (std::size_t row = 0; row < all.positive.size(); ++row) {
    const double* terms = all.terms.data() + row * n;
    const double mean = std::inner_product(terms, terms + n, weights.begin(), 0.0);
    const Loss loss = LabelLoss(mean, all.positive[row] != 0, combination);
    total.value += loss.value;
    for (std::size_t i = 0; i < n; ++i) {
      total.gradient[i] += loss.slope * terms[i];
      const double curved = loss.curvature * terms[i];
      for (std::size_t j = 0; j <= i; ++j) total.hessian[i * n + j] += curved * terms[j];
    }
  }
  total.value /= all.videos;
  for (double& g : total.gradient) g /= all.videos;
  for (double& h : total.hessian) h /= all.videos;
  return total;
}

std::vector<double> Softmax(const std::vector<double>& theta) {
  // Subtracted, so that exp never overflows; the quotients stay the same.
  const double largest = *std::max_element(theta.begin(), theta.end());
  std::vector<double> weights;
  for (const double t : theta) weights.push_back(std::exp(t - largest));
  return Normalised(std::move(weights));
}

/// Applies the chain rule through softmax, whose derivative is J = diag(w) - w w'. The Hessian J H
/// J leaves out softmax's own curvature, which keeps it positive semi-definite.
Total InTheta(const Total& in_weights, const std::vector<double>& weights) {
  const std::size_t n = weights.size();
  const auto times_j = [&](const std::vector<double>& v) {
    const double mean = std::inner_product(v.begin(), v.end(), weights.begin(), 0.0);
    std::vector<double> product(n);
    for (std::size_t i = 0; i < n; ++i) product[i] = weights[i] * (v[i] - mean);
    return product;
  };
  Total total{in_weights.value, times_j(in_weights.gradient), std::vector<double>(n * n)};
  std::vector<double> half(n * n);  // H J, row by row (H is symmetric)
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> row(n);
    for (std::size_t j = 0; j < n; ++j) {
      row[j] = in_weights.hessian[std::max(i, j) * n + std::min(i, j)];
    }
    row = times_j(row);
    std::copy(row.begin(), row.end(), half.begin() + static_cast<std::ptrdiff_t>(i * n));
  }
  for (std::size_t j = 0; j < n; ++j) {
    std::vector<double> column(n);
    for (std::size_t i = 0; i < n; ++i) column[i] = half[i * n + j];
    column = times_j(column);
    for (std::size_t i = 0; i < n; ++i) total.hessian[i * n + j] = column[i];
  }
  return total;
}

/// Returns x of A x = b by Cholesky; A is symmetric and positive definite, its lower triangle is
/// used up.
std::vector<double> Solve(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

/// Returns theta moved by the damped Newton step. Without damping there is none: softmax does not
/// change when all of theta move together, so the Hessian is singular in that direction.
std::vector<double> Step(const std::vector<double>& theta, const Total& at, double damping) {
  const std::size_t n = theta.size();
  std::vector<double> damped = at.hessian;
  double trace = 0;
  for (std::size_t i = 0; i < n; ++i) trace += damped[i * n + i];
  // Relative to the trace, as the curvature's scale depends on the data; 1e-9 where all of it is 0.
  for (std::size_t i = 0; i < n; ++i) damped[i * n + i] += damping * (trace + 1e-9);
  const std::vector<double> step = Solve(std::move(damped), at.gradient);
  std::vector<double> moved = theta;
  for (std::size_t i = 0; i < n; ++i) moved[i] -= step[i];
  return moved;
}

}  // namespace

std::vector<double> Normalised(std::vector<double> weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) {
    weight = sum > 0 ? weight / sum : 1 / static_cast<double>(weights.size());
  }
  return weights;
}

std::vector<double> LearnWeights(const std::vector<AlignedModel>& members,
                                 const Combination& combination, Missing missing) {
  const Observations all = Observe(members, combination, missing);
  std::vector<double> theta(members.size(), 0.0);
  std::vector<double> weights = Softmax(theta);
  Total at = Evaluate(all, weights, combination);
  double damping = 1e-3;
  for (int step = 0; step < kMostSteps && damping < kLargestDamping; ++step) {
    const std::vector<double> moved = Step(theta, InTheta(at, weights), damping);
    const std::vector<double> moved_weights = Softmax(moved);
    Total next = Evaluate(all, moved_weights, combination);
    // Written so that NaN counts as no gain.
    if (!(next.value < at.value)) {
      damping *= 10;
      continue;
    }
    const bool settled = at.value - next.value < kSmallestGain;
    theta = moved;
    weights = moved_weights;
    at = std::move(next);
    damping = std::max(damping / 10, 1e-12);
    if (settled) break;
  }
  return weights;
}

double CrossEntropy(const std::vector<AlignedModel>& members, const std::vector<double>& weights,
                    const Combination& combination, Missing missing) {
  return Evaluate(Observe(members, combination, missing), weights, combination).value;
}

}  // namespace beamgrid
