// [search] with its baseline and stages.
#include <algorithm>
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "search/recipe/components.h"
#include "search/recipe/sections.h"
#include "search/search_space.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

class FixedReader {
 public:
  FixedReader(const Catalogue& catalogue, const DataSettings& data, Mistakes& mistakes)
      : catalogue_(catalogue), data_(data), mistakes_(mistakes) {}

  Fixed Read(const toml::table& table, const std::string& path) {
    for (const auto& [key, node] : WrittenOrder(table)) {
      const std::string criterion(key->str());
      const std::string key_path = path + "." + criterion;
      if (!CheckCriterion(criterion, key->source(), key_path, mistakes_)) continue;
      if (const toml::table* value = node->as_table()) {
        ReadCriterion(criterion, *value, key_path);
      } else {
        mistakes_.Add(node->source(), key_path,
                      "is " + KindOf(*node) + ", must be a table: " + Example(criterion));
      }
    }
    return std::move(fixed_);
  }

 private:
  static std::string Example(const std::string& criterion) {
    if (criterion == "train") return "train = { batch = 128 }";
    if (criterion == "extras") return "extras = { dropout = 0.2 }";
    return criterion + " = { use = \"" + DefaultComponent(criterion) + "\" }";
  }

  void ReadCriterion(const std::string& criterion, const toml::table& table,
                     const std::string& path) {
    if (criterion == "train") return ReadTrain(table, path);
    if (criterion == "extras") return ReadExtras(table, path);
    std::optional<VariantSet> set =
        ReadComponent(catalogue_, criterion, table, path, Lists::kRefuse, mistakes_);
    if (!set) return;
    CheckFits(catalogue_, criterion, set->component, data_, *table.get("use"), path + ".use",
              mistakes_);
    fixed_.parts[criterion] = set->At(0);
  }

  void ReadTrain(const toml::table& table, const std::string& path) {
    const ComponentInfo* train = catalogue_.Find("train", "train");
    if (train == nullptr) return;
    const VariantSet set = ReadOptions(*train, table, path, Lists::kRefuse, mistakes_);
    for (const auto& [name, value] : set.fixed) {
      // Only what is written: the defaults beside it are not meant to be held.
      if (table.contains(name)) fixed_.train[name] = value;
    }
  }

  void ReadExtras(const toml::table& table, const std::string& path) {
    fixed_.extras.emplace();
    for (const auto& [key, node] : table) {
      const std::string extra_path = path + "." + std::string(key.str());
      const ComponentInfo* extra = FindExtra(catalogue_, key, extra_path, mistakes_);
      if (extra == nullptr) continue;
      auto value = ReadExtra(*extra, node, extra_path, Lists::kRefuse, mistakes_);
      if (value && *value) (*fixed_.extras)[extra->name] = (*value)->fixed;
    }
  }

  const Catalogue& catalogue_;
  const DataSettings& data_;
  Mistakes& mistakes_;
  Fixed fixed_;
};

std::vector<std::string> ReadOrder(Section& search) {
  const toml::node* node = search.Find("order");
  if (node == nullptr) return {};
  if (!node->is_array()) {
    search.Mistake(*node, "order",
                   "is " + KindOf(*node) + ", must be a list of criteria: " + Join(AllCriteria()));
    return {};
  }
  const std::vector<PlacedWord> order = ReadWords(*node, search.PathOf("order"), search.mistakes());
  for (const PlacedWord& entry : order) {
    CheckCriterion(entry.word, entry.node->source(), entry.path, search.mistakes());
  }
  return Words(order);
}

std::vector<Stage> ReadStages(Section& search, const Catalogue& catalogue,
                              const DataSettings& data) {
  std::vector<Stage> stages;
  const toml::array* entries = search.FindTables("stage");
  for (std::size_t i = 0; entries != nullptr && i < entries->size(); ++i) {
    Section section(*(*entries)[i].as_table(), "search.stage[" + std::to_string(i) + "]",
                    search.mistakes());
    Stage stage;
    if (const toml::node* vary = section.Require("vary", "the criterion that the stage varies")) {
      stage.vary = section.ReadWord("vary");
      if (vary->is_string()) {
        CheckCriterion(stage.vary, vary->source(), section.PathOf("vary"), search.mistakes());
      }
    }
    if (const toml::table* fix = section.FindTable("fix")) {
      stage.fix = ReadFixed(*fix, section.PathOf("fix"), catalogue, data, search.mistakes());
      if (stage.fix.Names(stage.vary)) {
        section.Mistake(*fix, "fix", "holds '" + stage.vary + "', which the stage varies");
      }
    }
    section.RefuseOthers();
    stages.push_back(std::move(stage));
  }
  return stages;
}

/// Adds a mistake for each key that is an option of other strategies only, and returns these keys.
std::vector<std::string> RefuseOptionsOfOthers(Section& search, const StrategyInfo& strategy) {
  std::vector<std::string> told;
  const auto has = [](const StrategyInfo& info, std::string_view key) {
    return std::ranges::count(info.uses, key) > 0 ||
           std::ranges::find(info.options, key, &OptionInfo::name) != info.options.end();
  };
  for (const auto& [key, node] : WrittenOrder(search.table())) {
    if (has(strategy, key->str())) continue;
    std::vector<std::string> owners;
    for (const StrategyInfo& other : Strategies()) {
      if (has(other, key->str())) owners.push_back("\"" + other.name + "\"");
    }
    if (owners.empty()) continue;
    told.emplace_back(key->str());
    search.mistakes().Add(key->source(), search.PathOf(key->str()),
                          "is an option of strategy = " + Join(owners, " or ") +
                              "; this search has strategy = \"" + strategy.name +
                              "\": take the line out, or change the strategy");
  }
  return told;
}

