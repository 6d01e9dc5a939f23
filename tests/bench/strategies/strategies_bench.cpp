// A strategy of ours on a table of models that were all trained (shared/tables): how far from the
// best model is the one that it chooses? Trains nothing. One worker, so that each question knows
// all answers before it, as those of other libraries do; --workers N for more.
//
//   strategies_bench --table FILE.csv.gz --strategy NAME --budget N --repetitions R --json
//
// Prints {"table", "strategy", "budget", "repetitions", "median_regret", "p90_regret", "trials"},
// the last one as the mean over the repetitions.

#include <CLI/CLI.hpp>
#include <iostream>

#include "registry/util/error.h"
#include "registry/util/json.h"
#include "search/diagnostics.h"
#include "search/strategy.h"
#include "tests/bench/strategies/replay.h"

namespace beamgrid {
namespace {

struct Settings {
  std::string table, strategy = "model";
  std::int64_t budget = 45, repetitions = 200, seed = 1, workers = 1;
  std::vector<std::string> set;
  bool json = false;
  bool decisions = false;
};

/// Returns what is set in the recipe. A strategy that asks for so many trials at once is made to
/// ask for as many as there are workers, unless --set says otherwise.
std::vector<std::string> RecipeSettings(const Settings& settings) {
  std::vector<std::string> all;
  for (const StrategyInfo& info : Strategies()) {
    if (info.name != settings.strategy) continue;
    for (const OptionInfo& option : info.options) {
      if (option.name != "parallel") continue;
      all.push_back("search.parallel=" + std::to_string(settings.workers));
    }
  }
  all.insert(all.end(), settings.set.begin(), settings.set.end());
  return all;
}

void Bench(const Settings& settings) {
  const Replay replay(ReadModelTable(settings.table), settings.strategy, settings.budget,
                      RecipeSettings(settings));
  std::vector<double> regrets;
  double trials = 0;
  for (std::int64_t i = 0; i < settings.repetitions; ++i) {
    const Replayed replayed = replay.Run(settings.seed + i);
    regrets.push_back(replayed.regret);
    trials += static_cast<double>(replayed.trials);
    if (!settings.decisions) continue;
    for (const std::string& decision : replayed.decisions) std::cerr << decision << "\n";
  }
  const double median = QuantileOf(regrets, 0.5);
  const double high = QuantileOf(regrets, 0.9);
  trials /= static_cast<double>(settings.repetitions);
  if (!settings.json) {
    std::cout << replay.table().name << ", " << settings.strategy << ", " << trials
              << " trials: regret " << median << " (median), " << high << " (90th percentile)\n";
    return;
  }
  std::cout << CanonicalJson(boost::json::object{{"table", replay.table().name},
                                                 {"strategy", settings.strategy},
                                                 {"budget", settings.budget},
                                                 {"repetitions", settings.repetitions},
                                                 {"median_regret", median},
                                                 {"p90_regret", high},
                                                 {"trials", trials}})
            << "\n";
}

int Main(int argc, char** argv) {
  Settings settings;
  CLI::App app("A strategy replayed on a table of trained models");
  app.add_option("--table", settings.table, "CSV, compressed by gzip or not")->required();
  app.add_option("--strategy", settings.strategy, "one of ours");
  app.add_option("--budget", settings.budget, "trials")->check(CLI::Range(1, 1'000'000));
  app.add_option("--repetitions", settings.repetitions)->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", settings.seed, "of the first repetition");
  app.add_option("--workers", settings.workers, "trials under way at once")
      ->check(CLI::Range(1, 1024));
  app.add_option("--set", settings.set, "KEY=VALUE of the recipe, as in search.passes=2");
  app.add_flag("--json", settings.json, "one JSON object");
  app.add_flag("--decisions", settings.decisions, "what the strategy says at its end, to stderr");
  CLI11_PARSE(app, argc, argv);
  try {
    Bench(settings);
  } catch (const RecipeError& error) {
    std::cerr << error.what() << "\n";
    return 2;
  } catch (const UsageError& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) { return beamgrid::Main(argc, argv); }
