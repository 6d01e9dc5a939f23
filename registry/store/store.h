#pragma once
// The record: studies, trials, attempts, measurements, artifacts, ensembles in one SQLite database.
//
// One Store owns one connection and belongs to one thread. A writing Store takes no lock by itself:
// the orchestrator holds a StudyLock. Every member that changes something is one `BEGIN IMMEDIATE`
// transaction, durable when it returns (WAL, synchronous=FULL); Together makes one of many. Errors
// of SQLite leave as Error, with the path and the fix.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "registry/outcome.h"
#include "registry/video_groups.h"

namespace beamgrid {

enum class StudyId : std::int64_t {};
enum class TrialId : std::int64_t {};

enum class OpenMode { kReadWrite, kReadOnly };

/// A trial as a study wants it.
struct NewTrial {
  std::string name;  ///< paper-style, without the seed
  std::string fingerprint;
  TrialSpec spec;
  std::int64_t parameters = 0;
  std::int64_t size_bytes = 0;
};

/// Counting says which of a study's trials are meant. Those that count are one for each name and
/// seed, of the content as it was at the study's last run; the others were of other content.
enum class Counting { kOnly, kAll };

/// One row of the record: a trial with what is known of it.
struct TrialRecord {
  TrialId id{};
  std::string name;
  std::string fingerprint;
  std::int64_t seed = 0;
  TrialState state = TrialState::kWaiting;
  std::int64_t parameters = 0;
  std::int64_t size_bytes = 0;
  std::int64_t attempts = 0;  ///< attempts started
  std::int64_t failed_attempts =
      0;  ///< those that count against `retries` (interrupted ones do not)
  std::optional<TrialResult> result;  ///< where complete; without `epochs`
  std::string failure;                ///< last failure: kind and message; empty where complete
  std::string failure_log;            ///< last log lines of that failure
  std::string device;                 ///< of the last attempt
  std::string model_json;             ///< ToJson(ModelSpec), text
  /// Of the attempt that completed, or of the last attempt; absolute, as are all directories here.
  std::string directory;
  std::string not_counted;  ///< why the study does not count it; empty: it does
  bool queued = false;      ///< its attempt waits in a cluster's queue

  /// Returns the state that people are told: what waits in a queue, is not at work.
  [[nodiscard]] TrialState told_state() const { return queued ? TrialState::kWaiting : state; }
  [[nodiscard]] bool counts() const { return not_counted.empty(); }
};

/// The same state in SQL that reads the table `trial`.
inline constexpr char kToldState[] =
    "CASE WHEN trial.state = 'running' AND EXISTS (SELECT 1 FROM attempt WHERE"
    " attempt.trial = trial.id AND attempt.outcome = 'running' AND NOT attempt.begun)"
    " THEN 'waiting' ELSE trial.state END";

struct StudyRecord {
  StudyId id{};
  std::string name;
  std::string description;
  std::string objective;
  std::string recipe_text;    ///< as the user wrote it, at the last run
  std::string recipe_digest;  ///< of what the recipe means
  std::string created_at;     ///< ISO-8601 UTC
};

/// A recipe that a study had, from the run on that brought it until the next one.
struct RecipeEntry {
  std::int64_t position = 0;  ///< from 1
  std::string recipe_text;
  std::string recipe_digest;
  std::string begun_at;              ///< ISO-8601 UTC
  std::string program_version;       ///< of the program that began it; empty: not known
  std::vector<std::string> changes;  ///< since the one before, in words; empty for the first
};

/// An ensemble as `ensemble` picked it.
struct EnsembleRecord {
  std::int64_t id = 0;  ///< AddEnsemble gives it one
  std::string created_at;
  std::string
      json;  ///< the object that `ensemble --json` prints, with `fingerprint` in each member
};

class Store {
 public:
  /// Opens or creates (kReadWrite), migrates forward, refuses a database of a newer schema.
  /// ":memory:" for tests.
  Store(const std::filesystem::path& path, OpenMode mode);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// The folder that the attempts' directories lie in. The record names them relative to it and it
  /// relative to the database, so that both can be moved; here all paths are absolute. It is where
  /// the record remembers it, `runs` beside the database file where it remembers none, or what
  /// SetRuns names. Empty for ":memory:", whose directories are kept as they are given.
  [[nodiscard]] const std::filesystem::path& runs() const;
  void SetRuns(const std::filesystem::path& runs);
  /// Writes down where the runs folder is, for whoever opens the database next.
  void RememberRuns();

