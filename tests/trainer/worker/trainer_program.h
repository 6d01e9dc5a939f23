#pragma once
// beamgrid-trainer as a process of its own.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "trainer/protocol/protocol.h"

extern char** environ;

namespace beamgrid::trainer {

/// A running trainer. Reads what it writes to stdout line by line; its stdin is a pipe of ours.
class TrainerProgram {
 public:
  /// `before`: shell commands (ulimit) that hold for the trainer; it keeps their process id.
  explicit TrainerProgram(std::vector<std::string> arguments, const std::string& before = ":") {
    arguments.insert(arguments.begin(), {"/bin/sh", "-c", before + "; exec \"$0\" \"$@\"",
                                         std::string(BEAMGRID_BINARY_DIR) + "/beamgrid-trainer"});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int ends[2], input[2];
    // Closed by exec: a trainer must not hold the input of another open.
    if (::pipe2(ends, O_CLOEXEC) != 0 || ::pipe2(input, O_CLOEXEC) != 0) {
      throw std::runtime_error("pipe");
    }
    input_ = input[1];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
    const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    ::close(input[0]);
    if (error != 0) throw std::runtime_error("cannot start " + arguments[0]);
    output_ = ::fdopen(ends[0], "r");
  }
  ~TrainerProgram() {
    CloseOutput();
    CloseInput();
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

  /// Reads on to the first message of a type; nothing where the output ends before.
  template <typename Type>
  std::optional<Type> AwaitMessage() {
    for (std::string line; NextLine(line);) {
      const std::optional<Message> message = MessageFromLine(line);
      if (message && std::holds_alternative<Type>(*message)) return std::get<Type>(*message);
    }
    return std::nullopt;
  }

  /// A line for its stdin.
  void Say(const std::string& line) const {
    const std::string text = line + "\n";
    if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("the trainer does not listen");
    }
  }
  void CloseInput() {
    if (input_ >= 0) ::close(input_);
    input_ = -1;
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
  int input_ = -1;
};

/// A trainer that ran to its end.
struct TrainerRun {
  int exit = 0;
  std::vector<std::string> lines;
};

inline TrainerRun EndOf(TrainerProgram& program) {
  TrainerRun run;
  for (std::string line; program.NextLine(line);) run.lines.push_back(line);
  run.exit = program.Wait();
  return run;
}

inline TrainerRun RunTrainer(const std::vector<std::string>& arguments,
                             const std::string& before = ":") {
  TrainerProgram program(arguments, before);
  return EndOf(program);
}

/// Carries an attempt out in a copy of a worker.
inline TrainerRun RunForked(const std::filesystem::path& attempt, const std::string& before = ":") {
  TrainerProgram program({"serve", "--fork"}, before);
  program.Say(attempt.string());
  program.CloseInput();
  return EndOf(program);
}

}  // namespace beamgrid::trainer
