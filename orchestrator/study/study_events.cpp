#include "orchestrator/study/study_events.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <variant>

#include "registry/scoring/metrics.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string Fixed4(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

std::string FailureText(const AttemptFailure& failure) {
  return ToString(failure.kind) + ": " + failure.message;
}

}  // namespace

StudyEvents::StudyEvents(const Recipe& recipe, ProgressDisplay& display)
    : objective_(recipe.objective), display_(display) {
  state_.study = recipe.name;
  state_.objective = recipe.objective->name;
}

void StudyEvents::OnReused(const TrialLabel& label, const TrialResult& result) {
  news_ = true;
  ++state_.reused;
  ++result_.reused;
  NoteBest(label.name, result);
}

void StudyEvents::OnRefused(const TrialLabel& label, const std::string& why) {
  news_ = true;
  ++state_.refused;
  ++result_.refused;
  display_.Event(ToString(label) + ": refused: " + why);
}

void StudyEvents::OnFailedBefore(const TrialLabel& label, const std::string& failure) {
  news_ = true;
  ++state_.failed_before;
  CountFailure(label, failure);
  display_.Event(ToString(label) + ": failed in an earlier run: " + failure);
}

void StudyEvents::OnAbandoned(const TrialLabel& label, const AttemptOutcome& outcome,
                              const std::string& mistrusted) {
  display_.Event(ToString(label) + ": was left behind by an orchestrator that died: " +
                 (!mistrusted.empty()  ? mistrusted
                  : outcome.complete() ? "it had finished"
                                       : "it goes on from its last checkpoint"));
}

void StudyEvents::OnStarted(TrialId trial, const TrialLabel& label, const Slot& slot,
                            const StartedAttempt& attempt) {
  news_ = true;
  ++result_.attempts;
  waits_.erase(slot.device);
  RunningTrial running{.name = label.name, .seed = label.seed, .device = slot.device};
  if (attempt.queued) {
    queued_[trial] = {std::move(running), attempt};
  } else {
    StartedLine(running, slot.device, attempt);
    state_.running[trial] = std::move(running);
  }
}

void StudyEvents::OnBegun(TrialId trial, const std::string& where) {
  const auto queued = queued_.extract(trial);
  if (queued.empty()) return;
  news_ = true;
  const Queued& begun = queued.mapped();
  StartedLine(begun.trial, begun.trial.device + " of " + where, begun.attempt);
  state_.running[trial] = begun.trial;
}

void StudyEvents::StartedLine(const RunningTrial& trial, const std::string& where,
                              const StartedAttempt& attempt) {
  const bool again = attempt.number > 1;
  display_.Event(ToString(TrialLabel{trial.name, trial.seed}) + ": started on " + where +
                 (again ? ", attempt " + std::to_string(attempt.number) : "") +
                 (attempt.resumes ? ", from its checkpoint"
                  : again         ? ", from the beginning"
                                  : ""));
}

void StudyEvents::Forget(TrialId trial) {
  state_.running.erase(trial);
  queued_.erase(trial);
}

void StudyEvents::OnAdopted(TrialId trial, const TrialLabel& label, const Slot& slot) {
  news_ = true;
  state_.running[trial] = {.name = label.name, .seed = label.seed, .device = slot.device};
  display_.Event(ToString(label) +
                 ": is still at work for an orchestrator that died; it goes on in this run");
}

void StudyEvents::OnMessage(TrialId trial, const Message& message) {
  const auto found = state_.running.find(trial);
  // A worker may still speak after its end was handled.
  if (found == state_.running.end()) return;
  RunningTrial& running = found->second;
  news_ |= !std::holds_alternative<Progress>(message);
  if (const auto* started = std::get_if<Started>(&message)) {
    running.epochs = started->epochs;
    running.total_examples = started->epochs * started->train_examples;
    // A resumed trial goes on where its checkpoint was, and the bar with it.
    running.examples = started->resumed_examples;
    running.resumed_examples = started->resumed_examples;
    if (!training_) state_.began_training = state_.elapsed;
    training_ = true;
  } else if (const auto* progress = std::get_if<Progress>(&message)) {
    running.epoch = progress->epoch;
    running.examples = progress->examples;
    running.total_examples = progress->total_examples;
    running.loss = progress->loss;
    running.examples_per_second = progress->examples_per_second;
  } else if (const auto* evaluated = std::get_if<Evaluated>(&message)) {
    const double value = ObjectiveOf(evaluated->epoch.metrics, objective_);
    running.latest = value;
    running.latest_epoch = evaluated->epoch.epoch;
    if (!running.objective || value > *running.objective) {
      running.objective = value;
      running.best_epoch = evaluated->epoch.epoch;
    }
  }
}

void StudyEvents::OnComplete(TrialId trial, const TrialLabel& label, const TrialResult& result) {
  news_ = true;
  if (const auto found = state_.running.find(trial); found != state_.running.end()) {
    state_.resumed_work += ResumedShare(found->second);
  }
  Forget(trial);
  ++state_.complete;
  ++result_.complete;
  NoteBest(label.name, result);
  display_.Event(ToString(label) + ": complete, " + objective_->name + " " +
                 Fixed4(ObjectiveOf(result.metrics, objective_)));
}

