#include "registry/scoring/metrics.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

struct Video {
  std::vector<float> scores;
  std::vector<std::int32_t> labels;
};

Metrics MetricsOf(const std::vector<Video>& videos, int top_k) {
  MetricsAccumulator metrics(top_k);
  for (const Video& video : videos) metrics.AddDense(video.scores, video.labels);
  return metrics.Compute();
}

/// Average precision as its definition reads, of items already ranked.
double PlainPrecisionSum(const std::vector<bool>& ranked) {
  double sum = 0;
  double hits = 0;
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    if (!ranked[i]) continue;
    hits += 1;
    sum += hits / static_cast<double>(i + 1);
  }
  return sum;
}

/// Mean of PlainPrecisionSum over every order of the pool that descends in score.
double MeanOverOrders(std::vector<PooledScore> pool) {
  std::vector<std::size_t> order(pool.size());
  std::iota(order.begin(), order.end(), 0U);
  double sum = 0;
  double orders = 0;
  do {
    std::vector<bool> ranked;
    bool descends = true;
    for (std::size_t i = 0; i < order.size(); ++i) {
      descends = descends && (i == 0 || pool[order[i - 1]].score >= pool[order[i]].score);
      ranked.push_back(pool[order[i]].positive);
    }
    if (!descends) continue;
    sum += PlainPrecisionSum(ranked);
    orders += 1;
  } while (std::next_permutation(order.begin(), order.end()));
  return sum / orders;
}

/// A slow second opinion for scores that are all different: everything by its definition.
class Reference {
 public:
  Reference(const std::vector<Video>& videos, std::size_t top_k) {
    for (const Video& video : videos) Add(video, top_k);
    std::ranges::stable_sort(pool_, std::ranges::greater(), &Pooled::score);
    metrics_.gap = Precision([](const Pooled&) { return true; }) / positives_;
    for (const auto& [label, count] : positives_of_) {
      metrics_.map += Precision([&](const Pooled& p) { return p.label == label; }) / count;
    }
    metrics_.map /= static_cast<double>(positives_of_.size());
    metrics_.hit_at_1 /= static_cast<double>(videos.size());
    metrics_.perr /= static_cast<double>(videos.size());
  }

  [[nodiscard]] const Metrics& metrics() const { return metrics_; }

 private:
  struct Pooled {
    double score;
    std::int32_t label;
    bool positive;
  };

  void Add(const Video& video, std::size_t top_k) {
    std::vector<std::int32_t> order(video.scores.size());
    std::iota(order.begin(), order.end(), 0);
    const auto score = [&](std::int32_t c) { return video.scores[static_cast<std::size_t>(c)]; };
    const auto is_true = [&](std::int32_t c) { return std::ranges::count(video.labels, c) > 0; };
    std::ranges::stable_sort(order, std::ranges::greater(), score);
    if (is_true(order[0])) metrics_.hit_at_1 += 1;
    double hits = 0;
    for (std::size_t i = 0; i < video.labels.size(); ++i) {
      if (is_true(order[i]) && score(order[i]) > 0) hits += 1;
    }
    if (!video.labels.empty()) metrics_.perr += hits / static_cast<double>(video.labels.size());
    for (std::size_t i = 0; i < std::min(top_k, order.size()); ++i) {
      pool_.push_back({score(order[i]), order[i], is_true(order[i])});
    }
    for (const std::int32_t label : video.labels) positives_of_[label] += 1;
    positives_ += static_cast<double>(video.labels.size());
  }

  template <typename Keep>
  double Precision(Keep keep) const {
    std::vector<bool> ranked;
    for (const Pooled& pooled : pool_) {
      if (keep(pooled)) ranked.push_back(pooled.positive);
    }
    return PlainPrecisionSum(ranked);
  }

  Metrics metrics_;
  std::vector<Pooled> pool_;
  std::map<std::int32_t, double> positives_of_;
  double positives_ = 0;
};

