#pragma once
// What the rows of a table differ in, in the words of `--vary` and of [[table]]:
//
//   temporal                 a whole criterion: "multimodal", "extras", "train" ...
//   temporal.hidden          options of its component; several: temporal.hidden+layers
//   extras.dropout           some of the extras, on or off; several: extras.dropout+zoneout
//   extras.dropout.rate      options of one extra
//   train.batch              some of the training settings; several: train.batch+learning_rate

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// Varied is a criterion, or some of what belongs to it alone.
struct Varied {
  std::string criterion;
  std::string extra;               ///< the one whose options these are; empty: none
  std::vector<std::string> names;  ///< of options, extras or settings; empty: the whole criterion

  /// Returns true if it is options of a component or extra: a model without them can be no row.
  [[nodiscard]] bool of_options() const;
  /// Returns the model without what is varied.
  [[nodiscard]] ModelSpec Without(ModelSpec model) const;
  /// Returns the model with nothing else of the varied criterion.
  [[nodiscard]] ModelSpec Alone(ModelSpec model) const;
  /// Returns true if the model has one of the names, and as a setting it says something there; of a
  /// whole criterion always.
  [[nodiscard]] bool IsIn(const ModelSpec& model) const;
  /// Returns what the model has of it: {component: {option: value}}, or of options these alone.
  [[nodiscard]] boost::json::object Of(const ModelSpec& model) const;
  /// Returns the same as text, with what files hold in place of their names and paths: equal where
  /// the models have the same of it.
  [[nodiscard]] std::string KeyOf(const ModelSpec& model) const;
  /// Returns true if there is something that both vary.
  [[nodiscard]] bool Overlaps(const Varied& other) const;
};

/// Takes the words apart, whether or not there is such a criterion, extra or option.
[[nodiscard]] Varied SplitVaried(std::string_view vary);
/// The same. Throws UsageError that says what there is where it names no criterion; `key`: what it
/// is the value of, "vary" or "by".
[[nodiscard]] Varied ParseVaried(const std::string& vary, const std::string& key = "vary");
/// Says what a table may vary, for messages.
[[nodiscard]] std::string WhatTablesVary();

/// Returns a criterion's parts of a model as (component, options): one, or one per extra.
[[nodiscard]] std::vector<std::pair<std::string, Options>> PartsOf(const ModelSpec& model,
                                                                   const std::string& criterion);
/// Returns the model but for what is varied, as text: equal texts differ in nothing else. Files are
/// the same where they hold the same.
[[nodiscard]] std::string RestText(ModelSpec model, const std::vector<Varied>& varied);

}  // namespace beamgrid
