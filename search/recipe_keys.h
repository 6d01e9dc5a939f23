#pragma once
// Every key that a recipe may have, in one table. The readers (search/recipe) take types, ranges
// and defaults from it and ask for no key that is not in it; `beamgrid help recipe` and
// docs/recipe.md are printed from it.

#include <string>
#include <string_view>
#include <vector>

#include "registry/catalogue.h"

namespace beamgrid {

/// RecipeKey is one key of a section.
struct RecipeKey {
  /// Its name, type, default, range and help. A name in capitals (NAME) stands for any name.
  OptionInfo setting;
  std::string takes;     ///< what it takes, in words, where that is more than `setting` says
  std::string fallback;  ///< its default as TOML, or in words; "required": it must be there
};

/// RecipeSection is one table of a recipe.
struct RecipeSection {
  std::string name;     ///< "data", "search.stage"; empty: the keys before the first section
  std::string heading;  ///< as a recipe writes it: "[data]", "[[search.stage]]"
  std::string help;
  std::vector<RecipeKey> keys;  ///< in the order of the reference
};

/// Returns the sections in the order of the reference; those of [search] with the keys that the
/// strategies have.
[[nodiscard]] const std::vector<RecipeSection>& RecipeSections();

/// Returns the key `name` of a section, as in ("search.stage[0]", "vary"). Throws std::logic_error
/// where the table does not have it: a reader asks for something that no reference tells of.
[[nodiscard]] const RecipeKey& RecipeKeyOf(std::string_view section_path, std::string_view name);

/// Throws std::logic_error where the section has no such key, nor a section of that name in it.
void RequireRecipeKey(std::string_view section_path, std::string_view name);

}  // namespace beamgrid
