// How long it takes to score: the metrics of dense rows, as an evaluation computes them after each
// epoch, and of a competition's CSV beside its truth, as `beamgrid score` does.
//
//   score_bench [VIDEOS CLASSES [CSV_VIDEOS]]
//
// The pool of scores is sorted on one thread, then on as many as there are cores; a large CSV file
// is read in halves at once in both (hold it to one core with taskset). Processor time, in which
// other work on the machine is not, and the clock's; the least of five turns each.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "registry/scoring/predictions.h"
#include "registry/util/files.h"
#include "registry/util/threads.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

constexpr int kTurns = 5;

struct Seconds {
  double processor = 1e9, clock = 1e9;
};

Seconds LeastSeconds(const std::function<void()>& work) {
  Seconds least;
  for (int turn = 0; turn < kTurns; ++turn) {
    const std::clock_t processor = std::clock();
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> clock = std::chrono::steady_clock::now() - begin;
    least.processor =
        std::min(least.processor, static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC);
    least.clock = std::min(least.clock, clock.count());
  }
  return least;
}

std::vector<int> ThreadCounts() {
  return UsableThreads() > 1 ? std::vector{1, UsableThreads()} : std::vector{1};
}

void ScoreDense(std::size_t videos, std::size_t classes) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(-6, 2);  // most probabilities are small
  std::vector<float> scores(videos * classes);
  for (float& score : scores) score = 1 / (1 + std::exp(-normal(random)));
  std::vector<std::vector<std::int32_t>> labels(videos);
  for (std::vector<std::int32_t>& truth : labels) {
    const auto label = static_cast<std::int32_t>(random() % (classes - 2));
    truth = {label, label + 1, label + 2};
  }
  double read = 0;
  const Seconds reading = LeastSeconds([&] {
    std::vector<float> sums(64);
    for (std::size_t i = 0; i + 64 <= scores.size(); i += 64) {
      for (std::size_t j = 0; j < 64; ++j) sums[j] += scores[i + j];
    }
    read += sums[0];
  });
  std::printf("to read %zu x %zu dense scores: %.1f ms (%.0f)\n", videos, classes,
              1e3 * reading.processor, read);
  for (const int threads : ThreadCounts()) {
    double gap = 0;
    const Seconds seconds = LeastSeconds([&] {
      MetricsAccumulator metrics;
      metrics.Reserve(static_cast<std::int64_t>(videos));
      for (std::size_t i = 0; i < videos; ++i) {
        metrics.AddDense({scores.data() + i * classes, classes}, labels[i]);
      }
      gap = metrics.Compute(threads).gap;
    });
    std::printf(
        "their GAP, sorted on %d threads: %.1f ms of processor, %.1f ms by the clock (%.5f)\n",
        threads, 1e3 * seconds.processor, 1e3 * seconds.clock, gap);
  }
}

void ScoreCsv(std::size_t videos) {
  const TemporaryFolder folder;
  std::mt19937 random(2);
  Predictions predictions;
  std::string truth = "VideoId,Labels\n";
  for (std::size_t i = 0; i < videos; ++i) {
    VideoPrediction video{.id = std::to_string(random()) + std::to_string(i)};
    std::vector<float> best;
    for (int rank = 0; rank < kGapTop; ++rank) {
      best.push_back(static_cast<float>(random() % 1'000'000) / 1e6F);
    }
    std::ranges::sort(best, std::ranges::greater());
    const auto first = static_cast<std::int32_t>(random() % 150);
    for (int rank = 0; rank < kGapTop; ++rank) {
      video.top.push_back({first + 190 * rank, best[static_cast<std::size_t>(rank)]});
    }
    truth += video.id + "," + std::to_string(first) + " " + std::to_string(first + 1) + "\n";
    predictions.videos.push_back(std::move(video));
  }
  WritePredictionsCsv(folder / "predictions.csv", predictions);
  WriteFileAtomically(folder / "truth.csv", truth);
  for (const int threads : ThreadCounts()) {
    double gap = 0;
    const Seconds seconds = LeastSeconds([&] {
      gap = Score(ReadPredictionsCsv(folder / "predictions.csv"),
                  ReadTruthCsv(folder / "truth.csv"), threads)
                .gap;
    });
    std::printf(
        "score of CSV files of %zu videos, sorted on %d threads: %.0f ms of processor, %.0f ms by "
        "the clock "
        "(%.5f)\n",
        videos, threads, 1e3 * seconds.processor, 1e3 * seconds.clock, gap);
  }
}

std::size_t Argument(int argc, char** argv, int place, std::size_t usual) {
  return argc > place ? static_cast<std::size_t>(std::atoll(argv[place])) : usual;
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  using namespace beamgrid;
  ScoreDense(Argument(argc, argv, 1, 5000), Argument(argc, argv, 2, 3862));
  ScoreCsv(Argument(argc, argv, 3, 100'000));
}
