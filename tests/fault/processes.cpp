#include "tests/fault/processes.h"

#include <signal.h>
#include <sys/wait.h>

#include <cctype>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "registry/util/process_stat.h"

namespace beamgrid {
namespace {

/// Returns what the process was started with; nothing where it has ended meanwhile.
std::string ArgumentsOf(const std::filesystem::path& process) {
  std::ostringstream text;
  text << std::ifstream(process / "cmdline", std::ios::binary).rdbuf();
  return text.str();
}

/// A process that is not to be seen is gone.
ProcessStat StatOf(const std::filesystem::path& process) {
  return ReadProcessStat(process / "stat").value_or(ProcessStat{.state = 'X'});
}

ProcessStat StatOf(pid_t process) {
  return StatOf(std::filesystem::path("/proc") / std::to_string(process));
}

}  // namespace

std::vector<pid_t> WorkersOf(pid_t parent) {
  std::vector<pid_t> workers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (std::isdigit(static_cast<unsigned char>(name.front())) == 0) continue;
    if (StatOf(entry.path()).parent != parent) continue;
    const std::string arguments = ArgumentsOf(entry.path());
    const bool trains = arguments.find(std::string("\0train\0", 7)) != std::string::npos ||
                        arguments.find(std::string("\0serve\0", 7)) != std::string::npos;
    if (!trains) continue;
    workers.push_back(std::stoi(name));
    const std::vector<pid_t> copies = WorkersOf(workers.back());
    workers.insert(workers.end(), copies.begin(), copies.end());
  }
  return workers;
}

bool HasEnded(pid_t child) {
  siginfo_t info{};
  const int result = ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
  return result != 0 || info.si_pid == child;
}

bool IsGone(pid_t process) {
  const char state = StatOf(process).state;
  return state == 'X' || state == 'Z';
}

void Freeze(pid_t process) {
  if (::kill(process, SIGSTOP) != 0) return;
  WaitUntil("a process stands still",
            [process] { return StatOf(process).state == 'T' || IsGone(process); });
}

void WaitUntil(const std::string& what, const std::function<bool()>& happened) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (!happened()) {
    if (std::chrono::steady_clock::now() > give_up) throw std::runtime_error("never: " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace beamgrid
