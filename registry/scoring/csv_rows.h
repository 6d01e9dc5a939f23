#pragma once
// Private to the readers of CSV files: rows of two columns, an id and a list of words separated by
// spaces.

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "registry/scoring/metrics.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {

/// The first line of a file of true labels, without its end.
inline constexpr std::string_view kTruthCsvHeader = "VideoId,Labels";

/// CsvRowReader reads the rows of a file, one after the other. Throws InputError with file and
/// line, SystemError where the file cannot be read.
class CsvRowReader {
 public:
  CsvRowReader(const std::filesystem::path& path, std::string_view header);
  /// Reads the rows that begin at one of the bytes first, ..., end - 1, of which the first is not
  /// the file's. Counts no lines of the others.
  CsvRowReader(const std::filesystem::path& path, std::int64_t first, std::int64_t end);
  void ReadUntil(std::int64_t end) { end_ = end; }

  /// Reads the next row's id and list, which stay until the next call; empty lines are skipped.
  /// False at the end.
  bool Next(std::string_view& id, std::string_view& list);

  [[noreturn]] void Refuse(const std::string& what) const { RefuseAt(line_, what); }
  [[noreturn]] void RefuseAt(std::int64_t line, const std::string& what) const;
  [[nodiscard]] std::int64_t line() const { return line_; }

 private:
  bool NextLine();
  /// Reads on behind what is there, which it moves to the front. False at the end of the file.
  bool ReadOn();

  std::filesystem::path path_;
  UniqueFd file_;
  std::vector<char> bytes_;             ///< a piece of the file
  std::size_t begin_ = 0, filled_ = 0;  ///< of what is not yet passed on
  std::string_view text_;               ///< of the line
  std::int64_t line_ = 0;
  std::int64_t position_ = 0;  ///< of the next line's first byte
  std::int64_t end_ = std::numeric_limits<std::int64_t>::max();
};

/// PairsParser reads lists of labels and confidences, one after the other, with memory that it
/// keeps.
class PairsParser {
 public:
  /// Returns the pairs of a list as they stand there, until the next call.
  std::vector<ScoredLabelDouble>& Parse(const CsvRowReader& rows, std::string_view list);

 private:
  std::vector<ScoredLabelDouble> pairs_;
  std::vector<std::int32_t> labels_;
};

/// Puts the labels of a list behind those that are there, sorted.
void AppendLabels(const CsvRowReader& rows, std::string_view list,
                  std::vector<std::int32_t>& labels);

}  // namespace beamgrid