/// Random videos; scores on a grid of `levels` values (many ties), or all different (0).
std::vector<Video> RandomVideos(std::mt19937& random, int videos, int classes, int levels) {
  std::vector<float> distinct(static_cast<std::size_t>(videos * classes));
  std::iota(distinct.begin(), distinct.end(), 1.0F);
  std::ranges::shuffle(distinct, random);
  std::vector<Video> result(static_cast<std::size_t>(videos));
  std::size_t next = 0;
  for (Video& video : result) {
    for (std::int32_t label = 0; label < classes; ++label) {
      const float tied = static_cast<float>(random() % static_cast<unsigned>(levels + 1));
      video.scores.push_back(levels == 0 ? distinct[next++] : tied);
      if (random() % 5 == 0) video.labels.push_back(label);
    }
    std::ranges::shuffle(video.labels, random);
  }
  return result;
}

// The dataset's own evaluation on these rows (k = 3 and k = 6).
std::vector<Video> Fixture() {
  return {{{.90F, .80F, .10F, .05F, .70F, .02F}, {0, 2, 4}},
          {{.60F, .30F, .55F, .20F, .15F, .01F}, {1, 2}},
          {{.40F, .35F, .25F, .45F, .12F, .50F}, {5}},
          {{.33F, .22F, .11F, .07F, .66F, .03F}, {}}};
}

TEST(Metrics, AgreeWithTheReferenceEvaluationOnItsFixture) {
  const Metrics metrics = MetricsOf(Fixture(), 3);
  EXPECT_NEAR(metrics.gap, 0.5321067821, 1e-10);
  EXPECT_NEAR(MetricsOf(Fixture(), 6).gap, 0.5784252297, 1e-10);
  EXPECT_DOUBLE_EQ(metrics.hit_at_1, 0.5);
  EXPECT_NEAR(metrics.perr, 0.5416667, 1e-7);
  EXPECT_DOUBLE_EQ(metrics.map, 0.8);
  EXPECT_EQ(metrics.videos, 4);
}

TEST(Metrics, AgreeWithADefinitionOnRandomVideos) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const int classes = 2 + static_cast<int>(random() % 40);
    const auto videos = RandomVideos(random, 1 + static_cast<int>(random() % 30), classes, 0);
    if (std::ranges::all_of(videos, [](const Video& v) { return v.labels.empty(); })) continue;
    const int top_k = 1 + static_cast<int>(random() % 25);
    const Metrics expected = Reference(videos, static_cast<std::size_t>(top_k)).metrics();
    const Metrics metrics = MetricsOf(videos, top_k);
    ASSERT_NEAR(metrics.gap, expected.gap, 1e-12);
    ASSERT_NEAR(metrics.hit_at_1, expected.hit_at_1, 1e-12);
    ASSERT_NEAR(metrics.perr, expected.perr, 1e-12);
    ASSERT_NEAR(metrics.map, expected.map, 1e-12);
  }
}

/// How many classes stand before `label`: those of a better score, and lower ones of the same.
std::size_t RankOf(const Video& video, std::int32_t label) {
  const auto score = [&](std::int32_t c) { return video.scores[static_cast<std::size_t>(c)]; };
  std::size_t before = 0;
  for (std::int32_t c = 0; c < static_cast<std::int32_t>(video.scores.size()); ++c) {
    if (score(c) > score(label) || (score(c) == score(label) && c < label)) ++before;
  }
  return before;
}

TEST(Metrics, AccuracyAndTop5AreTheirDefinitionWithTiesToo) {
  std::mt19937 random(17);
  for (int round = 0; round < 300; ++round) {
    const int classes = 6 + static_cast<int>(random() % 10);
    auto videos = RandomVideos(random, 1 + static_cast<int>(random() % 30), classes, round % 5);
    double first = 0, among_five = 0;
    for (Video& video : videos) {
      video.labels = {static_cast<std::int32_t>(random() % static_cast<unsigned>(classes))};
      const std::size_t rank = RankOf(video, video.labels[0]);
      const bool predicted = video.scores[static_cast<std::size_t>(video.labels[0])] > 0;
      first += rank == 0 ? 1 : 0;
      // Where nothing is predicted the order of the classes would be a guess.
      among_five += rank == 0 || (rank < 5 && predicted) ? 1 : 0;
    }
    const auto count = static_cast<double>(videos.size());
    for (const int top_k : {1, 20}) {
      const Metrics metrics = MetricsOf(videos, top_k);
      ASSERT_DOUBLE_EQ(metrics.accuracy, first / count);
      ASSERT_DOUBLE_EQ(metrics.top_5, among_five / count);
      ASSERT_EQ(metrics.accuracy, metrics.hit_at_1);
    }
    MetricsAccumulator sparse;
    for (const Video& video : videos) sparse.AddSparse(TopK(video.scores, 6), video.labels);
    ASSERT_DOUBLE_EQ(sparse.Compute().top_5, among_five / count);
  }
}