  /// Writes the record as it is now to `to`, a file that is not there yet, which names `runs` as
  /// its runs folder. Others may go on writing to this record meanwhile. Only the file itself
  /// belongs to the copy. Whatever is left of `to` after an Error is no database.
  void CopyTo(const std::filesystem::path& to, const std::filesystem::path& runs) const;
  /// Moves what is committed from the log into the database file, as far as readers let it: the
  /// file alone is then whole. Cheap where nothing has changed.
  void Settle();

  /// Returns whether the file is of an earlier schema: opened for reading it is read as if it were
  /// of this one, opened for writing it is brought up to date, and who wrote it cannot read it
  /// then.
  [[nodiscard]] bool is_of_earlier_schema() const;

  /// Makes one transaction of all changes that `work` makes through this Store: durable when this
  /// returns, none of them if `work` throws. A disk allows some hundred transactions a second, so
  /// whoever has several changes at hand (a poll's events, the attempts to begin) puts them in
  /// here.
  void Together(const std::function<void()>& work);

  /// Runs `work`, all of whose reading through this Store is then of one moment, whatever others
  /// write meanwhile. It must not write, and be short: what others write piles up behind it. Inside
  /// another one it is a part of that.
  void AsOfOneMoment(const std::function<void()>& work) const;

  /// Returns how many statements were executed so far, which is what a use of the record costs.
  [[nodiscard]] std::int64_t statements() const;

  // Studies.
  /// Creates the study, or finds it by its name; its recipe is that of `study` from then on, and an
  /// entry of its history where `changes` says in words what is another in it.
  StudyId OpenStudy(const StudyRecord& study, const std::vector<std::string>& changes = {});
  /// The recipes that the study has had, the first one first.
  [[nodiscard]] std::vector<RecipeEntry> RecipeHistory(StudyId study) const;
  [[nodiscard]] std::optional<StudyRecord> FindStudy(const std::string& name) const;
  [[nodiscard]] std::vector<StudyRecord> Studies() const;

  /// Notes by what the study's validation videos belong together; nothing: by nothing.
  void SetVideoGroups(StudyId study, const VideoGroups* groups);
  /// The groups that the study's last run noted; null: its recipe names none. Throws Error where
  /// they cannot be read.
  [[nodiscard]] std::shared_ptr<const VideoGroups> VideoGroupsOf(StudyId study) const;
  /// SeenGroupsNote of these groups, without reading them all.
  [[nodiscard]] std::string SeenGroupsOf(StudyId study) const;

  /// Notes what the classes of data are called, by class; `data`: DataSpec::digest. Without names
  /// what is noted stays.
  void SetClassNames(StudyId study, const std::string& data, const std::vector<std::string>& names);
  /// The names that were noted, by digest of the data.
  [[nodiscard]] std::map<std::string, std::vector<std::string>> NotedClassNames(
      StudyId study) const;

  // Trials. All NewTrials in one transaction; a trial whose fingerprint the database already knows
  // is shared, not copied: only its reference from the study is new. The trials count from then on,
  // and no other of the study under the same name and seed. Returns ids in the order given.
  std::vector<TrialId> AddTrials(StudyId study, const std::vector<NewTrial>& trials);
  [[nodiscard]] std::optional<TrialRecord> FindByFingerprint(const std::string& fingerprint) const;
  /// UsageError if there is no such trial; so for every member that takes a TrialId.
  [[nodiscard]] TrialRecord Trial(TrialId id) const;
  /// In the order of AddTrials, with the names that this study gave them.
  [[nodiscard]] std::vector<TrialRecord> Trials(StudyId study,
                                                Counting counting = Counting::kOnly) const;
  /// The trials of any study that were measured last and trained on some examples, at most so many:
  /// the latest added first.
  [[nodiscard]] std::vector<TrialId> Measured(std::int64_t most) const;
  /// These trials of the study count no more; `why` is a sentence that begins with "it". Until
  /// AddTrials names them again.
  void StopCounting(StudyId study, const std::vector<TrialId>& trials, const std::string& why);
  /// With paths as they are now, where the database was moved or copied together with its data.
  [[nodiscard]] TrialSpec Spec(TrialId id) const;
  /// CanonicalText(Spec(id)), without reading the paths.
  [[nodiscard]] std::string Canonical(TrialId id) const;
  /// The epochs that have ended, of a running trial too; of one that failed, those of its last
  /// attempt that ended one.
  [[nodiscard]] std::vector<EpochResult> Epochs(TrialId id) const;
  [[nodiscard]] std::vector<Artifact> Artifacts(TrialId id) const;

