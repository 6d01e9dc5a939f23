#include "orchestrator/workers/surviving_worker.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "registry/util/error.h"
#include "registry/util/process_stat.h"
#include "registry/util/unique_fd.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

// Five seconds in all. A killed process goes at once unless it waits for a dead disk, and then it
// may never go.
constexpr int kMostChecks = 500;
constexpr std::chrono::milliseconds kBetweenChecks{10};

/// Returns the process that holds a lock on the file, if any. Asks without taking the lock: F_GETLK
/// works on a file that was opened for reading, and names the holder.
std::optional<pid_t> HolderOf(const UniqueFd& file) {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_GETLK, &whole) != 0 || whole.l_type == F_UNLCK) return std::nullopt;
  return whole.l_pid;
}

/// True if the process has the file open. On a shared file system the holder may be a process of
/// another machine, whose id means somebody else here.
bool HasOpen(pid_t pid, const fs::path& path) {
  std::error_code error;
  const fs::directory_iterator files("/proc/" + std::to_string(pid) + "/fd", error);
  for (const fs::directory_entry& file : files) {
    if (fs::equivalent(file.path(), path, error)) return true;
  }
  return false;
}

std::string FirstLineOf(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Returns the living orchestrator, not ours, that a worker works for: the parent of the process
/// that it started, which leads the worker's group and may have forked the worker itself, if that
/// is a program of our name. A worker whose orchestrator has died has another one, the system's.
std::optional<pid_t> OtherOrchestratorOf(pid_t worker) {
  const auto stat = ReadProcessStat("/proc/" + std::to_string(::getpgid(worker)) + "/stat");
  if (!stat || stat->parent == ::getpid()) return std::nullopt;
  const pid_t parent = stat->parent;
  const std::string name = FirstLineOf("/proc/" + std::to_string(parent) + "/comm");
  if (name.empty() || name != FirstLineOf("/proc/self/comm")) return std::nullopt;
  return parent;
}

}  // namespace

std::optional<pid_t> WorkerIn(const fs::path& directory) {
  const UniqueFd file(::open((directory / kWorkerLock).c_str(), O_RDONLY | O_CLOEXEC));
  return file.get() < 0 ? std::nullopt : HolderOf(file);
}

void KillSurvivingWorker(const fs::path& directory) {
  const fs::path path = directory / kWorkerLock;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::optional<pid_t> holder;
  for (int check = 0; check < kMostChecks; ++check) {
    holder = HolderOf(file);
    if (!holder) return;
    if (const auto orchestrator = OtherOrchestratorOf(*holder)) {
      throw Error(directory.string() + ": worker " + std::to_string(*holder) +
                  " there works for another beamgrid, process " + std::to_string(*orchestrator) +
                  ", whose database is a copy of this one or its original; wait for it, or use a "
                  "copy with files of its own (`beamgrid backup --files`)");
    }
    // An id of 0 or 1 would signal our own group or every process.
    if (*holder > 1 && HasOpen(*holder, path) && ::kill(-*holder, SIGKILL) != 0) {
      ::kill(*holder, SIGKILL);  // forked, its parent ends with it; or started by hand
    }
    std::this_thread::sleep_for(kBetweenChecks);
  }
  throw Error("worker " + std::to_string(*holder) + " of " + directory.string() +
              " outlived whoever started it and cannot be killed from here; end it by hand and run "
              "again");
}

}  // namespace beamgrid
