#pragma once
// The recipe of a command: its file, and what the command line changes in it.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "search/recipe_source.h"

namespace beamgrid {

/// Adds `--set KEY=VALUE`.
void AddSettings(CLI::App& app, std::vector<std::string>* settings);

/// RecipeOption is `RECIPE` and `--set KEY=VALUE`.
struct RecipeOption {
  std::string path;
  std::vector<std::string> settings;

  void AddTo(CLI::App& app);
  /// Reads the recipe. Throws UsageError if the file cannot be read, RecipeError for a setting that
  /// is wrong.
  [[nodiscard]] RecipeSource Read() const;
};

}  // namespace beamgrid
