#include "orchestrator/study_snapshot.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "orchestrator/study/run_note.h"
#include "registry/outcome.h"
#include "registry/util/folded.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/words.h"

namespace beamgrid {
namespace {

using std::chrono::milliseconds;

constexpr Word<RunState> kRunStates[] = {
    {RunState::kRunning, "running"}, {RunState::kStopped, "stopped"}, {RunState::kEnded, "ended"}};

// From the tables and not from the views, which hold more: this is asked every second.
constexpr char kCountedTrials[] =
    " FROM study_trial JOIN trial ON trial.id = study_trial.trial"
    " LEFT JOIN result ON result.trial = trial.id AND trial.state = 'complete'"
    " WHERE study_trial.study = CAST(:id AS INTEGER) AND study_trial.not_counted IS NULL ";

std::string IdText(const StudyRecord& study) {
  return std::to_string(static_cast<std::int64_t>(study.id));
}

/// Returns what the record says of the study's trials, whoever trained them and when.
ProgressState Recorded(const Store& store, const StudyRecord& study) {
  ProgressState state{.study = study.name, .objective = study.objective};
  const std::string counted = kCountedTrials;
  const std::map<std::string, std::string> id = {{"id", IdText(study)}};
  for (const auto& row :
       store.Query("SELECT trial.state, count(*)" + counted + "GROUP BY trial.state", id).rows) {
    const std::int64_t trials = row.at(1).as_int64();
    switch (TrialStateFromString(std::string(row.at(0).as_string()))) {
      case TrialState::kWaiting:
      case TrialState::kRunning:
        state.waiting += trials;  // where nobody is at work on it
        break;
      case TrialState::kComplete:
        state.complete += trials;
        break;
      case TrialState::kFailed:
        state.failed += trials;
        break;
      case TrialState::kPruned:
        state.pruned += trials;
        break;
    }
  }
  const Store::Table best = store.Query(
      "SELECT study_trial.name, result." + study.objective + counted + "AND result." +
          study.objective + " IS NOT NULL ORDER BY 2 DESC, study_trial.position LIMIT 1",
      id);
  if (!best.rows.empty()) {
    state.best_name = std::string(best.rows.front().at(0).as_string());
    state.best = best.rows.front().at(1).to_number<double>();
  }
  for (const auto& row :
       store
           .Query("SELECT study_trial.name, avg(result." + study.objective + "), count(*)" +
                      counted + "AND result." + study.objective +
                      " IS NOT NULL GROUP BY study_trial.name ORDER BY 2 DESC, 1 LIMIT " +
                      std::to_string(kLeadersShown),
                  id)
           .rows) {
    state.leaders.push_back(
        {std::string(row.at(0).as_string()), row.at(1).to_number<double>(), row.at(2).as_int64()});
  }
  return state;
}

/// Returns the time from one ISO-8601 time to the other; 0 where the clock went back.
milliseconds TimeBetween(const Store& store, const std::string& begin, const std::string& end) {
  const Store::Table table =
      store.Query("SELECT CAST(round((julianday(:end) - julianday(:begin)) * 86400000) AS INTEGER)",
                  {{"begin", begin}, {"end", end}});
  const boost::json::value& answer = table.rows.at(0).at(0);
  return milliseconds(answer.is_int64() ? std::max<std::int64_t>(answer.get_int64(), 0) : 0);
}

/// True if the note is of the run that holds the study's lock, and not of one before it: a run
/// reads its data before it notes anything.
bool IsOf(const RunNote& note, const std::string& holder) {
  if (!note.ending.empty()) return false;
  constexpr std::size_t kToSeconds = std::string_view("2000-01-01T00:00:00").size();
  const std::size_t since = holder.find(" since ");
  if (since == std::string::npos) return true;  // it may not have written its name yet
  return note.noted_at.substr(0, kToSeconds) >=
         holder.substr(since + std::string_view(" since ").size(), kToSeconds);
}

/// Says how the last run ended, and whether it had asked for everything.
RunState StateAfterRun(const std::optional<RunNote>& note, const ProgressState& recorded,
                       std::string* text) {
  const std::string go_on = "; `beamgrid run` of its recipe goes on with it";
  if (!note) {
    *text = recorded.waiting > 0 ? "nobody runs it" + go_on : "no trial of it waits";
    return recorded.waiting > 0 ? RunState::kStopped : RunState::kEnded;
  }
  if (note->ending == "complete") {
    *text = "ended at " + note->noted_at;
    return RunState::kEnded;
  }
  if (note->ending.empty()) {
    // A copy of the record holds no lock either.
    *text =
        "nobody runs it here; its last run was killed, broke off or goes on elsewhere (heard of "
        "at " +
        note->noted_at + ")" + go_on;
  } else if (note->ending == "interrupted") {
    *text = "interrupted at " + note->noted_at + go_on;
  } else {
    *text = "stopped at " + note->noted_at + ": " + note->ending;
  }
  return RunState::kStopped;
}

}  // namespace

std::string ToString(RunState state) { return WordFor(kRunStates, state); }

StudySnapshot TakeSnapshot(const Store& store, const RunningStudies& running,
                           const StudyRecord& study, std::chrono::system_clock::time_point now) {
  StudySnapshot snapshot;
  // Before the note: a run that ends in between has noted its end when its lock is gone.
  const bool is_run = running.IsRun(study.name);
  const std::string holder = is_run ? running.Holder(study.name) : "";
  std::optional<RunNote> note = LastRunNote(store, study.id);
  if (note) snapshot.noted_at = note->noted_at;
  if (is_run && note && IsOf(*note, holder)) {
    snapshot.run = RunState::kRunning;
    snapshot.run_text = "run by " + holder;
    snapshot.progress = std::move(note->progress);
    ProgressState& progress = snapshot.progress;
    const milliseconds since = TimeBetween(store, note->noted_at, UtcText(now));
    progress.elapsed += since;
    const bool only_queued = progress.queued > 0 && progress.running.empty();
    if (only_queued && progress.began_training.count() > 0) progress.queued_time += since;
    return snapshot;
  }
  snapshot.progress = Recorded(store, study);
  if (is_run) {
    snapshot.run = RunState::kRunning;
    snapshot.run_text = "run by " + holder + "; it is starting";
    return snapshot;
  }
  snapshot.run = StateAfterRun(note, snapshot.progress, &snapshot.run_text);
  snapshot.progress.ended = true;
  if (note) {
    const ProgressState& last = note->progress;
    ProgressState& state = snapshot.progress;
    if (snapshot.run == RunState::kStopped) state.planned = last.planned;
    // Of the trials that are complete now, those of the last run: its pace is of these.
    state.reused = state.complete - std::min(state.complete, last.complete);
    state.complete -= state.reused;
    state.refused = last.refused;
    state.elapsed = last.elapsed;
    state.began_training = last.began_training;
    state.queued_time = last.queued_time;
    state.resumed_work = last.resumed_work;
  }
  return snapshot;
}

std::vector<std::string> RenderSnapshot(const StudySnapshot& snapshot, int width, int height,
                                        Colour colour) {
  if (snapshot.running()) return RenderProgress(snapshot.progress, width, height, colour);
  const auto columns = static_cast<std::size_t>(std::max(width, 1));
  std::vector<std::string> why;
  std::istringstream folded(Folded(PrintableLine(snapshot.run_text), columns));
  for (std::string line; std::getline(folded, line);) {
    why.emplace_back(FirstColumns(line, columns));  // a word may be longer
  }
  const int room = std::max(1, height - static_cast<int>(why.size()));
  std::vector<std::string> lines = RenderProgress(snapshot.progress, width, room, colour);
  lines.insert(lines.end(), why.begin(), why.end());
  return lines;
}

boost::json::object ToJson(const StudySnapshot& snapshot) {
  boost::json::object json = ToJson(snapshot.progress);
  json["run"] = ToString(snapshot.run);
  json["run_text"] = snapshot.run_text;
  json["noted_at"] = nullptr;
  if (!snapshot.noted_at.empty()) json["noted_at"] = snapshot.noted_at;
  const auto eta = Eta(snapshot.progress);
  json["eta_seconds"] = eta ? boost::json::value(eta->count()) : nullptr;
  json["examples_per_second"] = nullptr;
  if (snapshot.running()) {
    json["examples_per_second"] = NumberOrNull(ExamplesPerSecond(snapshot.progress));
  }
  const auto pace = TrialsPerHour(snapshot.progress);
  json["trials_per_hour"] = pace ? NumberOrNull(*pace) : nullptr;
  return json;
}

}  // namespace beamgrid
