#pragma once
// Where the data of a study's trials are. Of each trial the record keeps the place where its data
// were last read; a trial that several studies share was perhaps read elsewhere for another one,
// from files of the same content that may be gone by now.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// DataPlaces looks for the data of one study's trials. The places are, in this order: where the
/// study's recipe names them (its relative names as seen from the folder that the runs folder lies
/// in, and from the working directory), where they were last read, where the trial's own attempt
/// read them, and where any other trial of the study was last read.
class DataPlaces {
 public:
  /// Expects that the store outlives this object.
  DataPlaces(const Store& store, StudyRecord study);

  /// Returns the trial's data at the first place that holds them: their content is that of the
  /// digest. Throws UsageError naming all places, what is wrong with each, and the way out.
  [[nodiscard]] DataSpec WithContent(const TrialRecord& trial);
  /// Returns them at the first place where all the files are, unread; where they were last read if
  /// there is none. For what lies beside the files.
  [[nodiscard]] DataSpec AsNamed(const TrialRecord& trial) const;

 private:
  /// Files is where the data of one digest may be.
  struct Files {
    std::vector<std::string> train, validate;
    bool operator==(const Files&) const = default;
  };
  /// Returns the first place at which the data suit.
  [[nodiscard]] std::optional<Files> FirstPlace(
      const TrialRecord& trial, const DataSpec& data,
      const std::function<bool(const DataSpec&)>& suits) const;
  [[nodiscard]] std::vector<Files> PlacesOf(const TrialRecord& trial, const DataSpec& data) const;
  void AddRecipePlaces(std::vector<Files>& places) const;

  const Store& store_;
  StudyRecord study_;
  std::map<std::string, Files> found_;  ///< by digest
};

}  // namespace beamgrid
