#pragma once
// From a recipe's globs to the data of a study: found, read once, judged.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "registry/video_groups.h"
#include "search/recipe.h"
#include "trainer/data/census.h"
#include "trainer/data/data_verdict.h"

namespace beamgrid {

/// FoundData is what of a recipe's data is there.
struct FoundData {
  DataSpec spec;  ///< the files, with no digest yet
  /// A mistake for every glob that matches nothing and for a list of classes that cannot be read,
  /// with its place. None: the data are complete.
  std::vector<Diagnostic> missing;
};

/// Resolves the recipe's globs (relative to the recipe's folder). Throws Error where the machine is
/// at fault.
[[nodiscard]] FoundData LookForDataFiles(const Recipe& recipe);

/// Returns LookForDataFiles' data. Throws RecipeError with what is missing.
[[nodiscard]] DataSpec FindDataFiles(const Recipe& recipe);

/// ReadingVoice is how people hear of reading that takes long.
struct ReadingVoice {
  /// Called with whole lines: what the data must be taken with.
  std::function<void(const std::string& line)> warn;
  /// Says on a terminal how far the reading is, once it takes more than a second.
  bool show_progress = true;
};

/// StudyData is a recipe's data as they are now.
struct StudyData {
  DataSpec spec;  ///< with the digest
  Census census;
  DataVerdict verdict;
};

/// Reads every byte of the files, but those whose content the cache knows (CacheFolder) where it is
/// to be believed, and judges what is in them. `group`: data.group, which is read on the way.
/// Throws Error where a file cannot be read.
[[nodiscard]] StudyData ReadStudyData(
    DataSpec found, const std::string& group, const ReadingVoice& voice,
    CensusOptions::Reading reading = CensusOptions::Reading::kWhatIsNew);

/// Returns the verdict's problems with the places in the recipe that name the files.
[[nodiscard]] std::vector<Diagnostic> DataMistakes(const Recipe& recipe,
                                                   const DataVerdict& verdict);

using Warn = std::function<void(const std::string& warning)>;

/// Returns by what the validation videos belong together; null: the recipe names nothing
/// (data.group). `data`: with its digest. Calls `warn` where training has videos of the same
/// groups. Throws RecipeError where records do not say it.
[[nodiscard]] std::shared_ptr<const VideoGroups> GroupsOfVideos(const Recipe& recipe,
                                                                const DataSpec& data,
                                                                const Warn& warn);

/// Returns the data that a study may begin on, with their digest, once the warnings were told.
/// Throws RecipeError where files are missing, where what they hold stops a study and where a
/// teacher does not suit them (TeacherMistakes).
[[nodiscard]] DataSpec CheckedData(const Recipe& recipe, const ReadingVoice& voice);

}  // namespace beamgrid
