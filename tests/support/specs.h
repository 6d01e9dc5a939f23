#pragma once
// Model and trial specs for tests that need one but do not care which.

#include <cstdint>
#include <string>

#include "registry/model_spec.h"

namespace beamgrid {

/// A complete model: blstm of `hidden` cells, moe, no extras, five epochs.
inline ModelSpec ExampleModel(std::int64_t hidden = 512) {
  ModelSpec model;
  model.parts["multimodal"].component = "concat";
  model.parts["temporal"] = {.component = "blstm", .options = {{"hidden", hidden}, {"layers", 1}}};
  model.parts["classifier"] = {.component = "moe", .options = {{"experts", 2}}};
  model.parts["label_processing"].component = "none";
  model.parts["loss"].component = "cross_entropy";
  model.train = {{"epochs", 5}, {"learning_rate", 0.001}, {"batch", 128}};
  return model;
}

inline TrialSpec ExampleTrial(std::int64_t hidden = 512, std::int64_t seed = 1) {
  TrialSpec trial;
  trial.model = ExampleModel(hidden);
  trial.seed = seed;
  trial.data = {.format = "frame",
                .train = {"/data/train0.tfrecord"},
                .validate = {"/data/validate0.tfrecord"},
                .classes = 3862,
                .features = {{"rgb", 1024}, {"audio", 128}},
                .max_frames = 300,
                .on_error = "stop",
                .digest = "0123456789abcdef"};
  return trial;
}

}  // namespace beamgrid
