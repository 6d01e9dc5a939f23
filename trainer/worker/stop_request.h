#pragma once
// The request to stop this process: a signal, or a reader of its messages that went away. There is
// no way back: a process that was asked once ends.

#include <sys/types.h>

namespace beamgrid::trainer {

/// Makes SIGTERM and SIGINT requests and SIGPIPE an error of write. To be called once in each
/// process, before the others; a request that was made before a fork holds for both. Throws Error
/// where there is no descriptor.
void CatchStopSignals();

/// Asks the process to stop. May be called from any thread and from a signal handler.
void RequestStop();
/// True from the first request on. May be called from any thread.
[[nodiscard]] bool StopRequested();

/// Passes requests on to a process as SIGTERM, one that was made before too; 0: to none any more.
void PassStopOnTo(pid_t process);

/// A descriptor that is readable from the first request on, for poll(2).
[[nodiscard]] int StopDescriptor();

}  // namespace beamgrid::trainer
