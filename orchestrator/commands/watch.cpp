// `beamgrid watch`: a study that is being run, from another terminal and from the record alone.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <tuple>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/interrupts.h"
#include "orchestrator/live_block.h"
#include "orchestrator/progress_display.h"
#include "orchestrator/study_snapshot.h"
#include "registry/store/study_lock.h"
#include "registry/util/error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

using std::chrono::milliseconds;

/// How long a terminal that has got another size shows a frame that is not made for it.
constexpr milliseconds kResizeLook{100};
// Where nothing is cut: wider and longer than any study.
constexpr int kAllColumns = 4096, kAllRows = 1 << 20;

/// CtrlC says whether somebody has pressed it since it was made, and lets nobody wait meanwhile.
class CtrlC {
 public:
  CtrlC() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw Error("cannot make a pipe");
    reader_ = UniqueFd(ends[0]);
    writer_ = UniqueFd(ends[1]);
    signals_ = std::make_unique<InterruptSignals>(
        [end = writer_.get()] { [[maybe_unused]] const ssize_t ignored = ::write(end, "x", 1); });
  }
  /// Waits so long, or until Ctrl-C; returns whether it was pressed.
  [[nodiscard]] bool Within(milliseconds time) const {
    pollfd wait{.fd = reader_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&wait, 1, static_cast<int>(time.count())) > 0;
  }

 private:
  UniqueFd reader_, writer_;
  std::unique_ptr<InterruptSignals> signals_;  ///< last: no signal may find the pipe closed
};

/// Screen is the terminal on standard output with a block for the study, which goes with it.
class Screen {
 public:
  explicit Screen(Colour colour) : colour_(colour) {}
  ~Screen() { Write(block_.Erased()); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void Draw(const StudySnapshot& snapshot) { Write(block_.Frame("", LinesOf(snapshot))); }
  /// Leaves a last look where the block was.
  void Leave(const StudySnapshot& snapshot) { Write(block_.Left(LinesOf(snapshot))); }
  /// True if the terminal has got another size since the last frame.
  [[nodiscard]] bool resized() const {
    const TerminalSize now = SizeOfTerminal(STDOUT_FILENO);
    return now.columns != size_.columns || now.rows != size_.rows;
  }

 private:
  static void Write(const std::string& bytes) { WriteToTerminal(STDOUT_FILENO, bytes); }
  std::vector<std::string> LinesOf(const StudySnapshot& snapshot) {
    size_ = SizeOfTerminal(STDOUT_FILENO);
    const TerminalSize room = RoomForBlock(size_);
    return RenderSnapshot(snapshot, static_cast<int>(room.columns), static_cast<int>(room.rows),
                          colour_);
  }

  Colour colour_;
  LiveBlock block_;
  TerminalSize size_;
};

/// Returns what makes a line worth printing where lines follow each other.
auto News(const StudySnapshot& snapshot) {
  const ProgressState& state = snapshot.progress;
  std::vector<TrialId> running;
  for (const auto& [id, trial] : state.running) running.push_back(id);
  return std::tuple(snapshot.run, state.complete, state.failed, state.waiting, state.queued,
                    state.reused, running);
}

class WatchCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "The study")->required();
    app.add_flag("--once", once_, "Show it once, as it is now, and end");
    app.add_option("--interval", interval_seconds_, "Seconds between two looks at the record")
        ->capture_default_str()
        ->check(Between(0.1, 3600))
        ->type_name("SECONDS");
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
    app.footer(
        "Reads the record alone: any number may watch, from any terminal and after the run has "
        "ended.\n"
        "A run notes what begins and ends at once, and how far it is within epochs every few "
        "seconds.\n"
        "Elsewhere than on a terminal: a line whenever something began or ended. --json is one "
        "look,\n"
        "as --once.");
  }

  int Run(CommandContext& context) override {
    const StudySnapshot now = Look();
    if (json_) {
      PrintJson(context.out, ToJson(now));
    } else if (once_ || !now.running()) {
      PrintOnce(context.out, now);
    } else if (const auto colour = LiveColours(STDOUT_FILENO)) {
      return FollowOnScreen(*colour);
    } else {
      return FollowInLines(context.out);
    }
    return kExitDone;
  }

 private:
  /// Opens the record anew each time: one of an earlier version is read through a copy, which would
  /// never change.
  [[nodiscard]] StudySnapshot Look() const {
    database_.RequireFile();
    const RunningStudies running(database_.path);  // before the store, as its header says
    const auto store = database_.OpenForReading();
    return TakeSnapshot(*store, running, FindStudy(*store, database_, study_),
                        std::chrono::system_clock::now());
  }

  /// Looks again at what was there before: that it is gone is no mistake of who watches.
  [[nodiscard]] StudySnapshot LookAgain() const {
    try {
      return Look();
    } catch (const UsageError& error) {
      throw Error("study '" + study_ + "' is gone from " + database_.path.string() +
                  " while it was watched: somebody has deleted, moved or renamed it (" +
                  error.what() + ")");
    }
  }

  static void PrintOnce(std::ostream& out, const StudySnapshot& snapshot) {
    const auto width = TerminalWidth(out);
    const bool colours = MayColour(out);
    const Coloured as_it_is(out);
    for (const std::string& line :
         RenderSnapshot(snapshot, width ? static_cast<int>(*width) : kAllColumns, kAllRows,
                        colours ? Colour::kYes : Colour::kNo)) {
      out << line << "\n";
    }
  }

  [[nodiscard]] milliseconds interval() const {
    return milliseconds(static_cast<std::int64_t>(interval_seconds_ * 1000));
  }

  int FollowOnScreen(Colour colour) const {
    const CtrlC ctrl_c;
    Screen screen(colour);
    while (true) {
      const StudySnapshot now = LookAgain();
      if (!now.running()) {
        screen.Leave(now);
        return kExitDone;
      }
      screen.Draw(now);
      for (milliseconds waited{0}; waited < interval(); waited += kResizeLook) {
        if (ctrl_c.Within(std::min(kResizeLook, interval() - waited))) return kExitInterrupted;
        if (screen.resized()) screen.Draw(now);
      }
    }
  }

  int FollowInLines(std::ostream& out) const {
    const CtrlC ctrl_c;
    std::optional<decltype(News(StudySnapshot()))> told;
    while (true) {
      const StudySnapshot now = LookAgain();
      if (told != News(now)) {
        told = News(now);
        for (const std::string& line : RenderSnapshot(now, kAllColumns, 1, Colour::kNo)) {
          out << line << "\n";
        }
        if (!out.flush()) return kExitDone;  // nobody reads it any more
      }
      if (!now.running()) return kExitDone;
      if (ctrl_c.Within(interval())) return kExitInterrupted;
    }
  }

  std::string study_;
  bool once_ = false, json_ = false;
  double interval_seconds_ = 1;
  DatabaseOption database_;
};

REGISTER_COMMAND("watch", kSearch, "Follow a study that is being run, from any terminal",
                 WatchCommand);

}  // namespace
}  // namespace beamgrid
