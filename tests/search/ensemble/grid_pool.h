#pragma once
// Pools for a device's grid, and what the processor finds in them.

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "search/ensemble/gpu/device_pool.h"

namespace beamgrid::gpu {

inline constexpr int kGridTagBits = 9;
inline constexpr std::int32_t kGridLargestLabel = 249;

/// GridPool is random lists of a few models, as they are decoded.
struct GridPool {
  std::vector<std::vector<KeyList<std::int64_t>>> lists;  ///< [videos][models]
  std::vector<std::vector<std::int32_t>> truth;
  std::int64_t largest_units = 0;
};

/// `distinct`: how many different scores there are; few make ties.
inline GridPool PlantGridPool(std::size_t videos, std::size_t models, std::uint64_t distinct,
                              std::uint32_t seed) {
  std::mt19937_64 random(seed);
  GridPool pool{.largest_units = std::int64_t{1} << 45};
  for (std::size_t v = 0; v < videos; ++v) {
    std::vector<std::int32_t>& truth = pool.truth.emplace_back();
    // One beyond all lists, too.
    for (std::int32_t label = 0; label <= kGridLargestLabel + 5; ++label) {
      if (random() % 40 == 0) truth.push_back(label);
    }
    std::vector<KeyList<std::int64_t>>& of_video = pool.lists.emplace_back(models);
    for (std::size_t m = 0; m < models; ++m) {
      KeyList<std::int64_t>& list = of_video[m];
      list.floor = static_cast<std::int64_t>(random() % 1000) << kGridTagBits;
      // None, few, and more than the top.
      const std::size_t length = std::vector<std::size_t>{0, 1, 7, 20, 33, 64}[random() % 6];
      const auto spread = static_cast<std::int32_t>(v % 2 == 0 ? 66 : kGridLargestLabel + 1);
      for (std::int32_t label = 0; label < spread; ++label) list.labels.push_back(label);
      for (std::size_t i = 0; i < length; ++i) {
        std::swap(list.labels[i], list.labels[i + random() % (list.labels.size() - i)]);
      }
      list.labels.resize(length);
      for (std::size_t i = 0; i < length; ++i) {
        const std::uint64_t step = static_cast<std::uint64_t>(pool.largest_units / 2) / distinct;
        list.keys.push_back(static_cast<std::int64_t>(random() % (distinct + 1) * step)
                            << kGridTagBits);
      }
    }
  }
  return pool;
}

inline PoolShape ShapeOf(const GridPool& pool) {
  PoolShape shape{.videos = pool.lists.size(),
                  .models = pool.lists[0].size(),
                  .largest_label = kGridLargestLabel,
                  .tag_bits = kGridTagBits,
                  .largest_units = pool.largest_units,
                  .longest = 64};
  for (const auto& of_video : pool.lists) {
    std::size_t entries = 0;
    for (const KeyList<std::int64_t>& list : of_video) entries += list.labels.size();
    shape.entries.push_back(entries);
  }
  shape.decode = [&pool](int model, std::size_t video, KeyList<std::int64_t>& list) {
    list = pool.lists[video][static_cast<std::size_t>(model)];
  };
  shape.truth = [&pool](std::size_t video) { return std::span(pool.truth[video]); };
  return shape;
}

/// The keys of a growth's best labels by the processor's scorer, sorted.
inline std::vector<std::int64_t> KeysOnProcessor(const GridPool& pool, const Growth& growth) {
  TopScorer<std::int64_t> scorer(kGridLargestLabel, 2);
  std::vector<std::int64_t> keys;
  for (std::size_t v = 0; v < pool.lists.size(); ++v) {
    scorer.BeginVideo(pool.truth[v]);
    scorer.BeginSet();
    for (const int member : *growth.set) {
      scorer.AddToSet(pool.lists[v][static_cast<std::size_t>(member)]);
    }
    scorer.EndSet();
    const auto top = scorer.TopWith(pool.lists[v][static_cast<std::size_t>(growth.added)]);
    keys.insert(keys.end(), top.begin(), top.end());
  }
  std::ranges::sort(keys);
  return keys;
}

/// And the counts of the same.
inline BinCounts CountsOnProcessor(const std::vector<std::int64_t>& keys, const Binning& binning) {
  BinCounts counts(2 * kBins);
  for (const std::int64_t key : keys) {
    ++counts[static_cast<std::size_t>(2 * BinOf(key >> kGridTagBits, binning) + (key & 1))];
  }
  return counts;
}

inline const std::vector<ModelSet> kGridSets = {
    {2}, {0, 3}, {1, 1, 4}, {0, 1, 2, 3, 4}, {2, 2, 2, 2, 3}};

inline std::vector<Growth> GridGrowths() {
  std::vector<Growth> growths;
  for (const ModelSet& set : kGridSets) {
    for (int added = 0; added < 5; ++added) growths.push_back({&set, added});
  }
  return growths;
}

}  // namespace beamgrid::gpu
