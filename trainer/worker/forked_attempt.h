#pragma once
// Attempts in copies of this process: each finds LibTorch loaded and nothing computed, as a process
// of its own would, and costs a few milliseconds instead of LibTorch's start.

#include <sys/types.h>

#include "trainer/protocol/protocol.h"

namespace beamgrid::trainer {

/// Copies this process (fork(2)). Returns 0 in the copy, which the kernel kills when this process
/// dies, and its process id here. To be called after CatchStopSignals, where no lock is held and no
/// thread runs but this one and OpenBLAS's, which stops its own and starts them anew where they are
/// needed. Throws Error where the system refuses, and where OpenBLAS's threads have not the memory
/// without which they could not be stopped.
[[nodiscard]] pid_t Fork();

/// Waits until a copy has ended; a request to stop is passed on to it. Returns its exit code. Where
/// a signal has ended it, this process ends by the same one, so that whoever started this process
/// sees what it would have seen of one that carried the attempt out itself.
[[nodiscard]] TrainerExit EndOf(pid_t copy);

}  // namespace beamgrid::trainer
