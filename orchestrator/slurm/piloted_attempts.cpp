#include "orchestrator/slurm/piloted_attempts.h"

#include <algorithm>
#include <variant>

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/given_up.h"
#include "orchestrator/slurm/job_script.h"
#include "orchestrator/slurm/shared_files.h"
#include "orchestrator/workers/attempt_files.h"
#include "orchestrator/workers/surviving_worker.h"
#include "registry/util/half_written.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr char kStopped[] = "stopped with the study";
/// So many ends in a row that nobody understands: all will be such, and no trial would ever end.
constexpr int kMostGarbage = 3;

AttemptOutcome Interrupted(const std::string& message) {
  return {AttemptFailure{.kind = FailureKind::kInterrupted, .message = message}};
}

}  // namespace

PilotedAttempts::PilotedAttempts(SlurmClient& client, const SlurmExecutorOptions& options,
                                 std::function<void()> wake)
    : options_(options), pilots_(client, options_, *this, std::move(wake)) {}

void PilotedAttempts::Turn() {
  pilots_.Turn();
  LookAtEndings();
  LookAtCancelled();
  Assign();
  AskForPilots();
}

void PilotedAttempts::Submit(const AttemptKey& key, const fs::path& directory,
                             const Placement& placement, milliseconds timeout) {
  JobNeed need{.memory_bytes = MemoryOfJob(options_.settings, placement),
               .time = TimeFor(placement),
               .alone = placement.alone};
  HeedTooLarge(need);
  works_.emplace(
      key,
      Work{.directory = directory, .timeout = timeout, .alone = placement.alone, .need = need});
  waiting_.push_back(key);
}

void PilotedAttempts::HeedTooLarge(JobNeed& need) const {
  if (need.memory_bytes < too_large_) return;
  need.memory_bytes = kWholeNode;
  need.alone = true;
}

milliseconds PilotedAttempts::TimeFor(const Placement& placement) {
  const milliseconds wanted = TimeOfJob(options_.settings, placement);
  if (!options_.limit) return wanted;
  const milliseconds time = TimeOfJob(options_.settings, placement, options_.limit->most);
  if (time < wanted && !std::exchange(told_limit_, true)) {
    options_.Tell("jobs are asked for " +
                  DurationText(std::chrono::floor<std::chrono::seconds>(time)) +
                  ", the most that the partition " + options_.limit->partition +
                  " allows; a trial that is not over by then goes on from its checkpoint in "
                  "another job");
  }
  return time;
}

bool PilotedAttempts::Cancel(const AttemptKey& key, milliseconds grace) {
  const auto found = works_.find(key);
  if (found == works_.end()) return false;
  Work& work = found->second;
  if (work.ending) return true;
  if (work.pilot.empty()) {
    std::erase(waiting_, key);
    End(key, Interrupted(kStopped));
  } else if (Claim(work.directory, "")) {
    // The pilot has not begun it, and now cannot.
    End(key, Interrupted(kStopped));
  } else {
    if (KnownPilot* pilot = pilots_.Find(work.pilot)) {
      pilot->Tell({.what = Order::What::kCancel, .key = key, .span = grace});
    }
    work.cancelled = Cancelled{grace, WatchedTime(Now())};
    cancelled_.insert(key);
  }
  return true;
}

AttemptOutcome PilotedAttempts::Reconcile(const AttemptKey& key, const fs::path& directory) {
  if (!IsPilots(directory)) {
    // A local run's, or one that no pilot was told of.
    KillSurvivingWorker(directory);
    RemoveHalfWritten(directory);
    return OutcomeOf(directory, {});
  }
  return EndPilotsAttempt(
      key, directory,
      {.queue = [this] { return pilots_.Queue(); },
       .cancel = [this](const std::vector<std::string>& names) { pilots_.CancelJobs(names); },
       .is_gone = [this](const std::string& pilot) { return pilots_.IsLost(pilot); },
       .clock = options_.clock,
       .patience = options_.patience});
}

bool PilotedAttempts::CanAdopt(const fs::path& directory) {
  const std::optional<std::string> pilot = ClaimedBy(directory);
  return pilot && pilots_.Find(*pilot) != nullptr && !ReadEnd(directory);
}

