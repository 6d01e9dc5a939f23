#include "search/recipe.h"

#include <stdexcept>

#include "search/recipe/mistakes.h"
#include "search/recipe/section.h"
#include "search/recipe/sections.h"
#include "search/recipe/toml_text.h"

namespace beamgrid {
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

std::vector<PluginReference> PluginsOfRecipe(const RecipeSource& source) {
  const toml::table table = ParseToml(source);
  // ParseRecipe finds them again and tells them together with all others.
  Mistakes ignored(source);
  Section root(table, "", ignored);
  Recipe recipe;
  ReadPlugins(root, recipe);
  return recipe.plugins;
}

std::vector<PluginReference> PluginsOfRecipe(const std::string& text, const std::string& path) {
  return PluginsOfRecipe(RecipeSource(text, path));
}

std::vector<std::string> WarmStartsOfRecipe(const std::string& text, const std::string& path) {
  const RecipeSource source(text, path);
  const toml::table table = ParseToml(source);
  Mistakes ignored(source);
  Section root(table, "", ignored);
  Recipe recipe;
  ReadWarmStarts(root, recipe);
  std::vector<std::string> names;
  for (const WarmStartReference& start : recipe.warm_starts) names.push_back(start.text);
  return names;
}

EnsembleQuestion EnsembleOfRecipe(const std::string& text, const std::string& path) {
  const RecipeSource source(text, path);
  toml::table table = ParseToml(source);
  table.insert("ensemble", toml::table());  // keeps the one that is there
  Mistakes mistakes(source);
  Section root(table, "", mistakes);
  Recipe recipe;
  recipe.data.holdout = table["data"]["holdout"].value_or(recipe.data.holdout);
  ReadEnsemble(root, recipe);
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return *recipe.ensemble;
}

ResourceSettings ResourcesOfRecipe(const std::string& text, const std::string& path) {
  const RecipeSource source(text, path);
  const toml::table table = ParseToml(source);
  Mistakes mistakes(source);
  Section root(table, "", mistakes);
  Recipe recipe;
  ReadResources(root, recipe);
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return recipe.resources;
}

Recipe StudyOfRecipe(const std::string& text, const std::string& path) {
  const RecipeSource source(text, path);
  const toml::table table = ParseToml(source);
  Mistakes mistakes(source);
  Section root(table, "", mistakes);
  Recipe recipe;
  ReadStudy(root, recipe);
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return recipe;
}

Recipe DataOfRecipe(const RecipeSource& source) {
  const toml::table table = ParseToml(source);
  Mistakes mistakes(source);
  Section root(table, "", mistakes);
  Recipe recipe;
  recipe.path = source.path();
  recipe.text = source.text();
  ReadData(root, recipe);
  ReadTeachers(root, recipe);
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return recipe;
}

Recipe ReadableParts(const RecipeSource& source) {
  const toml::table table = ParseToml(source);
  Mistakes ignored(source);
  Section root(table, "", ignored);
  Recipe recipe;
  recipe.path = source.path();
  recipe.text = source.text();
  ReadData(root, recipe);
  ReadTables(root, nullptr, recipe);
  return recipe;
}

Recipe ParseRecipe(const std::string& text, const std::string& path, const Catalogue& catalogue,
                   const FindFile& find_file) {
  return ParseRecipe(RecipeSource(text, path), catalogue, find_file);
}

Recipe ParseRecipe(const RecipeSource& source, const Catalogue& catalogue,
                   const FindFile& find_file) {
  const toml::table table = ParseToml(source);
  Mistakes mistakes(source, find_file);
  Section root(table, "", mistakes);
  Recipe recipe;
  recipe.path = source.path();
  recipe.text = source.text();
  ReadVersion(root);
  ReadPlugins(root, recipe);
  ReadStudy(root, recipe);
  ReadData(root, recipe);
  ReadTrain(root, catalogue, recipe);
  ReadGrid(root, catalogue, recipe);
  ReadExclusions(root, catalogue, recipe);
  ReadSearch(root, catalogue, recipe);
  ReadWarmStarts(root, recipe);
  ReadTeachers(root, recipe);
  ReadResources(root, recipe);
  ReadEnsemble(root, recipe);
  ReadTables(root, &catalogue, recipe);
  // After all readers, for each of them says what it knows by asking for it.
  root.RefuseOthers();
  if (mistakes.empty()) CheckSearch(root, catalogue, recipe);
  if (mistakes.empty()) CheckExclusions(root, catalogue, recipe);
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return recipe;
}

}  // namespace beamgrid
