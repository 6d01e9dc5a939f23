#pragma once
// What follows from a census: whether a study may begin, and what its results must be read with.

#include <string>
#include <vector>

#include "trainer/data/census.h"

namespace beamgrid {

/// DataProblem is what stops a study before its first step.
struct DataProblem {
  bool in_train = true;  ///< the files of data.train are to blame, else those of data.validate
  std::string what;      ///< with file, byte and video where there are some
};

/// DataVerdict is what follows from a census.
struct DataVerdict {
  std::vector<DataProblem> problems;  ///< none: the study may begin
  std::vector<std::string> warnings;  ///< each a line of its own
};

/// Judges the data by the recipe that asks for them. Problems, whatever data.on_error says: files
/// that are there twice, records that contradict the recipe, ids that are twice in validate, a list
/// of which nothing is left to use, or nothing that weighs more than 0. Damaged records are
/// problems with data.on_error = "stop" and warnings with "skip".
[[nodiscard]] DataVerdict JudgeData(const DataSpec& data, const Census& census);

}  // namespace beamgrid
