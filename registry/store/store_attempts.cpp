// The Store's attempts: the one way in which a trial's state and result come about.

#include <stdexcept>

#include "registry/store/database.h"
#include "registry/store/store.h"
#include "registry/store/transitions.h"

namespace beamgrid {
namespace {

std::string AttemptText(TrialId trial, std::int64_t attempt) {
  return "attempt " + std::to_string(attempt) + " of trial " +
         std::to_string(static_cast<std::int64_t>(trial));
}

std::int64_t LastAttempt(Database& db, TrialId trial) {
  // max() of no rows is one row with NULL, which reads as 0: the first attempt is number 1.
  return db.TheRow(
      "SELECT max(number) AS number FROM attempt WHERE trial = ?",
      [](const StatementUse& row) { return row.Integer("number"); }, trial);
}

void CloseAttempt(Database& db, TrialId trial, std::int64_t attempt,
                  const AttemptOutcome& outcome) {
  const auto* failed = std::get_if<AttemptFailure>(&outcome.end);
  const AttemptFailure failure = failed != nullptr ? *failed : AttemptFailure{};
  const std::string name = failed != nullptr ? ToString(failure.kind) : "complete";
  // One that nobody was heard to begin took the time of its result, or none.
  const double seconds = outcome.complete() ? outcome.result().wall_seconds : 0;
  const int closed = db.Use(
                         "UPDATE attempt SET outcome = ?, message = ?, log_tail = ?, exit_code = ?,"
                         " finished_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),"
                         " started_at = CASE WHEN begun THEN started_at ELSE"
                         " strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', ?)) END, "
                         "begun = begun OR ?"
                         " WHERE trial = ? AND number = ? AND outcome = 'running'")
                     << name << failure.message << failure.log_tail
                     << std::int64_t{outcome.exit_code} << seconds
                     << std::int64_t{outcome.complete()} << trial << attempt << Execute();
  // An attempt ends once: a second end would overwrite the first one's measurements.
  if (closed != 1) throw std::logic_error(AttemptText(trial, attempt) + " is not running");
}

/// Returns `columns`, "a, b", and after them the metrics, each with `prefix`: their list lives in
/// kMetrics alone.
std::string WithMetrics(std::string columns, const std::string& prefix = "") {
  for (const Metric& metric : kMetrics) columns.append(", ").append(prefix).append(metric.name);
  return columns;
}

std::string Insertion(const std::string& table, const std::string& columns) {
  std::string values = "?";
  for (const char c : columns) values += c == ',' ? ", ?" : "";
  return "INSERT INTO " + table + " (" + columns + ") VALUES (" + values + ")";
}

StatementUse& operator<<(StatementUse& insertion, const Metrics& metrics) {
  for (const Metric& metric : kMetrics) insertion << metrics.*metric.value;
  return insertion;
}

void AddResult(Database& db, TrialId trial, std::int64_t attempt, const TrialResult& result) {
  static const std::string kInsertion = Insertion(
      "result",
      WithMetrics(
          "trial, attempt, videos, validate_loss, best_epoch, parameters, size_bytes, examples,"
          " examples_per_second, wall_seconds, peak_memory_bytes, skipped_records, device, threads,"
          " program_version, libtorch_version"));
  db.Use(kInsertion.c_str()) << trial << attempt << result.metrics.videos << result.validate_loss
                             << result.best_epoch << result.parameters << result.size_bytes
                             << result.examples << result.examples_per_second << result.wall_seconds
                             << result.peak_memory_bytes << result.skipped_records << result.device
                             << result.threads << result.program_version << result.libtorch_version
                             << result.metrics << Execute();
}

/// Returns the insertion of an epoch, which overwrites what was recorded of it but when it ended.
std::string EpochInsertion() {
  return Insertion("epoch", WithMetrics("trial, epoch, train_loss, validate_loss, videos")) +
         " ON CONFLICT (trial, epoch) DO UPDATE SET (" +
         WithMetrics("train_loss, validate_loss, videos") + ") = (" +
         WithMetrics("excluded.train_loss, excluded.validate_loss, excluded.videos", "excluded.") +
         ")";
}

void PutEpoch(Database& db, TrialId trial, const EpochResult& epoch) {
  static const std::string kInsertion = EpochInsertion();
  db.Use(kInsertion.c_str()) << trial << epoch.epoch << epoch.train_loss << epoch.validate_loss
                             << epoch.metrics.videos << epoch.metrics << Execute();
}

/// Records the epochs of a result. It decides: what its worker said as they ended, or an earlier
/// attempt left, is overwritten.
void PutEpochs(Database& db, TrialId trial, const std::vector<EpochResult>& epochs) {
  for (const EpochResult& epoch : epochs) PutEpoch(db, trial, epoch);
  db.Use("DELETE FROM epoch WHERE trial = ? AND epoch > ?")
      << trial << static_cast<std::int64_t>(epochs.size()) << Execute();
}

void AddArtifacts(Database& db, TrialId trial, const std::vector<Artifact>& artifacts) {
  for (const Artifact& artifact : artifacts) {
    db.Use("INSERT INTO artifact (trial, name, path, bytes, hash) VALUES (?, ?, ?, ?, ?)")
        << trial << artifact.name << artifact.path << artifact.bytes << artifact.hash << Execute();
  }
}

void CheckAgreement(TrialId trial, std::int64_t attempt, bool complete, TrialState next) {
  // A complete trial without a result, or the reverse, would be trusted by every later study.
  const bool agrees = next == TrialState::kPruned || complete == (next == TrialState::kComplete);
  if (agrees) return;
  throw std::logic_error(AttemptText(trial, attempt) + (complete ? " is" : " is not") +
                         " complete, its trial cannot become " + ToString(next));
}

Store::AttemptRecord AttemptFrom(const RecordPlace& place, const StatementUse& row) {
  return {.attempt = row.Integer("number"),
          .directory = place.Directory(row.Text("directory")),
          .device = row.Text("device"),
          .started_at = row.Text("started_at"),
          .finished_at = row.Text("finished_at"),
          .outcome = row.Text("outcome"),
          .message = row.Text("message"),
          .log_tail = row.Text("log_tail"),
          .threads = row.Integer("threads"),
          .exit_code = static_cast<int>(row.Integer("exit_code")),
          .begun = row.Integer("begun") != 0};
}

}  // namespace

void Store::Impl::MoveTo(TrialId trial, TrialState state) {
  // The one place that every change of state passes.
  CheckTransition(static_cast<std::int64_t>(trial), StateOf(trial), state);
  database.Use("UPDATE trial SET state = ? WHERE id = ?") << ToString(state) << trial << Execute();
}

std::int64_t Store::BeginAttempt(TrialId trial, const std::string& directory,
                                 const std::string& device, std::int64_t threads,
                                 const std::string& data_stamp) {
  Database& db = impl_->database;
  const std::string recorded = impl_->place.Recorded(directory);
  return db.Write([&] {
    // First: it refuses a trial that somebody else took, before there is a row of ours.
    impl_->MoveTo(trial, TrialState::kRunning);
    const std::int64_t number = LastAttempt(db, trial) + 1;
    db.Use(
        "INSERT INTO attempt (trial, number, outcome, directory, device, threads, data_stamp,"
        " started_at) VALUES (?, ?, 'running', ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))")
        << trial << number << recorded << device << threads << data_stamp << Execute();
    return number;
  });
}

void Store::SetAttemptDirectory(TrialId trial, std::int64_t attempt, const std::string& directory) {
  Database& db = impl_->database;
  const std::string recorded = impl_->place.Recorded(directory);
  db.Write([&] {
    const int changed = db.Use(
                            "UPDATE attempt SET directory = ?"
                            " WHERE trial = ? AND number = ? AND outcome = 'running'")
                        << recorded << trial << attempt << Execute();
    if (changed != 1) throw std::logic_error(AttemptText(trial, attempt) + " is not running");
  });
}

void Store::SetAttemptProcess(TrialId trial, std::int64_t attempt, std::int64_t pid) {
  Database& db = impl_->database;
  db.Write([&] {
    const int changed =
        db.Use("UPDATE attempt SET pid = ? WHERE trial = ? AND number = ? AND outcome = 'running'")
        << pid << trial << attempt << Execute();
    if (changed != 1) throw std::logic_error(AttemptText(trial, attempt) + " is not running");
  });
}

void Store::NoteQueued(TrialId trial, std::int64_t attempt) {
  Database& db = impl_->database;
  db.Write([&] {
    const int changed =
        db.Use(
            "UPDATE attempt SET begun = 0 WHERE trial = ? AND number = ? AND outcome = 'running'")
        << trial << attempt << Execute();
    if (changed != 1) throw std::logic_error(AttemptText(trial, attempt) + " is not running");
  });
}

void Store::NoteBegun(TrialId trial, std::int64_t attempt, std::chrono::milliseconds ago) {
  Database& db = impl_->database;
  db.Write([&] {
    db.Use(
        "UPDATE attempt SET begun = 1, started_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now',"
        " printf('-%.3f seconds', ?)) WHERE trial = ? AND number = ? AND NOT begun")
        << std::chrono::duration<double>(ago).count() << trial << attempt << Execute();
  });
}

void Store::RecordEpoch(TrialId trial, const EpochResult& epoch, bool just_ended) {
  Database& db = impl_->database;
  db.Write([&] {
    PutEpoch(db, trial, epoch);
    if (!just_ended) return;
    db.Use(
        "UPDATE epoch SET ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
        " WHERE trial = ? AND epoch = ? AND ended_at IS NULL")
        << trial << epoch.epoch << Execute();
  });
}

void Store::ForgetEpochs(TrialId trial) {
  Database& db = impl_->database;
  db.Write([&] { db.Use("DELETE FROM epoch WHERE trial = ?") << trial << Execute(); });
}

void Store::FinishAttempt(TrialId trial, std::int64_t attempt, const AttemptOutcome& outcome,
                          TrialState next) {
  Database& db = impl_->database;
  db.Write([&] {
    CheckAgreement(trial, attempt, outcome.complete(), next);
    CloseAttempt(db, trial, attempt, outcome);
    impl_->MoveTo(trial, next);
    if (!outcome.complete()) return;
    AddResult(db, trial, attempt, outcome.result());
    PutEpochs(db, trial, outcome.result().epochs);
    AddArtifacts(db, trial, outcome.result().artifacts);
  });
}

std::vector<Store::OpenAttempt> Store::OpenAttempts() const {
  return impl_->database.Rows(
      "SELECT trial, number, directory, pid, data_stamp FROM attempt WHERE outcome = 'running'"
      " ORDER BY trial, number",
      [this](const StatementUse& row) {
        return OpenAttempt{.trial = TrialId{row.Integer("trial")},
                           .attempt = row.Integer("number"),
                           .directory = impl_->place.Directory(row.Text("directory")),
                           .pid = row.Integer("pid"),
                           .data_stamp = row.Text("data_stamp")};
      });
}

std::vector<Store::AttemptRecord> Store::Attempts(TrialId trial) const {
  // A number without a trial is a mistake of the user; without this it would look like a trial that
  // was never begun.
  (void)impl_->StateOf(trial);
  return impl_->database.Rows(
      "SELECT * FROM attempt WHERE trial = ? ORDER BY number",
      [this](const StatementUse& row) { return AttemptFrom(impl_->place, row); }, trial);
}

void Store::SetState(TrialId trial, TrialState state) {
  Database& db = impl_->database;
  db.Write([&] {
    const TrialState now = impl_->StateOf(trial);
    if (now == state) return;
    // Only an attempt's beginning and end make a trial running, and running no more.
    if (now == TrialState::kRunning || state == TrialState::kRunning ||
        state == TrialState::kComplete) {
      throw std::logic_error("trial " + std::to_string(static_cast<std::int64_t>(trial)) + " is " +
                             ToString(now) + "; only an attempt can make it " + ToString(state));
    }
    impl_->MoveTo(trial, state);
  });
}

}  // namespace beamgrid
