#include "orchestrator/commands/upkeep_option.h"

#include <algorithm>

#include "orchestrator/commands/confirm.h"
#include "orchestrator/slurm/left_jobs.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string FreedText(const Freed& freed) {
  return "freed " + SizeText(freed.bytes) + " (" +
         CountText(static_cast<std::size_t>(freed.files), "file") + ")";
}

/// Returns how to cancel the jobs by hand.
std::string HowToCancel(const std::vector<std::string>& jobs) {
  constexpr std::size_t kShown = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(jobs.size(), kShown); ++i) {
    text += (i == 0 ? "; to cancel before that: " : "; ") + ("scancel --name=" + jobs[i]);
  }
  if (jobs.size() <= kShown) return text;
  return text + "; and " + std::to_string(jobs.size() - kShown) +
         " more (`squeue --me --format=%j` lists names)";
}

}  // namespace

void UpkeepOption::AddTo(CLI::App& app) {
  database.AddTo(app);
  database.AddRunsTo(app);
  AddYesFlag(app, &yes);
}

int ReportFreed(const CommandContext& context, const Freed& freed) {
  context.Remark(FreedText(freed));
  for (const std::string& problem : freed.problems) context.err << "error: " << problem << "\n";
  if (freed.problems.empty()) return kExitDone;
  context.err << "the record has given these up; the next command of this kind deletes them\n";
  return kExitBroken;
}

boost::json::object ToJson(const Freed& freed) {
  return {{"bytes", freed.bytes}, {"files", freed.files}, {"problems", JsonList(freed.problems)}};
}

boost::json::object TrialJson(const std::string& study, const TrialRecord& trial) {
  return {{"id", static_cast<std::int64_t>(trial.id)},
          {"study", study},
          {"name", trial.name},
          {"seed", trial.seed}};
}

void EndLeftJobs(const CommandContext& context, const Store& store, const std::string& study) {
  SlurmClient client;
  const LeftJobs left = RemoveLeftJobs(store.runs() / study, client);
  if (left.ended > 0) {
    context.Remark("cancelled " + CountText(left.ended, "Slurm job") + " of study " + study);
  }
  if (left.problem.empty()) return;
  context.Remark((left.names.empty() ? "Slurm jobs" : CountText(left.names.size(), "Slurm job")) +
                 " of study " + study + " may be in the queue still (" + left.problem +
                 "); each ends by itself once it has begun" + HowToCancel(left.names));
}

bool MayBringUpToDate(const CommandContext& context, const UpkeepOption& option) {
  if (option.yes || !option.database.OpenForReading()->is_of_earlier_schema()) return true;
  return Confirmed(context,
                   option.database.path.string() +
                       " was written by an earlier beamgrid, which cannot read it any more once it "
                       "is brought up to date; do that?",
                   option.yes);
}

void FinishEarlier(const CommandContext& context, Tidying& tidying) {
  const Freed freed = tidying.EmptyTrash();
  if (freed.files > 0) {
    context.Remark("finished what an earlier command was stopped at: " + FreedText(freed));
  }
}

}  // namespace beamgrid
