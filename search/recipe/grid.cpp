// [[grid.<criterion>]], [grid.extras] and [grid.train].
#include <algorithm>

#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "search/recipe/components.h"
#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

std::string Indexed(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

class GridReader {
 public:
  GridReader(const Catalogue& catalogue, const DataSettings& data, Mistakes& mistakes)
      : catalogue_(catalogue), data_(data), mistakes_(mistakes) {}

  std::vector<VariantSet> ReadCriterion(Section& grid, const std::string& criterion) {
    std::vector<VariantSet> sets;
    std::vector<const toml::node*> places;
    const toml::array* entries = grid.FindTables(criterion);
    for (std::size_t i = 0; entries != nullptr && i < entries->size(); ++i) {
      const toml::table& table = *(*entries)[i].as_table();
      const std::string path = Indexed(grid.PathOf(criterion), i);
      std::optional<VariantSet> set =
          ReadComponent(catalogue_, criterion, table, path, Lists::kExpand, mistakes_);
      if (!set) continue;
      const toml::node& use = *table.get("use");
      CheckFits(catalogue_, criterion, set->component, data_, use, path + ".use", mistakes_);
      CheckFeature(criterion, set->component, table, path);
      // A variant that is given twice would be trained once and stand in two rows.
      CheckOverlap(sets, places, *set, use, path);
      sets.push_back(std::move(*set));
      places.push_back(&use);
    }
    return sets;
  }

  std::vector<ExtraAxis> ReadExtras(Section& grid) {
    std::vector<ExtraAxis> axes;
    const toml::table* table = grid.FindTable("extras");
    if (table == nullptr) return axes;
    for (const auto& [key, node] : *table) {
      const std::string path = grid.PathOf("extras") + "." + std::string(key.str());
      const ComponentInfo* extra = FindExtra(catalogue_, key, path, mistakes_);
      if (extra == nullptr) continue;
      ExtraAxis axis = ReadExtraAxis(*extra, node, path);
      if (!axis.values.empty()) axes.push_back(std::move(axis));
    }
    return axes;
  }

  std::vector<OptionAxis> ReadTrainGrid(Section& grid) {
    const toml::table* table = grid.FindTable("train");
    const ComponentInfo* train = catalogue_.Find("train", "train");
    if (table == nullptr || train == nullptr) return {};
    VariantSet set = ReadOptions(*train, *table, grid.PathOf("train"), Lists::kExpand, mistakes_);
    for (const auto& [key, node] : WrittenOrder(*table)) {
      const auto single = set.fixed.find(std::string(key->str()));
      // A single value is an axis of one step, which takes the place of the one in [train].
      if (single != set.fixed.end()) set.axes.push_back({{single->first}, {{single->second}}});
    }
    return set.axes;
  }

 private:
  /// Adds a mistake for rgb_only and audio_only where the data have no feature of that name and
  /// none is chosen by its number: the trainer would refuse each such model.
  void CheckFeature(const std::string& criterion, const std::string& component,
                    const toml::table& table, const std::string& path) {
    if (criterion != "multimodal" || (component != "rgb_only" && component != "audio_only")) return;
    const std::string word = component.substr(0, component.find('_'));
    const toml::node* feature = table.get("feature");
    const bool by_number = feature != nullptr && feature->is_integer();
    if (by_number || (feature != nullptr && feature->is_array())) return;
    const auto has_word = [&word](const Feature& one) {
      return one.first.find(word) != std::string::npos;
    };
    if (data_.features.empty() || std::ranges::any_of(data_.features, has_word)) return;
    mistakes_.Add(table.get("use")->source(), path + ".use",
                  "is '" + component + "', and the name of no feature contains \"" + word +
                      "\": data.features has " + Join(data_.features, ", ", &Feature::first) +
                      "; say which one by its number, feature = 1.." +
                      std::to_string(data_.features.size()));
  }

  ExtraAxis ReadExtraAxis(const ComponentInfo& extra, const toml::node& node,
                          const std::string& path) {
    ExtraAxis axis{.name = extra.name};
    const toml::array* list = node.as_array();
    if (list == nullptr) {
      AddValue(extra, node, path, axis);
      return axis;
    }
    if (list->empty()) {
      mistakes_.Add(node.source(), path, "the list is empty; give at least one value");
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      AddValue(extra, (*list)[i], Indexed(path, i), axis);
    }
    return axis;
  }

  void AddValue(const ComponentInfo& extra, const toml::node& node, const std::string& path,
                ExtraAxis& axis) {
    auto value = ReadExtra(extra, node, path, Lists::kExpand, mistakes_);
    if (!value) return;
    const auto same = [&value](const std::optional<VariantSet>& other) {
      if (!other || !*value) return !other && !*value;
      return Overlap(*other, **value);
    };
    if (std::any_of(axis.values.begin(), axis.values.end(), same)) {
      mistakes_.Add(node.source(), path,
                    *value ? "gives a variant that is in the list already"
                           : "is off, which is in the list already (false and 0 mean off)");
      return;
    }
    axis.values.push_back(std::move(*value));
  }

  void CheckOverlap(const std::vector<VariantSet>& sets,
                    const std::vector<const toml::node*>& places, const VariantSet& set,
                    const toml::node& use, const std::string& path) {
    for (std::size_t i = 0; i < sets.size(); ++i) {
      if (!Overlap(sets[i], set)) continue;
      mistakes_.Add(use.source(), path,
                    "gives a variant of '" + set.component + "' that the entry of line " +
                        std::to_string(places[i]->source().begin.line) + " gives already");
      return;
    }
  }

  const Catalogue& catalogue_;
  const DataSettings& data_;
  Mistakes& mistakes_;
};

/// Returns the default component with its defaults; nothing where the trainer does not have it.
std::vector<VariantSet> DefaultSet(const Catalogue& catalogue, const std::string& criterion) {
  const ComponentInfo* component = catalogue.Find(criterion, DefaultComponent(criterion));
  if (component == nullptr) return {};
  return {{.component = component->name, .fixed = DefaultOptions(*component)}};
}

/// Remarks on parts for videos of one class where they may have several, and the other way round:
/// both train, and learn something else than was meant.
void NoteLabels(const Section& root, const Mistakes& mistakes, Recipe& recipe) {
  const toml::node_view grid = root.table()["grid"];
  bool for_one = false;
  for (const auto& [criterion, component] :
       {std::pair{"classifier", "softmax"}, std::pair{"loss", "categorical_cross_entropy"}}) {
    const toml::array* entries = grid[criterion].as_array();
    for (std::size_t i = 0; entries != nullptr && i < entries->size(); ++i) {
      const toml::node_view use = toml::node_view((*entries)[i])["use"];
      if (use.value_or<std::string>("") != component) continue;
      for_one = true;
      if (recipe.data.multi_class) continue;
      recipe.remarks.push_back(
          {mistakes.PlaceOf(use.node()->source()),
           "grid." + std::string(criterion) + "[" + std::to_string(i) + "].use",
           std::string("'") + component +
               "' is for videos of exactly one class, and these may have several: write labels = "
               "\"multi_class\" under [data] if each has one, or take another " +
               criterion});
    }
  }
  if (!recipe.data.multi_class || for_one) return;
  const toml::node* labels = root.table()["data"]["labels"].node();
  recipe.remarks.push_back({mistakes.PlaceOf(labels->source()), "data.labels",
                            "is \"multi_class\", and every model judges each class by itself, as "
                            "if a video had several: "
                            "write [[grid.classifier]] use = \"softmax\" and [[grid.loss]] use = "
                            "\"categorical_cross_entropy\""});
}

}  // namespace

