#pragma once
// What orchestrator and trainer say to each other of an export.
//
// The orchestrator makes a folder with `export.json`, the question, and runs `beamgrid-trainer
// export FOLDER`. That writes config.json, modeling.py, model.safetensors and sample.safetensors
// of each model into the model's folder, for an ensemble a modeling.py above them, and prints the
// answer. Nothing else reads the folder before the orchestrator gives it its name.

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace beamgrid {

inline constexpr char kExportQuestionFile[] = "export.json";
inline constexpr char kConfigFile[] = "config.json";

/// ModelToExport is one model of an export.
struct ModelToExport {
  std::string folder;   ///< inside the export's; "." is the export's own
  std::string weights;  ///< path of its model.pt
  /// What its config.json will hold. The trainer reads name, spec (ToJson(ModelSpec)) and of data
  /// format, classes, features and max_frames.
  boost::json::object config;
};

/// ExportQuestion says what is to be exported.
struct ExportQuestion {
  std::string name;  ///< of the ensemble
  bool is_ensemble = false;
  std::vector<ModelToExport> models;
};
[[nodiscard]] boost::json::object ToJson(const ExportQuestion& question);
/// Throws std::invalid_argument naming the key that is missing or of a wrong type.
[[nodiscard]] ExportQuestion ExportQuestionFromJson(const boost::json::value& json);

/// ExportedModel says what was written of a model.
struct ExportedModel {
  std::int64_t weight_bytes = 0;  ///< of all tensors of model.safetensors
  /// The model's best labels of each video of the sample and their probabilities, best first.
  std::vector<std::vector<std::pair<std::int32_t, double>>> sample;
};
/// ExportAnswer is of the question's models, in their order.
using ExportAnswer = std::vector<ExportedModel>;
[[nodiscard]] boost::json::array ToJson(const ExportAnswer& answer);
[[nodiscard]] ExportAnswer ExportAnswerFromJson(const boost::json::value& json);

}  // namespace beamgrid
