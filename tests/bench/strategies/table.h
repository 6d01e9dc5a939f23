#pragma once
// A table of models that were all trained, so that strategies can be tried without training any.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace beamgrid {

/// ModelTable is what a file says: factors with their levels, and the scores of the combinations
/// that it has.
struct ModelTable {
  struct Factor {
    std::string name;
    std::vector<std::string> levels;  ///< in the order of their values; words by the alphabet
    bool is_number = false;           ///< all levels are whole numbers
  };
  std::string name;  ///< the file's, without folder and endings
  std::vector<Factor> factors;
  std::map<std::vector<std::size_t>, std::vector<double>> scores;  ///< by levels: of each seed

  [[nodiscard]] double Mean(const std::vector<std::size_t>& levels) const;
  [[nodiscard]] double best() const;   ///< mean over its seeds of the best model
  [[nodiscard]] double worst() const;  ///< and of the worst one
};

/// Returns a file's text, which may be compressed by gzip. Throws UsageError where there is none.
[[nodiscard]] std::string ReadPlainOrGzip(const std::string& path);

/// Reads a table of comma-separated values, compressed by gzip or not. Factors are the columns
/// before `model_size`, `parameters`, `train_seconds` or the first score; scores are
/// `val_acc_seed*` as they are and `val_loss_seed*` as minus their logarithm to base 10. A score
/// that is empty, no number or of no logarithm is none; a row without scores is a combination that
/// is not there. Throws UsageError with file and line where it is no such table.
[[nodiscard]] ModelTable ReadModelTable(const std::string& path);
/// The same from text.
[[nodiscard]] ModelTable ParseModelTable(const std::string& text, const std::string& path);

}  // namespace beamgrid