TEST(Metrics, AccuracyNeedsOneLabelAVideoAndTop5MoreThanFiveClasses) {
  const Video six{{.1F, .2F, .3F, .4F, .5F, .6F}, {1}}, five{{.1F, .2F, .3F, .4F, .5F}, {0}};
  EXPECT_EQ(MetricsOf({six}, 20).top_5, 1);
  EXPECT_EQ(MetricsOf({{six.scores, {0}}}, 20).top_5, 0);
  EXPECT_EQ(MetricsOf({five}, 20).accuracy, 0);
  EXPECT_TRUE(std::isnan(MetricsOf({five}, 20).top_5)) << "would always be 1";
  for (const std::vector<std::int32_t>& labels :
       {std::vector<std::int32_t>{}, std::vector<std::int32_t>{1, 2}}) {
    const Metrics metrics = MetricsOf({six, {six.scores, labels}}, 20);
    EXPECT_TRUE(std::isnan(metrics.accuracy)) << labels.size();
    EXPECT_TRUE(std::isnan(metrics.top_5)) << labels.size();
  }
}

TEST(Metrics, EqualScoresCountByTheMeanOverAllOrders) {
  std::vector<PooledScore> tied = {{.5, true}, {.5, false}, {.5, true}, {.5, false}};
  const double mean = (0.41667 + 0.5 + 0.58333 + 0.75 + 0.83333 + 1.0) / 6;
  EXPECT_NEAR(GlobalAveragePrecision(tied, 2), mean, 1e-5);
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<PooledScore> pool(1 + random() % 7);
    for (PooledScore& item : pool) {
      item = {static_cast<double>(random() % 3), random() % 2 == 0};
    }
    const double expected = MeanOverOrders(pool) / 5;
    ASSERT_NEAR(GlobalAveragePrecision(pool, 5), expected, 1e-12);
  }
}

TEST(Metrics, MapCountsTiesByTheMeanToo) {
  // Class 0 is positive in one of three videos that score it alike: (1 + 1/2 + 1/3) / 3.
  const std::vector<Video> videos = {{{.5F, .1F}, {0}}, {{.5F, .2F}, {}}, {{.5F, .3F}, {}}};
  EXPECT_NEAR(MetricsOf(videos, 2).map, (1 + 1. / 2 + 1. / 3) / 3, 1e-15);
}

TEST(Metrics, TheOrderOfVideosChangesNoBit) {
  std::mt19937 random(9);
  for (const int levels : {0, 4}) {
    std::vector<Video> videos = RandomVideos(random, 60, 30, levels);
    const Metrics first = MetricsOf(videos, 20);
    for (int round = 0; round < 20; ++round) {
      std::ranges::shuffle(videos, random);
      const Metrics again = MetricsOf(videos, 20);
      ASSERT_EQ(again.gap, first.gap);
      ASSERT_EQ(again.hit_at_1, first.hit_at_1);
      ASSERT_EQ(again.perr, first.perr);
      ASSERT_EQ(again.map, first.map);
    }
  }
}

TEST(Metrics, SparseAndDenseAgree) {
  std::mt19937 random(13);
  const std::vector<Video> videos = RandomVideos(random, 50, 40, 6);
  MetricsAccumulator floats;
  MetricsAccumulator doubles;
  for (const Video& video : videos) {
    std::vector<ScoredLabel> list = TopK(video.scores, 40);
    std::ranges::shuffle(list, random);
    std::vector<ScoredLabelDouble> exact;
    for (const ScoredLabel& item : list) exact.push_back({item.label, item.score});
    floats.AddSparse(list, video.labels);
    doubles.AddSparse(exact, video.labels);
  }
  const Metrics dense = MetricsOf(videos, kGapTop);
  for (const Metrics& sparse : {floats.Compute(), doubles.Compute()}) {
    EXPECT_EQ(sparse.gap, dense.gap);
    EXPECT_EQ(sparse.hit_at_1, dense.hit_at_1);
    EXPECT_EQ(sparse.perr, dense.perr);
    EXPECT_EQ(sparse.map, dense.map);
  }
}

