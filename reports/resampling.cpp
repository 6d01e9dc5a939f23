#include "reports/resampling.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>

#include "registry/scoring/segments.h"
#include "search/ensemble/gap.h"
#include "search/ensemble/models.h"

namespace beamgrid {
namespace {

/// Resamples that are computed side by side: 32 weights of a byte are half a line of the cache.
constexpr std::size_t kLanes = 32;
template <typename Value>
using Lanes = std::array<Value, kLanes>;
using Weights = Lanes<std::uint8_t>;

/// Of Poisson(1): P(weight <= k) * 2^32 for k = 0, 1, ..., cut.
constexpr std::uint32_t kPoisson[] = {0x5e2d58d8, 0xbc5ab1b1, 0xeb715e1d, 0xfb239797,
                                      0xff1025f5, 0xffd90f3b, 0xfffa8b71, 0xffff540c,
                                      0xffffed1f, 0xfffffe21, 0xffffffd4, 0xfffffffc};

std::string_view VideoOf(std::string_view id, bool segments) {
  return segments ? VideoOfSegment(id) : id;
}

std::uint64_t KeyOf(std::string_view video) { return XXH3_64bits(video.data(), video.size()); }

std::uint8_t PoissonOf(std::uint32_t uniform) {
  return static_cast<std::uint8_t>(
      std::ranges::count_if(kPoisson, [=](std::uint32_t bound) { return uniform >= bound; }));
}

Weights WeightsOf(std::uint64_t video, std::size_t block) {
  Weights weights;
  for (std::size_t lane = 0; lane < kLanes; lane += 2) {
    const std::uint64_t bits = Mixed(video, block * kLanes + lane);
    weights[lane] = PoissonOf(static_cast<std::uint32_t>(bits));
    weights[lane + 1] = PoissonOf(static_cast<std::uint32_t>(bits >> 32));
  }
  return weights;
}

/// WeightedPrecision is PrecisionSum (search/ensemble/gap.h) of kLanes rankings that differ in how
/// often an item counts. The formula is the same one.
class WeightedPrecision {
 public:
  explicit WeightedPrecision(const HarmonicNumbers& harmonic) : harmonic_(&harmonic) {}

  void AddMiss(const Weights& items) {
    for (std::size_t l = 0; l < kLanes; ++l) rank_[l] += items[l];
  }
  /// An item without equals, k times: k hits of the same score.
  void AddHit(const Weights& items) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double before = hits_[l], rank = rank_[l], count = items[l];
      sum_[l] += count + (before - rank) * Reciprocals(rank_[l], items[l]);
      rank_[l] += items[l];
      hits_[l] += items[l];
    }
  }
  /// A group of equal scores, `hits` of the `items` true.
  void AddGroup(const Lanes<std::uint32_t>& items, const Lanes<std::uint32_t>& hits) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      if (hits[l] > 0) AddMixed(l, items[l], hits[l]);
      rank_[l] += items[l];
      hits_[l] += hits[l];
    }
  }
  [[nodiscard]] const Lanes<double>& sums() const { return sum_; }

 private:
  [[nodiscard]] double Reciprocals(std::uint32_t rank, std::uint32_t items) const {
    return (*harmonic_)[rank + items] - (*harmonic_)[rank];
  }
  void AddMixed(std::size_t l, std::uint32_t items, std::uint32_t hits) {
    const double n = items, m = hits;
    const double q = items == 1 ? 0 : (m - 1) / (n - 1);
    sum_[l] += m / n * (n * q + (hits_[l] + 1 - q * (rank_[l] + 1)) * Reciprocals(rank_[l], items));
  }

  const HarmonicNumbers* harmonic_;
  Lanes<std::uint32_t> rank_{}, hits_{};
  Lanes<double> sum_{};
};

/// SortedItems is the pool of a ranking, best first: resamples change how often an item counts, not
/// where it stands.
class SortedItems {
 public:
  explicit SortedItems(const Predictions& predictions) {
    std::vector<Scored> pool;
    for (std::size_t v = 0; v < predictions.videos.size(); ++v) {
      positives_.push_back(static_cast<std::uint32_t>(predictions.videos[v].labels.size()));
      for (const RankedLabel& entry : TopOf(predictions.videos[v])) {
        pool.push_back({entry.score, {static_cast<std::uint32_t>(v), entry.positive, false}});
      }
    }
    std::ranges::sort(pool, [](const Scored& a, const Scored& b) { return a.score > b.score; });
    items_.reserve(pool.size());
    for (std::size_t i = 0; i < pool.size(); ++i) {
      pool[i].item.has_equal = i + 1 < pool.size() && pool[i + 1].score == pool[i].score;
      items_.push_back(pool[i].item);
    }
  }

