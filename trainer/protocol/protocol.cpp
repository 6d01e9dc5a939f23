#include "trainer/protocol/protocol.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>

#include "registry/util/json.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace json = boost::json;

namespace {

/// JSON has no number that is not finite: null stands for it.
json::value JsonNumber(double number) {
  return std::isfinite(number) ? json::value(number) : json::value(nullptr);
}

double NumberOrNull(const JsonReader& reader, std::string_view key) {
  if (reader.At(key).is_null()) return std::numeric_limits<double>::quiet_NaN();
  return reader.Number(key);
}

/// Refuses amounts that threads, timers and lists are made by: a number that was written wrong must
/// not start a million threads.
void RequireIn(const JsonReader& reader, std::string_view key, double number, double least,
               double most) {
  if (number >= least && number <= most) return;
  throw std::invalid_argument(reader.PathOf(key) + ": must be " + CanonicalJson(least) + ".." +
                              CanonicalJson(most) + ", is " + CanonicalJson(number));
}

}  // namespace

json::object ToJson(const TrialFile& trial) {
  json::object object = {{"study", trial.study},
                         {"name", trial.name},
                         {"fingerprint", trial.fingerprint},
                         {"spec", ToJson(trial.spec)},
                         {"attempt", trial.attempt},
                         {"device", trial.device},
                         {"threads", trial.threads},
                         {"resume_from", trial.resume_from},
                         {"predictions_top_k", trial.predictions_top_k},
                         {"heartbeat_seconds", trial.heartbeat_seconds},
                         {"stall_seconds", trial.stall_seconds}};
  if (trial.until_epoch > 0) object["until_epoch"] = trial.until_epoch;
  // Only where there is one: most trials start from initial values.
  if (!trial.warm_start_model.empty()) {
    object["start_model"] = trial.warm_start_model;
    object["start_hash"] = trial.warm_start_hash;
  }
  return object;
}

namespace {

void RequireWatch(const JsonReader& reader, double heartbeat_seconds, double stall_seconds) {
  constexpr double kLongest = 1e9;  // a timer takes no more
  RequireIn(reader, "heartbeat_seconds", heartbeat_seconds, 1e-3, kLongest);
  if (stall_seconds != 0) RequireIn(reader, "stall_seconds", stall_seconds, 1e-3, kLongest);
}

}  // namespace

TrialFile TrialFileFromJson(const json::value& value) {
  const JsonReader reader(value, kTrialFile);
  TrialFile trial{.study = reader.Text("study"),
                  .name = reader.Text("name"),
                  .fingerprint = reader.Text("fingerprint"),
                  .spec = TrialSpecFromJson(reader.At("spec")),
                  .attempt = reader.Integer("attempt"),
                  .device = reader.Text("device"),
                  .threads = reader.Integer("threads"),
                  .resume_from = reader.Text("resume_from"),
                  .until_epoch = reader.Has("until_epoch") ? reader.Integer("until_epoch") : 0,
                  .warm_start_model = reader.Has("start_model") ? reader.Text("start_model") : "",
                  .warm_start_hash = reader.Has("start_hash") ? reader.Text("start_hash") : "",
                  .predictions_top_k = reader.Integer("predictions_top_k"),
                  .heartbeat_seconds = reader.Number("heartbeat_seconds"),
                  .stall_seconds = reader.Has("stall_seconds") ? reader.Number("stall_seconds")
                                                               : TrialFile().stall_seconds};
  if (trial.until_epoch != 0) {
    RequireIn(reader, "until_epoch", static_cast<double>(trial.until_epoch), 1, 1e6);
  }
  RequireIn(reader, "threads", static_cast<double>(trial.threads), 1, 4096);
  RequireIn(reader, "predictions_top_k", static_cast<double>(trial.predictions_top_k), 1, 1e6);
  RequireWatch(reader, trial.heartbeat_seconds, trial.stall_seconds);
  return trial;
}

json::object ToJson(const PredictRequest& request) {
  return {{"spec", ToJson(request.spec)},
          {"model_file", request.model_file},
          {"device", request.device},
          {"threads", request.threads},
          {"top_k", request.top_k},
          {"heartbeat_seconds", request.heartbeat_seconds},
          {"stall_seconds", request.stall_seconds}};
}

