#pragma once
// What is wrong with a recipe, as people read it.

#include <string>
#include <vector>

#include "search/recipe.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {

/// Returns the mistakes of the recipe "r.toml", by line.
inline std::vector<std::string> MistakesOf(const std::string& text) {
  try {
    (void)ParseRecipe(text, "r.toml", TestCatalogue());
  } catch (const RecipeError& error) {
    std::vector<std::string> texts;
    for (const Diagnostic& diagnostic : error.diagnostics()) texts.push_back(ToString(diagnostic));
    return texts;
  }
  return {};
}

}  // namespace beamgrid
