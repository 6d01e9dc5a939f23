#include "reports/resampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/reports/planted_tables.h"

namespace beamgrid {
namespace resampling_test {

/// Videos of a planted model, some without a true label; `rounded`: with equal scores. Where the
/// metric needs it, each has one label.
Predictions Example(bool rounded, Metric::Needs needs = Metric::Needs::kLabels) {
  Predictions predictions = planted::Tables({.rows = 1, .seeds = 1, .videos = 50}).Draw(0)[0][0];
  predictions.videos[7].labels.clear();
  predictions.videos[9].labels = {0, 2};
  if (needs == Metric::Needs::kOneLabel) {
    std::int32_t label = 0;
    for (VideoPrediction& video : predictions.videos) {
      video.labels = {label++ % 7};
      for (auto c = static_cast<std::int32_t>(video.top.size()); c < 8; ++c) {
        video.top.push_back({c, 0.0001 / c});
      }
    }
  }
  if (!rounded) return predictions;
  for (VideoPrediction& video : predictions.videos) {
    for (ScoredLabelDouble& entry : video.top) entry.score = std::round(entry.score * 8) / 8;
    std::ranges::sort(video.top, RanksBefore<ScoredLabelDouble>);
  }
  return predictions;
}

/// What the metrics' own implementation says of the videos, each as often as it is drawn.
double Expected(const Predictions& predictions, const Metric& metric, std::size_t resample) {
  MetricsAccumulator metrics;
  for (const VideoPrediction& video : predictions.videos) {
    for (std::uint32_t i = 0; i < VideoWeight(video.id, resample); ++i) {
      metrics.AddSparse(video.top, video.labels);
    }
  }
  return metrics.Compute().*metric.value;
}

TEST(ResampleVideos, CountsAVideoThatIsDrawnTwiceAsTwo) {
  for (const bool rounded : {false, true}) {
    for (const Metric& metric : kMetrics) {
      if (!IsResampled(metric)) continue;
      const Predictions predictions = Example(rounded, metric.needs);
      const Resampled resampled = ResampleVideos(predictions, metric, 70);
      ASSERT_EQ(resampled.resamples.size(), 70U);
      for (std::size_t r = 0; r < 70; ++r) {
        EXPECT_NEAR(resampled.resamples[r], Expected(predictions, metric, r), 1e-12)
            << metric.name << " " << r;
      }
      MetricsAccumulator metrics;
      for (const auto& video : predictions.videos) metrics.AddSparse(video.top, video.labels);
      EXPECT_NEAR(resampled.value, metrics.Compute().*metric.value, 1e-12) << metric.name;
    }
  }
}

TEST(ResampleVideos, KnowsWhichMetricsItComputes) {
  std::string computed;
  for (const Metric& metric : kMetrics) computed += IsResampled(metric) ? metric.name : "-";
  EXPECT_EQ(computed, "gaphit_at_1perr-accuracytop_5-");
}

// From 1 / e: P(0) = 0.3679, mean 1, variance 1; three standard errors.
TEST(VideoWeight, IsPoissonDistributed) {
  double none = 0, sum = 0, squares = 0;
  constexpr int kVideos = 200, kResamples = 200;
  for (int v = 0; v < kVideos; ++v) {
    for (std::size_t r = 0; r < kResamples; ++r) {
      const double weight = VideoWeight(std::to_string(v), r);
      none += weight == 0 ? 1 : 0;
      sum += weight;
      squares += weight * weight;
    }
  }
  const double n = kVideos * kResamples;
  EXPECT_NEAR(none / n, 0.3679, 3 * std::sqrt(0.3679 * 0.6321 / n));
  EXPECT_NEAR(sum / n, 1, 3 / std::sqrt(n));
  EXPECT_NEAR(squares / n - sum * sum / n / n, 1, 3 * std::sqrt(3 / n));
}

// The first outputs of the reference implementation of SplitMix64 from the state 0.
TEST(Mixed, IsSplitMix64) {
  EXPECT_EQ(Mixed(0, 0), 0xe220a8397b1dcdafU);
  EXPECT_EQ(Mixed(0, 1), 0x6e789e6aa1b965f4U);
}

// On every machine, in every release: tables are the same byte for byte.
TEST(VideoWeight, NeverChanges) {
  std::string weights;
  for (std::size_t r = 0; r < 40; ++r) weights += std::to_string(VideoWeight("8XkB", r));
  EXPECT_EQ(weights, "0300213100020111124131110220003220000212");
}

TEST(ResampleVideos, DrawsTheSegmentsOfAVideoTogether) {
  Predictions segments;
  // Video a is always right, b never: with two weights per video, Hit@1 is one of few numbers.
  for (const char* id : {"a:0", "a:5", "b:0", "b:5"}) {
    segments.videos.push_back({id, {{id[0] == 'a' ? 0 : 1, 0.5}}, {0}});
  }
  EXPECT_EQ(CountVideos(segments), 2U);
  const Resampled resampled = ResampleVideos(segments, *FindMetric("hit_at_1"), 50);
  for (std::size_t r = 0; r < 50; ++r) {
    const double a = VideoWeight("a", r), b = VideoWeight("b", r);
    EXPECT_DOUBLE_EQ(resampled.resamples[r], a + b == 0 ? 0 : a / (a + b));
  }
}

TEST(ResampleVideos, IsTheSameInAnyOrder) {
  Predictions predictions = Example(true);
  const Resampled before = ResampleVideos(predictions, *FindMetric("gap"), 40);
  std::ranges::reverse(predictions.videos);
  const Resampled after = ResampleVideos(predictions, *FindMetric("gap"), 40);
  for (std::size_t r = 0; r < 40; ++r) EXPECT_EQ(before.resamples[r], after.resamples[r]);
}

TEST(VideosHash, IsOfIdsAndTruth) {
  const Predictions predictions = Example(false);
  Predictions other = Example(true);
  EXPECT_EQ(VideosHash(predictions), VideosHash(other)) << "scores do not count";
  other.videos[3].labels = {1};
  EXPECT_NE(VideosHash(predictions), VideosHash(other));
  other = predictions;
  other.videos.pop_back();
  EXPECT_NE(VideosHash(predictions), VideosHash(other));
}

}  // namespace resampling_test
}  // namespace beamgrid