PredictRequest PredictRequestFromJson(const json::value& value) {
  const JsonReader reader(value, "predict");
  PredictRequest request{.spec = TrialSpecFromJson(reader.At("spec")),
                         .model_file = reader.Text("model_file"),
                         .device = reader.Text("device"),
                         .threads = reader.Integer("threads"),
                         .top_k = reader.Integer("top_k"),
                         .heartbeat_seconds = reader.Number("heartbeat_seconds"),
                         .stall_seconds = reader.Number("stall_seconds")};
  RequireIn(reader, "threads", static_cast<double>(request.threads), 1, 4096);
  RequireIn(reader, "top_k", static_cast<double>(request.top_k), 1, 1e6);
  RequireWatch(reader, request.heartbeat_seconds, request.stall_seconds);
  return request;
}

namespace {

json::object MetricsToJson(const Metrics& metrics) {
  json::object object;
  for (const Metric& metric : kMetrics) object[metric.name] = JsonNumber(metrics.*metric.value);
  object["videos"] = metrics.videos;
  return object;
}

Metrics MetricsFromJson(const json::value& value) {
  const JsonReader reader(value, "metrics");
  Metrics metrics{.videos = reader.Integer("videos")};
  for (const Metric& metric : kMetrics) {
    const bool absent = metric.needs != Metric::Needs::kLabels && !reader.Has(metric.name);
    metrics.*metric.value =
        absent ? std::numeric_limits<double>::quiet_NaN() : NumberOrNull(reader, metric.name);
  }
  return metrics;
}

json::object EpochToJson(const EpochResult& epoch) {
  return {{"epoch", epoch.epoch},
          {"train_loss", JsonNumber(epoch.train_loss)},
          {"validate_loss", JsonNumber(epoch.validate_loss)},
          {"metrics", MetricsToJson(epoch.metrics)}};
}

EpochResult EpochFromJson(const json::value& value) {
  const JsonReader reader(value, "epoch");
  return {.epoch = reader.Integer("epoch"),
          .train_loss = NumberOrNull(reader, "train_loss"),
          .validate_loss = NumberOrNull(reader, "validate_loss"),
          .metrics = MetricsFromJson(reader.At("metrics"))};
}

json::object ArtifactToJson(const Artifact& artifact) {
  return {{"name", artifact.name},
          {"path", artifact.path},
          {"bytes", artifact.bytes},
          {"hash", artifact.hash}};
}

Artifact ArtifactFromJson(const json::value& value) {
  const JsonReader reader(value, "artifact");
  const std::filesystem::path path = reader.Text("path");
  // The orchestrator reads and hashes what a result names; a path that leads out of the
  // attempt's folder would let a damaged result reach any file.
  if (path != path.filename() || path.empty() || path == "." || path == "..") {
    throw std::invalid_argument("artifact.path: must be a file of the attempt's folder, is '" +
                                path.string() + "'");
  }
  return {.name = reader.Text("name"),
          .path = path.string(),
          .bytes = reader.Integer("bytes"),
          .hash = reader.Text("hash")};
}

}  // namespace

json::object ToJson(const TrialResult& result) {
  return {{"metrics", MetricsToJson(result.metrics)},
          {"validate_loss", JsonNumber(result.validate_loss)},
          {"best_epoch", result.best_epoch},
          {"epochs", JsonList(result.epochs, EpochToJson)},
          {"stopped_early", result.stopped_early},
          {"parameters", result.parameters},
          {"size_bytes", result.size_bytes},
          {"examples", result.examples},
          {"examples_per_second", JsonNumber(result.examples_per_second)},
          {"wall_seconds", JsonNumber(result.wall_seconds)},
          {"peak_memory_bytes", result.peak_memory_bytes},
          {"skipped_records", result.skipped_records},
          {"device", result.device},
          {"threads", result.threads},
          {"program_version", result.program_version},
          {"libtorch_version", result.libtorch_version},
          {"artifacts", JsonList(result.artifacts, ArtifactToJson)}};
}

