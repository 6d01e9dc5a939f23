#include "orchestrator/surviving_worker.h"

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "registry/error.h"

namespace beamgrid {
namespace {

constexpr int kMostChecks = 500;
constexpr std::chrono::milliseconds kBetweenChecks{10};

std::string ReadProc(std::int64_t pid, const char* name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A zombie has an empty command line, so it counts as gone.
bool WorksIn(std::int64_t pid, const std::filesystem::path& directory) {
  const std::string arguments = '\0' + ReadProc(pid, "cmdline");
  return arguments.find('\0' + directory.string() + '\0') != std::string::npos;
}

}  // namespace

void KillSurvivingWorker(const std::filesystem::path& directory, std::int64_t pid) {
  if (pid <= 1) return;
  for (int check = 0; check < kMostChecks; ++check) {
    if (!WorksIn(pid, directory)) return;
    const auto process = static_cast<pid_t>(pid);
    if (::kill(-process, SIGKILL) != 0) ::kill(process, SIGKILL);
    std::this_thread::sleep_for(kBetweenChecks);
  }
  throw Error("worker " + std::to_string(pid) + " of " + directory.string() +
              " outlived its orchestrator and cannot be killed; end it by hand and run again");
}

}  // namespace beamgrid
