#pragma once
// What an author has changed in a recipe since it was run, in words. Pure: two recipes in, words
// out. What follows for the trials of a study is not told here: the record decides it.

#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "search/recipe.h"

namespace beamgrid {

/// ChangeEffect is what a change does to the trials that a study asks for.
enum class ChangeEffect {
  kAdds,        ///< more of them; all others stay
  kTakesAway,   ///< some of them are asked for no more
  kEveryTrial,  ///< each of them is another one
  kSearch,      ///< which of the models are tried, or in which order
  kConduct      ///< none: only how they are run or reported
};

/// Returns the effect in words: "adds", "takes away", "every trial", "search", "conduct".
[[nodiscard]] const char* ToString(ChangeEffect effect);

/// RecipeChange is one thing that has changed.
struct RecipeChange {
  std::string text;  ///< "seeds: 3 is new", "train.epochs: 5 -> 7"; one line
  ChangeEffect effect = ChangeEffect::kSearch;
  bool operator==(const RecipeChange&) const = default;
};

/// Returns what has changed from `then` to `now`, in the order of a recipe's sections; nothing
/// where both say the same in other words (order of keys and lists, comments, defaults written
/// out) and for the study's name. Files count by their names, data by their patterns.
[[nodiscard]] std::vector<RecipeChange> RecipeChanges(const Recipe& then, const Recipe& now,
                                                      const Catalogue& catalogue);

/// Returns the same of two texts, as far as TOML alone tells it: for recipes that cannot be checked
/// any more, and where there is no catalogue. A default that is written out is a change here.
/// Throws RecipeError where a text is not TOML.
[[nodiscard]] std::vector<RecipeChange> TextChanges(const std::string& then,
                                                    const std::string& now);

}  // namespace beamgrid
