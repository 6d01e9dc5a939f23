#include "search/ensemble/dense_video.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

namespace beamgrid {
namespace {

using DenseKey = DenseVideo::Coarse;
constexpr std::int32_t kDenseLabels = 300;

/// A model's list of random labels, with a floor or without.
KeyList<DenseKey> RandomList(std::mt19937& random, std::size_t length, bool floor) {
  KeyList<DenseKey> list;
  list.floor = floor ? static_cast<DenseKey>(random() % 20000) << 13 : 0;
  std::set<std::int32_t> labels;
  while (labels.size() < length) labels.insert(static_cast<std::int32_t>(random() % kDenseLabels));
  for (const std::int32_t label : labels) {
    list.labels.push_back(label);
    list.keys.push_back(static_cast<DenseKey>(random() % (1 << 26)) << 1);
  }
  return list;
}

/// The keys of a set and one model more, floor included, by label.
std::map<std::int32_t, DenseKey> SumByLabel(const std::vector<KeyList<DenseKey>>& lists,
                                            ModelSet models) {
  std::map<std::int32_t, DenseKey> sums;
  DenseKey floor = 0;
  for (const int model : models) {
    const KeyList<DenseKey>& list = lists[static_cast<std::size_t>(model)];
    floor += list.floor;
    for (std::size_t i = 0; i < list.labels.size(); ++i) sums[list.labels[i]] += list.keys[i];
  }
  for (auto& [label, sum] : sums) sum += floor;
  return sums;
}

TEST(DenseVideo, RowsAddUpToTheKeysAndWhatIsLeftOutIsInNoTop) {
  std::mt19937 random(5);
  const std::vector<ModelSet> sets = {{0}, {1, 4}, {2, 2, 2, 3}};
  const std::vector<int> added = {0, 2, 3, 5};
  std::size_t left_out = 0;
  std::vector<KeyList<DenseKey>> lists(6);
  DenseVideo dense(lists, kDenseLabels - 1);
  for (int repeat = 0; repeat < 60; ++repeat) {
    for (KeyList<DenseKey>& list : lists) list = RandomList(random, 50, repeat % 2 == 1);
    const std::vector<std::int32_t> truth = {3, 77, 250, kDenseLabels + 5};
    dense.Begin(truth);
    for (int model = 0; model < 6; ++model) dense.AddModel(model);
    for (const ModelSet& set : sets) dense.AddSet(set);
    ASSERT_TRUE(dense.LayOut(added));
    const std::vector<std::int32_t> labels(dense.labels().begin(), dense.labels().end());
    for (std::size_t c = 0; c < labels.size(); ++c) {
      EXPECT_EQ(std::ranges::count(truth, labels[c]) > 0, c < dense.true_columns());
      EXPECT_EQ(dense.hits()[c], c < dense.true_columns() ? 1 : 0);
    }
    for (std::size_t s = 0; s < sets.size(); ++s) {
      const RowSums rows = dense.Sums(s, added);
      for (const int model : added) {
        ModelSet grown = sets[s];
        grown.push_back(model);
        const auto sums = SumByLabel(lists, grown);
        std::vector<DenseKey> best;
        for (const auto& [label, sum] : sums) best.push_back(sum);
        std::ranges::sort(best, std::greater<>());
        for (const auto& [label, sum] : sums) {
          const auto at = std::ranges::find(labels, label);
          if (at == labels.end()) {
            ++left_out;
            EXPECT_LT(sum, best[kGapTop - 1]);
            continue;
          }
          const auto column = static_cast<std::size_t>(at - labels.begin());
          const int score = rows.set[column] + 32768 +
                            rows.added[static_cast<std::size_t>(model) * rows.width + column] +
                            dense.floors()[static_cast<std::size_t>(model)];
          const double exact = static_cast<double>(sum) / (1 << DenseVideo::kShift);
          EXPECT_LE(score, exact);
          EXPECT_GT(score + 2, exact);
          const int in_row = score - dense.floors()[static_cast<std::size_t>(model)] - 32768;
          EXPECT_TRUE(sum < best[kGapTop - 1] || in_row >= rows.least);
        }
      }
    }
  }
  EXPECT_GT(left_out, 1000U);
}

TEST(DenseVideo, SaysWhereColumnsOfAListAre) {
  std::vector<KeyList<DenseKey>> lists(2);
  lists[0] = {.labels = {9, 4}, .keys = {8U << 20, 4U << 20}};
  lists[1] = {.labels = {4}, .keys = {2U << 20}};
  DenseVideo dense(lists, 20);
  const std::vector<std::int32_t> truth = {4};
  dense.Begin(truth);
  dense.AddModel(0);
  dense.AddModel(1);
  dense.AddSet({0});
  ASSERT_TRUE(dense.LayOut(std::vector<int>{1}));
  // Fewer than 20 labels: all may be in a top, the true one first.
  EXPECT_EQ(std::vector<std::int32_t>(dense.labels().begin(), dense.labels().end()),
            (std::vector<std::int32_t>{4, 9}));
  EXPECT_EQ(dense.ColumnOf(0, 0), 1U);
  EXPECT_EQ(dense.ColumnOf(0, 1), 0U);
  EXPECT_EQ(dense.ColumnOf(1, 0), 0U);
}

TEST(DenseVideo, RefusesAVideoWithoutColumnsOrWithTooMany) {
  std::vector<KeyList<DenseKey>> lists(1);
  DenseVideo dense(lists, 20000);
  dense.Begin({});
  dense.AddModel(0);
  dense.AddSet({0});
  EXPECT_FALSE(dense.LayOut(std::vector<int>{0}));
  for (std::int32_t label = 0; label <= 20000; ++label) {
    lists[0].labels.push_back(label);
    lists[0].keys.push_back(0);
  }
  dense.Begin({});
  dense.AddModel(0);
  dense.AddSet({0});
  EXPECT_FALSE(dense.LayOut(std::vector<int>{0}));
}

}  // namespace
}  // namespace beamgrid
