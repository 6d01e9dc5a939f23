#pragma once
// Files that a recipe names beside its data: plugins, and modules that options name.

#include <filesystem>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "registry/named_file.h"
#include "search/recipe.h"

namespace beamgrid {

/// Returns the text of a recipe. Throws UsageError where it cannot be read.
[[nodiscard]] std::string RecipeText(const std::filesystem::path& recipe);

/// Returns the folder in which a recipe's files are looked for: its own, and the current one where
/// the recipe comes from a pipe.
[[nodiscard]] std::filesystem::path FolderOf(const std::filesystem::path& recipe);

/// Returns the recipe with the values of `--set` put in. Throws as RecipeText, and RecipeError for
/// a setting that is wrong. The file is read once: it may be a pipe.
[[nodiscard]] RecipeSource ReadRecipe(const std::filesystem::path& recipe,
                                      const std::vector<std::string>& settings = {});

/// Returns a function that looks at files relative to the recipe's folder.
[[nodiscard]] FindFile FilesBeside(const std::filesystem::path& recipe);

/// Returns every component that the recipe may use: the trainer's and those of its plugins. Throws
/// RecipeError with the place of a plugin that is not there or that the trainer refuses, in the
/// trainer's words.
[[nodiscard]] Catalogue CatalogueFor(const std::filesystem::path& trainer,
                                     const RecipeSource& recipe);

/// Returns the plugins of the catalogue and the files that options and training settings of the
/// recipe name, each once.
[[nodiscard]] std::vector<NamedFile> NamedFilesOf(const Recipe& recipe, const Catalogue& catalogue);

/// Returns those plugins of recorded models (ToJson(ModelSpec), text) that still are what they
/// were.
[[nodiscard]] std::vector<NamedFile> PluginsAtHand(const std::vector<std::string>& models);

}  // namespace beamgrid
