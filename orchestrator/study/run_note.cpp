#include "orchestrator/study/run_note.h"

#include <stdexcept>

#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

using std::chrono::milliseconds;

boost::json::value TimeOrNull(const std::optional<milliseconds>& time) {
  if (!time) return nullptr;
  return time->count();
}

template <typename Number>
boost::json::value ValueOrNull(const std::optional<Number>& number) {
  if (!number) return nullptr;
  if constexpr (std::is_floating_point_v<Number>) return NumberOrNull(*number);
  return *number;
}

std::optional<double> NumberIn(const JsonReader& json, const char* key) {
  if (json.At(key).is_null()) return std::nullopt;
  return json.Number(key);
}

std::optional<std::int64_t> IntegerIn(const JsonReader& json, const char* key) {
  if (json.At(key).is_null()) return std::nullopt;
  return json.Integer(key);
}

// ---- Trials at work ----------------------------------------------------------------------------

boost::json::object RunningJson(TrialId id, const RunningTrial& trial) {
  return {{"trial", static_cast<std::int64_t>(id)},
          {"name", trial.name},
          {"seed", trial.seed},
          {"device", trial.device},
          {"epoch", trial.epoch},
          {"epochs", trial.epochs},
          {"examples", trial.examples},
          {"total_examples", trial.total_examples},
          {"resumed_examples", trial.resumed_examples},
          {"loss", ValueOrNull(trial.loss)},
          {"objective", ValueOrNull(trial.latest)},
          {"objective_epoch", trial.latest_epoch},
          {"best_objective", ValueOrNull(trial.objective)},
          {"best_epoch", trial.best_epoch},
          {"examples_per_second", NumberOrNull(trial.examples_per_second)}};
}

RunningTrial RunningFrom(const JsonReader& json) {
  return {.name = json.Text("name"),
          .seed = json.Integer("seed"),
          .device = json.Text("device"),
          .epoch = json.Integer("epoch"),
          .epochs = json.Integer("epochs"),
          .examples = json.Integer("examples"),
          .total_examples = json.Integer("total_examples"),
          .resumed_examples = json.Integer("resumed_examples"),
          .loss = NumberIn(json, "loss"),
          .latest = NumberIn(json, "objective"),
          .latest_epoch = json.Integer("objective_epoch"),
          .objective = NumberIn(json, "best_objective"),
          .best_epoch = json.Integer("best_epoch"),
          .examples_per_second = NumberIn(json, "examples_per_second").value_or(0)};
}

// ---- What is ahead -----------------------------------------------------------------------------

boost::json::value AheadJson(const std::optional<WorkAhead>& ahead) {
  if (!ahead) return nullptr;
  boost::json::array running;
  for (const auto& [id, length] : ahead->running) {
    running.push_back({{"trial", static_cast<std::int64_t>(id)},
                       {"seconds", NumberOrNull(length.seconds)},
                       {"until", NumberOrNull(length.until)}});
  }
  return {{"waiting_seconds", NumberOrNull(ahead->waiting_seconds)},
          {"longest_seconds", NumberOrNull(ahead->longest_seconds)},
          {"later_seconds", NumberOrNull(ahead->later_seconds)},
          {"slots", ahead->slots},
          {"running", std::move(running)}};
}

std::optional<WorkAhead> AheadFrom(const JsonReader& parent) {
  if (parent.At("ahead").is_null()) return std::nullopt;
  const JsonReader json = parent.Object("ahead");
  // A number that is none was infinite: what it would take is not known.
  const auto waiting = NumberIn(json, "waiting_seconds"),
             longest = NumberIn(json, "longest_seconds"), later = NumberIn(json, "later_seconds");
  if (!waiting || !longest || !later) return std::nullopt;
  WorkAhead ahead{.waiting_seconds = *waiting,
                  .longest_seconds = *longest,
                  .later_seconds = *later,
                  .slots = json.Integer("slots")};
  for (const boost::json::value& value : json.List("running")) {
    const JsonReader length(value, "running");
    const auto seconds = NumberIn(length, "seconds"), until = NumberIn(length, "until");
    if (!seconds || !until) return std::nullopt;
    ahead.running[TrialId{length.Integer("trial")}] = {.seconds = *seconds, .until = *until};
  }
  return ahead;
}

