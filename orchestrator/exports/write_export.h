#pragma once
// A trained model, or an ensemble, as a folder that Python loads. The trainer writes what needs
// LibTorch (trainer/protocol/export.h); the rest, and that the folder is there whole or not at all,
// is here.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/audit/kept_ensembles.h"
#include "registry/store/store.h"

namespace beamgrid {

/// ExportRequest says what goes where.
struct ExportRequest {
  StudyRecord study;
  std::vector<TrialRecord> trials;       ///< complete, with their directories; one, or the members
  std::optional<KeptEnsemble> ensemble;  ///< nothing: a single model
  std::filesystem::path out;
  std::filesystem::path trainer;
  std::vector<std::string> class_names;  ///< by class, "" where one has none; empty: not known
};

/// ExportReport says what was written.
struct ExportReport {
  struct Model {
    std::string folder;  ///< "." for a single model
    std::string name, fingerprint;
    std::int64_t weight_bytes = 0;
  };
  std::vector<Model> models;
  [[nodiscard]] std::int64_t weight_bytes() const;
};

/// Writes the folder. Everything lies in `out`.part.PID until it is whole and on the disk; a
/// process that is killed leaves that, and the next export removes it. Throws UsageError as
/// CheckExportFolder does and where a model cannot be exported, Error where a model's file is not
/// the recorded one, where the weights are not as large as they were counted, and where trainer or
/// disk fail.
[[nodiscard]] ExportReport WriteExport(const Store& store, const ExportRequest& request);

}  // namespace beamgrid
