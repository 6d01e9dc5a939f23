// [[exclude]]
#include "search/recipe/components.h"
#include "search/recipe/sections.h"
#include "search/search_space.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

class ExclusionReader {
 public:
  ExclusionReader(const Catalogue& catalogue, Mistakes& mistakes)
      : catalogue_(catalogue), mistakes_(mistakes) {}

  Conditions Read(const toml::table& table, const std::string& path) {
    if (table.empty()) {
      mistakes_.Add(table.source(), path, "says nothing, so it would exclude every model");
    }
    for (const auto& [key, node] : WrittenOrder(table)) {
      const std::string criterion(key->str());
      const std::string key_path = path + "." + criterion;
      if (criterion == "extras") {
        ReadExtras(*node, key_path);
      } else if (criterion == "train") {
        ReadTrain(*node, key_path);
      } else if (CheckCriterion(criterion, key->source(), key_path, mistakes_)) {
        ReadSingle(criterion, *node, key_path);
      }
    }
    return std::move(conditions_);
  }

 private:
  void ReadSingle(const std::string& criterion, const toml::node& node, const std::string& path) {
    const toml::table* table = node.as_table();
    const toml::node* use = table == nullptr ? &node : table->get("use");
    const std::string use_path = table == nullptr ? path : path + ".use";
    std::vector<const ComponentInfo*> components = catalogue_.OfCriterion(criterion);
    if (use != nullptr) {
      const ComponentInfo* component =
          FindComponent(catalogue_, criterion, *use, use_path, mistakes_);
      if (component != nullptr) {
        conditions_.push_back({criterion, "", "", OptionValue(component->name)});
        components = {component};
      }
    }
    if (table != nullptr) ReadOptionsOf(criterion, "", components, *table, path);
  }

  void ReadExtras(const toml::node& node, const std::string& path) {
    const toml::table* table = RequireTable(node, path, "extras.zoneout = true");
    if (table == nullptr) return;
    for (const auto& [key, value] : WrittenOrder(*table)) {
      const std::string extra_path = path + "." + std::string(key->str());
      const ComponentInfo* extra = FindExtra(catalogue_, *key, extra_path, mistakes_);
      if (extra != nullptr) ReadExtraCondition(*extra, *value, extra_path);
    }
  }

  void ReadExtraCondition(const ComponentInfo& extra, const toml::node& node,
                          const std::string& path) {
    if (const toml::table* options = node.as_table()) {
      return ReadOptionsOf("extras", extra.name, {&extra}, *options, path);
    }
    std::optional<std::optional<VariantSet>> value =
        ReadExtra(extra, node, path, Lists::kRefuse, mistakes_);
    if (!value) return;
    if (!*value || node.is_boolean()) {
      conditions_.push_back({"extras", extra.name, "", OptionValue(value->has_value())});
      return;
    }
    const std::string& first = extra.options.front().name;
    conditions_.push_back({"extras", extra.name, first, (*value)->fixed.at(first)});
  }

  void ReadTrain(const toml::node& node, const std::string& path) {
    const toml::table* table = RequireTable(node, path, "train.batch = 128");
    if (table != nullptr) ReadOptionsOf("train", "", catalogue_.OfCriterion("train"), *table, path);
  }

  /// Conditions on options that at least one of `components` has.
  void ReadOptionsOf(const std::string& criterion, const std::string& extra,
                     const std::vector<const ComponentInfo*>& components, const toml::table& table,
                     const std::string& path) {
    for (const auto& [key, node] : WrittenOrder(table)) {
      const std::string name(key->str());
      if (name == "use" && IsSingle(criterion)) continue;
      std::optional<OptionValue> value =
          ReadOptionOfAny(components, *key, *node, path + "." + name, mistakes_);
      if (value) conditions_.push_back({criterion, extra, name, std::move(*value)});
    }
  }

  const toml::table* RequireTable(const toml::node& node, const std::string& path,
                                  const std::string& example) {
    if (node.is_table()) return node.as_table();
    mistakes_.Add(node.source(), path, "is " + KindOf(node) + ", write for example " + example);
    return nullptr;
  }

  const Catalogue& catalogue_;
  Mistakes& mistakes_;
  Conditions conditions_;
};

/// Beyond so many points nobody waits until all of them are found to be excluded.
constexpr std::int64_t kCheckedPoints = 100'000;

/// True if the search tries nothing where these are all the exclusions.
bool LeavesNothing(Recipe recipe, const Catalogue& catalogue, std::vector<Conditions> exclusions) {
  recipe.exclusions = std::move(exclusions);
  const SearchSpace space(recipe, catalogue);
  return !MakeStrategyFor(space, recipe)->Ask().has_value();
}

}  // namespace

void CheckExclusions(const Section& root, const Catalogue& catalogue, const Recipe& recipe) {
  const std::vector<Conditions>& all = recipe.exclusions;
  if (all.empty() || SearchSpace(recipe, catalogue).size() > kCheckedPoints) return;
  if (!LeavesNothing(recipe, catalogue, all)) return;
  // The first one that leaves nothing, by itself or with those before it.
  std::size_t place = 0;
  for (auto end = all.begin() + 1; !LeavesNothing(recipe, catalogue, {all.begin(), end}); ++end) {
    ++place;
  }
  const bool alone = LeavesNothing(recipe, catalogue, {all[place]});
  const toml::array& entries = *root.table().get("exclude")->as_array();
  root.mistakes().Add(entries[place].source(), "exclude[" + std::to_string(place) + "]",
                      std::string(alone ? "matches every model that the search would try"
                                        : "matches, with the ones before it, every model that the "
                                          "search would try") +
                          ", so there is nothing to train: take it out, or add candidates");
}

void ReadExclusions(Section& root, const Catalogue& catalogue, Recipe& recipe) {
  const toml::array* entries = root.FindTables("exclude");
  for (std::size_t i = 0; entries != nullptr && i < entries->size(); ++i) {
    ExclusionReader reader(catalogue, root.mistakes());
    recipe.exclusions.push_back(
        reader.Read(*(*entries)[i].as_table(), "exclude[" + std::to_string(i) + "]"));
  }
}

}  // namespace beamgrid
