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
  /// True if there is something by this name. Throws UsageError if it is no file.
  [[nodiscard]] bool IsThere() const;
  /// Throws UsageError if the file is not there, or is no file.
  void RequireFile() const;
  /// Opens the record read-only. Throws UsageError as RequireFile does.
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

/// ModelNames says whether a model's name without its study names its trials.
enum class ModelNames { kWithStudy, kAlone };

/// Returns the trials that `text` names: an id (17), a fingerprint's first digits (at least 4), or
/// STUDY/NAME[/SEED], STUDY/NAME/sSEED or STUDY/NAME#SEED, which means the trials that count where
/// there are such; alone also NAME and so on. They are one trial or the seeds of one model in one
/// study, by seed. A trial that several studies share is found once, with the first of them, with
/// one that counts it where there is one; not by a name alone, which is in all of them. Throws
/// UsageError with the candidates if it is ambiguous, and with the nearest spelling if there is
/// none; of a study's name it says what shows the study.
[[nodiscard]] std::vector<TrialInStudy> FindTrials(const Store& store,
                                                   const DatabaseOption& database,
                                                   const std::string& text, ModelNames names);
/// The same where it must be one trial.
[[nodiscard]] TrialInStudy FindTrial(const Store& store, const DatabaseOption& database,
                                     const std::string& text,
                                     ModelNames names = ModelNames::kWithStudy);

}  // namespace beamgrid
