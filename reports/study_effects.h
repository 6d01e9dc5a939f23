#pragma once
// What a study learnt, with names: search/effects on what the record holds.

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "reports/study_grid.h"
#include "search/effects/effects.h"
#include "search/recipe.h"

namespace beamgrid {

/// ProposedTrial is a trial that would tell most about what is open.
struct ProposedTrial {
  std::string name;
  std::int64_t seed = 0;  ///< the recipe's first that this model was not measured with
  double reduction = 0;   ///< Proposal::reduction
};

/// StudyEffects is what a study learnt. Levels of `effects` are those of `factors`.
struct StudyEffects {
  std::string study;
  const Metric* metric = kMetrics;
  std::vector<StudyFactor> factors;
  Effects effects;
  /// False where too few combinations are measured for shares of the variance, and for the
  /// deviation between combinations, to mean anything: they are then not to be shown.
  bool shares_known = true;
  std::string best, baseline, chosen;  ///< names of models; empty where there is none
  bool best_is_trained = false;        ///< else its score is what is expected of it
  bool best_is_refused = false;        ///< and the study will not train it: as too large
  std::vector<ProposedTrial> proposals;
  std::vector<std::string> notes;  ///< what the numbers do not say, what was left out
};

/// Returns the recipe of the study's last run; nothing where it is one of another version, or its
/// components are not here.
[[nodiscard]] std::optional<Recipe> RecordedRecipe(const StudyRecord& study,
                                                   const Catalogue& catalogue);

/// Returns the names of the models that the study refused to train.
[[nodiscard]] std::set<std::string> RefusedModels(const Store& store, const StudyRecord& study);

/// Makes it of a study's trials, also those that no longer count, and the recipe; without one the
/// grid is what was tried. Throws UsageError saying what is missing where fewer than 2 combinations
/// of 1 criterion with 2 candidates are complete; Error where a model and seed is there twice.
/// `refused`: the names of models that the study will not train, so that none is proposed.
[[nodiscard]] StudyEffects MakeEffects(const std::string& study, const Metric* metric,
                                       const std::vector<TrialRecord>& trials,
                                       const Catalogue& catalogue, const Recipe* recipe,
                                       const EffectsBudget& budget = {},
                                       const std::set<std::string>& refused = {});
/// Makes it of the record, with the study's objective and the recipe of its last run. Where this
/// program cannot read that recipe any more, the notes say so.
[[nodiscard]] StudyEffects MakeEffects(const Store& store, const Catalogue& catalogue,
                                       const StudyRecord& study);

/// The same for the end of a run: nothing where fewer than 2 parts vary or fewer than 6
/// combinations are complete.
[[nodiscard]] std::optional<StudyEffects> EffectsWorthTelling(const Store& store,
                                                              const Catalogue& catalogue,
                                                              const StudyRecord& study);

/// Returns {"study", "metric", "method": "exact" | "posterior", "grid": {"combinations", "sampled",
/// "measured", "scores"}, "mean", "deviation", "noise", "noise_source": "seeds" | "interactions" |
/// "model" | null, "factors": [{"name", "criterion", "share", "best", "open", "confounded",
/// "tied_to": names, "levels": [{"label", "effect", "measured", "may_be_best"}]}], "pairs":
/// [{"factors": [2], "share", "levels": [2], "effect", "matters"}], "higher_share", "best":
/// {"name", "score", "trained", "refused"}, "one_at_a_time": {"baseline", "chosen", "allowed",
/// "loss"} | null, "proposals": [{"name", "seed", "reduction"}], "notes"}. A mean, an effect, a
/// score, a loss is
/// {"value", "low", "high"} with nulls for an interval that is not known, or null. Shares and the
/// deviation are null where they are not known.
[[nodiscard]] boost::json::object ToJson(const StudyEffects& effects);

}  // namespace beamgrid
