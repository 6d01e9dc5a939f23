#pragma once
// The trainer as commands use it.

#include <filesystem>
#include <vector>

#include "orchestrator/commands/command.h"
#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/recipe_source.h"

namespace beamgrid {

/// Trainer is the worker's program and what it can train.
struct Trainer {
  std::filesystem::path path;
  Catalogue catalogue;
};

/// Finds the trainer and its catalogue, with the components of `plugins`. Throws Error where there
/// is no trainer, UsageError where it refuses a plugin.
[[nodiscard]] Trainer OpenTrainer(const CommandContext& context,
                                  const std::vector<NamedFile>& plugins = {});

/// Returns the plugins of the studies' models that still are what they were. Thousands of models
/// without any are not read.
[[nodiscard]] std::vector<NamedFile> PluginsOf(const Store& store,
                                               const std::vector<StudyRecord>& studies);

/// Finds the trainer with the plugins that a recipe names. Throws RecipeError for what is wrong
/// with them.
[[nodiscard]] Trainer OpenTrainerFor(const CommandContext& context, const RecipeSource& recipe);

}  // namespace beamgrid
