#pragma once
// The few statistics that tables show.

#include <cstddef>
#include <optional>
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
/// Returns the degrees of freedom of that test (Satterthwaite 1946). Not without any spread.
[[nodiscard]] double WelchFreedom(const std::vector<double>& a, const std::vector<double>& b);

/// Returns the two-sided p of a difference with its standard error and their degrees of freedom. A
/// standard error of 0: 1 if the difference is 0, else 0.
[[nodiscard]] double TwoSidedT(double difference, double standard_error, double freedom);

/// Returns P(|t a + z b| >= |difference|), of independent t, Student's with that freedom, and z,
/// normal: the two-sided p of a difference whose standard error has a part a that was estimated
/// with few degrees of freedom and a part b that is known well (Behrens 1929, Fisher 1935). With
/// a = 0 or b = 0 it is the normal or the t-test. To 1e-9.
[[nodiscard]] double BehrensFisherP(double difference, double a, double freedom, double b);

/// Returns the quantile of Student's t distribution, for 0 < share < 1.
[[nodiscard]] double StudentQuantile(double share, double freedom);

/// Seeds from which on the sign-flip test can say p < 0.05: with n it says 2 / 2^n at least.
inline constexpr std::size_t kLeastSignFlips = 6;
/// Pairs up to which all 2^n flips are counted.
inline constexpr std::size_t kMostSignFlips = 40;

/// Returns the two-sided p of the exact sign-flip test (Fisher 1935) that a[i] - b[i] is as likely
/// as its negative: the share of the 2^n ways to choose signs whose sum is at least as far from 0.
/// It takes nothing for normal. Nothing for no pairs or more than kMostSignFlips.
[[nodiscard]] std::optional<double> SignFlipTest(const std::vector<double>& a,
                                                 const std::vector<double>& b);
/// Returns the smallest p that n pairs can have in it.
[[nodiscard]] double LeastSignFlipP(std::size_t pairs);

/// Returns the p-values after Holm (1979), in the same order: rejecting those below 0.05 errs in
/// any of a table's comparisons with a probability of 0.05 at most.
[[nodiscard]] std::vector<double> Holm(const std::vector<double>& p_values);

}  // namespace beamgrid
