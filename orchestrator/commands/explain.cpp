// `beamgrid explain`: why a trial waits, was reused, retried or failed, and what it needs.

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/machine/machine_resources.h"
#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/jobs_of_trial.h"
#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/study/run_note.h"
#include "orchestrator/trial_verdict.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/small_numbers.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

using Attempts = std::vector<Store::AttemptRecord>;
using Note = TrialNote;

std::string AttemptLine(const Store::AttemptRecord& attempt) {
  std::string line = "attempt " + std::to_string(attempt.attempt) + " on " + attempt.device +
                     (attempt.begun ? ", started " + attempt.started_at : "") + ": " +
                     attempt.told_outcome();
  if (!attempt.message.empty()) line += ": " + attempt.message;
  if (attempt.exit_code != 0) line += " (exit code " + std::to_string(attempt.exit_code) + ")";
  return line;
}

/// Returns what the trial is expected to need, by what the record says of others like it; its own
/// measurements are left out, to stand beside the forecast. How many examples its data have is no
/// measurement.
Forecast::Need NeedOf(const Store& store, const TrialRecord& trial) {
  const TrialSpec spec = store.Spec(trial.id);
  Forecast forecast = ForecastFrom(store, trial.id);
  if (trial.result) {
    TrialResult result = *trial.result;
    if (result.stopped_early) result.epochs = store.Epochs(trial.id);
    forecast.KnowExamples(spec.data.digest, EpochExamples(spec.model, result));
  }
  return forecast.Of(spec.model, spec.data, trial.parameters,
                     trial.device.empty() ? "cpu" : trial.device);
}

void PrintNeed(std::ostream& out, const Forecast::Need& need, const TrialRecord& trial) {
  out << "memory: " << need.memory_text << "\n";
  out << "time: " << need.seconds_text << "\n";
  if (!trial.result) return;
  out << "measured: " << SizeText(trial.result->peak_memory_bytes) << " at most, "
      << ShortTimeText(trial.result->wall_seconds) << " in its last attempt\n";
}

boost::json::object AttemptJson(const Store::AttemptRecord& attempt) {
  return {{"attempt", attempt.attempt},        {"directory", attempt.directory},
          {"device", attempt.device},          {"threads", attempt.threads},
          {"started_at", attempt.started_at},  {"finished_at", attempt.finished_at},
          {"outcome", attempt.told_outcome()}, {"message", attempt.message},
          {"exit_code", attempt.exit_code},    {"log_tail", attempt.log_tail}};
}

void PrintNotes(std::ostream& out, const std::vector<Note>& notes) {
  for (const Note& note : notes) out << "note of " << note.at << ": " << note.text << "\n";
}

/// Told is what is said of one trial.
struct Told {
  TrialInStudy found;
  Attempts attempts;
  std::vector<Note> notes;
  std::string verdict;
  std::vector<std::string> jobs;  ///< of a cluster; see JobsOfTrial
};

/// Returns what the study's run has noted of the jobs that its trials wait for; empty: nothing.
std::string RunSays(const Store& store, StudyId study) {
  const std::optional<RunNote> note = LastRunNote(store, study);
  if (!note || !note->ending.empty()) return "";
  const std::string queue = QueueText(note->progress);
  return queue.empty() ? "" : "its run said at " + note->noted_at + ": " + queue;
}

/// Returns what a cluster has to say of a trial that is not over.
std::vector<std::string> JobsOf(const Store& store, const TrialInStudy& found,
                                const Attempts& attempts) {
  const bool is_over =
      found.trial.state != TrialState::kWaiting && found.trial.state != TrialState::kRunning;
  if (is_over) return {};
  SlurmClient client;
  const std::string run_says = RunSays(store, found.study.id);
  if (attempts.empty() || !attempts.back().finished_at.empty()) {
    return JobsOfTrial(PilotsOf(store.runs() / found.study.name), std::nullopt, client, run_says);
  }
  // Another study that has the trial too may have begun the attempt, or this one on this machine.
  const std::filesystem::path directory = attempts.back().directory;
  if (BeganHere(directory)) return {};
  return JobsOfTrial(PilotsBeside(directory), AttemptKey{found.trial.id, attempts.back().attempt},
                     client, run_says);
}

