#pragma once
// Private to the metrics: the sum of precisions that an average precision is made of.

#include <cstdint>
#include <utility>

namespace beamgrid {

/// Sum of the precisions at the positives of a ranking, fed in descending order of score. A run of
/// equal scores counts by its expectation over all orders: with n items of which m are positive,
/// after r ranks with h hits, the item at place i of the run is positive with probability m/n, and
/// then (i-1)(m-1)/(n-1) of the i-1 items before it are. So the run adds
///   sum over i = 1..n of  m/n * (h + 1 + (i-1)(m-1)/(n-1)) / (r+i).
class ExpectedPrecision {
 public:
  void Add(double score, bool positive) {
    if (run_ > 0 && score != run_score_) CloseRun([](std::int64_t) { return 1.0; });
    run_score_ = score;
    ++run_;
    if (positive) ++run_positives_;
  }

  double Sum() {
    CloseRun([](std::int64_t) { return 1.0; });
    return sum_;
  }

  /// Closes the run at hand, of which not all items are in the ranking: `kept(i)` is the
  /// probability that at least i of them are.
  template <typename Kept>
  void CloseRun(Kept kept) {
    if (run_positives_ > 0) sum_ += RunSum(kept);
    ranks_ += std::exchange(run_, 0);
    hits_ += std::exchange(run_positives_, 0);
  }

 private:
  template <typename Kept>
  [[nodiscard]] double RunSum(Kept kept) const {
    const auto n = static_cast<double>(run_);
    const auto m = static_cast<double>(run_positives_);
    const double hits_per_place = run_ > 1 ? (m - 1) / (n - 1) : 0;
    double sum = 0;
    for (std::int64_t i = 1; i <= run_; ++i) {
      const double hits =
          static_cast<double>(hits_ + 1) + static_cast<double>(i - 1) * hits_per_place;
      sum += kept(i) * hits / static_cast<double>(ranks_ + i);
    }
    return sum * m / n;
  }

  double sum_ = 0;
  double run_score_ = 0;
  std::int64_t ranks_ = 0;  ///< before the run
  std::int64_t hits_ = 0;   ///< before the run
  std::int64_t run_ = 0;
  std::int64_t run_positives_ = 0;
};

}  // namespace beamgrid
