#include "reports/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>

namespace beamgrid {
namespace {

/// Returns the sums for all 2^n ways to choose the values' signs, the smallest first.
std::vector<double> FlippedSums(const std::vector<double>& values) {
  std::vector<double> sums = {0};
  for (const double value : values) {
    std::vector<double> less = sums, more = sums, both;
    for (double& sum : less) sum -= std::abs(value);
    for (double& sum : more) sum += std::abs(value);
    std::ranges::merge(less, more, std::back_inserter(both));
    sums = std::move(both);
  }
  return sums;
}

}  // namespace

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double SampleDeviation(const std::vector<double>& values) {
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double TwoSidedT(double difference, double standard_error, double freedom) {
  if (standard_error == 0) return difference == 0 ? 1 : 0;
  // After the line above: without any spread the quotient would be infinite, or 0 / 0.
  const boost::math::students_t distribution(freedom);
  // The complement, not 1 - cdf: small p would drown in the rounding of numbers near 1.
  return 2 * boost::math::cdf(
                 boost::math::complement(distribution, std::abs(difference / standard_error)));
}

double BehrensFisherP(double difference, double a, double freedom, double b) {
  const double distance = std::abs(difference);
  if (a == 0 && b == 0) return distance == 0 ? 1 : 0;
  if (a == 0) return std::erfc(distance / b / std::sqrt(2.0));
  const boost::math::students_t student(freedom);
  const auto beyond = [&](double z) {
    return boost::math::cdf(boost::math::complement(student, (distance - b * z) / a));
  };
  // Over z the integrand is smooth, and what lies beyond 8 is below 1e-14.
  constexpr double kEnd = 8;
  const auto density = [](double z) { return std::exp(-z * z / 2) / std::sqrt(2 * M_PI); };
  // By the trapezoidal rule, which converges exponentially for such an integrand. Where the t part
  // is narrow it is a step of width a / b, which the points must resolve.
  const double step = std::clamp(a / b / 8, 0.001, 0.05);
  const auto points = static_cast<std::int64_t>(2 * kEnd / step);
  double sum = 0;
  for (std::int64_t i = 0; i <= points; ++i) {
    const double z = -kEnd + 2 * kEnd * static_cast<double>(i) / static_cast<double>(points);
    sum += density(z) * beyond(z);
  }
  return std::min(1.0, 2 * sum * 2 * kEnd / static_cast<double>(points));
}

double StudentQuantile(double share, double freedom) {
  return boost::math::quantile(boost::math::students_t(freedom), share);
}

double PairedTTest(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  const auto n = static_cast<double>(a.size());
  return TwoSidedT(Mean(differences), SampleDeviation(differences) / std::sqrt(n), n - 1);
}

double WelchFreedom(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n_a = static_cast<double>(a.size());
  const auto n_b = static_cast<double>(b.size());
  const double part_a = std::pow(SampleDeviation(a), 2) / n_a;
  const double part_b = std::pow(SampleDeviation(b), 2) / n_b;
  // The two sides may spread differently and have other numbers of seeds.
  return std::pow(part_a + part_b, 2) / (part_a * part_a / (n_a - 1) + part_b * part_b / (n_b - 1));
}

double WelchTTest(const std::vector<double>& a, const std::vector<double>& b) {
  const double variance = std::pow(SampleDeviation(a), 2) / static_cast<double>(a.size()) +
                          std::pow(SampleDeviation(b), 2) / static_cast<double>(b.size());
  return TwoSidedT(Mean(a) - Mean(b), std::sqrt(variance), WelchFreedom(a, b));
}

double LeastSignFlipP(std::size_t pairs) { return 2 / std::pow(2.0, static_cast<double>(pairs)); }

std::optional<double> SignFlipTest(const std::vector<double>& a, const std::vector<double>& b) {
  const std::size_t pairs = a.size();
  if (pairs == 0 || pairs > kMostSignFlips) return std::nullopt;
  std::vector<double> differences;
  double observed = 0, scale = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    differences.push_back(a[i] - b[i]);
    observed += differences.back();
    scale += std::abs(differences.back());
  }
  // Sums that are equal but for their rounding count as equal: 0.3 - 0.1 is not 0.2.
  const double bound = std::abs(observed) - 1e-12 * scale;
  if (bound <= 0) return 1;
  // A sum of all is one of the first half's and one of the second's.
  const auto half = differences.begin() + static_cast<std::ptrdiff_t>(pairs / 2);
  const std::vector<double> first = FlippedSums({differences.begin(), half});
  const std::vector<double> second = FlippedSums({half, differences.end()});
  double above = 0;
  std::size_t enough = second.size();
  for (const double sum : first) {
    while (enough > 0 && sum + second[enough - 1] >= bound) --enough;
    above += static_cast<double>(second.size() - enough);
  }
  // For each sum there is its negative.
  return 2 * above / std::pow(2.0, static_cast<double>(pairs));
}

std::vector<double> Holm(const std::vector<double>& p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p_values[i]; });
  std::vector<double> corrected(p_values.size());
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto left = static_cast<double>(order.size() - i);
    largest = std::max(largest, std::min(1.0, left * p_values[order[i]]));
    corrected[order[i]] = largest;
  }
  return corrected;
}

}  // namespace beamgrid
