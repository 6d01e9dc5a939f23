#include "registry/util/status_line.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace beamgrid {
namespace {

constexpr std::chrono::seconds kPatience{1};

bool OnTerminal() {
  const char* terminal = std::getenv("TERM");
  return terminal != nullptr && std::string_view(terminal) != "dumb" &&
         ::isatty(STDERR_FILENO) != 0;
}

}  // namespace

StatusLine::StatusLine(bool show)
    : form_(!show          ? Form::kNone
            : OnTerminal() ? Form::kTerminal
                           : Form::kOneLine) {}

void StatusLine::Show(const std::function<std::string(std::chrono::milliseconds)>& text,
                      const std::string& once) {
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started_);
  if (form_ == Form::kNone || elapsed < kPatience) return;
  if (form_ == Form::kTerminal) {
    std::cerr << "\r\033[K" << text(elapsed) << std::flush;
  } else if (!shown_) {
    std::cerr << text(elapsed) << once << "\n";
  }
  shown_ = true;
}

void StatusLine::End() {
  if (shown_ && form_ == Form::kTerminal) std::cerr << "\r\033[K" << std::flush;
  shown_ = false;
}

}  // namespace beamgrid
