// Successive halving on learning curves that cross: of each data set all learners are candidates,
// and the number of training examples stands for the epochs. How much of the grid's training is
// spared, and how far from the best learner is the one that is chosen? Trains nothing.
//
//   halving_bench --curves FILE.csv.gz --set eta=2 --set min_epochs=64 --set rank=ahead
//
// The file has the columns openml_id, learner, train_size, runs, valid_accuracy_mean (LCDB); or it
// is a table of models with a column gap_seedS_epochE for each seed and epoch, whose rows are the
// candidates, once for each seed.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <numeric>
#include <regex>
#include <sstream>

#include "registry/util/error.h"
#include "registry/util/json.h"
#include "search/strategy.h"
#include "tests/bench/strategies/replay.h"
#include "tests/bench/strategies/table.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

/// A curve: accuracy by training-set size.
using Curve = std::map<std::int64_t, double>;
/// The curves of one data set, by learner.
using CurveSet = std::map<std::string, Curve>;

/// Few learners or a short curve leave nothing to halve; more epochs than that no recipe takes.
constexpr std::size_t kFewestLearners = 6;
constexpr std::int64_t kShortest = 512, kLongest = 1'000'000;

std::int64_t EndOf(const CurveSet& curves) {
  std::int64_t end = 0;
  for (const auto& [learner, curve] : curves) end = std::max(end, curve.rbegin()->first);
  return end;
}

std::vector<std::string> CellsOf(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream rest(line);
  for (std::string cell; std::getline(rest, cell, ',');) cells.push_back(cell);
  return cells;
}

/// Returns the curves of a table of models, by seed; nothing where the header names no epoch.
std::vector<CurveSet> ModelCurves(const std::string& header, std::istream& lines) {
  static const std::regex kColumn("gap_seed([0-9]+)_epoch([0-9]+)");
  struct Column {
    std::size_t place;
    std::string seed;
    std::int64_t epoch;
  };
  std::vector<Column> columns;
  const std::vector<std::string> names = CellsOf(header);
  for (std::size_t place = 0; place < names.size(); ++place) {
    std::smatch match;
    if (!std::regex_match(names[place], match, kColumn)) continue;
    columns.push_back({place, match[1], std::stoll(match[2])});
  }
  std::map<std::string, CurveSet> by_seed;
  std::size_t row = 0;
  for (std::string line; !columns.empty() && std::getline(lines, line); ++row) {
    const std::vector<std::string> cells = CellsOf(line);
    for (const Column& column : columns) {
      by_seed[column.seed][std::to_string(row)][column.epoch] = std::stod(cells.at(column.place));
    }
  }
  std::vector<CurveSet> sets;
  for (auto& [seed, curves] : by_seed) sets.push_back(std::move(curves));
  return sets;
}

/// Reads the file and keeps the data sets of which at least six learners have been measured to the
/// end.
std::vector<CurveSet> ReadCurves(const std::string& path) {
  std::map<std::string, CurveSet> sets;
  std::istringstream lines(ReadPlainOrGzip(path));
  std::string line;
  std::getline(lines, line);
  if (std::vector<CurveSet> models = ModelCurves(line, lines); !models.empty()) return models;
  if (line.rfind("openml_id,learner,train_size,runs,valid_accuracy_mean", 0) != 0) {
    throw UsageError(path +
                     ":1: is no table of learning curves: the columns must be openml_id, "
                     "learner, train_size, runs, valid_accuracy_mean");
  }
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::string set, learner, size, runs, accuracy;
    std::getline(cells, set, ',');
    std::getline(cells, learner, ',');
    std::getline(cells, size, ',');
    std::getline(cells, runs, ',');
    std::getline(cells, accuracy, ',');
    sets[set][learner][std::stoll(size)] = std::stod(accuracy);
  }
  std::vector<CurveSet> kept;
  for (auto& [name, curves] : sets) {
    const std::int64_t end = EndOf(curves);
    std::erase_if(curves, [&](const auto& entry) { return !entry.second.contains(end); });
    if (curves.size() >= kFewestLearners && end >= kShortest && end <= kLongest)
      kept.push_back(std::move(curves));
  }
  return kept;
}

