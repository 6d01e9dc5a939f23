#include "search/recipe.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

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

/// Returns the bytes of the string or comment that `rest` begins with; 0: it begins with none.
std::size_t TextBytes(std::string_view rest) {
  if (rest[0] == '#') return std::min(rest.find('\n'), rest.size());
  if (rest[0] != '"' && rest[0] != '\'') return 0;
  const bool lines = rest.substr(0, 3) == std::string(3, rest[0]);
  const std::string_view quotes = rest.substr(0, lines ? 3 : 1);
  for (std::size_t at = quotes.size(); at < rest.size(); ++at) {
    if (rest[at] == '\n' && !lines) return at;
    if (rest.substr(at).starts_with(quotes)) return at + quotes.size();
    if (rest[at] == '\\' && rest[0] == '"') ++at;
  }
  return rest.size();
}

/// Refuses keys of more than 16 parts. One of a hundred thousand ("a.a.a...") makes as many tables
/// of toml++ inside each other, whose destructors run out of stack. No recipe needs more than four:
/// search.baseline.temporal.clusters.
void RefuseLongKeys(std::string_view text, const std::string& path) {
  constexpr int kMostParts = 16;
  int parts = 1;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const std::size_t bytes = TextBytes(text.substr(at)); bytes > 0) {
      at += bytes - 1;
      continue;
    }
    if (std::string_view("=,[]{}\n").find(text[at]) != std::string_view::npos) parts = 1;
    if (text[at] != '.' || ++parts <= kMostParts) continue;
    const std::string_view before = text.substr(0, at);
    throw RecipeError(
        {{{path, static_cast<int>(std::ranges::count(before, '\n')) + 1,
           static_cast<int>(at - (before.rfind('\n') + 1)) + 1},
          "",
          "not a recipe: a key of more than " + std::to_string(kMostParts) + " parts"}});
  }
}

toml::table ParseToml(const std::string& text, const std::string& path) {
  RefuseLongKeys(text, path);
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
  // ParseRecipe finds them again and tells them together with all others.
  Mistakes ignored(path);
  Section root(table, "", ignored);
  Recipe recipe;
  ReadPlugins(root, recipe);
  return recipe.plugins;
}

std::vector<std::string> WarmStartsOfRecipe(const std::string& text, const std::string& path) {
  const toml::table table = ParseToml(text, path);
  Mistakes ignored(path);
  Section root(table, "", ignored);
  Recipe recipe;
  ReadWarmStarts(root, recipe);
  std::vector<std::string> names;
  for (const WarmStartReference& start : recipe.warm_starts) names.push_back(start.text);
  return names;
}

EnsembleQuestion EnsembleOfRecipe(const std::string& text, const std::string& path) {
  toml::table table = ParseToml(text, path);
  table.insert("ensemble", toml::table());  // keeps the one that is there
  Mistakes mistakes(path);
  Section root(table, "", mistakes);
  Recipe recipe;
  recipe.data.holdout = table["data"]["holdout"].value_or(recipe.data.holdout);
  ReadEnsemble(root, recipe);
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return *recipe.ensemble;
}

Recipe DataOfRecipe(const std::string& text, const std::string& path) {
  const toml::table table = ParseToml(text, path);
  Mistakes mistakes(path);
  Section root(table, "", mistakes);
  Recipe recipe;
  recipe.path = path;
  recipe.text = text;
  ReadData(root, recipe);
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return recipe;
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
  // After all readers, for each of them says what it knows by asking for it.
  root.RefuseOthers();
  if (!mistakes.empty()) throw RecipeError(mistakes.Take());
  return recipe;
}

}  // namespace beamgrid
