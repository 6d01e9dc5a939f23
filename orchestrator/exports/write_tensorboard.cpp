#include "orchestrator/exports/write_tensorboard.h"

#include <cmath>
#include <map>
#include <numeric>

#include "orchestrator/exports/event.h"
#include "orchestrator/exports/unfinished_folder.h"
#include "orchestrator/study/attempt_starter.h"
#include "registry/scoring/metrics.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// The file that says what an unfinished folder is.
constexpr char kUnfinishedMarker[] = "unfinished-tensorboard-export";
/// TensorBoard reads what has "tfevents" in its name; the rest of the usual name (a time, a host)
/// would differ each time.
constexpr char kEventFile[] = "events.out.tfevents.0.beamgrid";

/// Seconds since 1970, to the millisecond, of a column of times.
std::string SecondsSql(const std::string& column) {
  return "round((julianday(" + column + ") - 2440587.5) * 86400.0, 3)";
}

double NumberOr(const boost::json::value& cell, double otherwise) {
  return cell.is_null() ? otherwise : cell.to_number<double>();
}

/// EpochEvent is an epoch as a file has it.
struct EpochEvent {
  std::int64_t epoch = 0;
  double wall_time = 0;
  std::vector<Scalar> scalars;
};

/// Span is when a trial began and ended; 0: not known, or not yet.
struct Span {
  double begin = 0, end = 0;
};

std::map<std::string, std::string> IdOf(const TrialRecord& trial) {
  return {{"trial", std::to_string(static_cast<std::int64_t>(trial.id))}};
}

Span SpanOf(const Store& store, const TrialRecord& trial) {
  const Store::Table table = store.Query("SELECT " + SecondsSql("min(started_at)") + ", " +
                                             SecondsSql("max(finished_at)") +
                                             " FROM attempt WHERE trial = CAST(:trial AS INTEGER)"
                                             " AND (begun OR finished_at NOT NULL)",
                                         IdOf(trial));
  return {NumberOr(table.rows.at(0).at(0), 0), NumberOr(table.rows.at(0).at(1), 0)};
}

std::vector<EpochEvent> EpochsOf(const Store& store, const TrialRecord& trial, const Span& span) {
  std::vector<std::string> tags = {"train/loss", "validate/loss"};
  std::string sql = "SELECT epoch, " + SecondsSql("ended_at") + ", train_loss, validate_loss";
  for (const Metric& metric : kMetrics) {
    sql += std::string(", ") + metric.name;
    tags.push_back(std::string("validate/") + metric.name);
  }
  const Store::Table table = store.Query(
      sql + " FROM epoch WHERE trial = CAST(:trial AS INTEGER) ORDER BY epoch", IdOf(trial));
  std::vector<EpochEvent> epochs;
  for (const auto& row : table.rows) {
    EpochEvent& event = epochs.emplace_back();
    event.epoch = row.at(0).as_int64();
    event.wall_time = NumberOr(row.at(1), 0);
    for (std::size_t i = 0; i < tags.size(); ++i) {
      if (!row.at(i + 2).is_null()) event.scalars.emplace_back(tags[i], NumberOr(row.at(i + 2), 0));
    }
  }
  double next = span.end;
  for (auto event = epochs.rbegin(); event != epochs.rend(); ++event) {
    if (event->wall_time == 0) event->wall_time = next;
    next = event->wall_time;
  }
  return epochs;
}

/// Adds a model's settings under dotted names: temporal = "netvlad", temporal.clusters = 64.
void AddSettings(const std::string& name, const boost::json::value& value,
                 Hyperparameters* settings) {
  if (const auto* object = value.if_object()) {
    for (const auto& [key, inner] : *object) {
      const std::string path = name.empty() ? std::string(key) : name + "." + std::string(key);
      AddSettings(key == "use" ? name : path, inner, settings);
    }
  } else if (value.is_bool()) {
    (*settings)[name] = value.get_bool();
  } else if (value.is_number()) {
    (*settings)[name] = value.to_number<double>();
  } else if (value.is_string()) {
    (*settings)[name] = std::string(value.get_string());
  } else if (!value.is_null()) {
    (*settings)[name] = CanonicalJson(value);
  }
}

/// Returns what the record says of a complete trial: the metrics of its best epoch, which tables
/// show, and its size. TensorBoard's table of settings shows the last value of a curve, and that is
/// the last epoch's.
EpochEvent RecordedOf(const TrialResult& result, double wall_time) {
  EpochEvent event{.epoch = result.best_epoch, .wall_time = wall_time};
  for (const Metric& metric : kMetrics) {
    const double value = result.metrics.*metric.value;
    if (!std::isnan(value)) event.scalars.emplace_back(std::string("record/") + metric.name, value);
  }
  event.scalars.emplace_back("record/parameters", static_cast<double>(result.parameters));
  event.scalars.emplace_back("record/size_bytes", static_cast<double>(result.size_bytes));
  return event;
}

SessionEnd EndOf(TrialState state) {
  switch (state) {
    case TrialState::kComplete:
      return SessionEnd::kSuccess;
    case TrialState::kFailed:
      return SessionEnd::kFailure;
    case TrialState::kRunning:
      return SessionEnd::kRunning;
    case TrialState::kWaiting:
    case TrialState::kPruned:
      break;  // stopped or let go before its end: neither came to anything nor is at work
  }
  return SessionEnd::kUnknown;
}

void WriteRun(const Store& store, const TrialRecord& trial, const Span& span,
              const std::vector<EpochEvent>& epochs, const fs::path& folder) {
  Hyperparameters settings;
  AddSettings("", ToJson(store.Spec(trial.id).model), &settings);
  fs::create_directory(folder);
  TfRecordWriter file(folder / kEventFile);
  file.Write(VersionEvent(span.begin));
  file.Write(SettingsEvent(span.begin, settings, trial.name));
  const auto write = [&file](const EpochEvent& event) {
    file.Write(ScalarsEvent(event.wall_time, event.epoch, event.scalars));
  };
  for (const EpochEvent& epoch : epochs) write(epoch);
  if (trial.result) write(RecordedOf(*trial.result, span.end));
  file.Write(EndEvent(span.end, EndOf(trial.state)));
  file.Close();
}

}  // namespace

std::size_t TensorBoardReport::epochs() const {
  return std::accumulate(runs.begin(), runs.end(), std::size_t{0},
                         [](std::size_t sum, const Run& run) { return sum + run.epochs; });
}

TensorBoardReport WriteTensorBoard(const Store& store, const std::vector<TrialRecord>& trials,
                                   const fs::path& out) {
  CheckExportFolder(out, "--tensorboard");
  const fs::path whole = WholePath(out);
  UnfinishedFolder unfinished(whole, kUnfinishedMarker);
  WriteFileAtomically(unfinished.path() / kUnfinishedMarker, "");
  TensorBoardReport report;
  for (const TrialRecord& trial : trials) {
    const Span span = SpanOf(store, trial);
    const std::vector<EpochEvent> epochs = EpochsOf(store, trial, span);
    if (epochs.empty()) {
      ++report.without_epochs;
      continue;
    }
    const std::string folder = TrialFolderName(trial.name, trial.seed, trial.fingerprint);
    WriteRun(store, trial, span, epochs, unfinished.path() / folder);
    report.runs.push_back({folder, trial.name, trial.seed, epochs.size()});
  }
  if (report.runs.empty()) {
    throw UsageError("no epoch of these trials has ended: there is no curve to export");
  }
  fs::remove(unfinished.path() / kUnfinishedMarker);
  unfinished.Finish(whole);
  return report;
}

}  // namespace beamgrid
