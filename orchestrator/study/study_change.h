#pragma once
// What a study means now, beside what it meant when it was run last: what has changed in its recipe
// and its content, and which of its trials stay. Reads the record and changes nothing.

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/study/model_counter.h"
#include "orchestrator/study/outdated_trials.h"
#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/recipe.h"
#include "search/recipe_changes.h"

namespace beamgrid {

/// StudyChange is what has changed, and what follows for the trials of the study.
struct StudyChange {
  std::vector<RecipeChange> recipe;  ///< what its author has changed
  /// Why the recorded recipe could be compared as a text only; empty: it could be checked.
  std::string only_as_text;
  std::vector<Outdated> outdated;  ///< trials that count, of other content
  std::vector<TrialId> unasked;    ///< other trials that count, which the study asks for no more
  std::int64_t stay = 0;           ///< trials that count and go on to do so
  std::int64_t return_again = 0;   ///< complete trials that do not count and will again
  /// Trials that count now and may be asked for: which of them, the results of others decide.
  std::int64_t undecided = 0;
  std::int64_t finished_undecided = 0;  ///< of them
  /// Trials that are none of the study's yet; nothing where the grid is too large to be counted.
  std::optional<std::int64_t> added;
  bool more_may_follow = false;  ///< `added` is what is known now
  bool counted = false;          ///< false: the data were not looked at, so no trial was
  /// Complete trials that leave the study's answer.
  std::int64_t finished_leaving = 0;
  /// Complete trials that may leave it, by what the changed search decides.
  std::int64_t finished_at_stake = 0;

  /// Returns the trials that count no more from now on.
  [[nodiscard]] std::size_t leaving() const;
  /// True if there is anything to tell.
  [[nodiscard]] bool any() const { return !recipe.empty() || leaving() > 0; }
  /// True if finished trials leave the study's answer: nobody but its user can want that.
  [[nodiscard]] bool needs_consent() const { return finished_leaving + finished_at_stake > 0; }
};

/// Returns what has changed since the study of the recipe's name was run last; nothing has where
/// the record holds none. Data without a digest were not looked at: only the recipe is compared
/// then. A search is followed through the record, so `counter` is asked for models that the record
/// does not hold, a thousand at most. The cost follows from the number of the study's trials, not
/// of the grid's points. Throws what the counter throws, and RecipeError where trials are to start
/// from trials that the record does not hold.
[[nodiscard]] StudyChange FindStudyChange(const Store& store, const Recipe& recipe,
                                          const Catalogue& catalogue, const DataSpec& data,
                                          ModelCounter& counter);

/// Returns what has changed in lines for people: each change, and how many trials stay, are new, or
/// are asked for no more. Empty where there is nothing to tell.
[[nodiscard]] std::vector<std::string> LinesOf(const StudyChange& change);

/// Returns "2 finished trials of study 's' would no longer count".
[[nodiscard]] std::string WhatLeaves(const StudyChange& change, const std::string& study);

/// Returns what `run` says instead of going on: LinesOf, and the ways out.
[[nodiscard]] std::string RefusalOf(const StudyChange& change, const std::string& study);

/// Returns the change as `--json` prints it; null where there is nothing to tell.
[[nodiscard]] boost::json::value ToJson(const StudyChange& change);
/// The keys of ToJson, for the help.
inline constexpr char kStudyChangeKeys[] =
    "study_changes: {recipe: [{change, effect}], content: [{change, trials}], stay, added,\n"
    "more_may_follow, no_longer_asked_for, finished_leaving, finished_at_stake, count_again,\n"
    "undecided, needs_accept_changes} or null";

}  // namespace beamgrid
