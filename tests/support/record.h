#pragma once
// Studies, trials and outcomes for tests of the record.

#include <string>

#include "registry/store/store.h"
#include "tests/support/specs.h"

namespace beamgrid {

inline StudyRecord ExampleStudy(const std::string& name = "study") {
  StudyRecord study;
  study.name = name;
  study.description = "what it is for";
  study.objective = "gap";
  study.recipe_text = "beamgrid = 1";
  study.recipe_digest = "digest of " + name;
  return study;
}

inline NewTrial ExampleNewTrial(std::int64_t hidden = 512, std::int64_t seed = 1) {
  NewTrial trial;
  trial.spec = ExampleTrial(hidden, seed);
  trial.name = "MC-BLSTM" + std::to_string(hidden);
  trial.fingerprint = Fingerprint(trial.spec);
  trial.parameters = hidden * 1000;
  trial.size_bytes = hidden * 4000;
  return trial;
}

/// A complete outcome whose numbers all follow from `gap`.
inline AttemptOutcome ExampleSuccess(double gap = 0.5) {
  TrialResult result;
  result.metrics = {.gap = gap, .hit_at_1 = gap / 2, .perr = gap / 3, .map = gap / 4, .videos = 9};
  result.validate_loss = 1 / gap;
  result.best_epoch = 2;
  for (std::int64_t epoch = 1; epoch <= 3; ++epoch) {
    result.epochs.push_back({.epoch = epoch,
                             .train_loss = 10.0 / static_cast<double>(epoch),
                             .validate_loss = 11.0 / static_cast<double>(epoch),
                             .metrics = result.metrics});
  }
  result.parameters = 1000;
  result.size_bytes = 4000;
  result.examples = 300;
  result.examples_per_second = 12.5;
  result.wall_seconds = 24;
  result.peak_memory_bytes = 1 << 30;
  result.skipped_records = 1;
  result.device = "cuda:0 NVIDIA H200";
  result.threads = 2;
  result.program_version = "0.1.0";
  result.libtorch_version = "1.13.1";
  result.artifacts = {
      {.name = "model", .path = "model.pt", .bytes = 4000, .hash = "aa"},
      {.name = "predictions", .path = "predictions.bin", .bytes = 70, .hash = "bb"}};
  return {std::move(result)};
}

inline AttemptOutcome ExampleFailure(FailureKind kind = FailureKind::kCrashed) {
  return {AttemptFailure{kind, "killed by signal 9", "last line"}, -9};
}

}  // namespace beamgrid
