#pragma once
// What housekeeping changes in the record: names, what is removed, files that are given up, rows
// that come from another record; and whether anything of a study has changed. What a study's run
// does is in store.h.

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// RecordUpkeep changes the record of a Store. Each member is a transaction of its own, or a part
/// of the one of Store::Together. It asks nobody: whoever calls it has made sure that no study that
/// the change concerns is running.
class RecordUpkeep {
 public:
  /// Expects that `store`, opened for writing, outlives this object.
  explicit RecordUpkeep(Store& store) : store_(store) {}

  /// Throws UsageError where another study has the name.
  void RenameStudy(StudyId study, const std::string& name);
  /// Removes the study with its recipes, its notes, its ensembles and its references; the trials
  /// stay.
  void RemoveStudy(StudyId study);
  /// Takes a trial out of a study, with the notes that the study has on it; the trial stays.
  void RemoveReference(StudyId study, TrialId trial);
  void RemoveEnsemble(std::int64_t ensemble);
  /// Removes a trial that no study refers to with all that is recorded of it. The folders of its
  /// attempts become trash.
  void RemoveTrial(TrialId trial);

  /// Notes that the file of an artifact is given up (Artifact::pruned_at). The file becomes trash.
  void GiveUpFile(const TrialRecord& trial, const Artifact& artifact);
  /// Notes that the file of an artifact is there again.
  void KeepFile(TrialId trial, const std::string& artifact);

  /// Notes a file or folder below Store::runs() that is to be deleted.
  void AddTrash(const std::filesystem::path& path);
  /// Notes that it is gone, or is to stay.
  void ForgetTrash(const std::filesystem::path& path);

  /// Returns a hash of all that is recorded of the study and its trials, those that do not count
  /// too, and of its last ensemble: equal where nothing of it has changed. Only a run's note of how
  /// far it is, which each run makes anew, is no part of it. Reads one state of the record, whoever
  /// writes to it meanwhile; not inside Together.
  [[nodiscard]] std::string Digest(StudyId study) const;
  /// Returns the files that the record has of the results that count in the study, and the folders
  /// of results that have none, by their names below Store::runs(), or absolute ones. What `prune`
  /// gave up is not among them.
  [[nodiscard]] std::vector<std::string> ResultFiles(StudyId study) const;

  /// Returns the name that the record has for a folder below Store::runs().
  [[nodiscard]] std::string Recorded(const std::filesystem::path& folder) const;
  /// Removes what is recorded of a trial's epochs.
  void RemoveEpochs(TrialId trial);
  /// Adds a row as Store::Query answers it in an object; returns its rowid.
  std::int64_t Insert(const std::string& table, const boost::json::object& row);
  /// Gives a trial the state that it has in another record.
  void TakeState(TrialId trial, TrialState state);

 private:
  Store& store_;
};

}  // namespace beamgrid
