#include "orchestrator/slurm/given_up.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <thread>
#include <variant>

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/pilots_lock.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{50};
/// The time for a checkpoint of what nobody has asked for (yet).
constexpr milliseconds kCheckpointGrace{25'000};
constexpr char kDied[] = "its orchestrator died";

/// GivenUp waits for the end of one attempt.
class GivenUp {
 public:
  GivenUp(const AttemptKey& key, const fs::path& directory, const std::string& pilot,
          const ClusterView& view)
      : key_(key),
        directory_(directory),
        view_(view),
        pilot_(PilotsBeside(directory) / pilot, {}, view.clock()),
        unseen_(view.clock()),
        next_look_(view.clock()) {}

  AttemptOutcome Wait() {
    if (HasFolder()) {
      pilot_.NoteSubmitted("", view_.clock());
      pilot_.Tell({.what = Order::What::kCancel, .key = key_, .span = kCheckpointGrace});
    }
    while (true) {
      if (const auto outcome = Look()) return *outcome;
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

 private:
  /// False too for a copy: the pilot and its job are the original's.
  [[nodiscard]] bool HasFolder() const {
    // Files that name nobody may have been all that there was.
    if (pilot_.name().empty()) return false;
    std::error_code ignored;
    if (!fs::is_directory(pilot_.folder(), ignored)) return false;
    try {
      return !IsElsewhere(pilot_.folder(), ReadPilotSettings(pilot_.folder()));
    } catch (const Error&) {
      return true;  // whose it is cannot be read
    }
  }

  std::optional<AttemptOutcome> Look() {
    const milliseconds now = view_.clock();
    if (const std::optional<AttemptEnd> end = ReadEnd(directory_)) return Seen(*end, now);
    pilot_.Hear(now, [](const Report&) {});
    LookAtQueue(now);
    if (!IsOver()) return std::nullopt;
    AttemptOutcome outcome = OutcomeUnheard(directory_, FailureKind::kInterrupted, kDied);
    if (PublishEnd(directory_, key_, "an orchestrator", outcome)) return outcome;
    // The pilot was a moment faster, or what lies there is no end that anybody can read.
    return WhereUnseen("end.json", now);
  }

  /// Returns the end of an attempt that has one which could not be seen for long.
  std::optional<AttemptOutcome> WhereUnseen(const std::string& what, milliseconds now) {
    unseen_.Look(now);
    if (unseen_.watched() < view_.patience.files) return std::nullopt;
    return AttemptOutcome{AttemptFailure{.kind = FailureKind::kInterrupted,
                                         .message = "how it ended could not be seen: " + what}};
  }

  std::optional<AttemptOutcome> Seen(const AttemptEnd& end, milliseconds now) {
    auto seen = SeenOutcome(directory_, end);
    if (auto* outcome = std::get_if<AttemptOutcome>(&seen)) return std::move(*outcome);
    return WhereUnseen(std::get<std::string>(seen), now);
  }

  void LookAtQueue(milliseconds now) {
    if (!view_.queue || now < next_look_) return;
    const QueueAnswer answer = view_.queue();
    next_look_ = now + view_.patience.queue;
    if (!answer.answered) return;
    const auto job = std::ranges::find(answer.jobs, pilot_.name(), &QueuedJob::name);
    pilot_.See(job == answer.jobs.end() ? nullptr : &*job, now);
    if (pilot_.silent() >= view_.patience.lost && view_.cancel) view_.cancel({pilot_.name()});
  }

  /// True if the pilot will not end it, whatever it says later.
  [[nodiscard]] bool IsOver() const {
    if (pilot_.left() || !HasFolder()) return true;
    if (view_.is_gone && view_.is_gone(pilot_.name())) return true;
    const PilotStanding standing = pilot_.StandingBy(view_.patience);
    if (standing == PilotStanding::kLost || standing == PilotStanding::kRestarts) return true;
    // One that lives says so every few seconds. Where Slurm cannot be asked, or lists a job without
    // a process, this alone tells: what it may still do is believed by nobody.
    return pilot_.silent() >= 2 * view_.patience.lost;
  }

  AttemptKey key_;
  fs::path directory_;
  const ClusterView& view_;
  KnownPilot pilot_;
  WatchedTime unseen_;
  milliseconds next_look_;
};

milliseconds SteadyNow() {
  return std::chrono::duration_cast<milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

bool IsPilots(const fs::path& directory) { return WasOrdered(directory); }

AttemptOutcome EndPilotsAttempt(const AttemptKey& key, const fs::path& directory,
                                const ClusterView& view) {
  if (Claim(directory, "")) {
    return OutcomeUnheard(directory, FailureKind::kInterrupted,
                          std::string(kDied) + " before it was begun");
  }
  const std::string pilot = ClaimedBy(directory).value_or("");
  // Claimed by an orchestrator that gave it up and died before it had recorded that; or by nobody
  // knows whom, on a file system without links: then the one that was told.
  const std::string who = pilot.empty() ? OrderedPilot(directory).value_or("") : pilot;
  if (pilot.empty() && ClaimedBy(directory)) {
    return OutcomeUnheard(directory, FailureKind::kInterrupted, kDied);
  }
  return GivenUp(key, directory, who, view).Wait();
}

AttemptOutcome LocalExecutorBesideSlurm::Reconcile(const AttemptKey& key, const fs::path& directory,
                                                   std::int64_t pid) {
  if (!IsPilots(directory)) return LocalExecutor::Reconcile(key, directory, pid);
  const PilotsLock lock(PilotsBeside(directory).parent_path());
  SlurmClient client;
  const ClusterView view{.queue = [&client]() -> QueueAnswer {
                           try {
                             return client.Queue();
                           } catch (const Error& error) {
                             return {.message = error.what()};  // no Slurm here
                           }
                         },
                         .cancel =
                             [&client](const std::vector<std::string>& names) {
                               try {
                                 (void)client.Cancel(names);
                               } catch (const Error&) {
                                 // Nor here: the files end it all the same.
                               }
                             },
                         .is_gone = nullptr,
                         .clock = SteadyNow,
                         .patience = {}};
  return EndPilotsAttempt(key, directory, view);
}

}  // namespace beamgrid