TEST(Metrics, LabelsOutsideTheTopListCountInTheDenominator) {
  // One of two positives is in the top 1: GAP is a half, whatever the other's rank.
  EXPECT_DOUBLE_EQ(MetricsOf({{{.9F, .8F, .7F}, {0, 2}}}, 1).gap, 0.5);
}

TEST(Metrics, PerrNeedsAScoreAboveZero) {
  EXPECT_DOUBLE_EQ(MetricsOf({{{0.F, 0.F, 0.F}, {0}}}, 20).perr, 0);
  EXPECT_DOUBLE_EQ(MetricsOf({{{.1F, 0.F, 0.F}, {0}}}, 20).perr, 1);
}

TEST(Metrics, EqualScoresInsideAVideoGoByLowerClass) {
  EXPECT_DOUBLE_EQ(MetricsOf({{{.5F, .5F}, {0}}}, 20).hit_at_1, 1);
  EXPECT_DOUBLE_EQ(MetricsOf({{{.5F, .5F}, {1}}}, 20).hit_at_1, 0);
  EXPECT_DOUBLE_EQ(MetricsOf({{{.5F, .5F}, {1}}}, 1).gap, 0);
}

TEST(Metrics, OfNothingAreNoNumbers) {
  // The first has no video, the second none with a label.
  for (const Metrics& none : {MetricsAccumulator().Compute(), MetricsOf({{{.5F, .2F}, {}}}, 20)}) {
    EXPECT_FALSE(IsMeasured(none));
    for (const Metric& metric : kMetrics) EXPECT_TRUE(std::isnan(none.*metric.value));
  }
  EXPECT_EQ(MetricsAccumulator().Compute().videos, 0);
  EXPECT_EQ(MetricsOf({{{.5F, .2F}, {}}}, 20).videos, 1);
  EXPECT_TRUE(IsMeasured(MetricsOf({{{.5F, .2F}, {}}, {{.5F, .2F}, {1}}}, 20)));
  MetricsAccumulator empty_list;
  empty_list.AddSparse(std::vector<ScoredLabel>{}, std::vector<std::int32_t>{3});
  EXPECT_EQ(empty_list.Compute().hit_at_1, 0);
  std::vector<PooledScore> nothing;
  EXPECT_EQ(GlobalAveragePrecision(nothing, 0), 0);
}

/// Of as many pairs as are shared among threads; with scores that are equal and such as differ.
TEST(Metrics, AreTheSameForAnyNumberOfThreads) {
  std::mt19937 random(18);
  for (const int levels : {0, 1, 7, 500}) {
    const std::vector<Video> videos = RandomVideos(random, 4000, 30, levels);
    const Metrics alone = MetricsOf(videos, kGapTop);
    ASSERT_GT(alone.gap, 0);
    for (const int threads : {2, 3, 8}) {
      MetricsAccumulator metrics;
      for (const Video& video : videos) metrics.AddDense(video.scores, video.labels);
      const Metrics shared = metrics.Compute(threads);
      for (const Metric& metric : kMetrics) {
        EXPECT_EQ(std::bit_cast<std::uint64_t>(shared.*metric.value),
                  std::bit_cast<std::uint64_t>(alone.*metric.value))
            << metric.name << ", " << threads << " threads, " << levels << " levels";
      }
    }
  }
}

TEST(Metrics, OfPartsThatAreAddedAreThoseOfAllVideos) {
  std::mt19937 random(21);
  for (const int levels : {0, 4}) {
    const std::vector<Video> videos = RandomVideos(random, 90, 30, levels);
    MetricsAccumulator parts[3];
    for (std::size_t i = 0; i < videos.size(); ++i) {
      // The last part has labels and numbers of labels that the first has not.
      parts[i < 10 ? 0 : i < 20 ? 1 : 2].AddDense(videos[i].scores, videos[i].labels);
    }
    for (int i : {1, 2}) parts[0].Add(std::move(parts[i]));
    const Metrics whole = MetricsOf(videos, kGapTop), added = parts[0].Compute();
    for (const Metric& metric : kMetrics) {
      EXPECT_EQ(std::bit_cast<std::uint64_t>(added.*metric.value),
                std::bit_cast<std::uint64_t>(whole.*metric.value))
          << metric.name;
    }
    EXPECT_EQ(added.videos, 90);
    EXPECT_EQ(parts[1].Compute().videos, 0);
  }
}

