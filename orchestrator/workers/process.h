#pragma once
// Starts child processes that cannot outlive us: killed by the kernel when the thread that started
// them dies, in a process group of their own, with no descriptors inherited.

#include <sys/types.h>

#include <string>
#include <vector>

#include "registry/util/unique_fd.h"

namespace beamgrid {

/// MemoryPressure is whom the kernel takes where memory runs out.
enum class MemoryPressure {
  kAsWeAre,
  kFirstToGo  ///< the child long before us
};

/// ProcessRequest is what to start and with what.
struct ProcessRequest {
  std::vector<std::string> arguments;    ///< the first is the program's path
  std::vector<std::string> environment;  ///< "NAME=value"
  int stderr_fd = -1;                    ///< becomes its standard error; stays the caller's
  bool socket_stdin = false;             ///< else it reads /dev/null
  MemoryPressure memory_pressure = MemoryPressure::kAsWeAre;
};

/// ChildProcess is a child that was started, and our ends of its pipes. Whoever holds it reaps it.
struct ChildProcess {
  pid_t pid = -1;
  UniqueFd standard_output;  ///< to read from; blocking
  UniqueFd standard_input;   ///< a socket to send to, where asked for
};

/// Starts the program in its own process group (pid = group). Throws Error with the system's reason
/// where it cannot be started. The caller reaps it. Call it from a thread that lives as long as the
/// child should: the kernel kills the child with the thread.
[[nodiscard]] ChildProcess StartProcess(const ProcessRequest& request);

/// Raises the limit on open files to what the system allows without asking: each worker needs two
/// descriptors, and the usual limit of 1024 is for programs that call select(2). Harmless where it
/// cannot.
void AllowManyOpenFiles();

/// Returns this process's environment as a list.
[[nodiscard]] std::vector<std::string> CurrentEnvironment();

/// Returns the exit status, or -signal, of what waitpid reported.
[[nodiscard]] int ExitCodeOf(int wait_status);

/// Waits for the child; returns its exit status or -signal. Blocks until it has ended.
[[nodiscard]] int WaitFor(pid_t pid);

}  // namespace beamgrid
