#pragma once
// By what videos belong together, as their records say it.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "registry/video_groups.h"

namespace beamgrid {

/// ReadGroups is what the validation records say of a group.
struct ReadGroups {
  VideoGroups groups;
  std::int64_t without = 0;           ///< sound records that do not have the text
  std::vector<std::string> examples;  ///< the first of these: file, byte, video, what is there
  std::int64_t in_train = 0;          ///< groups that training records say they are of, too
};

/// Reads the context feature `name` (one text, or one integer) of all validation records, and of
/// the training records, which need not have it; damaged ones are passed over, for the census has
/// judged them. What was found is kept in `cache` under the data's digest, if there is one. Throws
/// Error where a file cannot be read.
[[nodiscard]] ReadGroups ReadVideoGroups(const DataSpec& data, const std::string& name,
                                         const std::optional<std::filesystem::path>& cache);

}  // namespace beamgrid
