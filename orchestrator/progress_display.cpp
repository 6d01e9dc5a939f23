#include "orchestrator/progress_display.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "orchestrator/live_block.h"
#include "registry/util/folded.h"
#include "registry/util/printable.h"

namespace beamgrid {
namespace {

// Numbers that change faster cannot be read, and each frame is a write to the terminal.
constexpr std::chrono::milliseconds kRedrawInterval{200};

/// LiveDisplay lets events scroll by above a block that is redrawn in place.
class LiveDisplay : public ProgressDisplay {
 public:
  explicit LiveDisplay(Colour colour) : colour_(colour) {}
  ~LiveDisplay() override { Write(block_.Erased()); }

  void Event(const std::string& line) override {
    const TerminalSize terminal = SizeOfTerminal(STDERR_FILENO);
    Draw(FoldedLines(Printable(line), terminal.columns) + "\n", terminal);
  }

  void Update(const ProgressState& state) override {
    const bool due = !last_ || state.elapsed - drawn_at_ >= kRedrawInterval;
    if (!due) return;
    last_ = state;
    drawn_at_ = state.elapsed;
    Draw("", SizeOfTerminal(STDERR_FILENO));
  }

 private:
  static void Write(const std::string& bytes) { WriteToTerminal(STDERR_FILENO, bytes); }

  void Draw(const std::string& above, const TerminalSize& terminal) {
    std::vector<std::string> lines;
    if (last_) {
      const TerminalSize room = RoomForBlock(terminal);
      lines = RenderProgress(*last_, static_cast<int>(room.columns), static_cast<int>(room.rows),
                             colour_);
    }
    Write(block_.Frame(above, lines));
  }

  Colour colour_;
  LiveBlock block_;
  std::optional<ProgressState> last_;  ///< as it is drawn
  std::chrono::milliseconds drawn_at_{0};
};

class PlainDisplay : public ProgressDisplay {
 public:
  void Event(const std::string& line) override {
    WriteToTerminal(STDERR_FILENO, Printable(line) + "\n");
  }
  void Update(const ProgressState&) override {}
};

class QuietDisplay : public ProgressDisplay {
 public:
  void Event(const std::string&) override {}
  void Update(const ProgressState&) override {}
};

}  // namespace

std::optional<Colour> LiveColours(int descriptor) {
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || *terminal == 0 || std::strcmp(terminal, "dumb") == 0;
  if (dumb || ::isatty(descriptor) == 0) return std::nullopt;
  const char* no_color = std::getenv("NO_COLOR");
  return no_color != nullptr && *no_color != 0 ? Colour::kNo : Colour::kYes;
}

std::unique_ptr<ProgressDisplay> MakeProgressDisplay(ProgressMode mode) {
  if (mode == ProgressMode::kQuiet) return std::make_unique<QuietDisplay>();
  const std::optional<Colour> colour = LiveColours(STDERR_FILENO);
  if (!colour) return std::make_unique<PlainDisplay>();
  return std::make_unique<LiveDisplay>(*colour);
}

}  // namespace beamgrid
