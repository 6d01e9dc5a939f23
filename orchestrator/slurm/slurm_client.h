#pragma once
// Slurm by its own commands: sbatch, squeue, sacct and scancel, each with a time limit. No state
// and no decision: what a job's state means for a trial, the executor says by the trial's files.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/slurm/slurm_command.h"
#include "search/recipe.h"

namespace beamgrid {

/// JobRequest is one job, as sbatch is to be asked for it.
struct JobRequest {
  /// Names the job for good (--job-name): 1 to 200 letters, digits, - and _, never used twice. Ids
  /// are given anew by a slurmctld that lost its queue, so nothing is ever found by one.
  std::string name;
  std::string comment;           ///< for people, on one line
  std::filesystem::path script;  ///< what runs on the node; absolute, on the shared file system
  std::filesystem::path log;     ///< absolute; output and errors of the job, from all its starts
  /// What the cluster is asked for. Here a 0 means that sbatch is not told: cpus, memory and time
  /// of the forecast are filled in by whoever made it.
  SlurmSettings settings;
  /// So long before the job's time limit its script gets SIGTERM; 0: never.
  std::chrono::seconds warning{0};
};

/// Submission says what became of a request.
enum class Submission {
  kAccepted,
  kRefused,   ///< by sbatch or the cluster, for good as it stands: the message is theirs
  kTooLarge,  ///< likewise, for no node has the memory that it asks for
  kNotNow,    ///< not in the queue, but may be taken later: no controller, a limit on queued jobs
  kUnclear,   ///< no answer came: it may be in the queue, where it is found by its name
};

struct SubmitAnswer {
  Submission outcome = Submission::kUnclear;
  std::string id;       ///< where it was accepted; for people
  std::string message;  ///< where it was not: why, in words
};

/// QueuedJob is a job of this user as the queue shows it, for some minutes also after its end.
struct QueuedJob {
  std::string id, name, comment;
  std::string state;   ///< Slurm's word: "PENDING"; may be one that we do not know
  std::string reason;  ///< Slurm's word, where it waits: "Resources"; see ReasonInWords()
  std::string nodes;   ///< "n[1-2]"; empty: none yet
  std::string start;   ///< when it began, or is expected to: "2026-01-31T23:59:59"; empty: unknown
};

/// QueueAnswer is the whole queue of this user, or that it could not be asked.
struct QueueAnswer {
  bool answered = false;        ///< false: nothing is known, least of all that a job is gone
  std::vector<QueuedJob> jobs;  ///< all of this user, ours or not
  std::string message;          ///< where it was not answered: why, in words
};

/// EndedJob is what the accounting knows of a job.
struct EndedJob {
  std::string id, name;
  std::string state;  ///< "COMPLETED", "CANCELLED by 1000", "OUT_OF_MEMORY"
  std::string exit;   ///< "status:signal", as in "1:0"
};

/// Accounting says whether there is one to be asked.
enum class Accounting {
  kAnswered,
  kOff,      ///< the cluster keeps none: not to be asked again
  kUnclear,  ///< no answer came
};

struct EndedAnswer {
  Accounting accounting = Accounting::kUnclear;
  std::vector<EndedJob> jobs;  ///< of the names asked for; of a job that was requeued, every start
  std::string message;         ///< where it did not answer: why, in words
};

/// CancelAnswer says whether the cluster took the wish; a job that is not there is no failure.
struct CancelAnswer {
  bool answered = false;
  std::string message;  ///< where it was not answered: why, in words
};

/// SlurmClient asks and tells a cluster. Its members block up to the patience; safe to be called
/// from any one thread at a time. They throw Error only where this machine cannot start a process
/// (no such program, too many processes); what Slurm answers, or that it does not, is an answer.
class SlurmClient {
 public:
  explicit SlurmClient(SlurmPrograms programs = {}) : programs_(std::move(programs)) {}
  virtual ~SlurmClient() = default;
  SlurmClient(const SlurmClient&) = delete;
  SlurmClient& operator=(const SlurmClient&) = delete;

  /// Asks for a job: one sbatch.
  [[nodiscard]] virtual SubmitAnswer Submit(const JobRequest& request);
  /// Returns the queue: one squeue, for any number of jobs.
  [[nodiscard]] virtual QueueAnswer Queue();
  /// Returns what the accounting says of jobs of these names that were there in the last days: one
  /// sacct, for any number of names. None is asked without names.
  [[nodiscard]] virtual EndedAnswer Ended(const std::vector<std::string>& names);
  /// Ends jobs by their names, waiting and running ones: SIGTERM, and SIGKILL after the cluster's
  /// KillWait. One squeue, and one scancel for a thousand jobs; stops at the first that is not
  /// answered.
  [[nodiscard]] virtual CancelAnswer Cancel(const std::vector<std::string>& names);

 private:
  SlurmPrograms programs_;
};

/// Returns the arguments of sbatch, without the program's name. Pure.
[[nodiscard]] std::vector<std::string> SbatchArguments(const JobRequest& request);

/// Returns the jobs that squeue printed for Queue(); what is no whole record is left out. Pure.
[[nodiscard]] std::vector<QueuedJob> ParseQueue(std::string_view output);
/// Returns the jobs that sacct printed for Ended(), those of `names`. Pure.
[[nodiscard]] std::vector<EndedJob> ParseEnded(std::string_view output,
                                               const std::vector<std::string>& names);

/// Returns whether a job of that state has ended and will not begin again by itself. False for
/// states that we do not know, and for PREEMPTED and REQUEUED, which are on their way somewhere.
[[nodiscard]] bool IsFinal(std::string_view state);

/// Returns why a job waits, in words: "no node is free yet (Resources)". A reason that we do not
/// know is returned as Slurm says it.
[[nodiscard]] std::string ReasonInWords(const std::string& reason);

/// Returns what a state says of how a job ended or where it is, in words: "was over its time limit
/// (TIMEOUT)". A state that we do not know is returned as Slurm says it.
[[nodiscard]] std::string StateInWords(const std::string& state);

}  // namespace beamgrid
