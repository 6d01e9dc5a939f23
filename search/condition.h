#pragma once
// Conditions on a model: what an [[exclude]] of a recipe, `--fix` and the `spec` of a paper's row
// ask for. A recipe writes them as TOML and has them checked against the catalogue
// (search/recipe/exclude.cpp); the other two write them in words:
//
//   criterion=component                  classifier=moe
//   criterion=component(option=value,..) classifier=moe(experts=2)
//   criterion.option=value               temporal.layers=2, temporal.use=blstm, train.batch=128
//   extras=name, extras=name(option=value), extras.name.option=value, extras=none
// Several are joined by ';'. A value is JSON (2, 0.5, true) or else a word; numbers compare by
// value.

#include <string>
#include <string_view>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// Condition asks for one thing; `classifier=moe(experts=2)` are two.
struct Condition {
  std::string criterion;  ///< "temporal", "extras", "train"
  std::string component;  ///< of extras only: "zoneout"; empty: the condition is extras=none
  std::string option;     ///< empty: the criterion's component (or whether the extra is on)
  OptionValue value;      ///< a component's name, true/false for an extra, an option's value
};
/// Conditions is what has to hold together.
using Conditions = std::vector<Condition>;

/// Reads one condition. Throws UsageError if it is none of the forms above or names an unknown
/// criterion.
[[nodiscard]] Conditions ParseCondition(std::string_view path, std::string_view value);
/// Reads several conditions that ';' joins. Throws as ParseCondition does.
[[nodiscard]] Conditions ParseConditions(std::string_view text);

/// True if the model has what the condition asks for.
[[nodiscard]] bool Holds(const Condition& condition, const ModelSpec& model);
/// True if all conditions hold; so for none at all.
[[nodiscard]] bool AllHold(const Conditions& conditions, const ModelSpec& model);

}  // namespace beamgrid
