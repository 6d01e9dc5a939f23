#include "orchestrator/trial_verdict.h"

#include <algorithm>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// What becomes of a trial that does not count.
constexpr char kUnlessAsked[] = "no run takes it up unless a study asks for it again";

std::string Waiting(const TrialRecord& trial, const std::vector<Store::AttemptRecord>& attempts) {
  if (trial.attempts == 0) {
    return std::string("it has not been started: ") +
           (trial.counts() ? "it waits for a slot of a running study, or for `beamgrid run`"
                           : kUnlessAsked);
  }
  if (std::ranges::none_of(attempts, &Store::AttemptRecord::begun)) {
    return "it was stopped with its study before a Slurm job had begun it" +
           (trial.counts() ? ", and waits for the next `beamgrid run`"
                           : std::string("; ") + kUnlessAsked);
  }
  if (trial.failed_attempts < trial.attempts && trial.failure.empty()) {
    return "it was stopped with its study" +
           (trial.counts() ? " and goes on from its checkpoint with the next `beamgrid run`"
                           : std::string("; ") + kUnlessAsked);
  }
  return "an attempt did not complete (" + trial.failure + ")" +
         (trial.counts() ? " and another is due" : std::string("; ") + kUnlessAsked);
}

/// Returns why it is not tried again at the moment, and when it is.
std::string WhyFailed(const TrialRecord& trial, const std::vector<Store::AttemptRecord>& attempts) {
  const std::string kind = attempts.empty() ? "" : attempts.back().outcome;
  const std::string count = CountText(static_cast<std::size_t>(trial.failed_attempts), "attempt");
  if (kind == ToString(FailureKind::kDiverged)) {
    return "its last attempt diverged, and training repeats itself to the bit, so no run tries it "
           "again but `beamgrid run RECIPE --retry diverged`: " +
           trial.failure;
  }
  const bool own_fault =
      kind == ToString(FailureKind::kBadSpec) || kind == ToString(FailureKind::kBadData);
  return count + " failed, " +
         (own_fault ? "and another in the same run would fail alike"
                    : "and no retries are left in that run") +
         "; " + (trial.counts() ? "the next `beamgrid run` tries it again" : kUnlessAsked) + ": " +
         trial.failure;
}

}  // namespace

std::string VerdictOn(const TrialRecord& trial, const std::vector<Store::AttemptRecord>& attempts) {
  switch (trial.state) {
    case TrialState::kWaiting:
      return Waiting(trial, attempts);
    case TrialState::kRunning:
      if (trial.queued) {
        return "attempt " + std::to_string(trial.attempts) + " waits for a Slurm job";
      }
      return "attempt " + std::to_string(trial.attempts) + " is at work on " + trial.device +
             " in " + trial.directory + " (if no `beamgrid run` is alive, " +
             (trial.counts() ? "the next one takes it up again" : kUnlessAsked) + ")";
    case TrialState::kComplete:
      return "attempt " + std::to_string(trial.attempts) + " completed on " + trial.device +
             (attempts.size() > 1 ? " after earlier attempts had ended otherwise" : "");
    case TrialState::kPruned:
      return "the search let it go before the end of its training; it goes on from its checkpoint "
             "where a study asks for its end";
    case TrialState::kFailed:
      return WhyFailed(trial, attempts);
  }
  return "";
}

std::vector<TrialNote> NotesOf(const Store& store, const std::string& study,
                               const std::string& name, std::optional<std::int64_t> seed) {
  const Store::Table table = store.Query(
      "SELECT note.created_at, text FROM note JOIN study ON study.id = note.study"
      " WHERE study.name = :study AND trial_name = :name"
      " AND (:seed = '' OR seed = CAST(:seed AS INTEGER)) ORDER BY note.id",
      {{"study", study}, {"name", name}, {"seed", seed ? std::to_string(*seed) : ""}});
  std::vector<TrialNote> notes;
  for (const auto& row : table.rows) {
    notes.push_back({std::string(row[0].as_string()), std::string(row[1].as_string())});
  }
  return notes;
}

}  // namespace beamgrid
