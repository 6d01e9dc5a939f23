#include "orchestrator/live_block.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace beamgrid {
namespace {

// A terminal that knows it shows the frame when it is whole; the others pass it over.
constexpr char kBegin[] = "\033[?2026h\033[?25l", kEnd[] = "\033[?25h\033[?2026l";
constexpr char kToEndOfLine[] = "\033[K", kToEndOfScreen[] = "\033[J";

}  // namespace

std::string LiveBlock::Frame(const std::string& above, const std::vector<std::string>& lines) {
  if (!drawn_ && lines.empty()) return above;
  std::string frame = std::string(kBegin) + "\r";
  // Its lines may be as wide as the terminal: erasing behind one would take its last character.
  if (!above.empty()) frame += kToEndOfScreen + above;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) frame += "\n";
    frame += lines[i] + kToEndOfLine;
  }
  frame += kToEndOfScreen;
  if (lines.size() > 1) frame += "\033[" + std::to_string(lines.size() - 1) + "A";
  drawn_ = !lines.empty();
  return frame + "\r" + kEnd;
}

std::string LiveBlock::Left(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return Frame(text, {});
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
