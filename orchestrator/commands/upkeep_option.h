#pragma once
// What the commands that tidy up a record share.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <string>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/housekeeping/tidying.h"

namespace beamgrid {

/// UpkeepOption is `--db FILE`, `--runs DIR` and `--yes`.
struct UpkeepOption {
  DatabaseOption database;
  bool yes = false;

  void AddTo(CLI::App& app);
};

/// Says what was deleted: "freed 85.0 MiB (6 files)". Returns the command's exit code: kExitBroken
/// where something could not be deleted, which is named.
[[nodiscard]] int ReportFreed(const CommandContext& context, const Freed& freed);

/// Returns {"bytes", "files", "problems"}: what `--json` says of the same.
[[nodiscard]] boost::json::object ToJson(const Freed& freed);

/// Returns {"id", "study", "name", "seed"}: how `--json` names a trial.
[[nodiscard]] boost::json::object TrialJson(const std::string& study, const TrialRecord& trial);

/// Returns whether the record may be opened for writing: true where it is of this program's schema;
/// else the user is asked, for what wrote it cannot read it afterwards. Comes before Tidying, so
/// that who is asked and says no has changed nothing.
[[nodiscard]] bool MayBringUpToDate(const CommandContext& context, const UpkeepOption& option);

/// Has Slurm end the jobs that the study of that name left in the queue, and says so.
void EndLeftJobs(const CommandContext& context, const Store& store, const std::string& study);

/// Deletes what a command that was killed has left, and says so.
void FinishEarlier(const CommandContext& context, Tidying& tidying);

}  // namespace beamgrid
