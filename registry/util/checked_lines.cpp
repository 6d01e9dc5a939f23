#include "registry/util/checked_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <tuple>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Nothing of ours grows so large.
constexpr std::size_t kMostLineBytes = 64 << 20;
constexpr std::size_t kLineCheckDigits = 8;

std::string CheckOf(std::string_view line) { return HashBytes(line).substr(0, kLineCheckDigits); }

}  // namespace

std::string CheckedLine(const std::string& text) {
  const std::string line = text + " ";
  return line + CheckOf(line) + "\n";
}

LineFileSize ReadCheckedLines(const fs::path& file,
                              const std::function<void(std::string_view)>& take) {
  std::error_code missing;
  if (!fs::is_regular_file(file, missing)) return LineFileSize::kSmall;
  const std::uintmax_t size = fs::file_size(file, missing);
  if (missing) return LineFileSize::kSmall;
  if (size > kMostLineBytes) return LineFileSize::kLarge;
  std::string content;
  try {
    content = ReadFile(file);
  } catch (const Error&) {
    return LineFileSize::kSmall;  // as good as none
  }
  for (std::string_view lines = content; !lines.empty();) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.size() <= kLineCheckDigits) continue;
    const std::string_view checked = line.substr(0, line.size() - kLineCheckDigits);
    if (!checked.ends_with(' ') || line.substr(checked.size()) != CheckOf(checked)) continue;
    take(checked.substr(0, checked.size() - 1));
  }
  return size > kLargeLineFile ? LineFileSize::kLarge : LineFileSize::kSmall;
}

void AppendLines(const fs::path& file, const std::string& lines, LineFileSize size_so_far) {
  std::error_code failure;
  fs::create_directories(file.parent_path(), failure);
  if (size_so_far == LineFileSize::kLarge) fs::remove(file, failure);
  // What is no file stays as it is; without O_NONBLOCK a FIFO would wait for a reader.
  const UniqueFd opened(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0644));
  if (!fs::is_regular_file(file, failure)) return;
  // One call: lines of several processes do not mix then. What a full disk cuts off is not whole,
  // and the line that begins behind it is lost with it: each call begins a new one.
  const std::string text = "\n" + lines;
  if (opened.get() >= 0) std::ignore = ::write(opened.get(), text.data(), text.size());
}

}  // namespace beamgrid
