#pragma once
// By what videos belong together, as their records say it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/model_spec.h"
#include "registry/video_groups.h"
#include "trainer/data/example.h"

namespace beamgrid {

/// ReadGroups is what the validation records say of a group.
struct ReadGroups {
  VideoGroups groups;
  std::int64_t without = 0;           ///< sound records that do not have the text
  std::vector<std::string> examples;  ///< the first of these: file, byte, video, what is there
};

/// GroupNotes takes the groups of records in while somebody else reads them. What several of them
/// have taken in is merged, that of the first files first. Memory: 16 bytes a training record.
class GroupNotes {
 public:
  explicit GroupNotes(std::string name = "") : name_(std::move(name)) {}

  void AddTraining(const ExampleView& example);
  void AddValidation(const ExampleView& example);
  void Merge(GroupNotes&& later);
  /// Returns what was noted; nothing where a validation record has no group.
  [[nodiscard]] std::optional<VideoGroups> Done() &&;

 private:
  std::string name_;
  std::map<std::string, std::string, std::less<>> groups_;        ///< of validation videos
  std::vector<std::pair<std::uint64_t, std::uint64_t>> trained_;  ///< groups, by their hashes
  bool complete_ = true;
};

/// Keeps in `cache` what ReadVideoGroups would find in data of that digest.
void KeepVideoGroups(const std::filesystem::path& cache, const std::string& digest,
                     const VideoGroups& groups);

/// Reads the context feature `name` (one text, or one integer) of all validation records, and of
/// the training records, which need not have it; those of which nothing is used are passed over,
/// for the census has judged them. What was found is kept in `cache` under the data's digest, if
/// there is one. Throws Error where a file cannot be read.
[[nodiscard]] ReadGroups ReadVideoGroups(const DataSpec& data, const std::string& name,
                                         const std::optional<std::filesystem::path>& cache);

}  // namespace beamgrid
