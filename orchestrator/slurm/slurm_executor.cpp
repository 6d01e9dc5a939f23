#include "orchestrator/slurm/slurm_executor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/given_up.h"
#include "orchestrator/slurm/job_script.h"
#include "orchestrator/slurm/slurm_desk.h"
#include "orchestrator/workers/attempt_files.h"
#include "orchestrator/workers/surviving_worker.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/half_written.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// The most pilots whose reports are read in one turn, and the most jobs that are asked for: each
/// costs some files, and Ctrl-C is heeded between two turns.
constexpr int kMostLooks = 128, kMostAsked = 16;
/// The time between two turns: reports are read again.
constexpr milliseconds kShortStep{20}, kLongStep{100};
/// Above so many pilots a turn is made more rarely: each costs an open of its reports.
constexpr std::size_t kManyPilots = 64;
/// So many jobs in a row that ended before they said anything: none will.
constexpr int kMostStillborn = 3;
/// After sbatch has refused a job it is asked again, unless that is for good and all that we have.
constexpr milliseconds kAskAgain{20'000};
/// Returns how long ago, by the file system's own clock, the pilot of the folder said something.
milliseconds QuietSince(const fs::path& folder) {
  std::error_code error;
  fs::path said = folder / kReports;
  if (!fs::exists(said, error)) said = folder / kOrders;
  const fs::path look = folder / "looked_at";
  WriteFileAtomically(look, "");
  const auto now = fs::last_write_time(look, error);
  const auto then = fs::last_write_time(said, error);
  return error ? milliseconds(0) : std::chrono::duration_cast<milliseconds>(now - then);
}

/// So long pilots are waited for when the study is over.
constexpr milliseconds kFarewell{2'000};

constexpr char kStopped[] = "stopped with the study";
/// Slurm's word for a job that its node could not start.
constexpr char kHeldAfterFailure[] = "launch failed requeued held";

AttemptOutcome Interrupted(const std::string& message) {
  return {AttemptFailure{.kind = FailureKind::kInterrupted, .message = message}};
}

}  // namespace

/// Jobs is the pilots, and the attempts that they carry out or that wait for one.
class SlurmExecutor::Jobs {
 public:
  Jobs(SlurmClient& client, SlurmExecutorOptions options)
      : options_(std::move(options)),
        pilots_folder_(PilotsOf(options_.study_folder)),
        terms_(TermsOf(options_.settings, options_.threads, Programs())),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        desk_(client, options_.patience.queue, [this] { Wake(); }) {
    if (wake_.get() < 0) throw SystemError("an eventfd", "cannot be made", errno);
    FindPilots();
  }

  ~Jobs() { DismissAll(); }
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  void Submit(const AttemptKey& key, const fs::path& directory, const Placement& placement,
              milliseconds timeout) {
    works_.emplace(key, Work{.directory = directory,
                             .timeout = timeout,
                             .alone = placement.alone,
                             .memory_bytes = MemoryOfJob(options_.settings, placement),
                             .time = TimeOfJob(options_.settings, placement)});
    waiting_.push_back(key);
    Assign();
  }

  bool Cancel(const AttemptKey& key, milliseconds grace) {
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
      if (const auto pilot = pilots_.find(work.pilot); pilot != pilots_.end()) {
        pilot->second.Tell({.what = Order::What::kCancel, .key = key, .span = grace});
      }
      work.cancelled = Cancelled{grace, WatchedTime(Now())};
      cancelled_.insert(key);
    }
    return true;
  }

  std::vector<ExecutorEvent> Poll(milliseconds wait) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    while (true) {
      Turn();
      if (!events_.empty()) break;
      const auto left =
          std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0 || Sleep(std::min(left, Step()))) break;
    }
    return std::exchange(events_, {});
  }

  void Wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  }

  AttemptOutcome Reconcile(const AttemptKey& key, const fs::path& directory) {
    if (!IsPilots(directory)) {
      // A local run's, or one that no pilot was told of.
      KillSurvivingWorker(directory);
      RemoveHalfWritten(directory);
      return OutcomeOf(directory, {});
    }
    return EndPilotsAttempt(
        key, directory,
        {.queue = [this] { return desk_.Queue(); },
         .cancel = [this](const std::vector<std::string>& names) { desk_.Cancel(names); },
         .is_gone = [this](const std::string& pilot) { return lost_.contains(pilot); },
         .clock = options_.clock,
         .patience = options_.patience});
  }

  bool CanAdopt(const fs::path& directory) {
    const std::optional<std::string> pilot = ClaimedBy(directory);
    return pilot && pilots_.contains(*pilot) && !ReadEnd(directory);
  }

  void Adopt(const AttemptKey& key, const fs::path& directory) {
    const std::string name = ClaimedBy(directory).value_or("");
    works_.emplace(key, Work{.directory = directory, .pilot = name});
    const auto pilot = pilots_.find(name);
    if (pilot == pilots_.end()) {
      return GiveUp(key, FailureKind::kInterrupted, "its job was lost with its orchestrator");
    }
    pilot->second.Repeat(key, directory, [&](const Report& report) {
      if (report.what == Report::What::kHeard) PassOn(key, report.text, Told::kEarlier);
    });
    // It may have ended since it was found.
    if (ReadEnd(directory)) return BeginEnding(key);
    pilot->second.NoteWork(key);
    idle_.erase(name);
  }

 private:
  /// Cancelled is that an attempt was to stop, and for how long it has not.
  struct Cancelled {
    milliseconds grace;
    WatchedTime waited;
  };

  /// Work is an attempt that was submitted or adopted and has not ended.
  struct Work {
    fs::path directory;
    milliseconds timeout{0};
    bool alone = false;
    std::int64_t memory_bytes = 0;  ///< that its job should have; 0: what the cluster gives
    milliseconds time{0};           ///< likewise
    std::string pilot;              ///< empty: it waits for one
    bool ending = false;            ///< it has ended, and how is not to be seen yet
    WatchedTime unseen;
    std::optional<Cancelled> cancelled;
  };
  /// Told says when a worker said something.
  enum class Told { kNow, kEarlier };

  [[nodiscard]] milliseconds Now() const { return options_.clock(); }

  [[nodiscard]] JobPrograms Programs() const {
    return {.program = options_.program,
            .trainer = options_.trainer,
            .silence = options_.silence,
            .beat = options_.patience.beat};
  }

  void Say(const std::string& line) const {
    if (options_.tell) options_.tell(line);
  }

  // ---- Turns -----------------------------------------------------------------------------------

  void Turn() {
    TakeNews(desk_.Take());
    HearPilots();
    LookAtEndings();
    LookAtCancelled();
    Assign();
    AskForPilots();
  }

  [[nodiscard]] milliseconds Step() const {
    return pilots_.size() > kManyPilots ? kLongStep : kShortStep;
  }

  /// Sleeps until it is woken; true if it was, by Wake.
  [[nodiscard]] bool Sleep(milliseconds most) const {
    pollfd woken{.fd = wake_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&woken, 1, static_cast<int>(most.count())) <= 0) return false;
    std::uint64_t count = 0;
    return ::read(wake_.get(), &count, sizeof count) == sizeof count;
  }

  // ---- What Slurm says -------------------------------------------------------------------------

  void TakeNews(SlurmDesk::News news) {
    for (const auto& [name, answer] : news.submitted) TakeSubmission(name, answer);
    if (news.queue) TakeQueue(*news.queue);
    if (news.ended) TakeEnded(*news.ended);
  }

  void TakeSubmission(const std::string& name, const SubmitAnswer& answer) {
    const auto pilot = pilots_.find(name);
    if (pilot == pilots_.end()) return;
    if (answer.outcome == Submission::kAccepted || answer.outcome == Submission::kUnclear) {
      return pilot->second.NoteSubmitted(answer.id, Now());
    }
    RemoveFolder(pilot->second.folder());
    pilots_.erase(pilot);
    ask_again_ = Now() + kAskAgain;
    const bool for_good = answer.outcome == Submission::kRefused;
    const std::string why = "sbatch refused a job: " + answer.message;
    if (for_good && pilots_.empty()) return FailWaiting(why);
    if (std::exchange(refusal_, why) == why) return;
    Say(why + (pilots_.empty() ? "; it is asked again"
                               : "; the study goes on with the jobs that it has"));
  }

  void TakeQueue(const QueueAnswer& answer) {
    if (!answer.answered) {
      if (std::exchange(answers_, false)) {
        Say("Slurm does not answer (" + answer.message + "); what runs goes on");
      }
      return;
    }
    if (!std::exchange(answers_, true)) Say("Slurm answers again");
    const milliseconds now = Now();
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
    }
    if (accounting_ && !missing.empty()) desk_.AskEnded(std::move(missing));
    ReplaceHeld();
    TellWhyNothingBegins();
    Judge();
  }

  /// A job that could not be started on its node is held by Slurm until somebody releases it;
  /// another one may find a better node.
  void ReplaceHeld() {
    for (const auto& [name, pilot] : pilots_) {
      if (pilot.reason() != kHeldAfterFailure || !held_.insert(name).second) continue;
      Say("the job " + name + ": " + ReasonInWords(pilot.reason()) + "; another one is asked for");
      desk_.Cancel({name});
    }
  }

  /// Says what the jobs wait for, once for each reason, where none has begun.
  void TellWhyNothingBegins() {
    std::string reason;
    for (const auto& [name, pilot] : pilots_) {
      if (pilot.begun()) return told_reason_.clear();
      if (reason.empty() && !held_.contains(name)) reason = pilot.reason();
    }
    // One that was asked for just now will have another reason at the next look, or none.
    const bool lasts = std::exchange(seen_reason_, reason) == reason;
    if (reason.empty() || !lasts || std::exchange(told_reason_, reason) == reason) return;
    Say("no job has begun: " + ReasonInWords(reason));
  }

  void TakeEnded(const EndedAnswer& answer) {
    if (answer.accounting == Accounting::kOff) accounting_ = false;
    if (answer.accounting != Accounting::kAnswered) return;
    for (const EndedJob& job : answer.jobs) {
      const auto pilot = pilots_.find(job.name);
      if (pilot != pilots_.end()) pilot->second.SeeEnded(job);
    }
  }

  /// Draws the consequences for pilots that are gone.
  void Judge() {
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
          Say("the job " + name + " runs on " + pilot.node() +
              " and says nothing any more; it is ended");
          desk_.Cancel({name});
          break;
      }
    }
    for (const std::string& name : lost) Lose(name);
  }

  void Restart(KnownPilot& pilot) {
    const std::optional<AttemptKey> work = pilot.work();
    idle_.erase(pilot.name());
    pilot.NoteRestart();
    if (work && works_.contains(*work)) {
      GiveUp(*work, FailureKind::kInterrupted, "its job waits to be started again by Slurm");
    }
  }

  void Lose(const std::string& name) {
    KnownPilot& pilot = pilots_.at(name);
    const std::optional<AttemptKey> work = pilot.work();
    const std::string fate = pilot.Fate();
    const bool memory = pilot.RanOutOfMemory();
    const bool stillborn = !pilot.has_lived() && pilot.EndedByItself();
    const std::string last_words = LogTail(pilot.folder() / kJobLog, 3);
    // Should it live all the same, it is not to wait for more.
    Dismiss(pilot);
    lost_.insert(name);
    idle_.erase(name);
    pilots_.erase(name);
    if (work && works_.contains(*work)) {
      GiveUp(*work, memory ? FailureKind::kOutOfMemory : FailureKind::kInterrupted, fate);
    }
    if (!stillborn) return;
    const std::string why = fate + " before it said anything" +
                            (last_words.empty() ? "" : "; it said last: " + last_words);
    Say(why);
    if (++stillborn_ >= kMostStillborn) {
      FailWaiting(why + "; do the nodes see " + options_.program.string() + ", " +
                  options_.trainer.string() + " and " + pilots_folder_.string() +
                  "? `beamgrid doctor` asks one");
    }
  }

  /// Nothing can be carried out: a fault of the machine, which stops the study.
  void FailWaiting(const std::string& why) {
    for (const AttemptKey& key : std::exchange(waiting_, {})) {
      End(key, {AttemptFailure{.kind = FailureKind::kEnvironment, .message = why}});
    }
    stillborn_ = 0;
  }

  // ---- What pilots say -------------------------------------------------------------------------

  /// Reads on in the reports of some pilots, of all in turn.
  void HearPilots() {
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

  void Hear(KnownPilot& pilot, milliseconds now) {
    pilot.Hear(now, [&](const Report& report) {
      if (report.what == Report::What::kBegun) stillborn_ = 0;
      if (pilot.DeniesWork(report) && works_.contains(*pilot.work())) {
        BeginEnding(*pilot.work());  // it had no room to say so
      }
      if (!report.key || !works_.contains(*report.key)) return;
      // What another pilot says of it is of another time.
      if (works_.at(*report.key).pilot != pilot.name()) return;
      if (report.what == Report::What::kHeard && pilot.took() == works_.at(*report.key).directory) {
        PassOn(*report.key, report.text, Told::kNow);
      }
      if (report.what == Report::What::kLives) StopEnding(*report.key);
      if (report.what == Report::What::kEnded) BeginEnding(*report.key);
      if (report.what == Report::What::kRefused) {
        GiveUp(*report.key, FailureKind::kInterrupted, "its job refused it: " + report.text);
      }
    });
    if (pilot.idle()) {
      idle_.insert(pilot.name());
    } else {
      idle_.erase(pilot.name());
    }
  }

  void PassOn(const AttemptKey& key, const std::string& line, Told told) {
    std::optional<Message> message = MessageFromLine(line);
    if (!message) return;
    auto* evaluated = std::get_if<Evaluated>(&*message);
    if (evaluated != nullptr && told == Told::kEarlier) evaluated->earlier = true;
    events_.push_back({key, *std::move(message)});
  }

  void TakeLeave(const std::string& name) {
    KnownPilot& pilot = pilots_.at(name);
    const std::optional<AttemptKey> work = pilot.work();
    const std::string why = pilot.why_left();
    // Slurm may start it again; then it is to leave at once.
    Dismiss(pilot);
    idle_.erase(name);
    const fs::path folder = pilot.folder();
    pilots_.erase(name);
    if (work && works_.contains(*work) && !works_.at(*work).ending) PutBack(*work, why);
    RemoveFolder(folder);
  }

  /// An attempt whose pilot left before it had heard of it waits for another one.
  void PutBack(const AttemptKey& key, const std::string& why) {
    Work& work = works_.at(key);
    if (ClaimedBy(work.directory)) return GiveUp(key, FailureKind::kInterrupted, why);
    work.pilot.clear();
    waiting_.push_front(key);
  }

  // ---- Ends ------------------------------------------------------------------------------------

  void BeginEnding(const AttemptKey& key) {
    Work& work = works_.at(key);
    if (std::exchange(work.ending, true)) return;
    work.unseen = WatchedTime(Now());
    ending_.insert(key);
  }

  /// It is at work after all.
  void StopEnding(const AttemptKey& key) {
    works_.at(key).ending = false;
    ending_.erase(key);
  }

  /// Looks for the files of attempts that have ended.
  void LookAtEndings() {
    const std::set<AttemptKey> ending = ending_;
    for (const AttemptKey& key : ending) LookAtEnd(key);
  }

  void LookAtEnd(const AttemptKey& key) {
    Work& work = works_.at(key);
    std::string unseen = "end.json is not there";
    if (const std::optional<AttemptEnd> end = ReadEnd(work.directory)) {
      auto seen = SeenOutcome(work.directory, *end);
      if (end->key != key) {
        unseen = "end.json is of another attempt";
      } else if (auto* outcome = std::get_if<AttemptOutcome>(&seen)) {
        return End(key, std::move(*outcome));
      } else {
        unseen = std::get<std::string>(seen);
      }
    }
    work.unseen.Look(Now());
    if (work.unseen.watched() < options_.patience.files) return;
    const std::string why = "how it ended could not be seen within " +
                            SecondsText(options_.patience.files) + ": " + unseen;
    Say(work.directory.string() + ": " + why);
    AttemptOutcome outcome = Interrupted(why);
    (void)PublishEnd(work.directory, key, "the orchestrator", outcome);
    End(key, std::move(outcome));
  }

  /// Ends an attempt that is at work no more, or that must not be believed any more: by what its
  /// files say, else as a failure of that kind.
  void GiveUp(const AttemptKey& key, FailureKind kind, const std::string& why) {
    Work& work = works_.at(key);
    if (work.ending) return;
    if (Claim(work.directory, "")) return End(key, Interrupted(why + ", before it was begun"));
    AttemptOutcome outcome = OutcomeUnheard(work.directory, kind, why);
    if (PublishEnd(work.directory, key, "the orchestrator", outcome)) {
      return End(key, std::move(outcome));
    }
    BeginEnding(key);
  }

  void End(const AttemptKey& key, AttemptOutcome outcome) {
    const auto work = works_.find(key);
    if (const auto pilot = pilots_.find(work->second.pilot); pilot != pilots_.end()) {
      if (pilot->second.work() == key) pilot->second.DropWork();
      if (pilot->second.idle()) idle_.insert(pilot->first);
    }
    ending_.erase(key);
    cancelled_.erase(key);
    works_.erase(work);
    events_.push_back({key, std::move(outcome)});
  }

  /// Gives up what was to stop and does not.
  void LookAtCancelled() {
    const std::set<AttemptKey> cancelled = cancelled_;
    for (const AttemptKey& key : cancelled) {
      Work& work = works_.at(key);
      work.cancelled->waited.Look(Now());
      const milliseconds most = work.cancelled->grace + options_.patience.stopping;
      if (work.ending || work.cancelled->waited.watched() < most) continue;
      if (!work.pilot.empty()) desk_.Cancel({work.pilot});
      GiveUp(key, FailureKind::kInterrupted, std::string(kStopped) + "; its job did not answer");
    }
  }

  // ---- Pilots come and go ----------------------------------------------------------------------

  /// Gives attempts that wait to pilots that are free.
  void Assign() {
    for (auto key = waiting_.begin(); key != waiting_.end() && !idle_.empty();) {
      Work& work = works_.at(*key);
      const auto pilot = std::ranges::find_if(
          idle_, [&](const std::string& name) { return Fits(pilots_.at(name), work); });
      if (pilot == idle_.end()) {
        ++key;
        continue;
      }
      Give(*key, work, pilots_.at(*pilot));
      idle_.erase(pilot);
      key = waiting_.erase(key);
    }
  }

  static void Give(const AttemptKey& key, Work& work, KnownPilot& pilot) {
    // First who is told, then the telling: whoever finds the attempt knows whom to ask.
    WriteOrdered(work.directory, pilot.name());
    work.pilot = pilot.name();
    pilot.Tell({.what = Order::What::kCarryOut,
                .key = key,
                .directory = work.directory.string(),
                .span = work.timeout,
                .alone = work.alone});
  }

  static bool Fits(const KnownPilot& pilot, const Work& work) {
    const std::int64_t has = pilot.settings().memory_bytes;
    // What the cluster gives by itself is enough for what nobody has a forecast of.
    return work.memory_bytes == 0 || has >= work.memory_bytes;
  }

  void AskForPilots() {
    if (waiting_.empty() || Now() < ask_again_) return;
    const auto most = static_cast<std::size_t>(options_.settings.jobs);
    const std::size_t wanted = std::min(most, works_.size());
    auto key = waiting_.begin();
    for (int asked = 0; asked < kMostAsked && pilots_.size() < wanted && key != waiting_.end();
         ++asked) {
      AskForPilot(works_.at(*key++));
    }
    const Work& first = works_.at(waiting_.front());
    const bool has_one = std::ranges::any_of(pilots_, [&](const auto& entry) {
      return !entry.second.told_to_leave() && Fits(entry.second, first);
    });
    if (has_one) return;
    // It needs more memory than any pilot has.
    if (pilots_.size() < most) return AskForPilot(first);
    if (!idle_.empty()) Dismiss(pilots_.at(*idle_.begin()));
  }

  void AskForPilot(const Work& work) {
    const std::string name = NewJobName(options_.study);
    const fs::path folder = pilots_folder_ / name;
    largest_ = std::max(largest_, work.memory_bytes);
    longest_ = std::max(longest_, work.time);
    JobPlan plan{.settings = options_.settings,
                 .memory_bytes = largest_ == kWholeNode ? work.memory_bytes : largest_,
                 .time = longest_,
                 .threads = options_.threads};
    const PilotSettings settings = MakeJobFolder(folder, plan, Programs());
    pilots_.emplace(name, KnownPilot(folder, settings, Now()));
    // The intent is on the disk by now: whatever becomes of us, the job finds its folder, and the
    // next run the job.
    desk_.Submit(MakeRequest(folder, plan, options_.study));
  }

  static void Dismiss(KnownPilot& pilot) {
    try {
      pilot.Tell({.what = Order::What::kLeave});
    } catch (const Error&) {
      // It leaves by itself when no attempt comes.
    }
  }

  static void RemoveFolder(const fs::path& folder) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  /// Finds the pilots of an earlier orchestrator by their folders.
  void FindPilots() {
    std::error_code ignored;
    std::vector<fs::path> folders;
    for (fs::directory_iterator entry(pilots_folder_, ignored), end; !ignored && entry != end;
         entry.increment(ignored)) {
      if (entry->is_directory(ignored)) folders.push_back(entry->path());
    }
    if (folders.empty()) return;
    const QueueAnswer queue = desk_.Queue();
    answers_ = queue.answered;
    if (!answers_) Say("Slurm does not answer (" + queue.message + ")");
    for (const fs::path& folder : folders) FindPilot(folder, queue);
    if (other_terms_ > 0) {
      Say(CountText(other_terms_, "Slurm job") +
          " of an earlier run, asked for with other settings: no further trials");
    }
  }

  void FindPilot(const fs::path& folder, const QueueAnswer& queue) {
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
    if (settings->terms != terms_) {
      // It ends what it carries out, and gets nothing more.
      Dismiss(pilot);
      if (!pilot.begun()) desk_.Cancel({name});
      ++other_terms_;
    }
    if (pilot.idle()) idle_.insert(name);
    pilots_.emplace(name, std::move(pilot));
  }

  /// Sends the pilots home. Those that are not there yet are cancelled.
  void DismissAll() {
    std::vector<std::string> cancelled;
    for (auto& [name, pilot] : pilots_) {
      Dismiss(pilot);
      if (!pilot.begun()) cancelled.push_back(name);
    }
    if (!cancelled.empty()) desk_.Cancel(std::move(cancelled));
    const auto deadline = std::chrono::steady_clock::now() + kFarewell;
    const auto stays = [](const auto& entry) {
      return entry.second.begun() && !entry.second.left() && !entry.second.work();
    };
    while (std::ranges::any_of(pilots_, stays) && std::chrono::steady_clock::now() < deadline) {
      for (auto& [name, pilot] : pilots_) pilot.Hear(Now(), [](const Report&) {});
      (void)Sleep(kShortStep);
    }
    for (const auto& [name, pilot] : pilots_) {
      if (pilot.left()) RemoveFolder(pilot.folder());
    }
    // One that comes back all the same finds nothing to do and nowhere to say so, and ends.
    for (const std::string& name : lost_) RemoveFolder(pilots_folder_ / name);
  }

  SlurmExecutorOptions options_;
  fs::path pilots_folder_;
  std::string terms_;  ///< of the jobs that are asked for
  UniqueFd wake_;
  std::map<std::string, KnownPilot> pilots_;  ///< by the name of their job
  std::set<std::string> idle_;                ///< those that are free
  std::set<std::string> lost_;                ///< those that were given up
  std::set<std::string> held_;                ///< those that were cancelled because Slurm held them
  std::map<AttemptKey, Work> works_;
  std::deque<AttemptKey> waiting_;  ///< of works_: those without a pilot
  std::set<AttemptKey> ending_, cancelled_;
  std::vector<ExecutorEvent> events_;
  std::string heard_last_;                 ///< the pilot that was heard last
  std::string refusal_;                    ///< what sbatch said last
  std::string seen_reason_, told_reason_;  ///< why the first job waits, where none has begun
  milliseconds ask_again_{0};
  std::int64_t largest_ = 0;  ///< memory that an attempt so far needs
  milliseconds longest_{0};
  std::size_t other_terms_ = 0;  ///< jobs of an earlier run that were asked for with others
  int stillborn_ = 0;            ///< jobs in a row that ended before they said anything
  bool answers_ = true;          ///< Slurm does
  bool accounting_ = true;       ///< there may be one
  SlurmDesk desk_;               ///< last: its thread wakes us
};

