// The digest that tells one recipe from another: a hash of canonical JSON in which everything
// whose order has no meaning is sorted.
#include <algorithm>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "search/recipe.h"
#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

array Sorted(array list) {
  std::vector<std::string> texts;
  for (const value& element : list) texts.push_back(CanonicalJson(element));
  std::ranges::sort(texts);
  return JsonList(texts);
}

/// Returns the option with a file as it is written: what is in it counts for a trial's identity,
/// not for the recipe's.
value Written(const value& option) {
  const auto file = NamedFileFrom(option);
  return file ? value(file->name) : option;
}

object ToObject(const Options& options) {
  object result;
  for (const auto& [name, option] : options) result[name] = Written(option);
  return result;
}

/// Returns the steps as objects, so that neither the order of names nor that of steps counts.
array AxisArray(const OptionAxis& axis) {
  return Sorted(JsonList(axis.steps, [&](const std::vector<OptionValue>& step) {
    object options;
    for (std::size_t i = 0; i < axis.names.size(); ++i) options[axis.names[i]] = Written(step[i]);
    return options;
  }));
}

array AxesArray(const std::vector<OptionAxis>& axes) { return Sorted(JsonList(axes, AxisArray)); }

/// Returns the set's meaning: an axis of one step is the same as a value.
object VariantObject(VariantSet set) {
  std::vector<OptionAxis> axes;
  for (OptionAxis& axis : set.axes) {
    if (axis.steps.size() > 1) {
      axes.push_back(std::move(axis));
      continue;
    }
    for (std::size_t i = 0; i < axis.names.size(); ++i) set.fixed[axis.names[i]] = axis.steps[0][i];
  }
  return {{"use", set.component}, {"options", ToObject(set.fixed)}, {"axes", AxesArray(axes)}};
}

object GridObject(const Recipe& recipe) {
  object grid;
  for (const auto& [criterion, sets] : recipe.grid) {
    grid[criterion] = Sorted(JsonList(sets, VariantObject));
  }
  object extras;
  for (const ExtraAxis& axis : recipe.extras) {
    array values = JsonList(axis.values, [](const auto& entry) {
      return entry ? value(VariantObject(*entry)) : value(false);
    });
    // An extra that is only off says the same as one that is not named.
    if (values.size() == 1 && values[0].is_bool()) continue;
    extras[axis.name] = Sorted(std::move(values));
  }
  grid["extras"] = std::move(extras);
  grid["train"] = AxesArray(recipe.train_grid);
  return grid;
}

object DataObject(const DataSettings& data) {
  object result = {{"format", data.format},
                   {"train", Sorted(array(data.train.begin(), data.train.end()))},
                   {"validate", Sorted(array(data.validate.begin(), data.validate.end()))},
                   {"classes", data.classes},
                   {"features", JsonList(data.features,
                                         [](const Feature& feature) {
                                           return array{feature.first, feature.second};
                                         })},
                   {"max_frames", data.max_frames},
                   {"on_error", data.on_error}};
  object types, normalise;
  for (const auto& [name, type] : data.frame_types) types[name] = WordFor(kFrameTypes, type);
  for (const auto& [name, how] : data.normalise) normalise[name] = WordFor(kNormalisations, how);
  // What is not there stays out: recipes without it keep their digest.
  if (!types.empty()) result["frame_types"] = std::move(types);
  if (!normalise.empty()) result["normalise"] = std::move(normalise);
  if (data.frame_alignment != FrameAlignment::kCut) {
    result["frame_alignment"] = WordFor(kFrameAlignments, data.frame_alignment);
  }
  if (data.multi_class) result["multi_class"] = true;
  if (!data.video_weight.empty()) result["video_weight"] = data.video_weight;
  if (data.format == "segment") result["unrated"] = data.unrated;
  // A weight of 1 changes nothing, so naming the classes changes no digest.
  if (data.class_weight != 1) {
    result["class_weight"] = data.class_weight;
    result["weighted_classes_file"] = data.weighted_classes_file;
    result["weighted_classes"] =
        Sorted(array(data.weighted_classes.begin(), data.weighted_classes.end()));
  }
  return result;
}

object ToObject(const Fixed& fixed) {
  object result;
  for (const auto& [criterion, variant] : fixed.parts) {
    result[criterion] = {{"use", variant.component}, {"options", ToObject(variant.options)}};
  }
  if (fixed.extras) {
    object extras;
    for (const auto& [name, options] : *fixed.extras) extras[name] = ToObject(options);
    result["extras"] = std::move(extras);
  }
  if (!fixed.train.empty()) result["train"] = ToObject(fixed.train);
  return result;
}

/// Returns where a search starts when it is not told: at the first entry of each criterion.
object StartObject(const Recipe& recipe) {
  object start;
  for (const auto& [criterion, sets] : recipe.grid) {
    if (sets.empty() || recipe.search.baseline.parts.contains(criterion)) continue;
    const Variant first = sets.front().At(0);
    start[criterion] = {{"use", first.component}, {"options", ToObject(first.options)}};
  }
  return start;
}

object SearchObject(const Recipe& recipe) {
  const SearchSettings& search = recipe.search;
  object result = {{"strategy", search.strategy}};
  // The grid asks for every point, so nothing else of [search] has a meaning for it.
  if (search.strategy == "grid") return result;
  // As written: the criteria are decided in this order.
  result["order"] = array(search.order.begin(), search.order.end());
  result["passes"] = search.passes;
  result["baseline"] = ToObject(search.baseline);
  result["start"] = StartObject(recipe);
  result["stages"] = JsonList(search.stages, [](const Stage& stage) {
    return object{{"vary", stage.vary}, {"fix", ToObject(stage.fix)}};
  });
  result["other"] = ToObject(search.other);
  return result;
}

array ExclusionArray(const Recipe& recipe) {
  const auto condition_array = [](const Condition& condition) {
    return array{condition.criterion, condition.component, condition.option,
                 Written(condition.value)};
  };
  return Sorted(JsonList(recipe.exclusions, [&](const Conditions& exclusion) {
    return Sorted(JsonList(exclusion, condition_array));
  }));
}

}  // namespace

std::string RecipeDigest(const Recipe& recipe) {
  object meaning = {{"objective", recipe.objective->name},
                    {"seeds", Sorted(array(recipe.seeds.begin(), recipe.seeds.end()))},
                    {"data", DataObject(recipe.data)},
                    {"train", ToObject(recipe.train)},
                    {"grid", GridObject(recipe)},
                    {"exclude", ExclusionArray(recipe)},
                    {"search", SearchObject(recipe)}};
  if (recipe.least_seeds < recipe.seeds.size()) meaning["least_seeds"] = recipe.least_seeds;
  if (!recipe.plugins.empty()) {
    meaning["plugins"] = Sorted(JsonList(recipe.plugins, &PluginReference::text));
  }
  return HashBytes(CanonicalJson(meaning));
}

}  // namespace beamgrid