ProgressState ProgressFrom(const JsonReader& json) {
  ProgressState state{.study = json.Text("study"),
                      .objective = json.Text("objective"),
                      .planned = IntegerIn(json, "planned"),
                      .complete = json.Integer("complete"),
                      .reused = json.Integer("reused"),
                      .failed = json.Integer("failed"),
                      .refused = json.Integer("refused"),
                      .waiting = json.Integer("waiting"),
                      .elapsed = milliseconds(json.Integer("elapsed_ms")),
                      .began_training = milliseconds(json.Integer("began_training_ms")),
                      .resumed_work = json.Number("resumed_work"),
                      .failed_before = json.Integer("failed_before"),
                      .ahead = AheadFrom(json),
                      .stopping = json.Boolean("stopping")};
  if (const auto since = IntegerIn(json, "waiting_since_ms")) {
    state.waiting_since = milliseconds(*since);
  }
  if (json.Has("queued")) {  // not in a note of an earlier version
    state.queued = json.Integer("queued");
    state.queued_for = json.Text("queued_for");
    state.queued_time = milliseconds(json.Integer("queued_ms"));
  }
  if (!json.At("best").is_null()) {
    const JsonReader best = json.Object("best");
    state.best_name = best.Text("name");
    state.best = best.Number("value");
  }
  for (const boost::json::value& value : json.List("running")) {
    const JsonReader trial(value, "running");
    state.running[TrialId{trial.Integer("trial")}] = RunningFrom(trial);
  }
  // An earlier version has noted neither.
  if (json.Has("leaders")) {
    for (const boost::json::value& value : json.List("leaders")) {
      const JsonReader model(value, "leaders");
      state.leaders.push_back({model.Text("name"), model.Number("mean"), model.Integer("seeds")});
    }
  }
  if (json.Has("next")) {
    for (const boost::json::value& value : json.List("next")) {
      const JsonReader trial(value, "next");
      state.next.push_back({trial.Text("name"), trial.Integer("seed")});
    }
  }
  for (const boost::json::value& value : json.List("devices")) {
    const JsonReader device(value, "devices");
    state.devices.push_back({device.Text("device"), device.Integer("slots")});
  }
  return state;
}

}  // namespace

boost::json::object ToJson(const ProgressState& progress) {
  boost::json::array running, devices, leaders, next;
  for (const LeadingModel& model : progress.leaders) {
    leaders.push_back({{"name", model.name}, {"mean", model.mean}, {"seeds", model.seeds}});
  }
  for (const NextTrial& trial : progress.next) {
    next.push_back({{"name", trial.name}, {"seed", trial.seed}});
  }
  for (const auto& [id, trial] : progress.running) running.push_back(RunningJson(id, trial));
  for (const DeviceSlots& device : progress.devices) {
    devices.push_back({{"device", device.device}, {"slots", device.slots}});
  }
  boost::json::value best = nullptr;
  if (progress.best) best = {{"name", progress.best_name}, {"value", NumberOrNull(*progress.best)}};
  return {{"study", progress.study},
          {"objective", progress.objective},
          {"planned", ValueOrNull(progress.planned)},
          {"complete", progress.complete},
          {"reused", progress.reused},
          {"failed", progress.failed},
          {"failed_before", progress.failed_before},
          {"refused", progress.refused},
          {"pruned", progress.pruned},
          {"waiting", progress.waiting},
          {"queued", progress.queued},
          {"queued_for", progress.queued_for},
          {"best", std::move(best)},
          {"leaders", std::move(leaders)},
          {"next", std::move(next)},
          {"running", std::move(running)},
          {"devices", std::move(devices)},
          {"elapsed_ms", progress.elapsed.count()},
          {"began_training_ms", progress.began_training.count()},
          {"queued_ms", progress.queued_time.count()},
          {"waiting_since_ms", TimeOrNull(progress.waiting_since)},
          {"resumed_work", NumberOrNull(progress.resumed_work)},
          {"ahead", AheadJson(progress.ahead)},
          {"stopping", progress.stopping}};
}

void NoteRun(Store& store, StudyId study, const ProgressState& progress,
             const std::string& ending) {
  boost::json::object row{{"study", static_cast<std::int64_t>(study)},
                          {"ending", nullptr},
                          {"progress", CanonicalJson(ToJson(progress))}};
  if (!ending.empty()) row["ending"] = ending;
  static_cast<void>(RecordUpkeep(store).Insert("study_run", row));
}

std::optional<RunNote> LastRunNote(const Store& store, StudyId study) {
  const Store::Table table = store.Query(
      "SELECT noted_at, coalesce(ending, ''), progress FROM study_run"
      " WHERE study = CAST(:id AS INTEGER)",
      {{"id", std::to_string(static_cast<std::int64_t>(study))}});
  if (table.rows.empty()) return std::nullopt;
  const auto text = [&](std::size_t column) {
    return std::string(table.rows.front().at(column).as_string());
  };
  try {
    const boost::json::value progress = ParseJson(text(2));
    return RunNote{.progress = ProgressFrom(JsonReader(progress, "study_run.progress")),
                   .noted_at = text(0),
                   .ending = text(1)};
  } catch (const std::invalid_argument& error) {
    throw Error(std::string("the record's note of the last run: ") + error.what());
  }
}

}  // namespace beamgrid
