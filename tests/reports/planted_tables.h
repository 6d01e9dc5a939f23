#pragma once
// Tables of which the truth is known: rows of models that differ by chance alone, or by an effect
// that was planted in the last row. Used by the tests of the statistics and by their bench.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "reports/resampling.h"
#include "reports/statistics.h"
#include "reports/two_level.h"

namespace beamgrid::planted {

struct Question {
  int rows = 5, seeds = 3, videos = 60;
  std::size_t resamples = 256;
  double seed_spread = 0.3;   ///< in logits of the true label: seeds of one row
  double video_spread = 1;    ///< rows on one video
  double model_spread = 0.5;  ///< seeds of one row on one video
  double effect = 0;          ///< of the last row
};

/// Answer counts what the tests said of tables, and what the intervals held.
struct Answer {
  int tables = 0;
  int sign_flip_errors = 0, t_errors = 0, two_level_errors = 0;  ///< tables with a false claim
  int sign_flip_found = 0, t_found = 0, two_level_found = 0;     ///< tables that found the effect
  int intervals = 0, covered = 0;  ///< of rows without an effect: those that held 0
  double standard_error = 0;       ///< mean of what the differences were said to have
};

class Tables {
 public:
  explicit Tables(Question question, std::uint64_t seed = 1) : question_(question), random_(seed) {}

  [[nodiscard]] Answer Ask(int tables) {
    for (int i = 0; i < tables; ++i) AskOnce(i);
    answer_.standard_error /= answer_.intervals == 0 ? 1 : answer_.intervals;
    return answer_;
  }

  /// Returns the predictions of each trial, [rows][seeds]: the first class is the true one.
  [[nodiscard]] std::vector<std::vector<Predictions>> Draw(int table) {
    constexpr int kClasses = 4;
    const Question& q = question_;
    std::vector<double> easy;  // logits of the video's classes, the same for all models
    for (int i = 0; i < q.videos * kClasses; ++i) easy.push_back(Normal());
    std::vector<std::vector<Predictions>> rows(static_cast<std::size_t>(q.rows));
    for (std::vector<Predictions>& row : rows) {
      std::vector<double> of_row;
      for (int v = 0; v < q.videos; ++v) of_row.push_back(q.video_spread * Normal());
      for (int s = 0; s < q.seeds; ++s) {
        const double skill = 1 + q.seed_spread * Normal() + (&row == &rows.back() ? q.effect : 0);
        Predictions& trial = row.emplace_back(Predictions{.classes = kClasses, .top_k = kClasses});
        for (int v = 0; v < q.videos; ++v) {
          VideoPrediction video{.id = std::to_string(table) + "-" + std::to_string(v),
                                .labels = {0}};
          for (int c = 0; c < kClasses; ++c) {
            double logit = easy[static_cast<std::size_t>(v * kClasses + c)];
            if (c == 0) {
              logit += skill + of_row[static_cast<std::size_t>(v)] + q.model_spread * Normal();
            }
            video.top.push_back({c, 1 / (1 + std::exp(-logit))});
          }
          std::ranges::sort(video.top, RanksBefore<ScoredLabelDouble>);
          trial.videos.push_back(std::move(video));
        }
      }
    }
    return rows;
  }

 private:
  /// Box and Muller's: each standard library's normal_distribution is another one.
  double Normal() {
    const auto uniform = [this] { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; };
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::acos(-1.0) * uniform());
  }

  void AskOnce(int table) {
    std::vector<std::vector<Resampled>> resampled;
    for (const std::vector<Predictions>& row : Draw(table)) {
      std::vector<Resampled>& of_row = resampled.emplace_back();
      for (const Predictions& trial : row) {
        of_row.push_back(ResampleVideos(trial, *FindMetric("gap"), question_.resamples));
      }
    }
    std::vector<double> sign_flip, t, two_level;
    for (std::size_t row = 1; row < resampled.size(); ++row) {
      const RowDifference difference =
          TwoLevelDifference(SeedsOf(resampled[row]), SeedsOf(resampled[0]));
      const std::vector<double> a = ValuesOf(resampled[row]), b = ValuesOf(resampled[0]);
      sign_flip.push_back(*SignFlipTest(a, b));
      t.push_back(PairedTTest(a, b));
      two_level.push_back(difference.p);
      if (question_.effect != 0 && row + 1 == resampled.size()) continue;
      ++answer_.intervals;
      answer_.covered += difference.interval.excludes_zero() ? 0 : 1;
      answer_.standard_error += std::sqrt(difference.seeds_variance + difference.videos_variance +
                                          difference.remainder_variance);
    }
    ++answer_.tables;
    Count(Holm(sign_flip), answer_.sign_flip_errors, answer_.sign_flip_found);
    Count(Holm(t), answer_.t_errors, answer_.t_found);
    Count(Holm(two_level), answer_.two_level_errors, answer_.two_level_found);
  }

  void Count(const std::vector<double>& corrected, int& errors, int& found) const {
    bool any = false;
    for (std::size_t i = 0; i < corrected.size(); ++i) {
      const bool claimed = corrected[i] <= 0.05;
      if (question_.effect != 0 && i + 1 == corrected.size()) {
        found += claimed ? 1 : 0;
      } else {
        any = any || claimed;
      }
    }
    errors += any ? 1 : 0;
  }

  [[nodiscard]] static SeededRow SeedsOf(const std::vector<Resampled>& trials) {
    SeededRow row;
    for (const Resampled& trial : trials) {
      row.seeds.push_back(static_cast<std::int64_t>(row.seeds.size()) + 1);
      row.trials.push_back(&trial);
    }
    return row;
  }
  [[nodiscard]] static std::vector<double> ValuesOf(const std::vector<Resampled>& trials) {
    std::vector<double> values;
    for (const Resampled& trial : trials) values.push_back(trial.value);
    return values;
  }

  Question question_;
  std::mt19937_64 random_;
  Answer answer_;
};

}  // namespace beamgrid::planted
