#pragma once
// The readers of a recipe's sections, one file each. All of them put what is wrong into
// `root.mistakes()` and leave a usable value behind, so that reading always goes on to the end.

#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "registry/criteria.h"
#include "search/recipe.h"
#include "search/recipe/section.h"

namespace beamgrid {

/// Reads `beamgrid = 1`.
void ReadVersion(Section& root);
/// Reads `plugins = ["./my_module.so"]`.
void ReadPlugins(Section& root, Recipe& recipe);
/// Reads [study].
void ReadStudy(Section& root, Recipe& recipe);
/// Reads [data].
void ReadData(Section& root, Recipe& recipe);
/// Reads unrated, weighted_classes and class_weight of [data]; after format and classes.
void ReadLossWeights(Section& data, DataSettings& settings);
/// Reads [train].
void ReadTrain(Section& root, const Catalogue& catalogue, Recipe& recipe);
/// Reads [[grid.*]], [grid.extras], [grid.train]; after ReadData, whose format it depends on.
void ReadGrid(Section& root, const Catalogue& catalogue, Recipe& recipe);
/// Reads [[exclude]].
void ReadExclusions(Section& root, const Catalogue& catalogue, Recipe& recipe);
/// Adds a mistake where exclusions leave nothing to try; where the recipe has no other mistake.
void CheckExclusions(const Section& root, const Catalogue& catalogue, const Recipe& recipe);
/// Reads [search]; after ReadData.
void ReadSearch(Section& root, const Catalogue& catalogue, Recipe& recipe);
/// Asks the strategy for what it cannot do with the recipe, and remarks on what is hardly meant;
/// where the recipe has no other mistake.
void CheckSearch(const Section& root, const Catalogue& catalogue, Recipe& recipe);
/// Reads every train.from of the sections above, which have checked that it is text.
void ReadWarmStarts(Section& root, Recipe& recipe);
/// Reads every train.teacher of the same sections.
void ReadTeachers(Section& root, Recipe& recipe);
/// Reads [resources].
void ReadResources(Section& root, Recipe& recipe);
/// Reads [resources.slurm]; after the other keys of [resources].
void ReadSlurm(Section& resources, Recipe& recipe);
/// Reads [ensemble]; after ReadData.
void ReadEnsemble(Section& root, Recipe& recipe);
/// Reads [[table]]; after ReadGrid. Without a catalogue (null) extras and training settings that a
/// table names are not looked up.
void ReadTables(Section& root, const Catalogue* catalogue, Recipe& recipe);

/// Reads [search.baseline] or a stage's `fix`: every option has one value.
[[nodiscard]] Fixed ReadFixed(const toml::table& table, const std::string& path,
                              const Catalogue& catalogue, const DataSettings& data,
                              Mistakes& mistakes);

/// Reads a time in seconds, of `least` seconds or more: nothing of ours is told apart within less
/// than one, and what is cut to 0 would be no limit at all.
[[nodiscard]] double ReadDuration(Section& section, const char* key, double fallback,
                                  int least = 1);
/// Reads a size in bytes, of 1 or more: text with a unit, or a number.
[[nodiscard]] std::int64_t ReadSize(Section& section, const char* key, std::int64_t fallback);

/// PlacedWord is a text of a list, with its place for messages.
struct PlacedWord {
  std::string word;
  const toml::node* node = nullptr;
  std::string path;  ///< "search.order[1]"
};

/// Returns the list of texts at `node` (one text counts as a list of one) without those that are
/// wrong. A text that is there twice is a mistake.
[[nodiscard]] std::vector<PlacedWord> ReadWords(const toml::node& node, const std::string& path,
                                                Mistakes& mistakes);
[[nodiscard]] std::vector<std::string> Words(const std::vector<PlacedWord>& words);

/// Returns whether `criterion` is one; adds a mistake with the nearest spelling where it is none.
bool CheckCriterion(const std::string& criterion, const toml::source_region& where,
                    const std::string& path, Mistakes& mistakes);

/// Adds a mistake for a component that does not fit the data: any temporal one but the default
/// where they are video-level, which has no frames to aggregate; one that is for another number of
/// features.
void CheckFits(const Catalogue& catalogue, const std::string& criterion,
               const std::string& component, const DataSettings& data, const toml::node& node,
               const std::string& path, Mistakes& mistakes);

}  // namespace beamgrid