void StudyEvents::OnRetry(TrialId trial, const TrialLabel& label, const AttemptFailure& failure) {
  news_ = true;
  Forget(trial);
  display_.Event(ToString(label) + ": " + FailureText(failure) + "; it is tried again");
}

void StudyEvents::OnFailed(TrialId trial, const TrialLabel& label, const AttemptFailure& failure) {
  news_ = true;
  Forget(trial);
  CountFailure(label, FailureText(failure));
  display_.Event(ToString(label) + ": failed for good: " + FailureText(failure));
}

void StudyEvents::OnPaused(TrialId trial, const TrialLabel& label, std::int64_t epoch) {
  news_ = true;
  Forget(trial);
  display_.Event(ToString(label) + ": measured after epoch " + std::to_string(epoch));
}

void StudyEvents::OnInterrupted(TrialId trial, const TrialLabel& label) {
  news_ = true;
  Forget(trial);
  display_.Event(ToString(label) + ": stopped; `run` goes on with it");
}

void StudyEvents::OnStopping(const std::string& why) {
  news_ = true;
  state_.stopping = true;
  display_.Event(why);
}

void StudyEvents::OnDeviceInUse(const std::string& device, const std::string& why,
                                std::chrono::milliseconds elapsed) {
  // A refusal comes back every second while a device is full.
  if (const auto [text, is_new] = in_use_.insert(device + ": " + why); is_new) {
    display_.Event(*text);
  }
  using std::chrono::milliseconds;
  constexpr milliseconds kFirst = std::chrono::minutes(1), kLongest = std::chrono::hours(1);
  Wait& wait = waits_.try_emplace(device, Wait{elapsed, elapsed + kFirst}).first->second;
  if (elapsed < wait.reminder) return;
  const milliseconds waited = elapsed - wait.since;
  display_.Event(device + ": waiting for " +
                 DurationText(std::chrono::duration_cast<std::chrono::seconds>(waited)) + ": " +
                 why);
  // Twice as long each time: a night's waiting is told in a dozen lines.
  wait.reminder = elapsed + std::min(waited, kLongest);
}

void StudyEvents::SetSlots(const std::vector<Slot>& slots) {
  state_.devices.clear();
  for (const Slot& slot : slots) {
    const auto found = std::ranges::find(state_.devices, slot.device, &DeviceSlots::device);
    if (found != state_.devices.end()) {
      ++found->slots;
    } else {
      state_.devices.push_back({slot.device, 1});
    }
  }
}

void StudyEvents::SetQueuedFor(std::string what) {
  news_ |= state_.queued_for != what;
  state_.queued_for = std::move(what);
}

const ProgressState& StudyEvents::StateAt(std::int64_t waiting, std::chrono::milliseconds elapsed,
                                          std::optional<WorkAhead> ahead) {
  const bool only_queued = training_ && state_.running.empty() && !queued_.empty();
  if (only_queued) state_.queued_time += elapsed - state_.elapsed;
  state_.ahead = std::move(ahead);
  state_.queued = std::ssize(queued_);
  state_.waiting = waiting + state_.queued;
  state_.elapsed = elapsed;
  state_.waiting_since.reset();
  for (const auto& [device, wait] : waits_) {
    if (!state_.waiting_since || wait.since < *state_.waiting_since) {
      state_.waiting_since = wait.since;
    }
  }
  return state_;
}

void StudyEvents::Show(std::int64_t waiting, std::chrono::milliseconds elapsed,
                       std::optional<WorkAhead> ahead) {
  display_.Update(StateAt(waiting, elapsed, std::move(ahead)));
}

void StudyEvents::NoteBest(const std::string& name, const TrialResult& result) {
  const double value = ObjectiveOf(result.metrics, objective_);
  NoteLeaders(name, value);
  // Of equal ones the first stays.
  if (state_.best && value <= *state_.best) return;
  state_.best = value;
  state_.best_name = name;
}

void StudyEvents::NoteLeaders(const std::string& name, double value) {
  if (!std::isfinite(value)) return;
  LeadingModel& model = models_[name];
  model.name = name;
  if (model.seeds > 0) models_order_.erase({-model.mean, name});
  model.mean = (model.mean * static_cast<double>(model.seeds) + value) /
               static_cast<double>(model.seeds + 1);
  ++model.seeds;
  models_order_.emplace(-model.mean, name);
  state_.leaders.clear();
  for (const auto& [minus_mean, leader] : models_order_) {
    if (state_.leaders.size() == kLeadersShown) break;
    state_.leaders.push_back(models_.at(leader));
  }
}

void StudyEvents::CountFailure(const TrialLabel& label, const std::string& failure) {
  ++state_.failed;
  ++result_.failed;
  result_.failures.push_back(ToString(label) + ": " + failure);
}

}  // namespace beamgrid
