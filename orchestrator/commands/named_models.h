#pragma once
// MODEL|STUDY[:ensemble|:ID]: how a command line names a trained model or a recorded ensemble.

#include <optional>
#include <string>
#include <vector>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/commands/record.h"
#include "registry/store/store.h"

namespace beamgrid {

/// The help of such an argument.
inline constexpr char kNamedModelsHelp[] =
    "A trial (id, fingerprint's first digits or STUDY/NAME[/SEED]), a study with one complete "
    "trial, STUDY:ensemble, or STUDY:ID for an ensemble that `ensembles` lists";

/// NamedModels is what such a name stands for.
struct NamedModels {
  StudyRecord study;                ///< of the ensemble; of a trial one that refers to it
  std::vector<TrialRecord> trials;  ///< complete; the members in the ensemble's order, or one
  std::optional<KeptEnsemble> ensemble;
};

/// Returns what `text` names. Throws UsageError where nothing has this name, where it names several
/// trials, a trial that is not complete, or a study without an ensemble of trials that count now or
/// of that ID.
[[nodiscard]] NamedModels FindModels(const Store& store, const DatabaseOption& database,
                                     const std::string& text);

}  // namespace beamgrid
