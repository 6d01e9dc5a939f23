#pragma once
// Real processes for end-to-end tests: start, read, signal, wait. No test waits for a clock; a test
// that needs a moment in the middle of a run waits for the line that announces it.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace beamgrid {

struct Ended {
  int exit_code = 0;  ///< or -signal
  std::string out, err;
};

/// One child. Killed (SIGKILL) by the destructor if it still runs.
class Process {
 public:
  /// `arguments[0]` is the program's path; the child runs in `folder`.
  Process(const std::vector<std::string>& arguments, const std::filesystem::path& folder);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Reads stderr until a line holds `text`; false if the child closed it before.
  [[nodiscard]] bool WaitForLine(const std::string& text);
  void Signal(int signal) const;
  Ended Wait();

 private:
  /// False at the end of stderr.
  bool ReadMore();

  pid_t pid_ = -1;
  int err_fd_ = -1;
  std::string err_;
  std::size_t searched_ = 0;  ///< where the line after the last one matched begins
  std::filesystem::path out_path_;
};

/// The built binary of that name.
[[nodiscard]] std::string Binary(const std::string& name);

/// `beamgrid ARGUMENTS` in `folder`, to its end.
Ended Beamgrid(const std::filesystem::path& folder, const std::vector<std::string>& arguments);
/// The arguments to start it with.
[[nodiscard]] std::vector<std::string> BeamgridCommand(const std::vector<std::string>& arguments);

}  // namespace beamgrid