  [[nodiscard]] Lanes<double> Gaps(std::span<const Weights> weights) {
    Lanes<std::uint64_t> items{};
    Lanes<double> positives{};
    for (std::size_t v = 0; v < weights.size(); ++v) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        items[l] += weights[v][l] * static_cast<std::uint64_t>(kGapTop);
        positives[l] += weights[v][l] * static_cast<double>(positives_[v]);
      }
    }
    harmonic_.Reserve(*std::ranges::max_element(items));
    Lanes<double> gaps = SumsOf(weights);
    for (std::size_t l = 0; l < kLanes; ++l)
      gaps[l] = positives[l] > 0 ? gaps[l] / positives[l] : 0;
    return gaps;
  }

 private:
  struct Item {
    std::uint32_t video;
    bool positive;
    bool has_equal;  ///< the next item has the same score
  };
  struct Scored {
    double score;
    Item item;
  };

  [[nodiscard]] Lanes<double> SumsOf(std::span<const Weights> weights) const {
    WeightedPrecision precision(harmonic_);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Weights& of_item = weights[items_[i].video];
      if (!items_[i].has_equal) {
        items_[i].positive ? precision.AddHit(of_item) : precision.AddMiss(of_item);
        continue;
      }
      Lanes<std::uint32_t> items{}, hits{};
      for (bool more = true; more; ++i) {
        more = items_[i].has_equal;
        for (std::size_t l = 0; l < kLanes; ++l) {
          items[l] += weights[items_[i].video][l];
          hits[l] += items_[i].positive ? weights[items_[i].video][l] : 0;
        }
      }
      --i;
      precision.AddGroup(items, hits);
    }
    return precision.sums();
  }

  std::vector<Item> items_;
  std::vector<std::uint32_t> positives_;  ///< [videos]
  HarmonicNumbers harmonic_;
};

/// VideoMeans is a metric that is a mean over the videos of a number of each.
class VideoMeans {
 public:
  VideoMeans(const Predictions& predictions, double Metrics::* value) {
    for (const VideoPrediction& video : predictions.videos) {
      // A video without true labels has no metrics of its own: no hit, but one video more.
      if (video.labels.empty()) {
        values_.push_back(0);
        continue;
      }
      MetricsAccumulator metrics;
      metrics.AddSparse(video.top, video.labels);
      values_.push_back(metrics.Compute().*value);
    }
  }
  [[nodiscard]] Lanes<double> Of(std::span<const Weights> weights) const {
    Lanes<double> sums{}, videos{};
    for (std::size_t v = 0; v < weights.size(); ++v) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        sums[l] += weights[v][l] * values_[v];
        videos[l] += weights[v][l];
      }
    }
    for (std::size_t l = 0; l < kLanes; ++l) sums[l] = videos[l] > 0 ? sums[l] / videos[l] : 0;
    return sums;
  }

 private:
  std::vector<double> values_;  ///< [videos]
};

/// `of`: the metric of kLanes weightings of the videos.
template <typename Of>
Resampled ResampleBy(const Predictions& predictions, std::size_t resamples,
                     const VideoGroups* groups, const Of& of) {
  const bool segments = AreSegments(predictions);
  std::vector<std::uint64_t> keys;
  for (const VideoPrediction& video : predictions.videos) {
    keys.push_back(KeyOf(groups != nullptr ? groups->Of(video.id) : VideoOf(video.id, segments)));
  }
  std::vector<Weights> weights(keys.size());
  for (Weights& once : weights) once.fill(1);
  Resampled resampled{.value = of(weights)[0]};
  for (std::size_t block = 0; resampled.resamples.size() < resamples; ++block) {
    for (std::size_t v = 0; v < keys.size(); ++v) weights[v] = WeightsOf(keys[v], block);
    for (const double value : of(weights)) {
      if (resampled.resamples.size() < resamples) resampled.resamples.push_back(value);
    }
  }
  return resampled;
}

}  // namespace

std::uint64_t Mixed(std::uint64_t key, std::uint64_t counter) {
  std::uint64_t bits = key + (counter + 1) * 0x9e3779b97f4a7c15U;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebU;
  return bits ^ bits >> 31;
}

std::uint32_t VideoWeight(std::string_view video, std::size_t resample) {
  return WeightsOf(KeyOf(video), resample / kLanes)[resample % kLanes];
}

bool IsResampled(const Metric& metric) {
  return metric.value == &Metrics::gap || metric.value == &Metrics::hit_at_1 ||
         metric.value == &Metrics::perr || metric.value == &Metrics::accuracy ||
         metric.value == &Metrics::top_5;
}

Resampled ResampleVideos(const Predictions& predictions, const Metric& metric,
                         std::size_t resamples, const VideoGroups* groups) {
  if (metric.value == &Metrics::gap) {
    SortedItems items(predictions);
    return ResampleBy(predictions, resamples, groups,
                      [&](std::span<const Weights> weights) { return items.Gaps(weights); });
  }
  const VideoMeans means(predictions, metric.value);
  return ResampleBy(predictions, resamples, groups,
                    [&](std::span<const Weights> weights) { return means.Of(weights); });
}

std::uint64_t VideosHash(const Predictions& predictions) {
  std::uint64_t hash = predictions.videos.size();
  for (const VideoPrediction& video : predictions.videos) {
    hash = XXH3_64bits_withSeed(video.id.data(), video.id.size(), hash);
    hash = XXH3_64bits_withSeed(video.labels.data(),
                                video.labels.size() * sizeof(video.labels.front()), hash);
  }
  return hash;
}

std::size_t CountVideos(const Predictions& predictions) {
  const bool segments = AreSegments(predictions);
  std::set<std::string_view> videos;
  for (const VideoPrediction& video : predictions.videos) {
    videos.insert(VideoOf(video.id, segments));
  }
  return videos.size();
}

std::size_t CountGroups(const Predictions& predictions, const VideoGroups& groups) {
  std::set<std::string_view> names;
  for (const VideoPrediction& video : predictions.videos) names.insert(groups.Of(video.id));
  return names.size();
}

}  // namespace beamgrid
