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

/// `beamgrid = 1`
void ReadVersion(Section& root);
/// `plugins = ["./my_module.so"]`
void ReadPlugins(Section& root, Recipe& recipe);
/// [study]
void ReadStudy(Section& root, Recipe& recipe);
/// [data]
void ReadData(Section& root, Recipe& recipe);
/// [data] unrated, weighted_classes and class_weight; after format and classes
void ReadLossWeights(Section& data, DataSettings& settings);
/// [train]
void ReadTrain(Section& root, const Catalogue& catalogue, Recipe& recipe);
/// [[grid.*]], [grid.extras], [grid.train]; after ReadData, whose format it depends on
void ReadGrid(Section& root, const Catalogue& catalogue, Recipe& recipe);
/// [[exclude]]
void ReadExclusions(Section& root, const Catalogue& catalogue, Recipe& recipe);
/// [search]; after ReadData
void ReadSearch(Section& root, const Catalogue& catalogue, Recipe& recipe);
/// Every train.from of the sections above, which have checked that it is text
void ReadWarmStarts(Section& root, Recipe& recipe);
/// [resources]
void ReadResources(Section& root, Recipe& recipe);
/// [ensemble]; after ReadData
void ReadEnsemble(Section& root, Recipe& recipe);
/// [[table]]
void ReadTables(Section& root, Recipe& recipe);

/// [search.baseline] and a stage's `fix`: every option has one value.
[[nodiscard]] Fixed ReadFixed(const toml::table& table, const std::string& path,
                              const Catalogue& catalogue, const std::string& format,
                              Mistakes& mistakes);

struct PlacedWord {
  std::string word;
  const toml::node* node = nullptr;
  std::string path;  ///< "search.order[1]"
};

/// The list of texts at `node` (one text counts as a list of one) without those that are wrong. A
/// text that is there twice is a mistake.
[[nodiscard]] std::vector<PlacedWord> ReadWords(const toml::node& node, const std::string& path,
                                                Mistakes& mistakes);
[[nodiscard]] std::vector<std::string> Words(const std::vector<PlacedWord>& words);

/// A mistake where `criterion` is none, with the nearest spelling.
bool CheckCriterion(const std::string& criterion, const toml::source_region& where,
                    const std::string& path, Mistakes& mistakes);

/// Video-level data has no frames to aggregate: a mistake for any temporal component but the
/// default one.
void CheckTemporal(const std::string& component, const std::string& format, const toml::node& node,
                   const std::string& path, Mistakes& mistakes);

}  // namespace beamgrid
