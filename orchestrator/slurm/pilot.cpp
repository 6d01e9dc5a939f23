#include "orchestrator/slurm/pilot.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <utility>
#include <variant>

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/workers/process.h"
#include "orchestrator/workers/surviving_worker.h"
#include "orchestrator/workers/worker_environment.h"
#include "registry/util/error.h"
#include "registry/util/half_written.h"
#include "registry/util/json.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

using namespace std::chrono_literals;

/// How often a pilot looks for orders. On a busy cluster many look at one file system: who has
/// waited for long looks more rarely.
constexpr auto kFirstLook = 20ms, kRareLook = 500ms;
/// How often it looks whether its attempt was ended by somebody else.
constexpr auto kEndLook = 1s;
/// The share of a job's time after which no attempt is begun: it would only be interrupted.
constexpr double kLateShare = 0.9;

/// How long what the orchestrator has written may take to be seen here.
constexpr auto kLongestUnseen = 60s;

/// True if the attempt's trial.json is to be seen whole.
bool SeesTrial(const Order& order) {
  try {
    const boost::json::value trial =
        ParseJson(ReadFile(std::filesystem::path(order.directory) / kTrialFile));
    return JsonReader(trial, "").Integer("attempt") == order.key.attempt;
  } catch (const std::invalid_argument&) {
  } catch (const Error&) {
  }
  return false;
}

}  // namespace

Pilot::Pilot(std::filesystem::path folder, std::string name)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      settings_(ReadPilotSettings(folder_)),
      orders_(folder_ / kOrders),
      reports_(folder_ / kReports),
      executor_({.trainer = settings_.trainer,
                 .environment = CurrentEnvironment(),
                 .processor_flags = ProcessorFlags(),
                 .silence = settings_.silence}),
      begun_(Clock::now()),
      idle_since_(begun_),
      said_at_(begun_) {}

Pilot::~Pilot() = default;

void Pilot::Stop() {
  stop_.store(true);
  executor_.Wake();
}

void Pilot::Run() {
  Say({.what = Report::What::kBegun, .text = name_});
  EndFormerWork();
  while (true) {
    HearOrders();
    HeedStop();
    if (!work_) {
      if (const std::string why = WhyLeave(); !why.empty()) {
        return Say({.what = Report::What::kLeft, .text = why});
      }
      BeginNext();
    }
    StopIfEndedByOthers();
    SayLives();
    Wait();
  }
}

void Pilot::EndFormerWork() {
  const std::optional<AtWork> former = ReadAtWork(folder_);
  if (!former) return;
  const std::filesystem::path directory = former->directory;
  // One that was never claimed, nobody has worked on; one that has ended needs no other end.
  if (ClaimedBy(directory) == folder_.filename().string() && !ReadEnd(directory)) {
    KillSurvivingWorker(directory);
    RemoveHalfWritten(directory);
    (void)PublishEnd(directory, former->key, name_,
                     OutcomeUnheard(directory, FailureKind::kInterrupted,
                                    "its job was started again by Slurm (requeued, preempted, or "
                                    "its node was lost)"));
  }
  Say({.what = Report::What::kEnded, .key = former->key});
  WriteAtWork(folder_, std::nullopt);
}

void Pilot::HearOrders() {
  (void)orders_.Read([this](std::string_view line) {
    if (const auto order = OrderFromLine(line)) Obey(*order);
  });
}

void Pilot::Obey(const Order& order) {
  if (order.what == Order::What::kLeave) {
    told_to_leave_ = true;
  } else if (order.what == Order::What::kCarryOut) {
    // A former life may have carried it out: then it is claimed, and refused.
    waiting_.push_back(order);
  } else if (work_ && work_->order.key == order.key) {
    (void)executor_.Cancel(order.key, order.span);
  } else {
    std::erase_if(waiting_, [&](const Order& other) { return other.key == order.key; });
  }
}

void Pilot::HeedStop() {
  if (!stop_.load() || std::exchange(stopping_, true)) return;
  if (work_) (void)executor_.Cancel(work_->order.key, settings_.grace);
}

std::string Pilot::WhyLeave() const {
  if (stopping_) return kToldToEnd;
  const bool late =
      settings_.time.count() > 0 && Clock::now() - begun_ > settings_.time * kLateShare;
  if (late) return "the job's time is nearly over";
  if (!waiting_.empty()) return "";
  if (told_to_leave_) return "it was not needed any more";
  return Clock::now() - idle_since_ > settings_.idle ? "no trial came for it" : "";
}

