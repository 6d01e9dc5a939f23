#pragma once
// beamgrid-trainer as a process of its own.

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "trainer/protocol/protocol.h"

extern char** environ;

namespace beamgrid::trainer {

/// A running trainer. Reads what it writes to stdout line by line.
class TrainerProgram {
 public:
  explicit TrainerProgram(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(BEAMGRID_BINARY_DIR) + "/beamgrid-trainer");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addclose(&actions, ends[0]);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
    const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (error != 0) throw std::runtime_error("cannot start " + arguments[0]);
    output_ = ::fdopen(ends[0], "r");
  }
  ~TrainerProgram() {
    CloseOutput();
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  TrainerProgram(const TrainerProgram&) = delete;
  TrainerProgram& operator=(const TrainerProgram&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Without the newline; false at the end of the output.
  bool NextLine(std::string& line) {
    line.clear();
    for (int c = std::fgetc(output_); c != EOF; c = std::fgetc(output_)) {
      if (c == '\n') return true;
      line += static_cast<char>(c);
    }
    return !line.empty();
  }

  /// From now on nobody reads.
  void CloseOutput() {
    if (output_ != nullptr) std::fclose(output_);
    output_ = nullptr;
  }

  /// The exit status, or -signal. Call once, after the output ended.
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  std::FILE* output_ = nullptr;
};

/// A trainer that ran to its end.
struct TrainerRun {
  int exit = 0;
  std::vector<std::string> lines;
};

inline TrainerRun RunTrainer(const std::vector<std::string>& arguments) {
  TrainerProgram program(arguments);
  TrainerRun run;
  for (std::string line; program.NextLine(line);) run.lines.push_back(line);
  run.exit = program.Wait();
  return run;
}

}  // namespace beamgrid::trainer
