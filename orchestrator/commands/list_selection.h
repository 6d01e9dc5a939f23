#pragma once
// Which trials of a study `trials` lists, in which order, and what of them: SQL over the view
// `trials`, so that whatever can be asked of the record can be asked here.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// TrialSelection is `--sort`, `--where`, `--state`, `--columns` and `--limit`.
class TrialSelection {
 public:
  void AddTo(CLI::App& app);

  /// True if columns were asked for; the listing then is Columns instead of the usual one.
  [[nodiscard]] bool has_columns() const { return !columns_.empty(); }
  /// Returns the study's trials that were asked for, in the order that was asked for. Throws
  /// UsageError with the nearest column where one is not there, and with the place where
  /// the condition is none.
  [[nodiscard]] std::vector<TrialRecord> Choose(const Store& store, const StudyRecord& study,
                                                Counting counting) const;
  /// Returns the columns that were asked for, of the same trials.
  [[nodiscard]] Store::Table Columns(const Store& store, const StudyRecord& study,
                                     Counting counting) const;

 private:
  [[nodiscard]] Store::Table Query(const Store& store, const StudyRecord& study, Counting counting,
                                   const std::string& columns) const;

  std::vector<std::string> sort_, states_, columns_;
  std::string where_;
  std::optional<std::int64_t> limit_;
};

}  // namespace beamgrid
