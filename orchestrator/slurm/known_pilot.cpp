#include "orchestrator/slurm/known_pilot.h"

#include <string_view>
#include <utility>

namespace beamgrid {

KnownPilot::KnownPilot(std::filesystem::path folder, PilotSettings settings, Milliseconds now)
    : folder_(std::move(folder)),
      settings_(std::move(settings)),
      reports_(folder_ / kReports),
      orders_(folder_ / kOrders),
      silent_(now),
      missing_(now),
      mute_(now) {}

void KnownPilot::Hear(Milliseconds now, const std::function<void(const Report&)>& on_report) {
  const LineGrowth growth = reports_.Read([&](std::string_view line) {
    const std::optional<Report> report = ReportFromLine(line);
    if (!report) return;
    if (report->what == Report::What::kTook) took_ = report->text;
    if (report->what == Report::What::kBegun) {
      begun_ = has_lived_ = true;
      left_ = false;
      node_ = report->text;
    } else if (report->what == Report::What::kLeft) {
      left_ = true;
      why_left_ = report->text;
    } else if (report->what == Report::What::kEnded || report->what == Report::What::kRefused) {
      if (work_ == report->key) work_.reset();
    } else if (report->key && !work_) {
      work_ = report->key;  // an earlier orchestrator's, or one that was given up and goes on
    }
    on_report(*report);
  });
  if (growth == LineGrowth::kSome) silent_.StartAnew(now);
  if (growth == LineGrowth::kNone) silent_.Look(now);
}

void KnownPilot::HearAll(Milliseconds now) {
  std::int64_t before = -1;
  while (std::exchange(before, reports_.offset()) != reports_.offset()) {
    Hear(now, [](const Report&) {});
  }
  LineTail orders(orders_.path());
  const auto see = [this](std::string_view line) {
    const std::optional<Order> order = OrderFromLine(line);
    if (order && order->what == Order::What::kLeave) told_to_leave_ = true;
  };
  while (orders.Read(see) == LineGrowth::kSome) continue;
}

void KnownPilot::Repeat(const AttemptKey& key, const std::filesystem::path& directory,
                        const std::function<void(const Report&)>& on_report) const {
  LineTail again(reports_.path());
  bool is_it = false;
  const auto repeat = [&](std::string_view line) {
    const std::optional<Report> report = ReportFromLine(line);
    if (!report || report->key != key) return;
    if (report->what == Report::What::kTook) is_it = report->text == directory;
    if (is_it) on_report(*report);
  };
  while (again.offset() < reports_.offset()) {
    if (again.Read(repeat, reports_.offset()) != LineGrowth::kSome) return;
  }
}

void KnownPilot::See(const QueuedJob* job, Milliseconds now) {
  reason_ = job != nullptr && job->state.starts_with("PENDING") ? job->reason : "";
  const bool mute = job != nullptr && job->state.starts_with("RUNNING") && !begun_;
  if (mute && nodes_ == job->nodes) {
    mute_.Look(now);
  } else {
    mute_.StartAnew(now);
  }
  nodes_ = job != nullptr ? job->nodes : "";
  if (job == nullptr) {
    // Between two looks sbatch may not have answered yet.
    if (asked_for_) missing_.Look(now);
    return;
  }
  asked_for_ = true;
  missing_.StartAnew(now);
  id_ = job->id;
  state_ = job->state;
}

void KnownPilot::SeeEnded(const EndedJob& job) {
  id_ = job.id;
  state_ = job.state;
}

void KnownPilot::Tell(const Order& order) {
  if (order.what == Order::What::kLeave && std::exchange(told_to_leave_, true)) return;
  const std::int64_t length = orders_.Add(ToLine(order));
  if (order.what != Order::What::kCarryOut) return;
  work_ = order.key;
  told_until_ = length;
}

PilotStanding KnownPilot::StandingBy(const ClusterPatience& patience) const {
  const Milliseconds silent = silent_.watched();
  // Of one that carries nothing out and was to leave, nothing is waited for.
  const bool was_sent_home = told_to_leave_ && !work_;
  if (IsFinal(state_) && (was_sent_home || silent >= patience.ended)) return PilotStanding::kLost;
  if (missing()) {
    const bool lost = missing_.watched() >= patience.lost && silent >= patience.lost;
    return lost ? PilotStanding::kLost : PilotStanding::kFine;
  }
  const std::string_view state(state_);
  const bool waits = state.starts_with("PENDING") || state.starts_with("REQUEUE");
  if (begun_ && waits && silent >= patience.ended) return PilotStanding::kRestarts;
  if (begun_ && state.starts_with("RUNNING") && silent >= patience.silent)
    return PilotStanding::kHangs;
  return PilotStanding::kFine;
}

std::string KnownPilot::Fate() const {
  const std::string job = id_.empty() ? "its job " + name() : "its job " + id_;
  const std::string where = node_.empty() ? "" : " (" + node_ + ")";
  if (IsFinal(state_)) return job + where + " " + StateInWords(state_);
  return job + where + " is gone from Slurm's queue";
}

bool KnownPilot::EndedByItself() const {
  return IsFinal(state_) && !state_.starts_with("CANCELLED");
}

void KnownPilot::NoteSubmitted(const std::string& id, Milliseconds now) {
  asked_for_ = true;
  if (!id.empty()) id_ = id;
  missing_.StartAnew(now);
}

}  // namespace beamgrid
