#pragma once
// A trained model as the folder that Python loads: config.json, modeling.py, model.safetensors and
// sample.safetensors.

#include <cstdint>
#include <filesystem>
#include <string>

#include "registry/model_spec.h"
#include "trainer/protocol/export.h"
#include "trainer/training/shipped_weights.h"

namespace beamgrid::trainer {

/// Writes the folder of a model, and lists as many labels of its sample as predictions.bin has of a
/// video; makes it where it is not there. The sample is three videos of
/// random numbers, always the same for data of this shape: of several frames, half of them and one
/// frame. Throws SpecError where a part has no Python, before anything is written, Error where the
/// weights are not the model's and where the disk refuses.
[[nodiscard]] ExportedModel ExportModel(const ModelSpec& spec, const DataSpec& data,
                                        const std::string& name, const ShippedWeights& weights,
                                        const std::filesystem::path& folder);

/// Writes what question and answer of `beamgrid-trainer export` describe; the folder is there.
/// Nothing of any model is written where one cannot be exported.
[[nodiscard]] ExportAnswer CarryOutExport(const ExportQuestion& question,
                                          const std::filesystem::path& folder);

/// Returns the JSON as people read it, a line for each member.
[[nodiscard]] std::string ConfigText(const boost::json::object& config);

}  // namespace beamgrid::trainer
