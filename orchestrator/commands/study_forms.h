#pragma once
// The forms of studies' trials in other precisions, made where they are not there yet.

#include <string>
#include <vector>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/study_ensemble.h"

namespace beamgrid {

/// Returns the precisions that --forms lists. Throws UsageError for one that no form has.
[[nodiscard]] Forms FormsOf(const std::vector<std::string>& words);

/// Has the trainer make the forms that these studies lack, and records them. Whatever fails is told
/// on `context.err`. Returns false after an interrupt: what is made stays. Throws UsageError where
/// one of the studies is being run.
[[nodiscard]] bool MakeForms(CommandContext& context, const DatabaseOption& database,
                             const std::vector<StudyRecord>& studies, const Forms& forms);

}  // namespace beamgrid
