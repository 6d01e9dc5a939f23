#include "registry/video_groups.h"

#include "registry/util/input_error.h"

namespace beamgrid {

const std::string& VideoGroups::Of(std::string_view video) const {
  auto found = groups_.find(video);
  if (found == groups_.end()) found = groups_.find(video.substr(0, video.rfind(':')));
  if (found == groups_.end()) {
    throw InputError("the video '" + std::string(video) + "' is of no known " + by_ +
                     " (data.group, --groups): all videos must be grouped, or none");
  }
  return found->second;
}

void VideoGroups::Add(const VideoGroups& other) {
  for (const auto& [video, group] : other.groups_) {
    const auto [known, is_new] = groups_.emplace(video, group);
    if (known->second == group) continue;
    throw InputError("the video '" + video + "' is of the group '" + known->second + "' (" + by_ +
                     ") in one study and of '" + group + "' (" + other.by_ +
                     ") in another; give both the same data.group");
  }
}

}  // namespace beamgrid
