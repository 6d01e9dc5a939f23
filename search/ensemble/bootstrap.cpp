#include "search/ensemble/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "search/ensemble/gap.h"
#include "search/ensemble/models.h"

namespace beamgrid {
namespace {

constexpr std::uint64_t kSeed = 20;
// Half of the 5 % outside the interval.
constexpr double kTail = 0.025;

using Draws = std::vector<std::uint32_t>;  ///< [videos] how often each is drawn

/// SortedPool is the pool of a ranking, sorted once for all resamples: a draw changes how often an
/// item counts, not where it stands.
class SortedPool {
 public:
  explicit SortedPool(const std::vector<VideoPrediction>& videos) {
    for (std::size_t v = 0; v < videos.size(); ++v) {
      positives_.push_back(std::ssize(videos[v].labels));
      AddVideo(videos[v], static_cast<std::uint32_t>(v));
    }
    std::sort(items_.begin(), items_.end(),
              [](const Item& a, const Item& b) { return a.score > b.score; });
  }

  [[nodiscard]] double Gap(const Draws& draws) {
    // As many groups as there are may be more videos than there are.
    harmonic_.Reserve(std::accumulate(draws.begin(), draws.end(), std::size_t{0}) * kGapTop);
    PrecisionSum sum(harmonic_);
    for (std::size_t begin = 0; begin < items_.size();) {
      std::int64_t items = 0;
      std::int64_t hits = 0;
      std::size_t end = begin;
      for (; end < items_.size() && items_[end].score == items_[begin].score; ++end) {
        items += draws[items_[end].video];
        hits += items_[end].positive ? draws[items_[end].video] : 0;
      }
      sum.Add(items, hits);
      begin = end;
    }
    // Of the drawn videos, those outside the ranking included: the divisor varies with the draw.
    std::int64_t positives = 0;
    for (std::size_t v = 0; v < draws.size(); ++v) positives += draws[v] * positives_[v];
    return positives == 0 ? 0 : sum.sum() / static_cast<double>(positives);
  }

 private:
  struct Item {
    double score;
    std::uint32_t video;
    bool positive;
  };

  void AddVideo(const VideoPrediction& video, std::uint32_t index) {
    for (const RankedLabel& entry : TopOf(video)) {
      items_.push_back({entry.score, index, entry.positive});
    }
  }

  std::vector<Item> items_;
  std::vector<std::int64_t> positives_;  ///< [videos]
  HarmonicNumbers harmonic_;
};

double Quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(
      std::lround(share * static_cast<double>(sorted.size() - 1)))];
}

}  // namespace

Interval BootstrapGapGain(const std::vector<VideoPrediction>& a,
                          const std::vector<VideoPrediction>& b, const Grouping& grouping,
                          std::int64_t resamples) {
  SortedPool pool_a(a);
  SortedPool pool_b(b);
  std::mt19937_64 random(kSeed);
  std::vector<double> gains;
  for (std::int64_t r = 0; r < resamples; ++r) {
    Draws of_groups(grouping.groups), draws(a.size());
    // Not std::uniform_int_distribution: each standard library computes another one. The bias of
    // the remainder is below 1e-12 for a million groups.
    for (std::size_t i = 0; i < grouping.groups; ++i) ++of_groups[random() % grouping.groups];
    for (std::size_t v = 0; v < a.size(); ++v) draws[v] = of_groups[grouping.of_video[v]];
    gains.push_back(pool_a.Gap(draws) - pool_b.Gap(draws));
  }
  std::sort(gains.begin(), gains.end());
  return {Quantile(gains, kTail), Quantile(gains, 1 - kTail)};
}

}  // namespace beamgrid
