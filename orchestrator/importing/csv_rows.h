#pragma once
// One vector per video in a CSV or TSV file: a column of ids, all others are numbers.

#include <string>
#include <vector>

#include "orchestrator/importing/array_source.h"
#include "orchestrator/inputs/input_file.h"

namespace beamgrid {

/// CsvRows remembers where each row stands and reads it when it is asked for.
class CsvRows : public ArraySource {
 public:
  CsvRows(const std::string& path, const TableColumns& columns);

  [[nodiscard]] std::string PlaceOf(std::size_t index) const override;
  [[nodiscard]] std::string Read(std::size_t index) const override;

 private:
  struct Row {
    std::uint64_t offset = 0, bytes = 0, line = 0;
  };
  /// Throws InputError for a column that is no number of the vectors by its name.
  void RequireNumbers(const TableColumns& columns) const;

  InputFile file_;
  char separator_ = ',';
  std::size_t id_column_ = 0;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;  ///< of arrays_
};

}  // namespace beamgrid