/// Remarks on each key that is written without the one that gives it a meaning.
void NoteIdleOptions(const Section& root, const StrategyInfo& strategy, Recipe& recipe) {
  const toml::node_view search = root.table()["search"];
  for (const auto& [key, needed] : strategy.needs) {
    const toml::node* node = search[key].node();
    const auto option = std::ranges::find(strategy.options, needed, &OptionInfo::name);
    if (node == nullptr || recipe.search.other.at(needed) != option->default_value) continue;
    recipe.remarks.push_back(
        {root.mistakes().PlaceOf(node->source()), "search." + key,
         "is of no effect without " + needed + ": write " + needed + ", or take the line out"});
  }
}

/// Remarks on a criterion that is named where it is chosen among one.
void NoteSingleCandidate(const toml::node& node, const std::string& key,
                         const std::string& criterion, const SearchSpace& space,
                         const Mistakes& mistakes, Recipe& recipe) {
  if (space.CandidateCount(criterion) != 1) return;
  recipe.remarks.push_back(
      {mistakes.PlaceOf(node.source()), key,
       criterion + " has one candidate: there is nothing to choose; give it more under [" +
           (IsSingle(criterion) ? "[grid." + criterion + "]" : "grid." + criterion) +
           "], or take it out here"});
}

/// Remarks on criteria of `order` and of stages that have one candidate, and on an order that
/// stages take the place of.
void NoteHardlyMeant(const Section& root, const SearchSpace& space, Recipe& recipe) {
  const toml::node_view search = root.table()["search"];
  if (const toml::array* order = search["order"].as_array()) {
    if (!recipe.search.stages.empty()) {
      recipe.remarks.push_back({root.mistakes().PlaceOf(order->source()), "search.order",
                                "is of no effect beside [[search.stage]]: take one of them out"});
      order = nullptr;
    }
    for (std::size_t i = 0; order != nullptr && i < order->size(); ++i) {
      NoteSingleCandidate((*order)[i], "search.order[" + std::to_string(i) + "]",
                          *(*order)[i].value<std::string>(), space, root.mistakes(), recipe);
    }
  }
  if (const toml::array* stages = search["stage"].as_array()) {
    for (std::size_t i = 0; i < stages->size(); ++i) {
      const toml::node& vary = *(*stages)[i].as_table()->get("vary");
      NoteSingleCandidate(vary, "search.stage[" + std::to_string(i) + "].vary",
                          *vary.value<std::string>(), space, root.mistakes(), recipe);
    }
  }
}

}  // namespace

void CheckSearch(const Section& root, const Catalogue& catalogue, Recipe& recipe) {
  const SearchSpace space(recipe, catalogue);
  NoteHardlyMeant(root, space, recipe);
  const auto strategy =
      std::ranges::find(Strategies(), recipe.search.strategy, &StrategyInfo::name);
  if (strategy == Strategies().end()) return;
  // A recipe without [search] has no values for its options.
  if (root.table().contains("search")) NoteIdleOptions(root, *strategy, recipe);
  if (strategy->check == nullptr) return;
  const toml::node* table = root.table().get("search");
  for (const SearchMistake& mistake : strategy->check(space, recipe)) {
    const toml::node* node = table != nullptr ? table : &root.table();
    std::string key = "search";
    for (const std::string& place : {"search." + mistake.key, mistake.otherwise}) {
      const toml::node* value = place.ends_with('.') ? nullptr : root.table().at_path(place).node();
      if (value == nullptr) continue;
      node = value;
      key = place;
      break;
    }
    root.mistakes().Add(node->source(), key, mistake.message);
  }
}

Fixed ReadFixed(const toml::table& table, const std::string& path, const Catalogue& catalogue,
                const DataSettings& data, Mistakes& mistakes) {
  return FixedReader(catalogue, data, mistakes).Read(table, path);
}

bool CheckCriterion(const std::string& criterion, const toml::source_region& where,
                    const std::string& path, Mistakes& mistakes) {
  if (FindCriterion(criterion) != nullptr) return true;
  mistakes.Add(where, path,
               "unknown criterion '" + criterion + "'" + Suggestion(criterion, AllCriteria()) +
                   "; known: " + Join(AllCriteria()));
  return false;
}

void ReadSearch(Section& root, const Catalogue& catalogue, Recipe& recipe) {
  const toml::table* table = root.FindTable("search");
  if (table == nullptr) return;
  Section search(*table, "search", root.mistakes());
  SearchSettings& settings = recipe.search;
  settings.strategy = search.ReadWord("strategy");
  if (const toml::table* baseline = search.FindTable("baseline")) {
    settings.baseline =
        ReadFixed(*baseline, "search.baseline", catalogue, recipe.data, root.mistakes());
  }
  const auto strategy = std::ranges::find(Strategies(), settings.strategy, &StrategyInfo::name);
  // The mistake has been told; which other keys are known depends on the strategy.
  if (strategy == Strategies().end()) return;
  const auto uses = [&](const char* key) { return std::ranges::count(strategy->uses, key) > 0; };
  if (uses("order")) settings.order = ReadOrder(search);
  if (uses("passes")) settings.passes = search.ReadInteger("passes");
  if (uses("stage")) settings.stages = ReadStages(search, catalogue, recipe.data);
  for (const OptionInfo& option : strategy->options) {
    // By its own description: another strategy may have another option of that name.
    const toml::node* node = search.Find(option.name);
    const auto value =
        node == nullptr ? std::nullopt
                        : ReadOption(option, *node, search.PathOf(option.name), search.mistakes());
    settings.other[option.name] = value.value_or(option.default_value);
  }
  search.RefuseOthers(RefuseOptionsOfOthers(search, *strategy));
}

}  // namespace beamgrid