SlurmExecutor::SlurmExecutor(SlurmClient& client, SlurmExecutorOptions options)
    : jobs_(std::make_unique<Jobs>(client, std::move(options))) {}
SlurmExecutor::~SlurmExecutor() = default;

void SlurmExecutor::Submit(const AttemptKey& key, const fs::path& directory,
                           const Placement& placement, milliseconds timeout) {
  jobs_->Submit(key, directory, placement, timeout);
}

bool SlurmExecutor::Cancel(const AttemptKey& key, milliseconds grace) {
  return jobs_->Cancel(key, grace);
}

std::vector<ExecutorEvent> SlurmExecutor::Poll(milliseconds wait) { return jobs_->Poll(wait); }

void SlurmExecutor::Wake() { jobs_->Wake(); }

AttemptOutcome SlurmExecutor::Reconcile(const AttemptKey& key, const fs::path& directory,
                                        std::int64_t /*pid*/) {
  return jobs_->Reconcile(key, directory);
}

bool SlurmExecutor::CanAdopt(const AttemptKey& /*key*/, const fs::path& directory) {
  return jobs_->CanAdopt(directory);
}

void SlurmExecutor::Adopt(const AttemptKey& key, const fs::path& directory) {
  jobs_->Adopt(key, directory);
}

}  // namespace beamgrid
