#include "orchestrator/exports/event.h"

#include <protozero/pbf_writer.hpp>

namespace beamgrid {
namespace {

using protozero::pbf_tag_type;
using protozero::pbf_writer;

// Event
constexpr pbf_tag_type kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5;
// Summary, Summary.Value
constexpr pbf_tag_type kSummaryValue = 1, kTag = 1, kSimpleValue = 2, kTensor = 8, kMetadata = 9;
// SummaryMetadata, SummaryMetadata.PluginData
constexpr pbf_tag_type kPluginData = 1, kPluginName = 1, kPluginContent = 2;
// TensorProto
constexpr pbf_tag_type kDataType = 1, kTensorShape = 2;
// HParamsPluginData
constexpr pbf_tag_type kSessionStart = 3, kSessionEnd = 4;
// SessionStartInfo, an entry of its map, google.protobuf.Value
constexpr pbf_tag_type kHparams = 1, kGroupName = 4, kStartTime = 5, kEntryKey = 1, kEntryValue = 2;
constexpr pbf_tag_type kNumberValue = 2, kStringValue = 3, kBoolValue = 4;
// SessionEndInfo
constexpr pbf_tag_type kStatus = 1, kEndTime = 2;

std::string EventOf(double wall_time, std::int64_t step, const std::string& summary) {
  std::string bytes;
  pbf_writer event(bytes);
  event.add_double(kWallTime, wall_time);
  if (step != 0) event.add_int64(kStep, step);
  event.add_message(kSummary, summary);
  return bytes;
}

/// Returns a summary that holds nothing but a message of the plugin "hparams". The tensor is the
/// empty one that TensorBoard itself writes there: without it the value would have no content.
std::string HparamsSummary(const std::string& tag, const std::string& content) {
  constexpr std::int32_t kFloatType = 1;
  std::string summary;
  pbf_writer writer(summary);
  pbf_writer value(writer, kSummaryValue);
  value.add_string(kTag, tag);
  {
    pbf_writer tensor(value, kTensor);
    tensor.add_enum(kDataType, kFloatType);
    tensor.add_message(kTensorShape, std::string());
  }
  pbf_writer metadata(value, kMetadata);
  pbf_writer plugin(metadata, kPluginData);
  plugin.add_string(kPluginName, "hparams");
  plugin.add_bytes(kPluginContent, content);
  return summary;
}

std::string ValueMessage(const std::variant<double, bool, std::string>& setting) {
  std::string bytes;
  pbf_writer value(bytes);
  if (const auto* number = std::get_if<double>(&setting)) value.add_double(kNumberValue, *number);
  if (const auto* truth = std::get_if<bool>(&setting)) value.add_bool(kBoolValue, *truth);
  if (const auto* text = std::get_if<std::string>(&setting)) value.add_string(kStringValue, *text);
  return bytes;
}

}  // namespace

std::string VersionEvent(double wall_time) {
  std::string bytes;
  pbf_writer event(bytes);
  event.add_double(kWallTime, wall_time);
  event.add_string(kFileVersion, "brain.Event:2");
  return bytes;
}

std::string ScalarsEvent(double wall_time, std::int64_t step, const std::vector<Scalar>& scalars) {
  std::string summary;
  pbf_writer writer(summary);
  for (const auto& [tag, number] : scalars) {
    pbf_writer value(writer, kSummaryValue);
    value.add_string(kTag, tag);
    value.add_float(kSimpleValue, static_cast<float>(number));
  }
  return EventOf(wall_time, step, summary);
}

std::string SettingsEvent(double wall_time, const Hyperparameters& settings,
                          const std::string& group) {
  std::string start;
  pbf_writer writer(start);
  for (const auto& [name, setting] : settings) {
    pbf_writer entry(writer, kHparams);
    entry.add_string(kEntryKey, name);
    entry.add_message(kEntryValue, ValueMessage(setting));
  }
  writer.add_string(kGroupName, group);
  writer.add_double(kStartTime, wall_time);
  std::string content;
  pbf_writer(content).add_message(kSessionStart, start);
  return EventOf(wall_time, 0, HparamsSummary("_hparams_/session_start_info", content));
}

std::string EndEvent(double wall_time, SessionEnd end) {
  std::string message;
  pbf_writer writer(message);
  writer.add_enum(kStatus, static_cast<std::int32_t>(end));
  writer.add_double(kEndTime, wall_time);
  std::string content;
  pbf_writer(content).add_message(kSessionEnd, message);
  return EventOf(wall_time, 0, HparamsSummary("_hparams_/session_end_info", content));
}

}  // namespace beamgrid
