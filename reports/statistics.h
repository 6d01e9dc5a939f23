#pragma once
// The few statistics that tables show.

#include <vector>

namespace beamgrid {

/// Returns the arithmetic mean; at least 1 value.
[[nodiscard]] double Mean(const std::vector<double>& values);

/// Returns the sample standard deviation (n - 1); at least 2 values.
[[nodiscard]] double SampleDeviation(const std::vector<double>& values);

/// Returns the two-sided p of Student's t-test that the mean of a[i] - b[i] is 0; at least 2 pairs.
/// Differences without any spread: 1 if they are 0, else 0.
[[nodiscard]] double PairedTTest(const std::vector<double>& a, const std::vector<double>& b);

/// Returns the two-sided p of Welch's t-test that both have the same mean (Welch 1947); at least 2
/// values each. No spread in either: 1 if the means are equal, else 0.
[[nodiscard]] double WelchTTest(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace beamgrid
