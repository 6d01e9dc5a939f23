#include "registry/video_groups.h"

#include <algorithm>

#include "registry/scoring/segments.h"
#include "registry/util/input_error.h"
#include "registry/util/text.h"

namespace beamgrid {

const std::string& VideoGroups::Of(std::string_view video) const {
  auto found = groups_.find(video);
  if (found == groups_.end()) found = groups_.find(VideoOfSegment(video));
  if (found == groups_.end()) {
    throw InputError("the video '" + std::string(video) + "' is of no known " + by_ +
                     " (data.group, --groups): all videos must be grouped, or none");
  }
  return found->second;
}

void VideoGroups::Add(const VideoGroups& other) {
  in_training_ = std::max(in_training_, other.in_training_);
  for (const auto& [video, group] : other.groups_) {
    const auto [known, is_new] = groups_.emplace(video, group);
    if (known->second == group) continue;
    throw InputError("the video '" + video + "' is of the group '" + known->second + "' (" + by_ +
                     ") in one study and of '" + group + "' (" + other.by_ +
                     ") in another; give both the same data.group");
  }
}

std::string SeenGroupsNote(const std::string& by, std::int64_t in_training) {
  if (in_training == 0) return "";
  return CountText(static_cast<std::size_t>(in_training), "group") + " (" + by +
         ") of the validation videos " + (in_training == 1 ? "is" : "are") +
         " in training, too: what is measured, and its interval, is of groups that the models have "
         "seen, and not of new ones";
}

}  // namespace beamgrid
