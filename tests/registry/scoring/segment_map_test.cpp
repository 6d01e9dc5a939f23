#include "registry/scoring/segment_map.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/support/error_text.h"

namespace beamgrid {
namespace segment_map_test {

using testing::HasSubstr;

struct Segment {
  std::vector<float> scores;
  std::vector<std::int32_t> positive, rated;
};

enum class Form { kDense, kSparse };

double MapOf(const std::vector<Segment>& segments, const std::vector<std::int32_t>& classes,
             std::int64_t top = kSegmentMapTop, Form form = Form::kDense) {
  SegmentMapAccumulator map(classes, std::ssize(segments), top);
  for (const Segment& segment : segments) {
    const SegmentRatings ratings{segment.positive, segment.rated};
    if (form == Form::kDense) {
      map.AddDense(segment.scores, ratings);
      continue;
    }
    std::vector<ScoredLabelDouble> list;
    for (std::size_t c = 0; c < segment.scores.size(); ++c) {
      list.push_back({static_cast<std::int32_t>(c), segment.scores[c]});
    }
    map.AddSparse(list, ratings);
  }
  return map.Compute();
}

bool Has(const std::vector<std::int32_t>& classes, std::int32_t label) {
  return std::ranges::count(classes, label) > 0;
}

/// One order of all segments: the first `top`, of these the rated ones, their average precision.
double PlainPrecision(const std::vector<Segment>& segments, const std::vector<std::size_t>& order,
                      std::int32_t label, std::int64_t top) {
  double sum = 0, hits = 0, ranks = 0, positives = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Segment& segment = segments[order[i]];
    positives += Has(segment.positive, label) ? 1 : 0;
    if (static_cast<std::int64_t>(i) >= top || !Has(segment.rated, label)) continue;
    ++ranks;
    if (!Has(segment.positive, label)) continue;
    ++hits;
    sum += hits / ranks;
  }
  return sum / positives;
}

/// The definition: the mean over all orders of the segments that descend in the class's score.
double PlainMap(const std::vector<Segment>& segments, const std::vector<std::int32_t>& classes,
                std::int64_t top) {
  double sum = 0, counted = 0;
  for (const std::int32_t label : classes) {
    const auto score = [&](std::size_t i) {
      return segments[i].scores[static_cast<std::size_t>(label)];
    };
    const bool any = std::ranges::any_of(
        segments, [label](const Segment& segment) { return Has(segment.positive, label); });
    if (!any) continue;
    std::vector<std::size_t> order(segments.size());
    std::iota(order.begin(), order.end(), 0U);
    double precision = 0, orders = 0;
    do {
      if (!std::ranges::is_sorted(order, std::greater(), score)) continue;
      precision += PlainPrecision(segments, order, label, top);
      ++orders;
    } while (std::ranges::next_permutation(order).found);
    sum += precision / orders;
    ++counted;
  }
  return counted == 0 ? 0 : sum / counted;
}

/// Classes 0..2; class 2 has no rated positive.
std::vector<Segment> Fixture() {
  return {{{.9F, .2F, .1F}, {0}, {0, 1, 2}},
          {{.8F, .9F, .5F}, {1}, {1}},
          {{.7F, .1F, .3F}, {}, {0}},
          {{.6F, .5F, .9F}, {0}, {0, 1}}};
}

TEST(SegmentMap, OfAFixtureWorkedByHand) {
  // Class 0: a hit, an unrated one, a miss, a hit: (1/1 + 2/3) / 2. Class 1: 1. Class 2: dropped.
  EXPECT_DOUBLE_EQ(MapOf(Fixture(), {0, 1, 2}), (5.0 / 6 + 1) / 2);
}

TEST(SegmentMap, UnratedSegmentsTakePlacesButAreNoNegatives) {
  // Class 0 keeps a hit and the unrated one; its second positive still is in the denominator.
  EXPECT_DOUBLE_EQ(MapOf(Fixture(), {0, 1, 2}, /*top=*/2), (1.0 / 2 + 1) / 2);
  EXPECT_DOUBLE_EQ(MapOf(Fixture(), {0, 1, 2}, /*top=*/4), MapOf(Fixture(), {0, 1, 2}));
}

TEST(SegmentMap, TheHundredThousandAndFirstIsNotCounted) {
  std::vector<Segment> segments;
  for (std::int64_t i = 0; i <= kSegmentMapTop; ++i) {
    segments.push_back({{-static_cast<float>(i)}, {}, {}});
  }
  segments.front() = {{0}, {0}, {0}};
  segments.back().positive = segments.back().rated = {0};
  EXPECT_DOUBLE_EQ(MapOf(segments, {0}), 1.0 / 2);
  segments.back().scores = {1};
  EXPECT_DOUBLE_EQ(MapOf(segments, {0}), 1);
}

class RandomSegments : public testing::TestWithParam<int> {
 protected:
  std::vector<Segment> Draw(std::size_t count, int different_scores) {
    std::vector<Segment> segments(count);
    for (Segment& segment : segments) {
      for (std::int32_t label = 0; label < 3; ++label) {
        segment.scores.push_back(static_cast<float>(random_() % unsigned(different_scores)) / 8);
        const auto drawn = random_() % 4;
        if (drawn > 0) segment.rated.push_back(label);
        if (drawn > 1) segment.positive.push_back(label);
      }
    }
    return segments;
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
};

TEST_P(RandomSegments, AgreeWithTheMeanOverAllOrders) {
  const std::vector<Segment> segments = Draw(6, 1 + GetParam() % 5);
  for (const std::int64_t top : {1, 2, 3, 4, 5, 6, 100}) {
    const double expected = PlainMap(segments, {0, 1, 2}, top);
    EXPECT_NEAR(MapOf(segments, {0, 1, 2}, top), expected, 1e-12) << "top " << top;
    EXPECT_NEAR(MapOf(segments, {0, 1, 2}, top, Form::kSparse), expected, 1e-12) << "top " << top;
  }
}

TEST_P(RandomSegments, TheOrderOfSegmentsChangesNoBit) {
  std::vector<Segment> segments = Draw(40, 7);
  const double first = MapOf(segments, {0, 1, 2}, /*top=*/17);
  std::ranges::shuffle(segments, random_);
  EXPECT_EQ(MapOf(segments, {0, 1, 2}, /*top=*/17), first);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSegments, testing::Range(1, 21));

TEST(SegmentMap, ARatedPositiveThatIsNotListedOnlyCountsInTheDenominator) {
  SegmentMapAccumulator map(std::vector<std::int32_t>{4}, 2);
  const std::vector<std::int32_t> four = {4};
  map.AddSparse(std::vector<ScoredLabelDouble>{{4, 0.5}}, {four, four});
  map.AddSparse(std::vector<ScoredLabelDouble>{{3, 0.9}}, {four, four});
  EXPECT_DOUBLE_EQ(map.Compute(), 1.0 / 2);
}

TEST(SegmentMap, OfNothingIsNoNumber) {
  EXPECT_TRUE(std::isnan(MapOf({}, {})));
  SegmentMapAccumulator never_shown(std::vector<std::int32_t>{4}, 1);
  never_shown.AddSparse(std::vector<ScoredLabelDouble>{{4, 0.5}}, {{}, std::vector{4}});
  EXPECT_TRUE(std::isnan(never_shown.Compute()));
}

TEST(SegmentMap, RefusesWhatIsNotSound) {
  const std::vector<std::int32_t> none, one = {1}, two = {2};
  const std::vector<float> scores = {0.5F, 0.5F}, spoilt = {0, std::nanf("")};
  SegmentMapAccumulator map(one, 2);
  const auto refusal = [&map](const std::vector<float>& row, const SegmentRatings& ratings) {
    return ErrorText<std::invalid_argument>([&] { map.AddDense(row, ratings); });
  };
  EXPECT_THAT(refusal(scores, {none, two}), HasSubstr("class 2 is rated and was not announced"));
  EXPECT_THAT(refusal(scores, {one, none}), HasSubstr("is positive that is not rated"));
  EXPECT_THAT(refusal(spoilt, {none, one}), HasSubstr("the score of label 1 is NaN"));
  map.AddDense(scores, {none, one});
  EXPECT_THAT(refusal(scores, {none, one}), HasSubstr("more than the 2 segments"));
}

}  // namespace segment_map_test
}  // namespace beamgrid
