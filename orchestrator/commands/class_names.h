#pragma once
// What classes are called, from the vocabulary that is given or lies beside the records.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// The word of options for the vocabulary beside the records.
inline constexpr char kNamesBesideRecords[] = "auto";

/// Reads the names of a CSV or TSV file with a column Name (or display_name) and, where they are
/// not in their order, Index: what `data import` writes, and YouTube-8M's and AudioSet's own.
/// Without such a column it is a name per line. Returns a name by class, `classes` of them; empty:
/// the file has none for it. Throws InputError with the line of what is wrong: an index that is no
/// class or there twice, a name that is no UTF-8.
[[nodiscard]] std::vector<std::string> ReadClassNames(const std::string& path,
                                                      std::int64_t classes);

/// Returns the names that `data import` wrote beside the records which a model was trained on, as
/// ReadClassNames; no name at all where there are none, where the folder is gone, and where its
/// vocabulary is of another number of classes: then it is of other data.
[[nodiscard]] std::vector<std::string> ClassNamesBeside(const DataSpec& data);

/// Returns the same for whom names are only a help: none, and why in `*problem`, where the
/// vocabulary is damaged.
[[nodiscard]] std::vector<std::string> ClassNamesIfSound(const DataSpec& data,
                                                         std::string* problem = nullptr);

/// Returns the names that `data import` wrote into a folder of records; none as ClassNamesIfSound.
[[nodiscard]] std::vector<std::string> ClassNamesInFolder(const std::filesystem::path& folder);

/// Returns what an option says: a file, "auto" or, where it is empty, no names. Throws UsageError
/// where "auto" finds none.
[[nodiscard]] std::vector<std::string> ClassNamesOf(const std::string& option,
                                                    const DataSpec& data);

}  // namespace beamgrid
