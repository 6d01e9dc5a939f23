#pragma once
// Complete specs from the few parts that a test cares about.

#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

#include "trainer/component.h"
#include "trainer/data/digest.h"
#include "trainer/data/synth.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid::trainer {

/// The catalogue's defaults with some options set; each must be one that the component has.
inline Options Complete(const std::string& criterion, const std::string& name, const Options& set) {
  const Catalogue catalogue = BuiltCatalogue();
  const ComponentInfo* info = catalogue.Find(criterion, name);
  if (info == nullptr) throw std::invalid_argument(criterion + " has no " + name);
  Options options = DefaultOptions(*info);
  for (const auto& [key, value] : set) {
    if (!options.contains(key)) throw std::invalid_argument(name + " has no option " + key);
    options[key] = value;
  }
  return options;
}

/// Parts that differ from concat, mean, logistic, none and cross_entropy.
struct Parts {
  std::map<std::string, Variant> parts;
  std::map<std::string, Options> extras;
  Options train;
};

inline ModelSpec MakeModel(const Parts& wanted) {
  ModelSpec model;
  const std::map<std::string, std::string> defaults = {{"multimodal", "concat"},
                                                       {"temporal", "mean"},
                                                       {"classifier", "logistic"},
                                                       {"label_processing", "none"},
                                                       {"loss", "cross_entropy"}};
  for (const auto& [criterion, name] : defaults) {
    const auto part = wanted.parts.find(criterion);
    const Variant variant = part == wanted.parts.end() ? Variant{name, {}} : part->second;
    model.parts[criterion] = {variant.component,
                              Complete(criterion, variant.component, variant.options)};
  }
  for (const auto& [name, options] : wanted.extras) {
    model.extras[name] = Complete("extras", name, options);
  }
  model.train = Complete("train", "train", wanted.train);
  return model;
}

/// The papers' widths: 1024 + 128 inputs, 3862 classes.
inline DataSpec PaperData(const std::string& format = "frame") {
  return {.format = format,
          .classes = 3862,
          .features = {{"rgb", 1024}, {"audio", 128}},
          .max_frames = 300};
}

/// A synthetic dataset in `folder`, as a trial reads it.
inline DataSpec WriteData(const std::filesystem::path& folder, SynthOptions options) {
  options.out = folder;
  if (options.features.empty()) options.features = {{"rgb", 16}, {"audio", 8}};
  const SynthReport report = WriteSynthetic(options);
  DataSpec data{.format = options.format,
                .classes = options.classes,
                .features = options.features,
                .max_frames = options.max_frames};
  for (const auto& path : report.train) data.train.push_back(path.string());
  for (const auto& path : report.validate) data.validate.push_back(path.string());
  data.digest = DataDigest(data);
  return data;
}

inline TrialFile MakeTrial(const DataSpec& data, const Parts& parts) {
  TrialFile trial{.study = "test", .name = "test"};
  trial.spec = {.model = MakeModel(parts), .data = data, .objective = "gap", .seed = 7};
  trial.fingerprint = Fingerprint(trial.spec);
  return trial;
}

}  // namespace beamgrid::trainer
