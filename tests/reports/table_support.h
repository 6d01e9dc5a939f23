#pragma once
// A small record for the table tests.

#include <string>
#include <vector>

#include "reports/table.h"

namespace beamgrid {

inline Catalogue SmallCatalogue() {
  Catalogue catalogue;
  const auto add = [&](const char* criterion, const char* name, std::vector<OptionInfo> options) {
    catalogue.components.push_back(
        {.criterion = criterion, .name = name, .options = std::move(options)});
  };
  add("multimodal", "concat", {});
  add("temporal", "mean", {});
  add("temporal", "blstm",
      {{.name = "layers", .type = OptionType::kInteger, .default_value = 1},
       {.name = "hidden", .type = OptionType::kInteger, .default_value = 512}});
  add("classifier", "logistic", {});
  add("classifier", "moe",
      {{.name = "experts",
        .type = OptionType::kInteger,
        .default_value = 2,
        .always_named = true}});
  add("label_processing", "none", {});
  add("loss", "cross_entropy", {});
  add("extras", "dropout", {{.name = "rate", .type = OptionType::kNumber, .default_value = 0.2}});
  add("extras", "layer_norm", {});
  add("train", "train",
      {{.name = "batch", .type = OptionType::kInteger, .default_value = 128},
       {.name = "epochs", .type = OptionType::kInteger, .default_value = 5}});
  return catalogue;
}

inline ModelSpec SmallModel(Variant temporal, Variant classifier) {
  return {.parts = {{"multimodal", {"concat", {}}},
                    {"temporal", std::move(temporal)},
                    {"classifier", std::move(classifier)},
                    {"label_processing", {"none", {}}},
                    {"loss", {"cross_entropy", {}}}},
          .train = {{"batch", 128}, {"epochs", 5}}};
}

inline Variant MeanPool() { return {"mean", {}}; }
inline Variant Blstm(int layers) { return {"blstm", {{"layers", layers}, {"hidden", 512}}}; }
inline Variant Logistic() { return {"logistic", {}}; }
inline Variant Moe(int experts) { return {"moe", {{"experts", experts}}}; }

/// A trial that measured `gap`; a negative one failed.
inline TrialRecord SmallTrial(const std::string& name, const ModelSpec& model, std::int64_t seed,
                              double gap, std::int64_t parameters = 1000) {
  TrialRecord trial{.name = name,
                    .seed = seed,
                    .state = gap < 0 ? TrialState::kFailed : TrialState::kComplete,
                    .parameters = parameters,
                    .size_bytes = 4 * parameters,
                    .model_json = CanonicalJson(ToJson(model))};
  if (gap >= 0) {
    trial.result = TrialResult{.metrics = {.gap = gap, .hit_at_1 = gap + 0.05, .map = gap / 2}};
  }
  return trial;
}

inline std::vector<std::string> LabelsOf(const AblationTable& table) {
  std::vector<std::string> labels;
  for (const TableRow& row : table.rows) labels.push_back(row.label);
  return labels;
}

}  // namespace beamgrid
