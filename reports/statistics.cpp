#include "reports/statistics.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace beamgrid {
namespace {

double TwoSided(double difference, double standard_error, double freedom) {
  if (standard_error == 0) return difference == 0 ? 1 : 0;
  // After the line above: without any spread the quotient would be infinite, or 0 / 0.
  const boost::math::students_t distribution(freedom);
  // The complement, not 1 - cdf: small p would drown in the rounding of numbers near 1.
  return 2 * boost::math::cdf(
                 boost::math::complement(distribution, std::abs(difference / standard_error)));
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

double PairedTTest(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  const auto n = static_cast<double>(a.size());
  return TwoSided(Mean(differences), SampleDeviation(differences) / std::sqrt(n), n - 1);
}

double WelchTTest(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n_a = static_cast<double>(a.size());
  const auto n_b = static_cast<double>(b.size());
  const double part_a = std::pow(SampleDeviation(a), 2) / n_a;
  const double part_b = std::pow(SampleDeviation(b), 2) / n_b;
  // By Welch and Satterthwaite: the two sides may spread differently and have other numbers of
  // seeds.
  const double freedom =
      std::pow(part_a + part_b, 2) / (part_a * part_a / (n_a - 1) + part_b * part_b / (n_b - 1));
  return TwoSided(Mean(a) - Mean(b), std::sqrt(part_a + part_b), freedom);
}

}  // namespace beamgrid