void CheckFits(const Catalogue& catalogue, const std::string& criterion,
               const std::string& component, const DataSettings& data, const toml::node& node,
               const std::string& path, Mistakes& mistakes) {
  if (criterion == "temporal" && data.format == "video" &&
      component != DefaultComponent("temporal")) {
    mistakes.Add(node.source(), path,
                 "is '" + component +
                     "', must be 'mean' or left out: video-level data (data.format = "
                     "\"video\") has no frames to aggregate");
  }
  const ComponentInfo* info = catalogue.Find(criterion, component);
  if (info == nullptr || TakesFeatures(*info, data.features.size())) return;
  std::vector<std::string> others;
  for (const ComponentInfo* other : catalogue.OfCriterion(criterion)) {
    if (TakesFeatures(*other, data.features.size())) others.push_back(other->name);
  }
  mistakes.Add(node.source(), path,
               "is '" + component + "', which needs " + FeatureCountText(*info) +
                   "; data.features has " + CountText(data.features.size(), "feature") + " (" +
                   Join(data.features, ", ", &Feature::first) + "), for which there are " +
                   Join(others));
}

void ReadGrid(Section& root, const Catalogue& catalogue, Recipe& recipe) {
  static const toml::table kEmpty;
  const toml::table* table = root.FindTable("grid");
  Section grid(table == nullptr ? kEmpty : *table, "grid", root.mistakes());
  GridReader reader(catalogue, recipe.data, root.mistakes());
  for (const std::string& criterion : AllCriteria()) {
    if (!IsSingle(criterion)) continue;
    std::vector<VariantSet> sets = reader.ReadCriterion(grid, criterion);
    if (!grid.table().contains(criterion)) {
      sets = DefaultSet(catalogue, criterion);
      if (sets.empty()) {
        grid.Mistake(criterion + " is left out, and this trainer lacks its default, '" +
                     DefaultComponent(criterion) + "'");
      }
    }
    recipe.grid[criterion] = std::move(sets);
  }
  recipe.extras = reader.ReadExtras(grid);
  recipe.train_grid = reader.ReadTrainGrid(grid);
  NoteLabels(root, root.mistakes(), recipe);
  grid.RefuseOthers();
}

}  // namespace beamgrid
