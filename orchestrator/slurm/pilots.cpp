#include "orchestrator/slurm/pilots.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "orchestrator/slurm/shared_files.h"
#include "orchestrator/workers/attempt_files.h"
#include "registry/util/error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// The most pilots whose reports are read in one turn: each costs some files, and Ctrl-C is heeded
/// between two turns.
constexpr int kMostLooks = 128;
/// So many jobs in a row that ended before they said anything: none will.
constexpr int kMostStillborn = 3;
/// The most jobs that one turn asks for: each costs a folder.
constexpr std::size_t kMostAsked = 16;
/// After sbatch has refused a job it is asked again, unless that is for good and all that we have.
constexpr milliseconds kAskAgain{20'000};
/// So long pilots are waited for when the study is over, with so long between two looks.
constexpr milliseconds kFarewell{2'000}, kFarewellLook{20};
/// So many lines of a job's log are told.
constexpr std::size_t kLastWords = 3;

/// Slurm's word for a job that its node could not start.
constexpr char kHeldAfterFailure[] = "launch failed requeued held";

/// Returns how long ago the pilot of the folder said something.
milliseconds QuietSince(const fs::path& folder) {
  std::error_code error;
  const bool has_said = fs::exists(folder / kReports, error);
  return AgeOf(folder / (has_said ? kReports : kOrders), folder);
}

void Dismiss(KnownPilot& pilot) {
  try {
    pilot.Tell({.what = Order::What::kLeave});
  } catch (const Error&) {
    // It leaves by itself when no attempt comes.
  }
}

void RemoveFolder(const fs::path& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

/// True if it may be given an attempt, now or when it has begun.
bool IsFree(const KnownPilot& pilot) {
  return !pilot.left() && !pilot.told_to_leave() && !pilot.work();
}

bool MayBeQueued(const SubmitAnswer& answer) {
  return answer.outcome == Submission::kAccepted || answer.outcome == Submission::kUnclear;
}

/// Returns "; it said last: ..." or nothing.
std::string LastWords(const KnownPilot& pilot) {
  const std::string log = LogTail(pilot.folder() / kJobLog, kLastWords);
  return log.empty() ? "" : "; it said last: " + log;
}

}  // namespace

Pilots::Pilots(SlurmClient& client, const SlurmExecutorOptions& options, PilotListener& listener,
               std::function<void()> wake)
    : options_(options),
      listener_(listener),
      folder_(PilotsOf(options.study_folder)),
      terms_(TermsOf(options.settings, options.threads, Programs())),
      answered_at_(Now()),
      desk_(client, options.patience.queue, std::move(wake)) {
  FindEarlier();
}

Pilots::~Pilots() {
  std::vector<std::string> cancelled = unwanted_;
  for (auto& [name, pilot] : pilots_) {
    Dismiss(pilot);
    if (!pilot.begun()) cancelled.push_back(name);
  }
  if (!answers_ && !cancelled.empty()) {
    options_.Tell("Slurm is asked to cancel the jobs that wait; it did not answer lately");
  }
  if (!cancelled.empty()) desk_.Cancel(std::move(cancelled));
  const auto deadline = std::chrono::steady_clock::now() + kFarewell;
  const auto stays = [](const auto& entry) {
    return entry.second.begun() && !entry.second.left() && !entry.second.work();
  };
  while (std::ranges::any_of(pilots_, stays) && std::chrono::steady_clock::now() < deadline) {
    for (auto& [name, pilot] : pilots_) pilot.Hear(Now(), [](const Report&) {});
    std::this_thread::sleep_for(kFarewellLook);
  }
  TellOfUncancelled();
  for (const auto& [name, pilot] : pilots_) {
    if (pilot.left()) RemoveFolder(pilot.folder());
  }
  // One that comes back all the same finds nothing to do and nowhere to say so, and ends.
  for (const std::string& name : lost_) RemoveFolder(folder_ / name);
}

/// Says which jobs stay in the queue, and how they get out of it.
void Pilots::TellOfUncancelled() {
  const SlurmDesk::Uncancelled in_vain = desk_.Finish();
  for (const auto& [name, answer] : desk_.Take().submitted) {
    KnownPilot* pilot = Find(name);
    if (pilot != nullptr && MayBeQueued(answer)) pilot->NoteSubmitted(answer.id, Now());
  }
  const auto stays = std::ranges::count_if(pilots_, [&](const auto& entry) {
    const auto& [name, pilot] = entry;
    return pilot.asked_for() && !pilot.begun() && in_vain.names.contains(name);
  });
  if (stays == 0) return;
  options_.Tell(CountText(static_cast<std::size_t>(stays), "Slurm job") +
                " may still be in the queue, for Slurm did not take the cancellation (" +
                in_vain.message +
                "): each leaves as soon as it begins; to cancel before that, when Slurm answers: "
                "for job in " +
                ShellWord(folder_.string()) +
                "/beamgrid-*; do scancel --state=PENDING --name=\"${job##*/}\"; done");
}

JobPrograms Pilots::Programs() const {
  return {.program = options_.program,
          .trainer = options_.trainer,
          .silence = options_.silence,
          .beat = options_.patience.beat};
}

void Pilots::Turn() {
  const SlurmDesk::News news = desk_.Take();
  for (const auto& [name, answer] : news.submitted) TakeSubmission(name, answer);
  if (news.queue) TakeQueue(*news.queue);
  if (news.ended) TakeEnded(*news.ended);
  HearSome();
}

KnownPilot* Pilots::Find(const std::string& name) {
  const auto found = pilots_.find(name);
  return found == pilots_.end() ? nullptr : &found->second;
}

KnownPilot* Pilots::FreeFor(const JobNeed& need) {
  // The smallest that has enough. What the cluster gives by itself (0) is enough for what nobody
  // has a forecast of.
  const auto place = idle_.lower_bound({need.memory_bytes, ""});
  return place == idle_.end() ? nullptr : &pilots_.at(place->second);
}

void Pilots::NoteEnded(const std::string& name, const AttemptKey& attempt) {
  KnownPilot* pilot = Find(name);
  if (pilot == nullptr) return;
  if (pilot->work() == attempt) pilot->DropWork();
  if (pilot->idle()) idle_.insert(PlaceOf(*pilot));
}

// ---- What Slurm says ---------------------------------------------------------------------------

void Pilots::TakeSubmission(const std::string& name, const SubmitAnswer& answer) {
  --unanswered_;
  const auto pilot = pilots_.find(name);
  if (pilot == pilots_.end()) return;
  if (MayBeQueued(answer)) {
    is_refused_ = false;
    pilot->second.NoteSubmitted(answer.id, Now());
    if (!untold_.empty()) TellRefusal(std::exchange(untold_, ""), true);
    return;
  }
  RemoveFolder(pilot->second.folder());
  const std::int64_t memory = pilot->second.settings().memory_bytes;
  pilots_.erase(pilot);
  // Where it came into the queue all the same, it is to go.
  lost_.insert(name);
  unwanted_.push_back(name);
  const std::string why = "sbatch refused a job: " + answer.message;
  if (answer.outcome == Submission::kTooLarge && memory > options_.settings.memory_bytes &&
      memory != kWholeNode) {
    if (memory <= largest_) largest_ = 0;
    return listener_.OnTooLarge(memory, why);
  }
  ask_again_ = Now() + kAskAgain;
  is_refused_ = true;
  const bool for_good = answer.outcome != Submission::kNotNow;
  if (for_good && pilots_.empty()) {
    stillborn_ = 0;
    return listener_.OnNoJobs(why);
  }
  const bool has_jobs =
      std::ranges::any_of(pilots_, [](const auto& entry) { return entry.second.asked_for(); });
  // Where there is none, the other answers say whether the study goes on.
  if (for_good && !has_jobs) {
    untold_ = why;
  } else {
    TellRefusal(why, has_jobs);
  }
}

void Pilots::TellRefusal(const std::string& why, bool has_jobs) {
  if (std::exchange(refusal_, why) == why) return;
  options_.Tell(
      why + (has_jobs ? "; the study goes on with the jobs that it has" : "; it is asked again"));
}

void Pilots::TakeQueue(const QueueAnswer& answer) {
  if (!answer.answered) {
    if (std::exchange(answers_, false)) {
      options_.Tell("Slurm does not answer (" + answer.message + "); what runs goes on");
    }
    return NoteSilence(answer.message);
  }
  if (!std::exchange(answers_, true)) options_.Tell("Slurm answers again");
  const milliseconds now = Now();
  answered_at_ = now;
  std::map<std::string_view, const QueuedJob*> jobs;
  for (const QueuedJob& job : answer.jobs) {
    jobs[job.name] = &job;
    // It was given up, and came back.
    if (lost_.contains(job.name) && !IsFinal(job.state)) desk_.Cancel({job.name});
  }
  std::vector<std::string> missing;
  for (auto& [name, pilot] : pilots_) {
    const auto job = jobs.find(name);
    pilot.See(job == jobs.end() ? nullptr : job->second, now);
    if (pilot.missing()) missing.push_back(name);
    // The cluster may not have heard it, and what waits might wait for ever.
    const bool is_queued = job != jobs.end() && !IsFinal(job->second->state);
    if (is_queued && pilot.told_to_leave() && !pilot.begun()) desk_.Cancel({name});
  }
  if (accounting_ && !missing.empty()) desk_.AskEnded(std::move(missing));
  ReplaceHeld();
  NoteWhatIsWaitedFor();
  TellWhyNothingBegins();
  TellOfMute();
  Judge();
}

/// A job that could not be started on its node is held by Slurm until somebody releases it;
/// another one may find a better node.
void Pilots::ReplaceHeld() {
  for (auto& [name, pilot] : pilots_) {
    if (pilot.reason() != kHeldAfterFailure || pilot.told_to_leave()) continue;
    options_.Tell("the job " + name + ": " + ReasonInWords(pilot.reason()) +
                  "; another one is asked for");
    SendHome(pilot);
  }
}

void Pilots::NoteSilence(const std::string& why) {
  const auto minutes = std::chrono::floor<std::chrono::minutes>(Now() - answered_at_).count();
  waits_for_ = "it " +
               (minutes == 0 ? "does not answer"
                             : "has not answered for " +
                                   CountText(static_cast<std::size_t>(minutes), "minute")) +
               " (" + why + ")";
}

void Pilots::NoteWhatIsWaitedFor() {
  waits_for_.clear();
  for (const auto& [name, pilot] : pilots_) {
    if (pilot.begun() || pilot.told_to_leave()) continue;
    if (!pilot.reason().empty()) {
      waits_for_ = ReasonInWords(pilot.reason());
      return;
    }
    if (pilot.mute().count() > 0) waits_for_ = "its job is getting ready on " + pilot.nodes();
  }
  if (waits_for_.empty() && is_refused_) waits_for_ = refusal_;
}

/// Says what the jobs wait for, once for each reason, where none has begun.
void Pilots::TellWhyNothingBegins() {
  std::string reason;
  for (const auto& [name, pilot] : pilots_) {
    if (pilot.begun()) return told_reason_.clear();
    if (reason.empty() && !pilot.told_to_leave()) reason = pilot.reason();
  }
  // One that was asked for just now will have another reason at the next look, or none.
  const bool lasts = std::exchange(seen_reason_, reason) == reason;
  if (reason.empty() || !lasts || std::exchange(told_reason_, reason) == reason) return;
  options_.Tell("no job has begun: " + ReasonInWords(reason));
}

/// A prologue that does not end, or a node without the runs folder, is seen by nobody else.
void Pilots::TellOfMute() {
  for (const auto& [name, pilot] : pilots_) {
    const milliseconds mute = pilot.mute();
    if (mute < options_.patience.prologue || !mute_.insert(name).second) continue;
    options_.Tell("by Slurm's word the job " + name + " began on " + pilot.nodes() + " " +
                  DurationText(std::chrono::floor<std::chrono::seconds>(mute)) +
                  " ago, and its pilot has not spoken yet: does the prologue of [resources.slurm] "
                  "end, and does the node see " +
                  folder_.string() + "? Its log is " + (pilot.folder() / kJobLog).string() +
                  LastWords(pilot));
  }
}

void Pilots::TakeEnded(const EndedAnswer& answer) {
  if (answer.accounting == Accounting::kOff) accounting_ = false;
  if (answer.accounting != Accounting::kAnswered) return;
  for (const EndedJob& job : answer.jobs) {
    if (KnownPilot* pilot = Find(job.name)) pilot->SeeEnded(job);
  }
}

void Pilots::Judge() {
  std::vector<std::string> lost;
  for (auto& [name, pilot] : pilots_) {
    switch (pilot.StandingBy(options_.patience)) {
      case PilotStanding::kFine:
        break;
      case PilotStanding::kLost:
        lost.push_back(name);
        break;
      case PilotStanding::kRestarts:
        Restart(pilot);
        break;
      case PilotStanding::kHangs:
        options_.Tell("the job " + name + " runs on " + pilot.node() +
                      " and says nothing any more; it is ended");
        desk_.Cancel({name});
        break;
    }
  }
  for (const std::string& name : lost) Lose(name);
}

void Pilots::Restart(KnownPilot& pilot) {
  const std::optional<AttemptKey> work = pilot.work();
  NoteBusy(pilot);
  pilot.NoteRestart();
  if (work) {
    listener_.OnJobLost(*work, FailureKind::kInterrupted,
                        "its job waits to be started again by Slurm");
  }
}

void Pilots::Lose(const std::string& name) {
  KnownPilot& pilot = pilots_.at(name);
  const std::optional<AttemptKey> work = pilot.work();
  const std::string fate = pilot.Fate();
  const bool memory = pilot.RanOutOfMemory();
  const bool stillborn = !pilot.has_lived() && pilot.EndedByItself();
  const std::string last_words = LastWords(pilot);
  // Should it live all the same, it is not to wait for more.
  Dismiss(pilot);
  lost_.insert(name);
  NoteBusy(pilot);
  pilots_.erase(name);
  if (work) {
    listener_.OnJobLost(*work, memory ? FailureKind::kOutOfMemory : FailureKind::kInterrupted,
                        fate);
  }
  if (!stillborn) return;
  const std::string why = fate + " before it said anything" + last_words;
  options_.Tell(why);
  if (++stillborn_ < kMostStillborn) return;
  stillborn_ = 0;
  listener_.OnNoJobs(why +
                     "; does the prologue of [resources.slurm] end well, and do the nodes see " +
                     options_.program.string() + ", " + options_.trainer.string() + " and " +
                     folder_.string() + "? `beamgrid doctor --cluster RECIPE` asks one");
}

// ---- What pilots say ---------------------------------------------------------------------------

/// Reads on in the reports of some pilots, of all in turn.
void Pilots::HearSome() {
  const milliseconds now = Now();
  std::vector<std::string> left;
  auto next = pilots_.upper_bound(heard_last_);
  for (int looks = 0; looks < kMostLooks && std::cmp_less(looks, pilots_.size()); ++looks) {
    if (next == pilots_.end()) next = pilots_.begin();
    Hear(next->second, now);
    if (next->second.left()) left.push_back(next->first);
    heard_last_ = next->first;
    ++next;
  }
  for (const std::string& name : left) TakeLeave(name);
}

void Pilots::Hear(KnownPilot& pilot, milliseconds now) {
  pilot.Hear(now, [&](const Report& report) {
    if (report.what == Report::What::kBegun) stillborn_ = 0;
    listener_.OnReport(pilot, report);
  });
  if (pilot.idle()) {
    idle_.insert(PlaceOf(pilot));
  } else {
    NoteBusy(pilot);
  }
}

void Pilots::TakeLeave(const std::string& name) {
  KnownPilot& pilot = pilots_.at(name);
  const std::optional<AttemptKey> work = pilot.work();
  const std::string why = pilot.why_left();
  // Slurm may start it again; then it is to leave at once.
  Dismiss(pilot);
  NoteBusy(pilot);
  const fs::path folder = pilot.folder();
  pilots_.erase(name);
  if (why == kToldToEnd) {
    // Slurm queues what it preempts again; by then another job has been asked for.
    lost_.insert(name);
    unwanted_.push_back(name);
  }
  if (work) listener_.OnPilotLeft(*work, why);
  RemoveFolder(folder);
}

// ---- They come and go --------------------------------------------------------------------------

void Pilots::AskFor(const std::vector<JobNeed>& waiting) {
  if (waiting.empty() || Now() < ask_again_) return;
  // Where the last one was refused, one more shows whether the next would be.
  if (is_refused_ && unanswered_ > 0) return;
  std::vector<std::int64_t> memory_of_free;
  for (const auto& [name, pilot] : pilots_) {
    if (IsFree(pilot)) memory_of_free.push_back(pilot.settings().memory_bytes);
  }
  const std::vector<JobNeed> without = NeedsWithoutJob(waiting, memory_of_free);
  if (without.empty()) return;
  const auto allowed = static_cast<std::size_t>(options_.settings.jobs);
  const std::size_t room = allowed - std::min(allowed, pilots_.size());
  const std::size_t waited_for = waiting.size() - without.size();
  if (room == 0 || is_refused_) MakeRoom(without.size(), memory_of_free.size() - waited_for);
  if (room > 0 && is_refused_) {
    // What all others wait for may be what is refused.
    return Ask(*std::ranges::min_element(without, {}, &JobNeed::memory_bytes));
  }
  for (std::size_t i = 0; i < std::min({without.size(), room, kMostAsked}); ++i) Ask(without[i]);
}

/// Sends `most` free pilots home at most, until so many leave as are needed for others.
void Pilots::MakeRoom(std::size_t needed, std::size_t most) {
  std::vector<std::pair<Place, KnownPilot*>> free;
  for (auto& [name, pilot] : pilots_) {
    if (IsFree(pilot)) {
      free.emplace_back(PlaceOf(pilot), &pilot);
    } else if (!pilot.work() && needed > 0) {
      --needed;  // this one leaves
    }
  }
  // The smallest: as many of the largest as are waited for are enough for those who wait.
  std::ranges::sort(free);
  free.resize(std::min({free.size(), needed, most}));
  for (const auto& [place, pilot] : free) SendHome(*pilot);
}

void Pilots::SendHome(KnownPilot& pilot) {
  Dismiss(pilot);
  NoteBusy(pilot);
  if (!pilot.begun()) desk_.Cancel({pilot.name()});
}

void Pilots::Ask(const JobNeed& need) {
  const std::string name = NewJobName(options_.study);
  const fs::path folder = folder_ / name;
  if (!need.alone) largest_ = std::max(largest_, need.memory_bytes);
  longest_ = std::max(longest_, need.time);
  JobPlan plan{.settings = options_.settings,
               .memory_bytes = need.alone ? need.memory_bytes : largest_,
               .time = longest_,
               .threads = options_.threads};
  const PilotSettings settings = MakeJobFolder(folder, plan, Programs());
  pilots_.emplace(name, KnownPilot(folder, settings, Now()));
  // The intent is on the disk by now: whatever becomes of us, the job finds its folder, and the
  // next run the job.
  desk_.Submit(MakeRequest(folder, plan, options_.study));
  ++unanswered_;
}

void Pilots::FindEarlier() {
  std::error_code ignored;
  std::vector<fs::path> folders;
  for (fs::directory_iterator entry(folder_, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    if (entry->is_directory(ignored)) folders.push_back(entry->path());
  }
  if (folders.empty()) return;
  const QueueAnswer queue = desk_.Queue();
  answers_ = queue.answered;
  if (!answers_) {
    options_.Tell("Slurm does not answer (" + queue.message + ")");
    NoteSilence(queue.message);
  }
  for (const fs::path& folder : folders) FindEarlier(folder, queue);
  if (other_terms_ > 0) {
    options_.Tell(CountText(other_terms_, "Slurm job") +
                  " of an earlier run, asked for with other settings: no further trials");
  }
}

void Pilots::FindEarlier(const fs::path& folder, const QueueAnswer& queue) {
  const std::string name = folder.filename().string();
  std::optional<PilotSettings> settings;
  try {
    settings = ReadPilotSettings(folder);
  } catch (const Error&) {
    return;  // half made: its job was never asked for
  }
  if (IsElsewhere(folder, *settings)) return;
  KnownPilot pilot(folder, *settings, Now());
  pilot.HearAll(Now());
  const auto job = std::ranges::find(queue.jobs, name, &QueuedJob::name);
  const bool queued = job != queue.jobs.end() && !IsFinal(job->state);
  const bool gone = queue.answered && !queued && QuietSince(folder) >= options_.patience.lost;
  if (pilot.left() || gone) {
    lost_.insert(name);
    return;
  }
  pilot.NoteSubmitted("", Now());
  if (job != queue.jobs.end()) pilot.See(&*job, Now());
  const bool other_terms = settings->terms != terms_;
  if (other_terms) ++other_terms_;
  if (other_terms || pilot.told_to_leave()) SendHome(pilot);
  if (pilot.idle()) idle_.insert(PlaceOf(pilot));
  pilots_.emplace(name, std::move(pilot));
}

}  // namespace beamgrid