void PilotedAttempts::Adopt(const AttemptKey& key, const fs::path& directory) {
  const std::string name = ClaimedBy(directory).value_or("");
  works_.emplace(key, Work{.directory = directory, .pilot = name});
  KnownPilot* pilot = pilots_.Find(name);
  if (pilot == nullptr) {
    return GiveUp(key, FailureKind::kInterrupted, "its job was lost with its orchestrator");
  }
  pilot->Repeat(key, directory, [&](const Report& report) {
    if (report.what == Report::What::kTook) {
      events_.push_back(
          {key, AttemptBegun{pilot->host(), AgeOf(ClaimFile(directory), pilot->folder())}});
    }
    if (report.what == Report::What::kHeard) PassOn(key, report.text, Told::kEarlier);
  });
  // It may have ended since it was found.
  if (ReadEnd(directory)) return BeginEnding(key);
  pilot->NoteWork(key);
  pilots_.NoteBusy(*pilot);
}

// ---- What pilots say of them -------------------------------------------------------------------

void PilotedAttempts::OnReport(const KnownPilot& pilot, const Report& report) {
  if (pilot.DeniesWork(report) && works_.contains(*pilot.work())) {
    BeginEnding(*pilot.work());  // it had no room to say so
  }
  if (!report.key || !works_.contains(*report.key)) return;
  const AttemptKey key = *report.key;
  // What another pilot says of it is of another time.
  if (works_.at(key).pilot != pilot.name()) return;
  const bool is_it = pilot.took() == works_.at(key).directory;
  switch (report.what) {
    case Report::What::kTook:
      if (is_it) events_.push_back({key, AttemptBegun{pilot.host()}});
      break;
    case Report::What::kHeard:
      if (is_it) PassOn(key, report.text, Told::kNow);
      break;
    case Report::What::kLives:
      StopEnding(key);
      break;
    case Report::What::kEnded:
      BeginEnding(key);
      break;
    case Report::What::kRefused:
      GiveUp(key, FailureKind::kInterrupted, "its job refused it: " + report.text);
      break;
    case Report::What::kBegun:
    case Report::What::kLeft:
      break;
  }
}

void PilotedAttempts::PassOn(const AttemptKey& key, const std::string& line, Told told) {
  std::optional<Message> message = MessageFromLine(line);
  if (!message) return;
  auto* evaluated = std::get_if<Evaluated>(&*message);
  if (evaluated != nullptr && told == Told::kEarlier) evaluated->earlier = true;
  events_.push_back({key, *std::move(message)});
}

void PilotedAttempts::OnJobLost(const AttemptKey& attempt, FailureKind kind,
                                const std::string& why) {
  if (works_.contains(attempt)) GiveUp(attempt, kind, why);
}

/// An attempt whose pilot left before it had heard of it waits for another one.
void PilotedAttempts::OnPilotLeft(const AttemptKey& attempt, const std::string& why) {
  const auto found = works_.find(attempt);
  if (found == works_.end() || found->second.ending) return;
  if (ClaimedBy(found->second.directory)) return GiveUp(attempt, FailureKind::kInterrupted, why);
  found->second.pilot.clear();
  waiting_.push_front(attempt);
}

void PilotedAttempts::OnTooLarge(std::int64_t memory_bytes, const std::string& why) {
  if (memory_bytes >= too_large_) return;
  too_large_ = memory_bytes;
  options_.Tell(why + "; no node gives " + SizeText(memory_bytes) +
                ", so trials that are expected to need so much get the whole memory of one");
  for (const AttemptKey& key : waiting_) HeedTooLarge(works_.at(key).need);
}

void PilotedAttempts::OnNoJobs(const std::string& why) {
  for (const AttemptKey& key : std::exchange(waiting_, {})) {
    End(key, {AttemptFailure{.kind = FailureKind::kEnvironment, .message = why}});
  }
}

// ---- They get pilots ---------------------------------------------------------------------------

/// Gives attempts that wait to pilots that are free.
void PilotedAttempts::Assign() {
  if (!pilots_.has_free()) return;
  // First those with a job of their own size: others have smaller jobs that will do.
  std::ranges::stable_partition(waiting_,
                                [&](const AttemptKey& key) { return works_.at(key).need.alone; });
  for (auto key = waiting_.begin(); key != waiting_.end() && pilots_.has_free();) {
    Work& work = works_.at(*key);
    KnownPilot* pilot = pilots_.FreeFor(work.need);
    if (pilot == nullptr) {
      ++key;
      continue;
    }
    Give(*key, work, *pilot);
    pilots_.NoteBusy(*pilot);
    key = waiting_.erase(key);
  }
}

