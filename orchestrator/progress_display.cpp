#include "orchestrator/progress_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "registry/util/folded.h"
#include "registry/util/printable.h"

namespace beamgrid {
namespace {

// Numbers that change faster cannot be read, and each frame is a write to the terminal.
constexpr std::chrono::milliseconds kRedrawInterval{200};
constexpr int kUsualWidth = 80, kUsualHeight = 24;

/// Writes straight to the descriptor: one write a frame, so that a frame is never seen half-drawn.
void Write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;  // nobody watches any more
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

struct TerminalSize {
  int width = kUsualWidth, height = kUsualHeight;
};

TerminalSize SizeOfTerminal() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_col, size.ws_row > 0 ? size.ws_row : kUsualHeight};
}

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != 0;
}

/// LiveDisplay lets events scroll by above a block that is redrawn in place.
class LiveDisplay : public ProgressDisplay {
 public:
  explicit LiveDisplay(Colour colour) : colour_(colour) {}
  ~LiveDisplay() override { Write(EraseBlock()); }

  void Event(const std::string& line) override {
    const auto width = static_cast<std::size_t>(SizeOfTerminal().width);
    Write(EraseBlock() + FoldedLines(Printable(line), width) + "\n");
    // The block is gone from the screen: the next state brings it back without waiting.
    drawn_at_.reset();
  }

  void Update(const ProgressState& state) override {
    const bool due = !drawn_at_ || state.elapsed - *drawn_at_ >= kRedrawInterval;
    if (!due) return;
    const TerminalSize size = SizeOfTerminal();
    // The last column and a third of the rows stay free: a full line would wrap, a full screen
    // would hide the events.
    const std::vector<std::string> block =
        RenderProgress(state, size.width - 1, std::max(2, size.height * 2 / 3), colour_);
    std::string frame = EraseBlock();
    for (const std::string& line : block) frame += line + "\n";
    Write(frame);
    lines_drawn_ = block.size();
    drawn_at_ = state.elapsed;
  }

 private:
  [[nodiscard]] std::string EraseBlock() {
    if (lines_drawn_ == 0) return {};
    const std::string up = "\033[" + std::to_string(lines_drawn_) + "A\r\033[J";
    lines_drawn_ = 0;
    return up;
  }

  Colour colour_;
  std::size_t lines_drawn_ = 0;
  std::optional<std::chrono::milliseconds> drawn_at_;
};

class PlainDisplay : public ProgressDisplay {
 public:
  void Event(const std::string& line) override { Write(Printable(line) + "\n"); }
  void Update(const ProgressState&) override {}
};

class QuietDisplay : public ProgressDisplay {
 public:
  void Event(const std::string&) override {}
  void Update(const ProgressState&) override {}
};

}  // namespace

std::unique_ptr<ProgressDisplay> MakeProgressDisplay(ProgressMode mode) {
  if (mode == ProgressMode::kQuiet) return std::make_unique<QuietDisplay>();
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::strcmp(terminal, "dumb") == 0;
  if (dumb || ::isatty(STDERR_FILENO) == 0) return std::make_unique<PlainDisplay>();
  return std::make_unique<LiveDisplay>(IsSet("NO_COLOR") ? Colour::kNo : Colour::kYes);
}

}  // namespace beamgrid
