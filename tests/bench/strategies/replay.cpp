#include "tests/bench/strategies/replay.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <stdexcept>

#include "registry/criteria.h"
#include "registry/util/error.h"
#include "search/pacing.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

/// The only component of each criterion, and the option that holds the factor.
constexpr const char* kComponent = "part";
constexpr const char* kOption = "level";

OptionInfo OptionFor(const std::string& name, const ModelTable::Factor& factor) {
  OptionInfo option{.name = name, .tag = name.substr(0, 1)};
  option.always_named = true;
  if (factor.is_number) {
    option.type = OptionType::kInteger;
    option.default_value = 0;
    option.minimum = -1e15;
    option.maximum = 1e15;
  } else {
    option.type = OptionType::kString;
    option.default_value = OptionValue(factor.levels.front());
  }
  return option;
}

std::string ListOf(const ModelTable::Factor& factor) {
  std::string list = "[";
  for (const std::string& level : factor.levels) {
    if (list.size() > 1) list += ", ";
    list += factor.is_number ? level : "'" + level + "'";
  }
  return list + "]";
}

/// Places says which factor is where in a model.
struct Places {
  std::vector<std::pair<std::string, std::size_t>> single;  ///< criterion, factor
  std::vector<std::size_t> extra;                           ///< at most one
  std::vector<std::size_t> train;
};

Places PlacesOf(const ModelTable& table) {
  std::vector<std::size_t> order(table.factors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](std::size_t factor) { return table.factors[factor].levels.size(); });
  Places places;
  std::size_t next = 0;
  for (const std::string& criterion : AllCriteria()) {
    if (IsSingle(criterion) && next < order.size())
      places.single.emplace_back(criterion, order[next++]);
  }
  // Six factors are six criteria: those that a greedy search varies one by one.
  if (order.size() - next > 1) places.extra.push_back(order[next++]);
  places.train.assign(order.begin() + static_cast<std::ptrdiff_t>(next), order.end());
  std::ranges::sort(places.train);
  return places;
}

std::string TrainOption(std::size_t factor) { return "f" + std::to_string(factor); }

Catalogue CatalogueFor(const ModelTable& table, const Places& places) {
  Catalogue catalogue;
  const auto add = [&](const std::string& criterion, const std::string& name,
                       std::vector<OptionInfo> options) {
    catalogue.components.push_back({.criterion = criterion,
                                    .name = name,
                                    .label = criterion.substr(0, 2),
                                    .options = std::move(options)});
  };
  for (const std::string& criterion : AllCriteria()) {
    if (!IsSingle(criterion)) continue;
    add(criterion, DefaultComponent(criterion), {});
  }
  for (const auto& [criterion, factor] : places.single) {
    add(criterion, kComponent, {OptionFor(kOption, table.factors[factor])});
  }
  for (const std::size_t factor : places.extra) {
    add("extras", kComponent, {OptionFor(kOption, table.factors[factor])});
  }
  std::vector<OptionInfo> train;
  for (const std::size_t factor : places.train) {
    train.push_back(OptionFor(TrainOption(factor), table.factors[factor]));
  }
  add("train", "train", std::move(train));
  return catalogue;
}

std::string RecipeFor(const ModelTable& table, const Places& places, const std::string& strategy,
                      std::int64_t budget) {
  std::string text =
      "beamgrid = 1\n[study]\nname = \"replay\"\n[data]\nformat = \"frame\"\ntrain = \"t\"\n"
      "validate = \"v\"\nclasses = 2\n";
  for (const auto& [criterion, factor] : places.single) {
    text += "[[grid." + criterion + "]]\nuse = \"" + kComponent + "\"\n" + kOption + " = " +
            ListOf(table.factors[factor]) + "\n";
  }
  for (const std::size_t factor : places.extra) {
    text += std::string("[grid.extras]\n") + kComponent + " = { " + kOption + " = " +
            ListOf(table.factors[factor]) + " }\n";
  }
  if (!places.train.empty()) text += "[grid.train]\n";
  for (const std::size_t factor : places.train) {
    text += TrainOption(factor) + " = " + ListOf(table.factors[factor]) + "\n";
  }
  text += "[search]\nstrategy = \"" + strategy + "\"\n";
  for (const StrategyInfo& info : Strategies()) {
    if (info.name != strategy) continue;
    for (const OptionInfo& option : info.options) {
      if (option.name == "budget") text += "budget = " + std::to_string(budget) + "\n";
    }
  }
  return text;
}

}  // namespace

