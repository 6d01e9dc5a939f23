#pragma once
// A recipe that asks for the model of one trial, written out: for studies that a program begins.

#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "search/variants.h"

namespace beamgrid {

/// TrialRecipe is what such a recipe says.
struct TrialRecipe {
  std::vector<std::string> comments;  ///< its first lines
  std::string study;                  ///< its name
  std::string description;
  /// Model, data (by the paths of their files), objective and seed. Files that options name are
  /// written by their paths, but for those of training settings, by their names.
  TrialSpec trial;
  /// The recipe of a study, from which all is taken that no trial says: data.group, data.holdout,
  /// [resources] and [ensemble]; empty: their defaults.
  std::string study_recipe;
  std::int64_t threads = 1;      ///< resources.threads_per_worker
  std::vector<OptionAxis> vary;  ///< training settings in the place of the trial's own
};

/// Returns the text. Read beside those files with the catalogue that the trial was made with, it
/// has the trial's model and data: the same fingerprint. Throws RecipeError where the study's
/// recipe is no TOML.
[[nodiscard]] std::string TextOf(const TrialRecipe& recipe);

}  // namespace beamgrid
