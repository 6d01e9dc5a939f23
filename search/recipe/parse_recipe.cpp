#include "search/recipe.h"

#include <stdexcept>

#include "search/recipe/key_depth.h"
#include "search/recipe/mistakes.h"
#include "search/recipe/section.h"
#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

[[noreturn]] void RefuseSyntax(const toml::parse_error& error, const std::string& path) {
  const auto& place = error.source().begin;
  throw RecipeError({{{path, static_cast<int>(place.line), static_cast<int>(place.column)},
                      "",
                      "not valid TOML: " + std::string(error.description())}});
}

/// No recipe needs more than four: search.baseline.temporal.clusters.
constexpr int kMostKeyParts = 16;

toml::table ParseToml(const std::string& text, const std::string& path) {
  if (const auto place = FindLongKey(text, kMostKeyParts)) {
    throw RecipeError(
        {{{path, place->line, place->column},
          "",
          "not a recipe: a key of more than " + std::to_string(kMostKeyParts) + " parts"}});
  }
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    RefuseSyntax(error, path);
  }
}

}  // namespace

bool Fixed::Names(const std::string& criterion) const {
  if (criterion == "extras") return extras.has_value();
  if (criterion == "train") return !train.empty();
  return parts.contains(criterion);
}

std::int64_t ExtraAxis::size() const {
  std::int64_t count = 0;
  for (const auto& value : values) count = SaturatingAdd(count, value ? value->size() : 1);
  return count;
}

std::optional<Options> ExtraAxis::At(std::int64_t index) const {
  for (const auto& value : values) {
    const std::int64_t count = value ? value->size() : 1;
    if (index >= count) {
      index -= count;
      continue;
    }
    if (!value) return std::nullopt;
    return value->At(index).options;
  }
  throw std::out_of_range("extra '" + name + "' has no candidate of that index");
}

std::vector<PluginReference> PluginsOfRecipe(const std::string& text, const std::string& path) {
  const toml::table table = ParseToml(text, path);
  Mistakes ignored(path);
  Section root(table, "", ignored);
  Recipe recipe;
  ReadPlugins(root, recipe);
  return recipe.plugins;
}

Recipe ParseRecipe(const std::string& text, const std::string& path, const Catalogue& catalogue,
                   const FindFile& find_file) {
  const toml::table table = ParseToml(text, path);
  Mistakes mistakes(path, find_file);
  Section root(table, "", mistakes);
  Recipe recipe;
  recipe.path = path;
  recipe.text = text;
  ReadVersion(root);
  ReadPlugins(root, recipe);
  ReadStudy(root, recipe);
  ReadData(root, recipe);
  ReadTrain(root, catalogue, recipe);
  ReadGrid(root, catalogue, recipe);
  ReadExclusions(root, catalogue, recipe);
  ReadSearch(root, catalogue, recipe);
  ReadWarmStarts(root, recipe);
  ReadResources(root, recipe);
  ReadEnsemble(root, recipe);
  ReadTables(root, recipe);
  root.RefuseOthers();
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return recipe;
}

}  // namespace beamgrid
