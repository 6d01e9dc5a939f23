#include "orchestrator/inputs/reading_progress.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr std::chrono::seconds kPatience{1};

bool OnTerminal() {
  const char* terminal = std::getenv("TERM");
  return terminal != nullptr && std::string_view(terminal) != "dumb" &&
         ::isatty(STDERR_FILENO) != 0;
}

}  // namespace

std::string ReadingText(std::uint64_t done, std::uint64_t total,
                        std::chrono::milliseconds elapsed) {
  const auto size = [](std::uint64_t bytes) { return SizeText(static_cast<std::int64_t>(bytes)); };
  std::string text = "reading the data: " + size(done) + " of " + size(total);
  if (done == 0 || done > total) return text;
  const double left = static_cast<double>(elapsed.count()) / 1000 *
                      static_cast<double>(total - done) / static_cast<double>(done);
  return text + ", " + DurationText(std::chrono::seconds(static_cast<std::int64_t>(left) + 1)) +
         " left";
}

ReadingProgress::ReadingProgress(bool show)
    : form_(!show          ? Form::kNone
            : OnTerminal() ? Form::kTerminal
                           : Form::kOneLine) {}

void ReadingProgress::Show(std::uint64_t done, std::uint64_t total) {
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started_);
  if (form_ == Form::kNone || elapsed < kPatience) return;
  if (form_ == Form::kTerminal) {
    std::cerr << "\r\033[K" << ReadingText(done, total, elapsed) << std::flush;
  } else if (!shown_) {
    std::cerr << ReadingText(done, total, elapsed) << "; what is found is kept\n";
  }
  shown_ = true;
}

void ReadingProgress::End() {
  if (shown_ && form_ == Form::kTerminal) std::cerr << "\r\033[K" << std::flush;
  shown_ = false;
}

}  // namespace beamgrid
