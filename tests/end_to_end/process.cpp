#include "tests/end_to_end/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace beamgrid {
namespace {

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

[[noreturn]] void BecomeChild(const std::vector<std::string>& arguments,
                              const std::filesystem::path& folder,
                              const std::filesystem::path& out_path, int err_fd) {
  const int out_fd = open(out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int in_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out_fd < 0 || in_fd < 0 || chdir(folder.c_str()) != 0) _exit(127);
  // Tests that run side by side are not studies that share a machine.
  setenv("BEAMGRID_SHARE_DIR", (folder / ".share").c_str(), 0);
  dup2(in_fd, STDIN_FILENO);
  dup2(out_fd, STDOUT_FILENO);
  dup2(err_fd, STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

std::filesystem::path NewOutputPath() {
  static std::atomic<int> count = 0;
  return std::filesystem::temp_directory_path() /
         ("beamgrid-e2e-" + std::to_string(getpid()) + "-" + std::to_string(count++) + ".out");
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const std::filesystem::path& folder)
    : out_path_(NewOutputPath()) {
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) BecomeChild(arguments, folder, out_path_, pipe_fds[1]);
  close(pipe_fds[1]);
  err_fd_ = pipe_fds[0];
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (err_fd_ >= 0) close(err_fd_);
  std::error_code ignored;
  std::filesystem::remove(out_path_, ignored);
}

bool Process::ReadMore() {
  std::array<char, 4096> buffer{};
  const ssize_t count = read(err_fd_, buffer.data(), buffer.size());
  if (count <= 0) return false;
  err_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

bool Process::WaitForLine(const std::string& text) {
  do {
    const std::size_t found = err_.find(text, searched_);
    const std::size_t end = found == std::string::npos ? found : err_.find('\n', found);
    if (end != std::string::npos) {
      searched_ = end + 1;
      return true;
    }
  } while (ReadMore());
  return false;
}

void Process::Signal(int signal) const { kill(pid_, signal); }

Ended Process::Wait() {
  while (ReadMore()) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
          .out = ReadAll(out_path_),
          .err = err_};
}

std::string Binary(const std::string& name) { return std::string(BEAMGRID_BINARY_DIR "/") + name; }

std::vector<std::string> BeamgridCommand(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {Binary("beamgrid")};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Ended Beamgrid(const std::filesystem::path& folder, const std::vector<std::string>& arguments) {
  return Process(BeamgridCommand(arguments), folder).Wait();
}

}  // namespace beamgrid