  // Attempts. A change of state that transitions.h does not allow, and an attempt that is finished
  // twice, are bugs of the caller: std::logic_error, and nothing is changed.
  /// Marks a WAITING trial RUNNING and records the intent before a worker exists. `directory` lies
  /// in runs(). `data_stamp` says which files it finds; empty: nobody knows. Returns the attempt's
  /// number, from 1.
  std::int64_t BeginAttempt(TrialId trial, const std::string& directory, const std::string& device,
                            std::int64_t threads, const std::string& data_stamp = "");
  /// Another directory than the attempt was begun with, before its worker exists.
  void SetAttemptDirectory(TrialId trial, std::int64_t attempt, const std::string& directory);
  void SetAttemptProcess(TrialId trial, std::int64_t attempt, std::int64_t pid);
  /// The attempt waits in a cluster's queue: its trial is nobody else's, and no worker has begun
  /// it.
  void NoteQueued(TrialId trial, std::int64_t attempt);
  /// A worker began so long ago what NoteQueued was said of; harmless for any other attempt. Where
  /// nobody says so, an attempt has taken the time of its result, or none.
  void NoteBegun(TrialId trial, std::int64_t attempt, std::chrono::milliseconds ago);
  /// The outcome, its measurements and artifacts, and the trial's new state, in one transaction.
  /// `next` is kComplete where the outcome is, and only there (or kPruned); kWaiting where another
  /// attempt will follow.
  void FinishAttempt(TrialId trial, std::int64_t attempt, const AttemptOutcome& outcome,
                     TrialState next);
  /// Records an epoch of a running trial as it ends, so that others see the curve while it grows.
  /// `just_ended` notes the time; without it the epoch ended some time ago. The result that
  /// FinishAttempt records overwrites what it says of the same epochs.
  void RecordEpoch(TrialId trial, const EpochResult& epoch, bool just_ended);
  /// Forgets the epochs of a trial that starts from nothing again.
  void ForgetEpochs(TrialId trial);
  struct OpenAttempt {
    TrialId trial{};
    std::int64_t attempt = 0;
    std::string directory;
    std::int64_t pid = 0;    ///< 0: never known
    std::string data_stamp;  ///< of BeginAttempt
  };
  /// Attempts that were begun and never finished: what a dead orchestrator left.
  [[nodiscard]] std::vector<OpenAttempt> OpenAttempts() const;
  struct AttemptRecord {
    std::int64_t attempt = 0;
    std::string directory, device, started_at, finished_at, outcome, message,
        log_tail;  ///< outcome: "complete", a FailureKind, or "running"
    std::int64_t threads = 0;
    int exit_code = 0;
    bool begun = true;  ///< false: it waits in a cluster's queue, or ended there

    /// Returns the outcome that people are told.
    [[nodiscard]] std::string told_outcome() const {
      return begun || outcome != "running" ? outcome : "waiting";
    }
  };
  [[nodiscard]] std::vector<AttemptRecord> Attempts(TrialId trial) const;
  /// Gives up or takes up again a trial that is not running; the state it has already is fine too.
  void SetState(TrialId trial, TrialState state);

  // Study notes for `explain`: what was decided about a trial and why ("reused", "retried",
  // "refused").
  void AddNote(StudyId study, const std::string& trial_name, std::int64_t seed,
               const std::string& text);
  [[nodiscard]] std::vector<std::string> Notes(StudyId study, const std::string& trial_name,
                                               std::int64_t seed) const;

  // Files that are to be deleted (upkeep.h).
  /// Files and folders that the record has given up and that may still be there.
  [[nodiscard]] std::vector<std::filesystem::path> Trash() const;
  /// Whether the path itself is one of them: nobody may put anything new there.
  [[nodiscard]] bool IsTrash(const std::filesystem::path& path) const;

  // Ensembles.
  /// Makes it the study's latest: where a clock was put back, it has the time of the one before.
  void AddEnsemble(StudyId study, const EnsembleRecord& ensemble);
  /// From the oldest to the latest.
  [[nodiscard]] std::vector<EnsembleRecord> Ensembles(StudyId study) const;

  // Read-only SQL for people: one SELECT. `parameters` gives values to its `:name`s; one without a
  // value is NULL. UsageError with SQLite's message if it is wrong or would do more than read.
  struct Table {
    std::vector<std::string> columns;
    std::vector<std::vector<boost::json::value>> rows;

    /// The rows as objects. Of two columns of one name the last counts.
    [[nodiscard]] boost::json::array Objects() const;
  };
  [[nodiscard]] Table Query(const std::string& sql,
                            const std::map<std::string, std::string>& parameters = {}) const;

 private:
  friend class RecordUpkeep;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace beamgrid
