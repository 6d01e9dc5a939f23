#pragma once
// A recipe's text stays while its content changes: data files, class lists, plugins, scripts, the
// trials that others start from. Which trials of a study are of other content than there is now.

#include <string>
#include <vector>

#include "orchestrator/study/warm_start.h"
#include "registry/store/store.h"
#include "search/recipe.h"

namespace beamgrid {

/// Outdated is trials with the one change that made them so.
struct Outdated {
  /// kNever: an older version could not tell what the content was, so nothing can be compared.
  enum class Return { kWithContent, kNever };

  std::string change;  ///< "data: train lacks train2.tfrecord (2 files, were 3)"
  std::string made;    ///< how they were made: "trained on other data"
  Return comes_back = Return::kWithContent;  ///< whether they may count again
  std::vector<TrialId> trials;

  /// Returns what the record keeps beside each of them: "it was trained on other data".
  [[nodiscard]] std::string why() const { return "it was " + made; }
};

/// Returns those of the trials that are of other content than the recipe means now, grouped by what
/// has changed; each trial once. Reads the files that their models name. Throws Error where one
/// cannot be read. A default that another version of a component has is not seen here.
[[nodiscard]] std::vector<Outdated> FindOutdated(const Store& store,
                                                 const std::vector<TrialRecord>& trials,
                                                 const Recipe& recipe, const DataSpec& data,
                                                 const WarmStarts& starts);

/// Returns what happened, in lines for people: what has changed, and how many trials no longer
/// count.
[[nodiscard]] std::vector<std::string> LinesOf(const std::vector<Outdated>& outdated);

}  // namespace beamgrid
