// How long it takes to score: the metrics of dense rows, as an evaluation computes them after each
// epoch, and of a competition's CSV beside its truth, as `beamgrid score` does.
//
//   score_bench [VIDEOS CLASSES [CSV_VIDEOS]]
//
// On one thread, then on as many as there are cores. Processor time, in which other work on the
// machine is not, and the clock's; the least of five turns each.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <random>
#include <span>
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

void Print(const std::string& what, int threads, const Seconds& seconds, double gap) {
  std::printf("%s, on %d threads: %.1f ms of processor, %.1f ms by the clock (%.5f)\n",
              what.c_str(), threads, 1e3 * seconds.processor, 1e3 * seconds.clock, gap);
}

/// Adds a batch as an evaluation does: the best labels of its rows are found on threads, if each
/// has enough to do.
template <typename Row, typename Labels>
void AddBatch(std::size_t size, int k, int threads, const Row& row, const Labels& labels,
              MetricsAccumulator& metrics) {
  constexpr std::size_t kScoresOfAThread = 200'000;
  const std::size_t parts = std::clamp<std::size_t>(size * row(0).size() / kScoresOfAThread, 1,
                                                    static_cast<std::size_t>(threads));
  std::vector<std::vector<ScoredLabel>> best(size);
  ForEachOnThreads(threads, parts, [&](std::size_t part) {
    for (std::size_t i = size * part / parts; i < size * (part + 1) / parts; ++i) {
      best[i] = TopK(row(i), k);
    }
  });
  for (std::size_t i = 0; i < size; ++i) metrics.AddBest(best[i], row(i).size(), labels(i));
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
  const auto row = [&](std::size_t i) {
    return std::span<const float>(scores).subspan(i * classes, classes);
  };
  double gap = 0;
  const Seconds alone = LeastSeconds([&] {
    MetricsAccumulator metrics;
    metrics.Reserve(static_cast<std::int64_t>(videos));
    for (std::size_t i = 0; i < videos; ++i) metrics.AddDense(row(i), labels[i]);
    gap = metrics.Compute().gap;
  });
  Print("their GAP, row by row", 1, alone, gap);
  for (const int threads : ThreadCounts()) {
    for (const std::size_t batch : {std::size_t{128}, std::size_t{1000}}) {
      for (const int k : {kGapTop, 100}) {
        const Seconds seconds = LeastSeconds([&] {
          MetricsAccumulator metrics;
          for (std::size_t first = 0; first < videos; first += batch) {
            AddBatch(
                std::min(batch, videos - first), k, threads,
                [&](std::size_t i) { return row(first + i); },
                [&](std::size_t i) { return std::span(labels[first + i]); }, metrics);
          }
          gap = metrics.Compute(threads).gap;
        });
        Print("in batches of " + std::to_string(batch) + ", the best " + std::to_string(k) +
                  " of each row",
              threads, seconds, gap);
      }
    }
  }
}

void ScoreFiles(std::size_t videos) {
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
      gap = ScoreCsv(folder / "predictions.csv", folder / "truth.csv", threads).value().gap;
    });
    Print("score of CSV files of " + std::to_string(videos) + " videos", threads, seconds, gap);
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
  ScoreFiles(Argument(argc, argv, 3, 100'000));
}