/// Returns the accuracy at the largest size that was measured up to `size`; nothing where the curve
/// begins later.
std::optional<double> At(const Curve& curve, std::int64_t size) {
  auto above = curve.upper_bound(size);
  if (above == curve.begin()) return std::nullopt;
  return std::prev(above)->second;
}

struct Halved {
  double regret = 0;
  double share = 0;  ///< of the grid's training
};

Halved Halve(const CurveSet& curves, const std::vector<std::string>& settings) {
  const std::int64_t end = EndOf(curves);
  std::vector<const Curve*> learners;
  std::string ranks;
  for (const auto& [name, curve] : curves) {
    learners.push_back(&curve);
    ranks += (ranks.empty() ? "" : ", ") + std::to_string(learners.size());
  }
  const Catalogue catalogue = TestCatalogue();
  const std::string text = RecipeHead() + "[train]\nepochs = " + std::to_string(end) +
                           "\n[[grid.classifier]]\nuse = \"conditional_inference\"\nrank = [" +
                           ranks + "]\n[search]\nstrategy = \"halving\"\n";
  const Recipe recipe = ParseRecipe(RecipeSource(text, "halving.toml", settings), catalogue);
  const SearchSpace space(recipe, catalogue);
  const std::unique_ptr<Strategy> strategy = MakeStrategyFor(space, recipe);
  std::vector<std::int64_t> trained(learners.size());
  std::size_t pick = 0;
  double highest = -1;
  while (std::optional<Candidate> candidate = strategy->Ask()) {
    std::vector<Candidate> rung = {*std::move(candidate)};
    while ((candidate = strategy->Ask())) rung.push_back(*std::move(candidate));
    for (const Candidate& asked : rung) {
      const auto index = static_cast<std::size_t>(
          asked.model.parts.at("classifier").options.at("rank").as_int64() - 1);
      const std::int64_t size = asked.epochs.value_or(end);
      trained[index] = std::max(trained[index], size);
      // A learner that was not measured on so few has shown nothing yet.
      const double score = At(*learners[index], size).value_or(0);
      if (!asked.epochs && score > highest) {
        highest = score;
        pick = index;
      }
      strategy->Tell({.name = asked.name, .model = asked.model, .objective = score});
    }
  }
  double best = 0;
  for (const Curve* curve : learners) best = std::max(best, curve->at(end));
  const double spent = std::accumulate(trained.begin(), trained.end(), 0.0);
  return {best - learners[pick]->at(end),
          spent / (static_cast<double>(end) * static_cast<double>(learners.size()))};
}

int Main(int argc, char** argv) {
  std::string path;
  std::vector<std::string> set;
  CLI::App app("Successive halving on learning curves that cross");
  app.add_option("--curves", path, "CSV, compressed by gzip or not")->required();
  app.add_option("--set", set, "KEY=VALUE of [search], as in eta=3");
  CLI11_PARSE(app, argc, argv);
  try {
    for (std::string& setting : set) setting.insert(0, "search.");
    std::vector<double> regrets;
    double share = 0;
    for (const CurveSet& curves : ReadCurves(path)) {
      const Halved halved = Halve(curves, set);
      regrets.push_back(halved.regret);
      share += halved.share;
    }
    if (regrets.empty()) throw UsageError(path + ": holds no data set that can be halved");
    const auto count = static_cast<double>(regrets.size());
    std::cout << CanonicalJson(boost::json::object{
                     {"data_sets", regrets.size()},
                     {"settings", boost::json::value_from(set)},
                     {"share_of_budget", share / count},
                     {"mean_regret", std::accumulate(regrets.begin(), regrets.end(), 0.0) / count},
                     {"median_regret", QuantileOf(regrets, 0.5)},
                     {"p90_regret", QuantileOf(regrets, 0.9)}})
              << "\n";
  } catch (const std::runtime_error& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) { return beamgrid::Main(argc, argv); }
