#pragma once
// Whether a worker trains the model that was counted.

#include <cstdint>
#include <optional>
#include <string>

#include "orchestrator/study/model_counter.h"
#include "registry/outcome.h"

namespace beamgrid {

/// Returns what is wrong where a worker's model is not as large as the one that was counted before
/// it began: rankings by size, limits of ensembles and forecasts go by what was counted. Nothing
/// where it is.
[[nodiscard]] inline std::optional<std::string> Miscounted(const ModelSize& counted,
                                                           const ModelSize& trained) {
  if (counted.parameters == trained.parameters && counted.size_bytes == trained.size_bytes) {
    return std::nullopt;
  }
  const auto text = [](const ModelSize& size) {
    return std::to_string(size.parameters) + " parameters in " + std::to_string(size.size_bytes) +
           " bytes";
  };
  return "the worker's model has " + text(trained) + ", counted before were " + text(counted) +
         "; a script or plugin must build the same model each time";
}

/// Returns the outcome, or where it is complete with a model that was not counted so, a failure.
[[nodiscard]] inline AttemptOutcome AsCounted(AttemptOutcome outcome, const ModelSize& counted) {
  if (!outcome.complete()) return outcome;
  const TrialResult& result = outcome.result();
  if (const auto why = Miscounted(counted, {result.parameters, result.size_bytes})) {
    outcome.end = AttemptFailure{.kind = FailureKind::kBadSpec, .message = *why};
  }
  return outcome;
}

}  // namespace beamgrid
