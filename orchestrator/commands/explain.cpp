// `beamgrid explain`: why a trial waits, was reused, retried or failed, and what it needs.

#include <chrono>
#include <cmath>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/machine/machine_resources.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

using Attempts = std::vector<Store::AttemptRecord>;

std::string Waiting(const TrialRecord& trial) {
  if (trial.attempts == 0) {
    return "it has not been started: it waits for a slot of a running study, or for `beamgrid run`";
  }
  if (trial.failed_attempts < trial.attempts && trial.failure.empty()) {
    return "it was stopped with its study and goes on from its checkpoint with the next "
           "`beamgrid run`";
  }
  return "an attempt did not complete (" + trial.failure + ") and another is due";
}

/// Returns why it is not tried again at the moment, and when it is.
std::string WhyFailed(const TrialRecord& trial, const Attempts& attempts) {
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
         "; the next `beamgrid run` tries it again: " + trial.failure;
}

/// Returns one sentence on the state itself.
std::string VerdictOn(const TrialRecord& trial, const Attempts& attempts) {
  switch (trial.state) {
    case TrialState::kWaiting:
      return Waiting(trial);
    case TrialState::kRunning:
      return "attempt " + std::to_string(trial.attempts) + " is at work on " + trial.device +
             " in " + trial.directory +
             " (if no `beamgrid run` is alive, the next one takes it up again)";
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

std::string AttemptLine(const Store::AttemptRecord& attempt) {
  std::string line = "attempt " + std::to_string(attempt.attempt) + " on " + attempt.device +
                     ", started " + attempt.started_at + ": " + attempt.outcome;
  if (!attempt.message.empty()) line += ": " + attempt.message;
  if (attempt.exit_code != 0) line += " (exit code " + std::to_string(attempt.exit_code) + ")";
  return line;
}

/// Returns what the trial is expected to need, by what the record says of others like it; its own
/// measurements are left out, to stand beside the forecast.
Forecast::Need NeedOf(const Store& store, const TrialRecord& trial) {
  const TrialSpec spec = store.Spec(trial.id);
  return ForecastFrom(store, trial.id)
      .Of(spec.model, spec.data, trial.parameters, trial.device.empty() ? "cpu" : trial.device);
}

void PrintNeed(std::ostream& out, const Forecast::Need& need, const TrialRecord& trial) {
  out << "memory: " << need.memory_text << "\n";
  out << "time: " << need.seconds_text << "\n";
  if (!trial.result) return;
  out << "measured: " << SizeText(trial.result->peak_memory_bytes) << " at most, "
      << DurationText(std::chrono::seconds(std::llround(trial.result->wall_seconds)))
      << " in its last attempt\n";
}

boost::json::object AttemptJson(const Store::AttemptRecord& attempt) {
  return {{"attempt", attempt.attempt},       {"directory", attempt.directory},
          {"device", attempt.device},         {"threads", attempt.threads},
          {"started_at", attempt.started_at}, {"finished_at", attempt.finished_at},
          {"outcome", attempt.outcome},       {"message", attempt.message},
          {"exit_code", attempt.exit_code},   {"log_tail", attempt.log_tail}};
}

class Explain : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("TRIAL", trial_, "Id, fingerprint's first digits or STUDY/NAME[/SEED]")
        ->required();
    database_.AddTo(app);
    database_.AddRunsTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const auto [study, trial] = FindTrial(*store, database_, trial_);
    const Attempts attempts = store->Attempts(trial.id);
    const std::vector<std::string> notes = store->Notes(study.id, trial.name, trial.seed);
    const std::string verdict = VerdictOn(trial, attempts);
    const Forecast::Need need = NeedOf(*store, trial);
    if (json_) {
      PrintJson(context.out,
                {{"id", static_cast<std::int64_t>(trial.id)},
                 {"study", study.name},
                 {"name", trial.name},
                 {"seed", trial.seed},
                 {"state", ToString(trial.state)},
                 {"why", verdict},
                 {"counts", trial.counts()},
                 {"not_counted", trial.counts() ? boost::json::value(nullptr)
                                                : boost::json::value(trial.not_counted)},
                 {"notes", boost::json::value_from(notes)},
                 {"expected",
                  {{"memory_bytes", need.memory_bytes},
                   {"memory", need.memory_text},
                   {"seconds", need.seconds},
                   {"time", need.seconds_text}}},
                 {"attempts", JsonList(attempts, AttemptJson)}});
      return kExitDone;
    }
    context.out << study.name << "/" << trial.name << "/" << trial.seed << " is "
                << ToString(trial.state) << ": " << verdict << "\n";
    if (!trial.counts()) {
      context.out << "it does not count in study " << study.name << ": " << trial.not_counted
                  << "\n";
    }
    for (const std::string& note : notes) context.out << "note: " << note << "\n";
    for (const auto& attempt : attempts) context.out << AttemptLine(attempt) << "\n";
    PrintNeed(context.out, need, trial);
    PrintLogTail(context.out, attempts);
    return kExitDone;
  }

 private:
  /// Prints the log of the last attempt that has one.
  static void PrintLogTail(std::ostream& out, const Attempts& attempts) {
    for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
      if (attempt->log_tail.empty()) continue;
      out << "end of the log of attempt " << attempt->attempt << ":\n" << attempt->log_tail << "\n";
      return;
    }
  }

  std::string trial_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("explain", kRecord, "Why a trial waits, was reused, retried or failed", Explain);

}  // namespace
}  // namespace beamgrid