void Pilot::BeginNext() {
  while (!work_ && !waiting_.empty()) {
    if (!IsThere(waiting_.front())) return;
    const Order order = std::move(waiting_.front());
    waiting_.pop_front();
    if (!MayBegin(order)) {
      Say({.what = Report::What::kRefused,
           .key = order.key,
           .text = "it was claimed or ended before"});
      continue;
    }
    work_ = {order, Clock::now()};
    Say({.what = Report::What::kTook, .key = order.key, .text = order.directory});
    executor_.Submit(
        order.key, order.directory,
        {.device = settings_.device, .threads = settings_.threads, .alone = order.alone},
        order.span);
  }
}

bool Pilot::IsThere(const Order& order) {
  const auto now = Clock::now();
  // A worker that saw half of it would call the trial a mistake.
  const bool seen = SeesTrial(order) || now - unseen_since_.value_or(now) > kLongestUnseen;
  unseen_since_ = seen ? std::nullopt : std::optional(unseen_since_.value_or(now));
  return seen;
}

bool Pilot::MayBegin(const Order& order) {
  // After a new start all orders are read once more.
  if (ClaimedBy(order.directory)) return false;
  // Before the claim: whoever comes after us must find what we have claimed.
  WriteAtWork(folder_, AtWork{order.key, order.directory});
  if (Claim(order.directory, folder_.filename().string()) && !ReadEnd(order.directory)) return true;
  WriteAtWork(folder_, std::nullopt);
  return false;
}

void Pilot::StopIfEndedByOthers() {
  if (!work_ || Clock::now() - work_->looked_at < kEndLook) return;
  work_->looked_at = Clock::now();
  if (ReadEnd(work_->order.directory)) (void)executor_.Cancel(work_->order.key, 0ms);
}

void Pilot::Wait() {
  const auto idle =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - idle_since_);
  const auto look = std::clamp<std::chrono::milliseconds>(idle / 10, kFirstLook, kRareLook);
  std::vector<ExecutorEvent> events;
  try {
    events = executor_.Poll(std::min<std::chrono::milliseconds>(look, settings_.beat));
  } catch (const Error& error) {
    // The end of its attempt is lost; what became of it is in the directory.
    if (!work_ || executor_.Cancel(work_->order.key, 0ms)) throw;
    End(OutcomeUnheard(work_->order.directory, FailureKind::kEnvironment, error.what()));
  }
  for (const ExecutorEvent& event : events) Take(event);
}

void Pilot::Take(const ExecutorEvent& event) {
  if (!work_ || work_->order.key != event.key) return;
  if (const auto* outcome = std::get_if<AttemptOutcome>(&event.what)) return End(*outcome);
  const auto& message = std::get<Message>(event.what);
  // That the worker lives is watched here; that we do, we say ourselves.
  if (std::holds_alternative<Heartbeat>(message)) return;
  Say({.what = Report::What::kHeard, .key = event.key, .text = ToLine(message)});
}

void Pilot::End(AttemptOutcome outcome) {
  auto* failure = std::get_if<AttemptFailure>(&outcome.end);
  if (stopping_ && failure != nullptr && failure->kind == FailureKind::kInterrupted) {
    failure->message = std::string(kToldToEnd) + " by Slurm (its time, preemption, scancel)";
  }
  const Order order = std::exchange(work_, std::nullopt)->order;
  // Another end may be there: then that one counts, and is told all the same.
  (void)PublishEnd(order.directory, order.key, name_, outcome);
  Say({.what = Report::What::kEnded, .key = order.key});
  WriteAtWork(folder_, std::nullopt);
  idle_since_ = Clock::now();
}

void Pilot::Say(const Report& report) {
  (void)reports_.Add(ToLine(report));
  said_at_ = Clock::now();
}

void Pilot::SayLives() {
  if (Clock::now() - said_at_ < settings_.beat) return;
  Say({.what = Report::What::kLives,
       .key = work_ ? std::optional(work_->order.key) : std::nullopt,
       .orders = orders_.offset()});
}

std::string PilotName() {
  std::array<char, 256> host{};
  const char* node = std::getenv("SLURMD_NODENAME");
  if (node == nullptr) (void)::gethostname(host.data(), host.size() - 1);
  const char* job = std::getenv("SLURM_JOB_ID");
  return std::string(node != nullptr ? node : host.data()) + ", process " +
         std::to_string(::getpid()) + (job != nullptr ? std::string(", job ") + job : "");
}

}  // namespace beamgrid