void PilotedAttempts::Give(const AttemptKey& key, Work& work, KnownPilot& pilot) {
  // First who is told, then the telling: whoever finds the attempt knows whom to ask.
  WriteOrdered(work.directory, pilot.name());
  work.pilot = pilot.name();
  pilot.Tell({.what = Order::What::kCarryOut,
              .key = key,
              .directory = work.directory.string(),
              .span = work.timeout,
              .alone = work.alone});
}

void PilotedAttempts::AskForPilots() {
  std::vector<JobNeed> needs;
  needs.reserve(waiting_.size());
  // As in waiting_, without a search for each.
  for (const auto& [key, work] : works_) {
    if (work.pilot.empty() && !work.ending) needs.push_back(work.need);
  }
  pilots_.AskFor(needs);
}

// ---- They end ----------------------------------------------------------------------------------

void PilotedAttempts::BeginEnding(const AttemptKey& key) {
  Work& work = works_.at(key);
  if (std::exchange(work.ending, true)) return;
  work.unseen = WatchedTime(Now());
  ending_.insert(key);
}

/// It is at work after all.
void PilotedAttempts::StopEnding(const AttemptKey& key) {
  works_.at(key).ending = false;
  ending_.erase(key);
}

/// Looks for the files of attempts that have ended.
void PilotedAttempts::LookAtEndings() {
  const std::set<AttemptKey> ending = ending_;
  for (const AttemptKey& key : ending) LookAtEnd(key);
}

void PilotedAttempts::LookAtEnd(const AttemptKey& key) {
  Work& work = works_.at(key);
  std::string unseen = "end.json is not there";
  if (const std::optional<AttemptEnd> end = ReadEnd(work.directory)) {
    if (!end->garbage.empty()) return End(key, OutcomeOfGarbage(end->garbage));
    auto seen = SeenOutcome(work.directory, *end);
    if (end->key != key) {
      unseen = "end.json is of another attempt";
    } else if (auto* outcome = std::get_if<AttemptOutcome>(&seen)) {
      garbage_ = 0;
      return End(key, std::move(*outcome));
    } else {
      unseen = std::get<std::string>(seen);
    }
  }
  work.unseen.Look(Now());
  if (work.unseen.watched() < options_.patience.files) return;
  const std::string why = "how it ended could not be seen within " +
                          SecondsText(options_.patience.files) + ": " + unseen;
  options_.Tell(work.directory.string() + ": " + why);
  AttemptOutcome outcome = Interrupted(why);
  (void)PublishEnd(work.directory, key, "the orchestrator", outcome);
  End(key, std::move(outcome));
}

AttemptOutcome PilotedAttempts::OutcomeOfGarbage(const std::string& why) {
  options_.Tell(why + "; what it says does not count");
  AttemptOutcome outcome = Interrupted(why);
  if (++garbage_ < kMostGarbage) return outcome;
  garbage_ = 0;
  std::get<AttemptFailure>(outcome.end).kind = FailureKind::kEnvironment;
  return outcome;
}

/// Gives up what was to stop and does not.
void PilotedAttempts::LookAtCancelled() {
  const std::set<AttemptKey> cancelled = cancelled_;
  for (const AttemptKey& key : cancelled) {
    Work& work = works_.at(key);
    work.cancelled->waited.Look(Now());
    const milliseconds most = work.cancelled->grace + options_.patience.stopping;
    if (work.ending || work.cancelled->waited.watched() < most) continue;
    if (!work.pilot.empty()) pilots_.CancelJobs({work.pilot});
    GiveUp(key, FailureKind::kInterrupted, std::string(kStopped) + "; its job did not answer");
  }
}

void PilotedAttempts::GiveUp(const AttemptKey& key, FailureKind kind, const std::string& why) {
  Work& work = works_.at(key);
  if (work.ending) return;
  if (Claim(work.directory, "")) return End(key, Interrupted(why + ", before it was begun"));
  AttemptOutcome outcome = OutcomeUnheard(work.directory, kind, why);
  if (PublishEnd(work.directory, key, "the orchestrator", outcome)) {
    return End(key, std::move(outcome));
  }
  BeginEnding(key);
}

void PilotedAttempts::End(const AttemptKey& key, AttemptOutcome outcome) {
  const auto work = works_.find(key);
  pilots_.NoteEnded(work->second.pilot, key);
  ending_.erase(key);
  cancelled_.erase(key);
  works_.erase(work);
  events_.push_back({key, std::move(outcome)});
}

}  // namespace beamgrid
