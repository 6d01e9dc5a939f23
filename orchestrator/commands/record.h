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

/// DatabaseOption is `--db FILE` and, for commands that look at the attempts' files, `--runs DIR`.
struct DatabaseOption {
  std::filesystem::path path = "beamgrid.db";
  std::filesystem::path runs;  ///< empty: where the record says (Store::runs)

  void AddTo(CLI::App& app);
  void AddRunsTo(CLI::App& app);
  /// Opens the record read-only. Throws UsageError if the file is not there.
  [[nodiscard]] std::unique_ptr<Store> OpenForReading() const;
  /// The same to add to the record.
  [[nodiscard]] std::unique_ptr<Store> OpenForWriting() const;
  /// True if this user may write to the file and make SQLite's log beside it.
  [[nodiscard]] bool MayBeWritten() const;

 private:
  [[nodiscard]] std::unique_ptr<Store> Open(OpenMode mode) const;
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
/// STUDY/NAME[/SEED], STUDY/NAME#SEED or STUDY/NAME/sSEED, which means the trials that count where
/// there are such. A trial that several studies share is found once, with the first of them, with
/// one that counts it where there is one. Throws UsageError with the candidates if it is ambiguous,
/// and with the nearest spelling if there is none.
[[nodiscard]] TrialInStudy FindTrial(const Store& store, const DatabaseOption& database,
                                     const std::string& text);

}  // namespace beamgrid