Replay::Replay(ModelTable table, const std::string& strategy, std::int64_t budget,
               const std::vector<std::string>& settings)
    : table_(std::move(table)), budget_(budget), best_(table_.best()), worst_(table_.worst()) {
  if (strategy == "halving") {
    throw UsageError("halving looks at trainings under way, and a table has only their ends");
  }
  const Places places = PlacesOf(table_);
  catalogue_ = CatalogueFor(table_, places);
  recipe_ = ParseRecipe(
      RecipeSource(RecipeFor(table_, places, strategy, budget), "replay.toml", settings),
      catalogue_);
  space_ = std::make_unique<SearchSpace>(recipe_, catalogue_);
  std::size_t train = 0;
  for (const SearchSpace::Axis& axis : space_->axes()) {
    std::size_t factor = table_.factors.size();
    if (axis.extra != nullptr) factor = places.extra.front();
    if (axis.train != nullptr) factor = places.train[train++];
    for (const auto& [criterion, of_single] : places.single) {
      if (axis.criterion == criterion) factor = of_single;
    }
    factor_of_axis_.push_back(factor);
  }
}

std::vector<std::size_t> Replay::RowOf(const ModelSpec& model) const {
  const auto digits = space_->DigitsOf(model);
  if (!digits) throw std::logic_error("replay: a model that is not of the table");
  std::vector<std::size_t> row(table_.factors.size());
  for (std::size_t i = 0; i < digits->size(); ++i) {
    if (factor_of_axis_[i] < row.size())
      row[factor_of_axis_[i]] = static_cast<std::size_t>((*digits)[i]);
  }
  return row;
}

Replayed Replay::Run(std::int64_t repetition) const {
  Recipe recipe = recipe_;
  if (const auto seed = recipe.search.other.find("seed"); seed != recipe.search.other.end()) {
    seed->second = repetition;
  }
  Dice dice(repetition + 1'000'000);
  // Where a table puts its worst candidates first, they are no baseline that anybody would choose.
  const ModelSpec start = *space_->At(Dice(repetition + 2'000'000).Roll(space_->size()));
  recipe.search.baseline = {.parts = start.parts, .extras = start.extras, .train = start.train};
  const SearchSpace space(recipe, catalogue_);
  const std::unique_ptr<Strategy> strategy = MakeStrategyFor(space, recipe);
  std::map<std::string, std::vector<std::size_t>> rows;
  std::string luckiest;
  double highest = 0;
  Replayed result;
  std::deque<Candidate> open;
  while (result.trials < budget_) {
    // As many as it asks for, and no more than can be trained; the first one ends first.
    while (static_cast<std::int64_t>(open.size()) < budget_ - result.trials) {
      std::optional<Candidate> candidate = strategy->Ask();
      if (!candidate) break;
      open.push_back(std::move(*candidate));
    }
    if (open.empty()) break;
    Finding finding{.name = open.front().name, .model = open.front().model};
    const std::vector<std::size_t> row = RowOf(finding.model);
    open.pop_front();
    if (const auto scores = table_.scores.find(row); scores != table_.scores.end()) {
      const auto seed = dice.Roll(static_cast<std::int64_t>(scores->second.size()));
      finding.objective = scores->second[static_cast<std::size_t>(seed)];
      finding.scores = {*finding.objective};
      ++result.trials;
      rows.emplace(finding.name, row);
      if (luckiest.empty() || *finding.objective > highest) {
        luckiest = finding.name;
        highest = *finding.objective;
      }
    } else {
      finding.is_refused = true;
    }
    strategy->Tell(finding);
  }
  const std::string choice = strategy->Choice().value_or(luckiest);
  result.regret = best_ - (choice.empty() ? worst_ : table_.Mean(rows.at(choice)));
  result.decisions = strategy->Decisions();
  return result;
}

double QuantileOf(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  if (low + 1 >= values.size()) return values.back();
  return values[low] + (place - static_cast<double>(low)) * (values[low + 1] - values[low]);
}

}  // namespace beamgrid
