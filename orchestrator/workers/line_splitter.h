#pragma once
// Cuts a stream of bytes into lines of bounded length.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace beamgrid {

/// LineSplitter cuts a stream of bytes into lines and holds at most one unfinished line. A line
/// longer than the bound is dropped whole, so a worker that writes without end costs no memory. Not
/// thread-safe.
class LineSplitter {
 public:
  /// Makes a splitter that drops lines longer than `longest` bytes.
  explicit LineSplitter(std::size_t longest) : longest_(longest) {}

  /// Calls `line` for each line that `piece` completes, without its newline.
  void Feed(std::string_view piece, const std::function<void(std::string_view)>& line) {
    while (!piece.empty()) {
      const std::size_t end = piece.find('\n');
      Keep(piece.substr(0, end));
      if (end == std::string_view::npos) return;
      if (!overlong_) line(held_);
      held_.clear();
      overlong_ = false;
      piece.remove_prefix(end + 1);
    }
  }

 private:
  void Keep(std::string_view part) {
    if (overlong_ || held_.size() + part.size() > longest_) {
      overlong_ = true;
      held_.clear();
      // The room for the longest line is given back, for a worker may live long.
      held_.shrink_to_fit();
    } else {
      held_.append(part);
    }
  }

  std::size_t longest_;
  std::string held_;
  bool overlong_ = false;
};

}  // namespace beamgrid
