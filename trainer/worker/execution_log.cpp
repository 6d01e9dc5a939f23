#include "trainer/worker/execution_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "registry/util/error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid::trainer {

void LogExecution(ExecutionEvent event, const std::string& fingerprint,
                  const std::filesystem::path& directory) {
  const char* path = std::getenv("BEAMGRID_EXECUTION_LOG");
  if (path == nullptr || *path == '\0') return;
  const std::string line = std::string(event == ExecutionEvent::kBegin ? "begin " : "end ") +
                           fingerprint + " " + directory.string() + " " +
                           std::to_string(::getpid()) + "\n";
  // Opened for each line and written in one call: with O_APPEND the kernel keeps the lines of
  // several workers apart.
  const UniqueFd file(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  const ssize_t written = file.get() < 0 ? -1 : ::write(file.get(), line.data(), line.size());
  const int error = errno;
  if (written == static_cast<ssize_t>(line.size())) return;
  throw Error("BEAMGRID_EXECUTION_LOG: cannot write " + std::string(path) + ": " +
              (written < 0 ? std::strerror(error) : "only a part of the line fitted"));
}

}  // namespace beamgrid::trainer
