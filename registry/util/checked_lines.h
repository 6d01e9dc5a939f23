#pragma once
// A cache file of lines, to which every process appends: a line that is not whole is passed over.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace beamgrid {

/// LineFileSize says whether a file has grown so large that its next writer begins it anew.
enum class LineFileSize { kSmall, kLarge };

/// The size from which a file of lines is large: 40,000 lines of 100 letters are read in 20 ms.
inline constexpr std::size_t kLargeLineFile = 4 << 20;

/// Returns the line with its check and its end; `text` has no line break.
[[nodiscard]] std::string CheckedLine(const std::string& text);

/// Calls `take` with the text of each line that is whole, in the order of the file. A file that is
/// not there or cannot be read has none.
LineFileSize ReadCheckedLines(const std::filesystem::path& file,
                              const std::function<void(std::string_view)>& take);

/// Appends lines of CheckedLine, if that can be done; with kLarge in the place of all others. Is
/// not synced.
void AppendLines(const std::filesystem::path& file, const std::string& lines,
                 LineFileSize size_so_far);

}  // namespace beamgrid