/// Corrects what the record has of an attempt that a job of a cluster is to carry out: its files
/// know sooner whether it is at work, and also where nobody runs the study.
void LookAtClaim(Told& told) {
  if (told.found.trial.state != TrialState::kRunning || told.jobs.empty()) return;
  const bool waits = !ClaimedBy(told.attempts.back().directory);
  told.found.trial.queued = waits;
  told.attempts.back().begun = !waits;
}

Told TellOf(const Store& store, const TrialInStudy& found) {
  Told told{.found = found, .attempts = store.Attempts(found.trial.id)};
  told.notes = NotesOf(store, found.study.name, found.trial.name, found.trial.seed);
  told.jobs = JobsOf(store, found, told.attempts);
  LookAtClaim(told);
  told.verdict = VerdictOn(told.found.trial, told.attempts);
  return told;
}

boost::json::object TrialJson(const Told& told) {
  const TrialRecord& trial = told.found.trial;
  boost::json::value not_counted = nullptr;
  if (!trial.counts()) not_counted = trial.not_counted;
  return {{"id", static_cast<std::int64_t>(trial.id)},
          {"study", told.found.study.name},
          {"name", trial.name},
          {"seed", trial.seed},
          {"state", ToString(trial.told_state())},
          {"why", told.verdict},
          {"counts", trial.counts()},
          {"not_counted", std::move(not_counted)},
          {"notes", JsonList(told.notes, [](const Note& note) { return note.text; })},
          {"notes_at", JsonList(told.notes, [](const Note& note) { return note.at; })},
          {"attempts", JsonList(told.attempts, AttemptJson)},
          {"jobs", JsonList(told.jobs)}};
}

boost::json::object NeedJson(const Forecast::Need& need) {
  return {{"memory_bytes", need.memory_bytes},
          {"memory", need.memory_text},
          {"seconds", need.seconds},
          {"time", need.seconds_text}};
}

/// Prints the log of the last attempt that has one.
void PrintLogTail(std::ostream& out, const Attempts& attempts) {
  for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
    if (attempt->log_tail.empty()) continue;
    out << "end of the log of attempt " << attempt->attempt << ":\n" << attempt->log_tail << "\n";
    return;
  }
}

/// Prints what is told of a trial after its name.
void PrintTrial(std::ostream& out, const Told& told, const std::vector<Note>& notes) {
  const TrialRecord& trial = told.found.trial;
  out << ToString(trial.told_state()) << ": " << told.verdict << "\n";
  if (!trial.counts()) {
    out << "it does not count in study " << told.found.study.name << ": " << trial.not_counted
        << "\n";
  }
  PrintNotes(out, notes);
  for (const auto& attempt : told.attempts) out << AttemptLine(attempt) << "\n";
  for (const std::string& line : told.jobs) out << line << "\n";
}

/// Explains a model once and then its seeds: what is noted of all of them alike stands above.
void PrintSeeds(std::ostream& out, const Store& store, const std::vector<Told>& seeds) {
  const TrialInStudy& first = seeds.front().found;
  out << first.study.name << "/" << first.trial.name << " has " << CountText(seeds.size(), "seed")
      << "\n";
  const auto is_common = [&seeds](const Note& note) {
    return std::ranges::all_of(seeds, [&note](const Told& told) {
      return std::ranges::find(told.notes, note.text, &Note::text) != told.notes.end();
    });
  };
  std::vector<Note> common;
  std::ranges::copy_if(seeds.front().notes, std::back_inserter(common), is_common);
  PrintNotes(out, common);
  const Forecast::Need need = NeedOf(store, first.trial);
  out << "memory: " << need.memory_text << "\ntime: " << need.seconds_text << "\n";
  for (const Told& told : seeds) {
    std::vector<Note> own;
    std::ranges::copy_if(told.notes, std::back_inserter(own), std::not_fn(is_common));
    out << "\nseed " << told.found.trial.seed << " is ";
    PrintTrial(out, told, own);
    PrintLogTail(out, told.attempts);
  }
}

