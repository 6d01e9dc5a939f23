// The orchestrator without its workers: instant trials go the whole way through strategy, scheduler
// and registry, durably recorded in a database on disk.
//
//   scheduler_bench [--trials N] [--grid POINTS] [--slots S] [--directory DIR] [--keep]
//
// Prints trials/s and peak memory of N trials, and the time from the start of the loop to the first
// submission on a grid of POINTS points.

#include <malloc.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/study/study_runner.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using Clock = std::chrono::steady_clock;

/// Workers that end at once. Remembers when the first one was asked for.
class InstantExecutor : public Executor {
 public:
  void Submit(const AttemptKey& key, const std::filesystem::path&, const Placement&,
              std::chrono::milliseconds) override {
    if (submitted_++ == 0) first_ = Clock::now();
    running_.push_back(key);
  }
  bool Cancel(const AttemptKey&, std::chrono::milliseconds) override { return false; }
  std::vector<ExecutorEvent> Poll(std::chrono::milliseconds) override {
    std::vector<ExecutorEvent> events;
    for (const AttemptKey& key : std::exchange(running_, {})) {
      TrialResult result{.metrics = {.gap = 0.5, .videos = 10}, .best_epoch = 1, .device = "cpu"};
      result.epochs = {{.epoch = 1, .metrics = result.metrics}};
      events.push_back({key, Started{.pid = 1, .epochs = 1}});
      events.push_back({key, AttemptOutcome{std::move(result)}});
    }
    if (on_poll) on_poll(submitted_);
    return events;
  }
  void Wake() override {}
  AttemptOutcome Reconcile(const AttemptKey&, const std::filesystem::path&, std::int64_t) override {
    return {};
  }

  [[nodiscard]] Clock::time_point first() const { return first_; }
  [[nodiscard]] std::int64_t submitted() const { return submitted_; }
  std::function<void(std::int64_t submitted)> on_poll;

 private:
  std::vector<AttemptKey> running_;
  std::int64_t submitted_ = 0;
  Clock::time_point first_;
};

class InstantCounter : public ModelCounter {
 public:
  CountAnswer Count(const ModelSpec&, const DataSpec&) override { return ModelSize{1000, 4000}; }
};

class NoDisplay : public ProgressDisplay {
 public:
  void Event(const std::string&) override {}
  void Update(const ProgressState&) override {}
};

/// `points` models: hidden widths times expert counts times batch sizes.
std::string GridOf(std::int64_t points) {
  const auto list = [](std::int64_t count) {
    std::string text = "[1";
    for (std::int64_t i = 2; i <= count; ++i) text += ", " + std::to_string(i);
    return text + "]";
  };
  const std::int64_t width = std::min<std::int64_t>(points, 100);
  const std::int64_t experts = std::min<std::int64_t>(points / width, 50);
  const std::int64_t batches = points / width / experts;
  return RecipeHead() + "[[grid.temporal]]\nuse = \"gru\"\nhidden = " + list(width) +
         "\n[[grid.classifier]]\nuse = \"moe\"\nexperts = " + list(experts) +
         "\n[grid.train]\nbatch = " + list(batches) + "\n";
}

struct Timing {
  std::int64_t trials = 0;
  double seconds = 0;
  double first_trial_ms = 0;
};

/// Runs the study, or only its first `most` trials where that is not 0.
Timing RunGrid(std::int64_t points, std::int64_t most, std::size_t slots,
               const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const Catalogue catalogue = TestCatalogue();
  const Recipe recipe = ParseRecipe(GridOf(points), (folder / "r.toml").string(), catalogue);
  Store store(folder / "bench.db", OpenMode::kReadWrite);
  InstantExecutor executor;
  InstantCounter counter;
  NoDisplay display;
  const auto start = Clock::now();
  StudyRunner runner(
      recipe, catalogue,
      {.format = "frame", .train = {"/t"}, .validate = {"/v"}, .classes = 10, .digest = "d"},
      {.slots = std::vector<Slot>(slots, {"cpu", 1})},
      {.store = &store,
       .executor = &executor,
       .counter = &counter,
       .display = &display,
       .clock = [start] {
         return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
       }});
  executor.on_poll = [&](std::int64_t submitted) {
    if (most > 0 && submitted >= most) runner.Interrupt();
  };
  (void)runner.Run();
  const auto seconds = [start](Clock::time_point end) {
    return std::chrono::duration<double>(end - start).count();
  };
  return {executor.submitted(), seconds(Clock::now()), 1000 * seconds(executor.first())};
}

std::int64_t PeakMemoryBytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  // As the program itself does.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  CLI::App app("Benchmark of the orchestrator without its workers");
  std::int64_t trials = 10'000, grid = 1'000'000;
  std::size_t slots = 2;
  std::filesystem::path directory = std::filesystem::temp_directory_path();
  app.add_option("--trials", trials, "Trials to carry out")->capture_default_str();
  app.add_option("--grid", grid, "Points of the grid whose first trial is timed")
      ->capture_default_str();
  app.add_option("--slots", slots, "Workers at once")->capture_default_str();
  app.add_option("--directory", directory, "Where the database goes for the while")
      ->capture_default_str();
  bool keep = false;
  app.add_flag("--keep", keep, "Leave the database there");
  CLI11_PARSE(app, argc, argv);

  const std::filesystem::path folder = directory / "beamgrid-scheduler-bench";
  const beamgrid::Timing huge = beamgrid::RunGrid(grid, /*most=*/1, slots, folder);
  const beamgrid::Timing all = beamgrid::RunGrid(trials, /*most=*/0, slots, folder);
  if (!keep) std::filesystem::remove_all(folder);
  std::cout << std::fixed << std::setprecision(1) << "scheduler and registry, " << all.trials
            << " trials: " << static_cast<double>(all.trials) / all.seconds << " trials/s in "
            << all.seconds << " s\n"
            << "first trial of a grid of " << grid << " points: " << huge.first_trial_ms << " ms\n"
            << "peak memory: " << static_cast<double>(beamgrid::PeakMemoryBytes()) / 1e6 << " MB\n";
}