TEST(Metrics, ScoresThatOnlyADoubleTellsApartAreNotEqual) {
  // The first video's is better by less than a float holds, and its label is the true one.
  const auto gap = [](double first, double second) {
    MetricsAccumulator metrics;
    metrics.AddSparse(std::vector<ScoredLabelDouble>{{1, first}}, std::vector<std::int32_t>{1});
    metrics.AddSparse(std::vector<ScoredLabelDouble>{{1, second}}, std::vector<std::int32_t>{2});
    return metrics.Compute().gap;
  };
  EXPECT_EQ(gap(.5 + 1e-12, .5), .5);
  EXPECT_EQ(gap(.5, .5 + 1e-12), .25);
  EXPECT_EQ(gap(.5, .5), .375);
  EXPECT_EQ(gap(1e300, 1e301), .25);
  EXPECT_EQ(gap(1e300, std::numeric_limits<double>::infinity()), .25);
}

TEST(Metrics, OrderScoresOfAnySign) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kLeast = std::numeric_limits<float>::denorm_min();
  const std::vector<float> falling = {kInfinity, 3e38F, 1,      kLeast,    0,
                                      -kLeast,   -1,    -3e38F, -kInfinity};
  for (std::size_t i = 0; i + 1 < falling.size(); ++i) {
    const auto gap = [](float positive, float negative) {
      return MetricsOf({{{positive}, {0}}, {{negative}, {}}}, 1).gap;
    };
    EXPECT_EQ(gap(falling[i], falling[i + 1]), 1) << i;
    EXPECT_EQ(gap(falling[i + 1], falling[i]), .5) << i;
    EXPECT_EQ(gap(falling[i], falling[i]), .75) << i;
  }
  EXPECT_EQ(MetricsOf({{{-0.0F}, {0}}, {{0.0F}, {}}}, 1).gap, .75);
}

TEST(Metrics, OfBestLabelsAreThoseOfTheWholeRow) {
  std::mt19937 random(19);
  const std::vector<Video> videos = RandomVideos(random, 60, 300, 0);
  MetricsAccumulator metrics;
  for (const Video& video : videos) {
    // More than the twenty of the pool, for there are more labels.
    ASSERT_EQ(metrics.BestNeeded(video.labels.size()),
              std::max<std::size_t>(video.labels.size(), 20));
    metrics.AddBest(TopK(video.scores, 200), video.scores.size(), video.labels);
  }
  const Metrics whole = MetricsOf(videos, kGapTop);
  EXPECT_EQ(metrics.Compute().gap, whole.gap);
  EXPECT_EQ(metrics.Compute().perr, whole.perr);
  EXPECT_EQ(metrics.Compute().map, whole.map);
}

TEST(Metrics, MoreVideosMayFollowACompute) {
  std::mt19937 random(17);
  const std::vector<Video> videos = RandomVideos(random, 40, 30, 0);
  MetricsAccumulator metrics;
  for (const Video& video : videos) {
    metrics.AddDense(video.scores, video.labels);
    (void)metrics.Compute();
  }
  EXPECT_EQ(metrics.Compute().gap, MetricsOf(videos, kGapTop).gap);
}

TEST(Metrics, ARefusedVideoDoesNotCount) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  using Floats = std::vector<float>;
  using Labels = std::vector<std::int32_t>;
  using Sparse = std::vector<ScoredLabel>;
  MetricsAccumulator metrics;
  const auto refusal = [](auto call) { return ErrorText<std::invalid_argument>(call); };
  EXPECT_THAT(refusal([&] { metrics.AddDense(Floats{.5F, nan}, Labels{0}); }),
              HasSubstr("label 1 is NaN"));
  EXPECT_THAT(refusal([&] { metrics.AddDense(Floats{.5F, .1F}, Labels{2}); }),
              HasSubstr("true label 2 is not among the 2 classes"));
  EXPECT_THAT(refusal([&] { metrics.AddBest(Sparse{{0, .5F}}, 2, Labels{2}); }),
              HasSubstr("true label 2 is not among the 2 classes"));
  EXPECT_THAT(refusal([&] { metrics.AddDense(Floats{.5F, .1F}, Labels{1, 1}); }),
              HasSubstr("repeated"));
  EXPECT_THAT(refusal([&] { metrics.AddSparse(Sparse{{1, .5F}}, Labels{-1}); }),
              HasSubstr("true label -1"));
  EXPECT_THAT(refusal([&] { metrics.AddSparse(Sparse{{1, .5F}}, Labels{kMaxClasses}); }),
              HasSubstr("not in 0..1048575"));
  EXPECT_THAT(refusal([&] { metrics.AddSparse(Sparse{{1, nan}}, Labels{1}); }), HasSubstr("NaN"));
  EXPECT_THAT(refusal([&] { metrics.AddSparse(Sparse{{-1, 1}}, Labels{1}); }),
              HasSubstr("label -1 is not in"));
  EXPECT_THAT(refusal([&] { metrics.AddSparse(Sparse{{1, .5F}, {1, .4F}}, Labels{1}); }),
              HasSubstr("scored twice"));
  EXPECT_THAT(refusal([] { MetricsAccumulator(0); }), HasSubstr("top_k"));
  EXPECT_EQ(metrics.Compute().videos, 0);
}

