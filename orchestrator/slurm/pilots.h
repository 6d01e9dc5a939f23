#pragma once
// The pilots of a study: jobs that are asked for, begin, leave and are lost, by what Slurm says and
// by what they report. What they carry out, and how that ends, is not decided here.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/slurm/job_need.h"
#include "orchestrator/slurm/job_script.h"
#include "orchestrator/slurm/known_pilot.h"
#include "orchestrator/slurm/slurm_desk.h"
#include "orchestrator/slurm/slurm_options.h"
#include "orchestrator/study/executor.h"

namespace beamgrid {

/// PilotListener hears what becomes of attempts that pilots were told to carry out. A key may be of
/// an attempt that is none of the listener's (any more).
class PilotListener {
 public:
  virtual ~PilotListener() = default;
  /// The pilot, which has taken the report in, says something.
  virtual void OnReport(const KnownPilot& pilot, const Report& report) = 0;
  /// The job of an attempt's pilot is gone, or waits to be started again: it is not at work.
  virtual void OnJobLost(const AttemptKey& attempt, FailureKind kind, const std::string& why) = 0;
  /// The pilot of an attempt has left; it may not have begun it.
  virtual void OnPilotLeft(const AttemptKey& attempt, const std::string& why) = 0;
  /// The cluster gives no job so much memory, which is more than the recipe asks for.
  virtual void OnTooLarge(std::int64_t memory_bytes, const std::string& why) = 0;
  /// No job can carry anything out: a fault of the machine.
  virtual void OnNoJobs(const std::string& why) = 0;
};

/// Pilots finds those of an earlier orchestrator by their folders, asks for new ones, follows all,
/// and sends them home when it goes. Not thread-safe.
class Pilots {
 public:
  /// `client`, `options` and `listener` outlive it. `wake` is called from another thread when Slurm
  /// has answered. May ask the queue once, and block as long as that takes.
  Pilots(SlurmClient& client, const SlurmExecutorOptions& options, PilotListener& listener,
         std::function<void()> wake);
  /// Waits for those that have begun, for some seconds; those that have not are cancelled.
  ~Pilots();
  Pilots(const Pilots&) = delete;
  Pilots& operator=(const Pilots&) = delete;

  /// Takes in what Slurm has answered and what some pilots have said since the last turn.
  void Turn();
  /// Asks for jobs for the attempts that have no pilot, all of whose needs these are, until there
  /// is one for each, at most as many as the recipe allows, some in each turn. Where no more are
  /// allowed, pilots that are of no use to them make room.
  void AskFor(const std::vector<JobNeed>& waiting);

  /// Returns a pilot that is free and has what the attempt needs; null: there is none. It is free
  /// until NoteBusy.
  [[nodiscard]] KnownPilot* FreeFor(const JobNeed& need);
  [[nodiscard]] bool has_free() const { return !idle_.empty(); }
  void NoteBusy(const KnownPilot& pilot) { idle_.erase(PlaceOf(pilot)); }
  /// The attempt has ended, and its pilot may be free.
  void NoteEnded(const std::string& name, const AttemptKey& attempt);

  /// Returns the pilot of that name; null where it is not, or not any more, one of the study's.
  [[nodiscard]] KnownPilot* Find(const std::string& name);
  /// True if it was given up.
  [[nodiscard]] bool IsLost(const std::string& name) const { return lost_.contains(name); }
  /// Has Slurm end jobs; returns at once.
  void CancelJobs(std::vector<std::string> names) { desk_.Cancel(std::move(names)); }
  /// Returns the queue; blocks.
  [[nodiscard]] QueueAnswer Queue() { return desk_.Queue(); }
  /// Returns what the first job waits for that has not begun, in words, or that Slurm has not
  /// answered, and for how long; empty where nobody knows.
  [[nodiscard]] const std::string& waits_for() const { return waits_for_; }
  [[nodiscard]] std::size_t size() const { return pilots_.size(); }

 private:
  using Milliseconds = std::chrono::milliseconds;
  /// Its memory, and its name.
  using Place = std::pair<std::int64_t, std::string>;

  [[nodiscard]] Milliseconds Now() const { return options_.clock(); }
  [[nodiscard]] static Place PlaceOf(const KnownPilot& pilot) {
    return {pilot.settings().memory_bytes, pilot.name()};
  }
  [[nodiscard]] JobPrograms Programs() const;
  void TellOfUncancelled();

  // What Slurm says.
  void TakeSubmission(const std::string& name, const SubmitAnswer& answer);
  void TellRefusal(const std::string& why, bool has_jobs);
  void TakeQueue(const QueueAnswer& answer);
  void TakeEnded(const EndedAnswer& answer);
  void ReplaceHeld();
  void NoteSilence(const std::string& why);
  void NoteWhatIsWaitedFor();
  void TellWhyNothingBegins();
  void TellOfMute();
  /// Draws the consequences for pilots that are gone.
  void Judge();
  void Restart(KnownPilot& pilot);
  void Lose(const std::string& name);

  // What pilots say.
  void HearSome();
  void Hear(KnownPilot& pilot, Milliseconds now);
  void TakeLeave(const std::string& name);

  // They come and go.
  void Ask(const JobNeed& need);
  void MakeRoom(std::size_t needed, std::size_t most);
  /// It ends what it carries out and gets nothing more; a job that has not begun is cancelled.
  void SendHome(KnownPilot& pilot);
  void FindEarlier();
  void FindEarlier(const std::filesystem::path& folder, const QueueAnswer& queue);

  const SlurmExecutorOptions& options_;
  PilotListener& listener_;
  std::filesystem::path folder_;
  std::string terms_;                         ///< of the jobs that are asked for
  std::map<std::string, KnownPilot> pilots_;  ///< by the name of their job
  std::set<Place> idle_;                      ///< those that are free
  std::set<std::string> lost_;                ///< those that were given up, or refused by sbatch
  std::vector<std::string> unwanted_;         ///< of lost_: jobs that may come into the queue yet
  std::set<std::string> mute_;  ///< those of which was said that they run and say nothing
  std::string heard_last_;      ///< the pilot that was heard last
  std::string refusal_;         ///< what sbatch said last
  std::string untold_;          ///< the same, before it is known whether the study goes on
  bool is_refused_ = false;     ///< the last job that was asked for
  int unanswered_ = 0;          ///< jobs that sbatch was asked for and has not answered
  std::string seen_reason_, told_reason_;  ///< why the first job waits, where none has begun
  std::string waits_for_;
  Milliseconds answered_at_;  ///< Slurm did last
  Milliseconds ask_again_{0};
  /// Memory that an attempt so far needs, of which the cluster has not said that it is too much.
  std::int64_t largest_ = 0;
  Milliseconds longest_{0};
  std::size_t other_terms_ = 0;  ///< jobs of an earlier run that were asked for with others
  int stillborn_ = 0;            ///< jobs in a row that ended before they said anything
  bool answers_ = true;          ///< Slurm does
  bool accounting_ = true;       ///< there may be one
  SlurmDesk desk_;               ///< last: its thread wakes us
};

}  // namespace beamgrid
