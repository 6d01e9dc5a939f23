#include "orchestrator/live_block.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "registry/util/printable.h"

namespace beamgrid {
namespace {

// A terminal that knows it shows the frame when it is whole; the others pass it over.
constexpr char kBegin[] = "\033[?2026h\033[?25l", kEnd[] = "\033[?25h\033[?2026l";
constexpr char kToEndOfLine[] = "\033[K", kToEndOfScreen[] = "\033[J";

/// Returns the columns of a line that may hold colour codes.
std::size_t ShownColumns(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    const std::size_t code = line.find("\033[");
    text += line.substr(0, code);
    if (code == std::string_view::npos) break;
    line.remove_prefix(std::min(line.find('m', code), line.size() - 1) + 1);
  }
  return ColumnsOf(text);
}

}  // namespace

std::string LiveBlock::Frame(const std::string& above, std::vector<std::string> lines,
                             std::size_t columns) {
  if (widths_.empty() && lines.empty()) return above;
  std::size_t rows = 0;
  for (const std::size_t width : widths_) {
    // Wrapped: a terminal that has become narrower shows the rest of a line below it.
    rows += std::max<std::size_t>(1, (width + columns - 1) / std::max<std::size_t>(columns, 1));
  }
  widths_.clear();
  std::string frame = kBegin;
  if (rows > 0) frame += "\033[" + std::to_string(rows) + "A\r";
  // Its lines may be as wide as the terminal: erasing behind one would take its last character.
  if (!above.empty()) frame += kToEndOfScreen + above;
  for (const std::string& line : lines) {
    frame += line + kToEndOfLine + "\n";
    widths_.push_back(ShownColumns(line));
  }
  return frame + kToEndOfScreen + kEnd;
}

void WriteToTerminal(int descriptor, const std::string& bytes) {
  std::string_view text = bytes;
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;  // nobody watches any more
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

TerminalSize SizeOfTerminal(int descriptor) {
  TerminalSize usual;
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual;
  return {size.ws_col, size.ws_row > 0 ? size.ws_row : usual.rows};
}

TerminalSize RoomForBlock(const TerminalSize& terminal) {
  return {std::max<std::size_t>(terminal.columns, 2) - 1,
          std::max<std::size_t>(terminal.rows * 2 / 3, 2)};
}

}  // namespace beamgrid