void ExpectAStableSortsBeginning(const std::vector<float>& scores, int k) {
  std::vector<ScoredLabel> all;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    all.push_back({static_cast<std::int32_t>(i), scores[i]});
  }
  std::ranges::stable_sort(all, std::ranges::greater(), &ScoredLabel::score);
  const std::vector<ScoredLabel> best = TopK(scores, k);
  ASSERT_EQ(best.size(), std::min<std::size_t>(static_cast<std::size_t>(k), all.size()));
  for (std::size_t i = 0; i < best.size(); ++i) {
    ASSERT_EQ(best[i].label, all[i].label) << i << " of " << k << " of " << scores.size();
    ASSERT_EQ(std::signbit(best[i].score), std::signbit(all[i].score));
    ASSERT_EQ(best[i].score, all[i].score);
  }
}

TEST(TopK, IsAStableSortsBeginning) {
  std::mt19937 random(21);
  for (int round = 0; round < 600; ++round) {
    // Of few and of many classes, of scores that differ and such as are mostly equal.
    const std::size_t classes = round % 3 == 0 ? 1 + random() % 100 : 1 + random() % 2000;
    std::vector<float> scores =
        RandomVideos(random, 1, static_cast<int>(classes), round % 2 == 0 ? 5 : 0)[0].scores;
    for (float& score : scores) score -= .5F;
    if (round % 5 == 0) scores[random() % classes] = std::numeric_limits<float>::infinity();
    if (round % 7 == 0) scores[random() % classes] = -std::numeric_limits<float>::infinity();
    if (round % 11 == 0) scores[random() % classes] = -0.0F;
    ExpectAStableSortsBeginning(scores, static_cast<int>(random() % 150));
  }
}

TEST(TopK, IsThatOfRowsThatHideTheirBest) {
  std::vector<float> rising, zeros(3000), comb(3000), infinite(3000);
  for (int i = 0; i < 3000; ++i) rising.push_back(static_cast<float>(i));
  zeros[1234] = -0.0F;
  for (std::size_t i = 0; i < comb.size(); i += 64) comb[i] = static_cast<float>(i % 700 + 1);
  infinite.assign(3000, -std::numeric_limits<float>::infinity());
  infinite[2999] = 1;
  const std::vector<float> falling(rising.rbegin(), rising.rend());
  for (const auto& scores : {rising, falling, zeros, comb, infinite}) {
    for (const int k : {1, 2, 19, 20, 21, 64, 100, 1000, 2999, 3000, 4000}) {
      ExpectAStableSortsBeginning(scores, k);
    }
  }
}

TEST(TopK, RefusesNanWhereverItStands) {
  for (const std::size_t size : {50U, 1000U, 1007U}) {
    const std::vector<float> scores(size, .5F);
    for (const std::size_t place : {std::size_t{0}, std::size_t{3}, size - 20, size - 1}) {
      std::vector<float> spoilt = scores;
      spoilt[place] = std::numeric_limits<float>::quiet_NaN();
      for (const int k : {0, 3, 20}) {
        try {
          (void)TopK(spoilt, k);
          ADD_FAILURE() << place << " of " << size;
        } catch (const std::invalid_argument& error) {
          EXPECT_THAT(error.what(), HasSubstr("label " + std::to_string(place) + " is NaN"));
        }
      }
    }
  }
}

}  // namespace
}  // namespace beamgrid
