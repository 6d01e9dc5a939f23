#include "search/variants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>

namespace beamgrid {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

VariantSet Example() {
  return {
      .component = "blstm",
      .fixed = {{"pool", "mean"}},
      .axes = {{{"hidden", "layers"}, {{512, 2}, {256, 1}}}, {{"residual"}, {{true}, {false}}}}};
}

TEST(VariantSet, TheLastAxisIsFastest) {
  const VariantSet set = Example();
  ASSERT_EQ(set.size(), 4);
  EXPECT_EQ(
      set.At(1),
      (Variant{"blstm", {{"hidden", 512}, {"layers", 2}, {"residual", false}, {"pool", "mean"}}}));
  EXPECT_EQ(
      set.At(2),
      (Variant{"blstm", {{"hidden", 256}, {"layers", 1}, {"residual", true}, {"pool", "mean"}}}));
}

TEST(VariantSet, SetsFollowOneAnother) {
  const std::vector<VariantSet> sets = {{.component = "mean"}, Example()};
  EXPECT_EQ(CountVariants(sets), 5);
  EXPECT_EQ(VariantAt(sets, 0).component, "mean");
  EXPECT_EQ(VariantAt(sets, 4), Example().At(3));
  EXPECT_THROW((void)VariantAt(sets, 5), std::out_of_range);
}

TEST(Saturating, StopsAtTheLargestInteger) {
  EXPECT_EQ(SaturatingAdd(3, 4), 7);
  EXPECT_EQ(SaturatingAdd(kMost, 1), kMost);
  EXPECT_EQ(SaturatingMultiply(1LL << 31, 1LL << 31), 1LL << 62);
  EXPECT_EQ(SaturatingMultiply(1LL << 32, 1LL << 31), kMost);
  EXPECT_EQ(SaturatingMultiply(0, kMost), 0);
  EXPECT_EQ(SaturatingMultiply(kMost, 0), 0);
}

TEST(SameValue, ComparesNumbersByValue) {
  EXPECT_TRUE(SameValue(1, 1.0));
  EXPECT_FALSE(SameValue(1, 2));
  EXPECT_FALSE(SameValue(1, true));
  EXPECT_FALSE(SameValue("1", 1));
  EXPECT_TRUE(SameValue("a", "a"));
}

/// Up to three options with values from a small pool, two of them zipped now and then.
VariantSet RandomSet(std::mt19937& random) {
  VariantSet set{.component = random() % 8 == 0 ? "other" : "x"};
  const auto value = [&random] { return OptionValue(static_cast<std::int64_t>(random() % 3)); };
  const auto distinct_steps = [&](std::size_t names) {
    std::set<std::string> seen;
    std::vector<std::vector<OptionValue>> steps;
    for (std::size_t i = 0; i <= random() % 3; ++i) {
      std::vector<OptionValue> step;
      for (std::size_t n = 0; n < names; ++n) step.push_back(value());
      if (seen.insert(CanonicalJson(boost::json::array(step.begin(), step.end()))).second) {
        steps.push_back(std::move(step));
      }
    }
    return steps;
  };
  std::vector<std::string> names = {"a", "b", "c"};
  std::shuffle(names.begin(), names.end(), random);
  if (random() % 2 == 0) {
    set.axes.push_back({{names[0], names[1]}, distinct_steps(2)});
    names.erase(names.begin(), names.begin() + 2);
  }
  for (const std::string& name : names) {
    if (random() % 2 == 0) {
      set.fixed[name] = value();
    } else {
      set.axes.push_back({{name}, distinct_steps(1)});
    }
  }
  return set;
}

TEST(Overlap, AgreesWithWritingAllVariantsOut) {
  std::mt19937 random(3);
  int overlapping = 0;
  for (int round = 0; round < 5000; ++round) {
    const VariantSet left = RandomSet(random), right = RandomSet(random);
    bool slow = false;
    for (std::int64_t i = 0; i < left.size(); ++i) {
      for (std::int64_t j = 0; j < right.size(); ++j) slow = slow || left.At(i) == right.At(j);
    }
    EXPECT_EQ(Overlap(left, right), slow);
    overlapping += slow ? 1 : 0;
  }
  EXPECT_GT(overlapping, 500);
  EXPECT_LT(overlapping, 4500);
}

}  // namespace
}  // namespace beamgrid
