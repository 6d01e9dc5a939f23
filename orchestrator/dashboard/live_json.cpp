// What live pages show, for programs.

#include "orchestrator/dashboard/live_sections.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

boost::json::value NumberIfKnown(const std::optional<double>& number) {
  return number ? NumberOrNull(*number) : boost::json::value(nullptr);
}

boost::json::object EpochFactJson(const EpochFact& epoch) {
  return {{"epoch", epoch.epoch},
          {"train_loss", NumberOrNull(epoch.train_loss)},
          {"objective", NumberOrNull(epoch.objective)}};
}

boost::json::object RunningJson(const RunningFact& running) {
  return {{"trial", running.trial},
          {"name", running.name},
          {"seed", running.seed},
          {"device", running.device},
          {"begun_at", running.begun_at},
          {"epoch", running.epoch()},
          {"epochs", running.epochs},
          {"best_objective", NumberIfKnown(running.best)},
          {"seconds_per_epoch", NumberIfKnown(running.seconds_per_epoch)},
          {"seconds_left", NumberIfKnown(running.seconds_left)},
          {"curve", JsonList(running.curve, EpochFactJson)}};
}

boost::json::object RankedJson(const RankedFact& model) {
  return {{"place", model.place},
          {"trial", model.trial},
          {"name", model.name},
          {"objective", NumberIfKnown(model.objective)},
          {"lowest", NumberIfKnown(model.lowest)},
          {"highest", NumberIfKnown(model.highest)},
          {"seeds", model.seeds},
          {"trials", model.trials},
          {"size_bytes", model.size_bytes},
          {"parameters", model.parameters}};
}

}  // namespace

boost::json::object StudyLineJson(const LiveStudy& live) {
  boost::json::object trials;
  for (const TrialState state : {TrialState::kWaiting, TrialState::kRunning, TrialState::kComplete,
                                 TrialState::kPruned, TrialState::kFailed}) {
    trials[ToString(state)] = live.Count(state);
  }
  boost::json::value best = nullptr;
  if (live.leader) best = RankedJson(*live.leader);
  // The keys that `watch --json` has too mean the same.
  const boost::json::object now = ToJson(live.now);
  return {{"name", live.study.name},
          {"description", live.study.description},
          {"objective", live.study.objective},
          {"created_at", live.study.created_at},
          {"trials", std::move(trials)},
          {"planned", now.at("planned")},
          {"run", now.at("run")},
          {"run_text", now.at("run_text")},
          {"noted_at", now.at("noted_at")},
          {"eta_seconds", now.at("eta_seconds")},
          {"examples_per_second", now.at("examples_per_second")},
          {"trials_per_hour", now.at("trials_per_hour")},
          {"best", std::move(best)}};
}

boost::json::object StudyJson(const LiveStudy& live) {
  boost::json::object json = StudyLineJson(live);
  json["models"] = live.models;
  json["running"] = JsonList(live.running, RunningJson);
  json["waiting"] = JsonList(live.waiting, [](const WaitingFact& trial) {
    return boost::json::object{{"trial", trial.trial},
                               {"name", trial.name},
                               {"seed", trial.seed},
                               {"attempts", trial.attempts}};
  });
  json["ended"] = JsonList(live.ended, [](const EndedFact& attempt) {
    return boost::json::object{
        {"trial", attempt.trial},     {"name", attempt.name},
        {"seed", attempt.seed},       {"outcome", attempt.outcome},
        {"device", attempt.device},   {"ended_at", attempt.ended_at},
        {"message", attempt.message}, {"objective", NumberIfKnown(attempt.objective)}};
  });
  json["leaderboard"] = JsonList(live.ranked, RankedJson);
  return json;
}

}  // namespace beamgrid