TrialResult TrialResultFromJson(const json::value& value) {
  const JsonReader reader(value, kResultFile);
  TrialResult result{.metrics = MetricsFromJson(reader.At("metrics")),
                     .validate_loss = NumberOrNull(reader, "validate_loss"),
                     .best_epoch = reader.Integer("best_epoch"),
                     .stopped_early = reader.Boolean("stopped_early"),
                     .parameters = reader.Integer("parameters"),
                     .size_bytes = reader.Integer("size_bytes"),
                     .examples = reader.Integer("examples"),
                     .examples_per_second = NumberOrNull(reader, "examples_per_second"),
                     .wall_seconds = NumberOrNull(reader, "wall_seconds"),
                     .peak_memory_bytes = reader.Integer("peak_memory_bytes"),
                     .skipped_records = reader.Integer("skipped_records"),
                     .device = reader.Text("device"),
                     .threads = reader.Integer("threads"),
                     .program_version = reader.Text("program_version"),
                     .libtorch_version = reader.Text("libtorch_version")};
  for (const json::value& epoch : reader.List("epochs")) {
    result.epochs.push_back(EpochFromJson(epoch));
  }
  for (const json::value& artifact : reader.List("artifacts")) {
    result.artifacts.push_back(ArtifactFromJson(artifact));
  }
  return result;
}

namespace {

/// MessageWriter has one overload per message, so that a new message without one does not compile;
/// the type's name is the first member.
struct MessageWriter {
  json::object operator()(const Started& started) const {
    return {{"type", "started"},
            {"pid", started.pid},
            {"parameters", started.parameters},
            {"size_bytes", started.size_bytes},
            {"epochs", started.epochs},
            {"train_examples", started.train_examples},
            {"resumed_examples", started.resumed_examples}};
  }
  json::object operator()(const Progress& progress) const {
    return {{"type", "progress"},
            {"epoch", progress.epoch},
            {"examples", progress.examples},
            {"total_examples", progress.total_examples},
            {"loss", JsonNumber(progress.loss)},
            {"examples_per_second", JsonNumber(progress.examples_per_second)}};
  }
  json::object operator()(const Evaluated& evaluated) const {
    return {{"type", "evaluated"},
            {"epoch", EpochToJson(evaluated.epoch)},
            {"earlier", evaluated.earlier}};
  }
  json::object operator()(const Heartbeat&) const { return {{"type", "heartbeat"}}; }
  json::object operator()(const Finished&) const { return {{"type", "finished"}}; }
  json::object operator()(const Ready&) const { return {{"type", "ready"}}; }
  /// The words of a failure may name a file or a video, whose bytes may be anything; JSON must be
  /// UTF-8.
  json::object operator()(const Failed& failed) const {
    return {{"type", "failed"},
            {"kind", ToString(failed.kind)},
            {"message", WellFormedUtf8(failed.message)}};
  }
};

Evaluated EvaluatedFromJson(const JsonReader& reader) {
  const Evaluated evaluated{.epoch = EpochFromJson(reader.At("epoch")),
                            .earlier = reader.Boolean("earlier")};
  if (evaluated.epoch.epoch < 1) throw std::invalid_argument("message: epoch.epoch is below 1");
  return evaluated;
}

/// Throws std::invalid_argument where the object is no message.
Message MessageFromJson(const json::value& value) {
  const JsonReader reader(value, "message");
  const std::string type = reader.Text("type");
  if (type == "started") {
    return Started{.pid = reader.Integer("pid"),
                   .parameters = reader.Integer("parameters"),
                   .size_bytes = reader.Integer("size_bytes"),
                   .epochs = reader.Integer("epochs"),
                   .train_examples = reader.Integer("train_examples"),
                   .resumed_examples = reader.Integer("resumed_examples")};
  }
  if (type == "progress") {
    return Progress{.epoch = reader.Integer("epoch"),
                    .examples = reader.Integer("examples"),
                    .total_examples = reader.Integer("total_examples"),
                    .loss = NumberOrNull(reader, "loss"),
                    .examples_per_second = NumberOrNull(reader, "examples_per_second")};
  }
  if (type == "evaluated") return EvaluatedFromJson(reader);
  if (type == "heartbeat") return Heartbeat{};
  if (type == "finished") return Finished{};
  if (type == "ready") return Ready{};
  if (type == "failed") {
    return Failed{FailureKindFromString(reader.Text("kind")), reader.Text("message")};
  }
  throw std::invalid_argument("message: type is unknown: " + type);
}

}  // namespace

std::string ToLine(const Message& message) {
  return CanonicalJson(std::visit(MessageWriter{}, message));
}

std::optional<Message> MessageFromLine(std::string_view line) {
  try {
    return MessageFromJson(ParseJson(line));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace beamgrid
