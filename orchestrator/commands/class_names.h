#pragma once
// What the classes of a trial are called: as it was recorded, else as it stands beside the records.

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/inputs/vocabulary_files.h"
#include "registry/model_spec.h"
#include "registry/store/store.h"

namespace beamgrid {

/// The word of options for the names that belong to a trial's data.
inline constexpr char kNamesBesideRecords[] = "auto";

/// KnownNames are what is known of a trial's classes.
struct KnownNames {
  std::vector<std::string> names;  ///< by class, "" where one has none; empty: not known
  /// What whoever shows them should be told: that they are not recorded, that others lie beside the
  /// records now, why there are none; empty: nothing.
  std::string note;
};

/// Returns the names that `data import` wrote beside the records of a model; none, and why,
/// where they are damaged or of another number of classes; nothing at all where there are none.
[[nodiscard]] KnownNames NamesBeside(const DataSpec& data);

/// Returns the names that the study's run noted of these data; NamesBeside where it noted none.
[[nodiscard]] KnownNames NamesOf(const Store& store, StudyId study, const DataSpec& data);

/// Returns the names that `data import` wrote into a folder of records; none where there are no
/// sound ones.
[[nodiscard]] std::vector<std::string> ClassNamesInFolder(const std::filesystem::path& folder);

/// Returns what is known of the classes of a file of predictions that says none: the names that
/// `data import` wrote into its folder; none where there are no sound ones.
[[nodiscard]] NamedClasses NamesBesidePredictions(const std::string& file);

/// Throws UsageError where the numbers of files of predictions, by the names beside them, mean
/// other classes than those that are known of what they are compared with, or those of each other.
void RequireSameClasses(const std::vector<std::string>& predictions,
                        std::vector<NamedClasses> known);

/// Returns what an option says: a file's names, those that are known of the data for "auto" or,
/// where it is empty, none. Throws UsageError where "auto" finds none, with the reason.
[[nodiscard]] KnownNames ClassNamesOf(const std::string& option, const DataSpec& data,
                                      const KnownNames& known);

}  // namespace beamgrid
