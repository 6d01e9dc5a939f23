#pragma once
// Processes seen from outside: which they are, whether they are over, waiting for what they do.

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace beamgrid {

/// The living children of a process that are workers (`beamgrid-trainer train` or `serve`), and
/// what these have forked.
[[nodiscard]] std::vector<pid_t> WorkersOf(pid_t parent);

/// Whether our child has ended; it still has to be waited for.
[[nodiscard]] bool HasEnded(pid_t child);

/// Whether a process, of whomever, is gone or a zombie.
[[nodiscard]] bool IsGone(pid_t process);

/// Stops a process (SIGSTOP) and returns when it stands still.
void Freeze(pid_t process);

/// Returns when `happened` says so; throws after minutes. It looks again and again: nothing depends
/// on when.
void WaitUntil(const std::string& what, const std::function<bool()>& happened);

}  // namespace beamgrid
