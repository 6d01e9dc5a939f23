#include "tests/fault/processes.h"

#include <signal.h>
#include <sys/wait.h>

#include <cctype>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace beamgrid {
namespace {

std::string ReadProc(const std::filesystem::path& process, const char* name) {
  std::ifstream file(process / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Stat {
  char state = 'X';  ///< X: gone
  pid_t parent = 0;
};

Stat StatOf(const std::filesystem::path& process) {
  const std::string text = ReadProc(process, "stat");
  const std::size_t name_end = text.rfind(')');
  Stat stat;
  if (name_end == std::string::npos) return stat;
  std::istringstream(text.substr(name_end + 1)) >> stat.state >> stat.parent;
  return stat;
}

Stat StatOf(pid_t process) {
  return StatOf(std::filesystem::path("/proc") / std::to_string(process));
}

}  // namespace

std::vector<pid_t> WorkersOf(pid_t orchestrator) {
  std::vector<pid_t> workers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (std::isdigit(static_cast<unsigned char>(name.front())) == 0) continue;
    if (StatOf(entry.path()).parent != orchestrator) continue;
    const std::string arguments = ReadProc(entry.path(), "cmdline");
    const bool trains = arguments.find(std::string("\0train\0", 7)) != std::string::npos ||
                        arguments.find(std::string("\0serve\0", 7)) != std::string::npos;
    if (trains) workers.push_back(std::stoi(name));
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
