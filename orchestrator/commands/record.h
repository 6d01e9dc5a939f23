#pragma once
// What the commands that read the record share: its option, and how a study or trial is named on
// the command line.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// DatabaseOption is `--db FILE`.
struct DatabaseOption {
  std::filesystem::path path = "beamgrid.db";

  void AddTo(CLI::App& app);
  /// Opens the record read-only. Throws UsageError if the file is not there.
  [[nodiscard]] std::unique_ptr<Store> OpenForReading() const;
};

/// Adds `--json`.
void AddJsonFlag(CLI::App& app, bool* json);

/// Returns the study of that name. Throws UsageError naming the studies there are.
[[nodiscard]] StudyRecord FindStudy(const Store& store, const DatabaseOption& database,
                                    const std::string& name);

/// TrialInStudy is a trial as one study refers to it.
struct TrialInStudy {
  StudyRecord study;
  TrialRecord trial;
};

/// Returns the trial that `text` names: an id (17), a fingerprint's first digits (at least 4), or
/// STUDY/NAME[/SEED], which means the trials that count where there are such. A trial that several
/// studies share is found once, with the first of them, with one that counts it where there is one.
/// Throws UsageError with the candidates if it is ambiguous, and with the nearest spelling if there
/// is none.
[[nodiscard]] TrialInStudy FindTrial(const Store& store, const DatabaseOption& database,
                                     const std::string& text);

}  // namespace beamgrid
