#pragma once
// What classes are called, from files: tables of names, and the vocabulary that `data import`
// writes beside its records.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "registry/named_classes.h"
#include "trainer/data/data_verdict.h"

namespace beamgrid {

/// Reads the names of a CSV or TSV file with a column Name (or display_name) and, where they are
/// not in their order, Index: what `data import` writes, and YouTube-8M's and AudioSet's own.
/// Without such a column it is a name per line. Returns a name by class, `classes` of them; empty:
/// the file has none for it. Throws InputError with the line of what is wrong: an index that is no
/// class or there twice, a name that is no UTF-8, a name behind an empty line of a list.
[[nodiscard]] std::vector<std::string> ReadClassNames(const std::string& path,
                                                      std::int64_t classes);

/// VocabularyFile is a vocabulary beside records that is there.
struct VocabularyFile {
  std::string path;
  std::int64_t classes = 0;  ///< that the manifest counts
  /// Reads it. Throws InputError as ReadClassNames.
  [[nodiscard]] NamedClasses Read() const;
};

/// Returns the vocabulary that an import's manifest in the folder names; nothing where there is
/// none, and where the manifest is somebody else's or cannot be read.
[[nodiscard]] std::optional<VocabularyFile> VocabularyBeside(const std::filesystem::path& folder);

/// Returns the names beside record files: those of all folders, of which one may go on where
/// another ends, in the name of the first; none where no folder has some. Throws InputError where
/// they are damaged, and where those beside others contradict them.
[[nodiscard]] NamedClasses NamesBesideFiles(const std::vector<std::string>& files);

/// Returns the same of the records of a study.
[[nodiscard]] NamedClasses NamesOfData(const DataSpec& data);

/// Returns what the vocabularies beside the records contradict, each other or the number of classes
/// of the data: then a number means two classes, or some have none.
[[nodiscard]] std::vector<DataProblem> VocabularyMistakes(const DataSpec& data);

/// Returns a warning where the data have more classes than the vocabularies beside the records;
/// empty: they do not, or there is none.
[[nodiscard]] std::string SpareClassesNote(const DataSpec& data);

}  // namespace beamgrid
