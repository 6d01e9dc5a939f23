#pragma once
// What the rows of a table differ in.

#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// Varied is a criterion ("temporal", "extras", "train"), or some of the extras or of the training
/// settings alone.
struct Varied {
  std::string criterion;
  std::vector<std::string> names;  ///< of the extras or settings; empty: the whole criterion

  /// Returns the model without what is varied.
  [[nodiscard]] ModelSpec Without(ModelSpec model) const;
  /// Returns the model with nothing else of the varied criterion.
  [[nodiscard]] ModelSpec Alone(ModelSpec model) const;
  /// Returns true if the model has one of the names; of a whole criterion always.
  [[nodiscard]] bool IsIn(const ModelSpec& model) const;
};

/// Reads "temporal", "extras", "extras.dropout", "train.batch+learning_rate". Throws UsageError
/// that names the criteria.
[[nodiscard]] Varied ParseVaried(const std::string& vary);

}  // namespace beamgrid