/// Refusal is why no trial was made of a model.
struct Refusal {
  std::string study, name;
  Note why;
};

/// Returns the refusals of the model that `text` names, as FindTrials takes it.
std::vector<Refusal> FindRefusals(const Store& store, const std::string& text) {
  const Store::Table table = store.Query(
      "SELECT study.name, trial_name, min(note.created_at), text"
      " FROM note JOIN study ON study.id = note.study WHERE text LIKE 'refused: %' AND :text IN"
      " (trial_name, study.name || '/' || trial_name, study.name || '/' || trial_name || '/' ||"
      " seed, study.name || '/' || trial_name || '#' || seed)"
      " GROUP BY study.id, trial_name, text ORDER BY min(note.id)",
      {{"text", text}});
  std::vector<Refusal> refusals;
  for (const auto& row : table.rows) {
    const auto cell = [&row](std::size_t i) { return std::string(row[i].as_string()); };
    refusals.push_back({cell(0), cell(1), {.at = cell(2), .text = cell(3)}});
  }
  return refusals;
}

void PrintRefusals(std::ostream& out, const std::vector<Refusal>& refusals) {
  for (const Refusal& refusal : refusals) {
    out << refusal.study << "/" << refusal.name << " has no trial\n";
    PrintNotes(out, {refusal.why});
  }
}

boost::json::array RefusalsJson(const std::vector<Refusal>& refusals) {
  return JsonList(refusals, [](const Refusal& refusal) {
    return boost::json::object{{"study", refusal.study},
                               {"name", refusal.name},
                               {"notes", boost::json::array{refusal.why.text}},
                               {"notes_at", boost::json::array{refusal.why.at}}};
  });
}

class Explain : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option(
           "TRIAL", trial_,
           "Id, fingerprint's first digits or [STUDY/]NAME[/SEED]; without SEED all of them")
        ->required();
    database_.AddTo(app);
    database_.AddRunsTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    std::vector<Told> told;
    try {
      for (const TrialInStudy& found : FindTrials(*store, database_, trial_, ModelNames::kAlone)) {
        told.push_back(TellOf(*store, found));
      }
    } catch (const UsageError&) {
      const std::vector<Refusal> refusals = FindRefusals(*store, trial_);
      if (refusals.empty()) throw;
      if (json_) {
        PrintJson(context.out, {{"refused", RefusalsJson(refusals)}});
      } else {
        PrintRefusals(context.out, refusals);
      }
      return kExitDone;
    }
    if (json_) {
      PrintJson(context.out, Json(*store, told));
    } else if (told.size() > 1) {
      PrintSeeds(context.out, *store, told);
    } else {
      PrintOne(context.out, *store, told.front());
    }
    return kExitDone;
  }

 private:
  static boost::json::object Json(const Store& store, const std::vector<Told>& told) {
    const TrialRecord& first = told.front().found.trial;
    boost::json::object expected = NeedJson(NeedOf(store, first));
    if (told.size() == 1) {
      boost::json::object json = TrialJson(told.front());
      json["expected"] = std::move(expected);
      return json;
    }
    return {{"study", told.front().found.study.name},
            {"name", first.name},
            {"expected", std::move(expected)},
            {"seeds", JsonList(told, TrialJson)}};
  }

  static void PrintOne(std::ostream& out, const Store& store, const Told& told) {
    const TrialRecord& trial = told.found.trial;
    out << told.found.study.name << "/" << trial.name << "/" << trial.seed << " is ";
    PrintTrial(out, told, told.notes);
    PrintNeed(out, NeedOf(store, trial), trial);
    PrintLogTail(out, told.attempts);
  }

  std::string trial_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("explain", kRecord, "Why a trial was asked for, waits, was reused or failed",
                 Explain);

}  // namespace
}  // namespace beamgrid
