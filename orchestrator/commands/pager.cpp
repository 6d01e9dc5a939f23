#include "orchestrator/commands/pager.h"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <streambuf>
#include <string_view>
#include <utility>

namespace beamgrid {
namespace {

/// Ignores a signal while it lives.
class Ignored {
 public:
  explicit Ignored(int signal) : signal_(signal) {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(signal_, &ignore, &former_);
  }
  ~Ignored() { ::sigaction(signal_, &former_, nullptr); }
  Ignored(const Ignored&) = delete;
  Ignored& operator=(const Ignored&) = delete;

 private:
  int signal_;
  struct sigaction former_{};
};

bool IsOnPath(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((std::filesystem::path(folder) / program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

/// Returns the command of the pager; empty: none is wanted or there.
std::string PagerCommand() {
  const char* terminal = std::getenv("TERM");
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return "";
  if (const char* pager = std::getenv("PAGER")) return pager;
  return IsOnPath("less") ? "less" : "";
}

}  // namespace

std::size_t RowsOfDescriptor(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

bool ShowInPager(const std::string& text) {
  const std::string command = PagerCommand();
  if (command.empty() || command == "cat") return false;
  // Short texts stay, colours are colours, and the text is there when the pager has gone. Whoever
  // has set $LESS knows better.
  ::setenv("LESS", "FRX", 0);
  // Whoever quits before the end has seen enough: no mistake, and no reason to die.
  const Ignored broken_pipe(SIGPIPE);
  std::FILE* pager = ::popen(command.c_str(), "w");
  if (pager == nullptr) return false;
  const Ignored interrupt(SIGINT);  // after the pager was started, which heeds it
  std::fwrite(text.data(), 1, text.size(), pager);
  const int status = ::pclose(pager);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Buffer holds the text, or passes it on.
class PagedOutput::Buffer : public std::streambuf {
 public:
  explicit Buffer(std::ostream& target) : target_(target) {}

  void Hold(std::size_t rows) {
    rows_ = rows;
    holds_ = rows > 0;
  }
  void Show() {
    holds_ = false;
    const std::string text = std::exchange(held_, {});
    if (text.empty()) return;
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    // The prompt of the shell needs a row, too.
    if (lines >= rows_ && ShowInPager(text)) return;
    target_ << text << std::flush;
  }

 protected:
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    if (!holds_) return target_.write(bytes, size) ? size : 0;
    held_.append(bytes, static_cast<std::size_t>(size));
    return size;
  }
  int_type overflow(int_type byte) override {
    if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
    const char one = traits_type::to_char_type(byte);
    return xsputn(&one, 1) == 1 ? byte : traits_type::eof();
  }
  int sync() override {
    if (holds_) return 0;
    return target_.flush() ? 0 : -1;
  }

 private:
  std::ostream& target_;
  bool holds_ = false;
  std::size_t rows_ = 0;
  std::string held_;
};

PagedOutput::PagedOutput(std::ostream& target)
    : std::ostream(nullptr), buffer_(std::make_unique<Buffer>(target)) {
  rdbuf(buffer_.get());
}

PagedOutput::~PagedOutput() { Show(); }

void PagedOutput::Hold(std::size_t rows) { buffer_->Hold(rows); }

void PagedOutput::Show() {
  buffer_->Show();
  flush();
}

}  // namespace beamgrid
