#pragma once
// GAP of very many pools over the same videos: the inner loop of the ensemble search. Equal to
// GlobalAveragePrecision (registry/scoring/metrics.h) on the same scores, many times faster.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace beamgrid {

/// HarmonicNumbers is 1/1 + 1/2 + ... + 1/n, as a table that grows on demand.
class HarmonicNumbers {
 public:
  void Reserve(std::size_t n);
  [[nodiscard]] double operator[](std::size_t n) const { return sums_[n]; }

 private:
  std::vector<double> sums_ = {0};
};

/// PrecisionSum adds up precision over the hits of a ranking that is given from its top as groups
/// of equal scores. A group counts by the expectation over all its orders: with r items and h hits
/// before it, n items and m hits in it, q = (m - 1) / (n - 1),
///   sum_{j=1..n} m/n (h + 1 + (j-1) q) / (r + j)
///   = m/n (n q + (h + 1 - q (r + 1)) (H[r+n] - H[r])).
class PrecisionSum {
 public:
  /// Starts at the top of a ranking. `harmonic` must reach the length of the whole ranking, and
  /// outlive this object.
  explicit PrecisionSum(const HarmonicNumbers& harmonic) : harmonic_(&harmonic) {}

  void Add(std::int64_t items, std::int64_t hits) {
    if (hits > 0) AddHits(static_cast<double>(items), static_cast<double>(hits), items);
    rank_ += items;
    hits_ += hits;
  }
  /// Adds one item that shares its score with no other; `hit` is 0 or 1. Without a branch: which
  /// items are hits is beyond prediction.
  void AddOne(std::int64_t hit) {
    sum_ += static_cast<double>(hit) * PrecisionAtHit();
    ++rank_;
    hits_ += hit;
  }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  /// Returns the precision at the next item, if that is a hit.
  [[nodiscard]] double PrecisionAtHit() const {
    return (static_cast<double>(hits_) + 1) / (static_cast<double>(rank_) + 1);
  }
  void AddHits(double items, double hits, std::int64_t count);

  const HarmonicNumbers* harmonic_;
  std::int64_t rank_ = 0;
  std::int64_t hits_ = 0;
  double sum_ = 0;
};

/// PackedGap computes the GAP of pools of packed scores. A key is `score << tag_bits | tag`, not
/// negative; bit 0 of the tag says whether the label is true, the rest of it plays no part here.
///
/// Only the ranks of hits matter, so nothing is sorted but the keys that share a bucket with both
/// hits and misses. The buckets cut the range of most scores into at most 65,536 parts; what is
/// below it shares the first one.
class PackedGap {
 public:
  /// Makes a GAP of pools of one set of videos. `positives`: true labels in all, those outside the
  /// pool included; 0 makes every GAP 0. `harmonic` must reach the length of a pool, and outlive
  /// this object.
  PackedGap(int tag_bits, std::int64_t positives, const HarmonicNumbers& harmonic);

  /// Returns the GAP of a pool. Not thread-safe: it works in buffers of its own.
  [[nodiscard]] double operator()(std::span<const std::int64_t> pool);

 private:
  /// Bucket counts the keys of one part of the scores' range.
  struct Bucket {
    std::uint32_t items = 0;
    std::uint32_t hits = 0;
    [[nodiscard]] bool mixed() const { return hits != 0 && hits != items; }
  };
  [[nodiscard]] std::size_t BucketOf(std::int64_t key) const {
    return static_cast<std::size_t>(std::max<std::int64_t>(0, key - low_) >> shift_);
  }
  void Count(std::span<const std::int64_t> pool);
  void CollectMixed(std::span<const std::int64_t> pool);
  void AddSorted(std::span<const std::int64_t> keys, PrecisionSum& sum) const;

  int tag_bits_;
  std::int64_t low_ = 0;
  int shift_ = 0;
  std::int64_t positives_;
  std::vector<Bucket> buckets_;
  /// Place is where a bucket's next key goes in sorted_, and how far behind it the one after; keys
  /// of buckets that are not mixed all go to one place behind the others.
  struct Place {
    std::uint32_t next;
    std::uint32_t step;
  };
  std::vector<Place> places_;
  std::vector<std::int64_t> sorted_;
  const HarmonicNumbers* harmonic_;
};

}  // namespace beamgrid
