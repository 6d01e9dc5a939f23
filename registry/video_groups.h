#pragma once
// Which videos belong together: they are of one subject, day or channel, and alike for that. What
// is said of other videos of the kind must then draw and hold out whole groups.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace beamgrid {

/// VideoGroups says of videos to which group each belongs.
class VideoGroups {
 public:
  /// `by`: what they are grouped by, as records and tables of labels call it. `groups`: by video.
  VideoGroups(std::string by, std::map<std::string, std::string, std::less<>> groups,
              std::int64_t in_training = 0)
      : by_(std::move(by)), groups_(std::move(groups)), in_training_(in_training) {}

  [[nodiscard]] const std::string& by() const { return by_; }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& groups() const {
    return groups_;
  }
  /// Returns how many of the groups training videos are of, too.
  [[nodiscard]] std::int64_t in_training() const { return in_training_; }
  /// Returns the group of a video, or of a segment "VIDEO:START". Throws InputError where it has
  /// none: it is never a group of its own.
  [[nodiscard]] const std::string& Of(std::string_view video) const;

  /// Takes the other's videos in, of whose groups as many may be in training as of these. Throws
  /// InputError where a video is of another group there.
  void Add(const VideoGroups& other);

 private:
  std::string by_;
  std::map<std::string, std::string, std::less<>> groups_;
  std::int64_t in_training_ = 0;
};

/// Returns "3 groups (subject) of validate are in training, too: ...", what a number that was
/// measured on them is to be read with; empty: none is.
[[nodiscard]] std::string SeenGroupsNote(const std::string& by, std::int64_t in_training);

/// Fewer groups than this say little of others: an interval that is drawn of them is too narrow.
inline constexpr std::size_t kFewGroups = 20;

}  // namespace beamgrid
