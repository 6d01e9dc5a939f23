#pragma once
// Two studies side by side: the models that both have, by name.

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/store/store.h"
#include "reports/table.h"

namespace beamgrid {

/// ComparedSide is what one study measured of a model.
struct ComparedSide {
  std::vector<std::int64_t> seeds;  ///< complete ones, ascending
  std::vector<double> values;       ///< of these
  std::optional<double> mean, std;  ///< std (sample) from 2 seeds on

  bool operator==(const ComparedSide&) const = default;
};

/// ComparedModel is a model that both studies have.
struct ComparedModel {
  std::string name;
  ComparedSide first, second;
  std::optional<double> difference;  ///< second's mean less the first's
  /// Two-sided, of the difference being 0: Student's paired t-test where both have the same seeds,
  /// else Welch's; nothing with fewer than 2 seeds a side, or where both refer to one of the
  /// trials.
  std::optional<double> p_value;
  bool paired = false;
  std::int64_t shared = 0;           ///< complete trials that both studies refer to
  std::vector<std::string> differs;  ///< "train.epochs: 5, 10": what else is not the same
};

/// Comparison is two studies side by side.
struct Comparison {
  std::string metric, first, second;                 ///< of the metric and the studies, the names
  std::vector<ComparedModel> models;                 ///< best mean of either side first
  std::vector<std::string> only_first, only_second;  ///< names of models that only one has
  std::vector<std::string> notes;  ///< what the numbers do not say: other data, another objective
};

/// Compares two studies of a record. Where their data differ, predictions are read to see whether
/// both were validated on the same videos and labels, as for tables (WhyApart): else no model has a
/// difference, and a note says why. Throws UsageError where no model is in both.
[[nodiscard]] Comparison CompareStudies(const Store& store, const StudyRecord& first,
                                        const StudyRecord& second, const std::string& metric,
                                        const TableResampling* resampling = nullptr);

/// Returns {"metric", "studies": [2], "models": [{"name", "first": {"mean", "std", "seeds",
/// "values"}, "second", "difference", "p_value", "test": "paired" | "welch" | null,
/// "shared_trials", "differs"}], "only_first", "only_second", "notes"}.
[[nodiscard]] boost::json::object ToJson(const Comparison& comparison);

}  // namespace beamgrid
