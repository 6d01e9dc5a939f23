#pragma once
// Conditions on a model in words: the `spec` of a paper's row and `--fix`.
//
//   criterion=component                  classifier=moe
//   criterion=component(option=value,..) classifier=moe(experts=2)
//   criterion.option=value               temporal.layers=2, train.batch=128
//   extras=name, extras=name(option=value), extras=none
// Several are joined by ';'. A value is JSON (2, 0.5, true) or else a word; numbers compare by
// value.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

struct SpecCondition {
  std::string criterion;
  std::string component;  ///< empty: any
  std::vector<std::pair<std::string, OptionValue>> options;
};

/// UsageError if it is none of the forms above or names an unknown criterion.
[[nodiscard]] SpecCondition ParseCondition(std::string_view path, std::string_view value);
[[nodiscard]] std::vector<SpecCondition> ParseConditions(std::string_view text);

[[nodiscard]] bool Holds(const SpecCondition& condition, const ModelSpec& model);

}  // namespace beamgrid
