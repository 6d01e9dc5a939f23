#include "search/ensemble/gap.h"

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

namespace beamgrid {
namespace {

/// Returns how many bits of a score choose its bucket: buckets of a few keys each, but no more
/// buckets than the processor's caches hold.
int BucketBits(std::size_t pool_size) {
  constexpr int kMost = 16;
  return std::min(kMost, static_cast<int>(std::bit_width(pool_size)));
}

/// Returns a power of two that most keys are less below the largest than, 15 of 16. Of these the
/// buckets are made: a score of 0 among others would leave most of them to scores that do not
/// occur. In whatever order the keys come, it is the same, and so is the rounding of what follows.
std::int64_t RangeOfMost(std::span<const std::int64_t> pool, std::int64_t largest) {
  std::array<std::size_t, 64> by_width{};
  for (const std::int64_t key : pool) {
    ++by_width[static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(largest - key)))];
  }
  std::size_t within = 0;
  int width = 0;
  while (16 * (within += by_width[static_cast<std::size_t>(width)]) < 15 * pool.size()) ++width;
  return std::int64_t{1} << width;
}

void SortDescending(std::span<std::int64_t> keys, const hwy::Sorter& in_vectors) {
  // Of fewer keys the vectors' preparations take longer than a plain sort.
  constexpr std::size_t kFewestForVectors = 48;
  if (keys.size() < kFewestForVectors) {
    std::sort(keys.begin(), keys.end(), std::greater<>());
  } else {
    in_vectors(keys.data(), keys.size(), hwy::SortDescending());
  }
}

}  // namespace

void HarmonicNumbers::Reserve(std::size_t n) {
  sums_.reserve(n + 1);
  while (sums_.size() <= n) sums_.push_back(sums_.back() + 1 / static_cast<double>(sums_.size()));
}

void PrecisionSum::AddHits(double items, double hits, std::int64_t count) {
  const auto rank = static_cast<double>(rank_);
  const auto before = static_cast<double>(hits_);
  // Hits alone count one by one, equal scores or not: so it does not show, not even in the last
  // bit, which hits of a ranking were given together.
  if (hits == items) {
    for (std::int64_t i = 1; i <= count; ++i) {
      sum_ += (before + static_cast<double>(i)) / (rank + static_cast<double>(i));
    }
    return;
  }
  const double q = (hits - 1) / (items - 1);
  const double reciprocals = (*harmonic_)[static_cast<std::size_t>(rank_ + count)] -
                             (*harmonic_)[static_cast<std::size_t>(rank_)];
  sum_ += hits / items * (items * q + (before + 1 - q * (rank + 1)) * reciprocals);
}

PackedGap::PackedGap(int tag_bits, std::int64_t positives, const HarmonicNumbers& harmonic)
    : tag_bits_(tag_bits), positives_(positives), harmonic_(&harmonic) {}

double PackedGap::operator()(std::span<const std::int64_t> pool) {
  if (pool.empty() || positives_ == 0) return 0;
  Count(pool);
  CollectMixed(pool);
  const hwy::Sorter sorter;
  PrecisionSum sum(*harmonic_);
  for (std::size_t b = buckets_.size(); b-- > 0;) {
    const Bucket bucket = buckets_[b];
    if (bucket.mixed()) {
      // CollectMixed left the place behind the bucket's last key.
      const std::span keys(sorted_.data() + places_[b].next - bucket.items, bucket.items);
      SortDescending(keys, sorter);
      AddSorted(keys, sum);
    } else if (bucket.items != 0) {
      sum.Add(bucket.items, bucket.hits);
    }
  }
  return sum.sum() / static_cast<double>(positives_);
}

void PackedGap::Count(std::span<const std::int64_t> pool) {
  const std::int64_t largest = *std::max_element(pool.begin(), pool.end());
  const int bits = BucketBits(pool.size());
  // By this pool's own range, so that the scores use all buckets, wherever they lie. Whole scores,
  // so that equal ones share a bucket.
  const std::int64_t low = largest - RangeOfMost(pool, largest) + 1;
  low_ = std::max<std::int64_t>(0, low) >> tag_bits_ << tag_bits_;
  const auto range = static_cast<std::uint64_t>(largest - low_);
  shift_ = std::max(tag_bits_, static_cast<int>(std::bit_width(range)) - bits);
  buckets_.assign(std::size_t{1} << bits, Bucket{});
  places_.resize(buckets_.size());
  for (const std::int64_t key : pool) {
    Bucket& bucket = buckets_[BucketOf(key)];
    ++bucket.items;
    bucket.hits += static_cast<std::uint32_t>(key & 1);
  }
}

void PackedGap::CollectMixed(std::span<const std::int64_t> pool) {
  std::uint32_t place = 0;
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    places_[b] = {place, 1};
    if (buckets_[b].mixed()) place += buckets_[b].items;
  }
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    if (!buckets_[b].mixed()) places_[b] = {place, 0};
  }
  // One more: a place that takes every other key and is never read, which is cheaper than to ask.
  sorted_.resize(place + 1);
  for (const std::int64_t key : pool) {
    Place& to = places_[BucketOf(key)];
    sorted_[to.next] = key;
    to.next += to.step;
  }
}

void PackedGap::AddSorted(std::span<const std::int64_t> keys, PrecisionSum& sum) const {
  const auto same = [&](std::size_t i, std::size_t j) {
    return keys[i] >> tag_bits_ == keys[j] >> tag_bits_;
  };
  for (std::size_t begin = 0; begin < keys.size();) {
    std::int64_t hits = keys[begin] & 1;
    std::size_t end = begin + 1;
    if (end == keys.size() || !same(begin, end)) {
      sum.AddOne(hits);
    } else {
      for (; end < keys.size() && same(begin, end); ++end) hits += keys[end] & 1;
      sum.Add(static_cast<std::int64_t>(end - begin), hits);
    }
    begin = end;
  }
}

}  // namespace beamgrid
