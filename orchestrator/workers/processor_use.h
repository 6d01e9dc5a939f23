#pragma once
// How much of the machine a process gets, with those that it has started.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>

namespace beamgrid {

/// ProcessorUse is what a process and its living children had of the processors so far, and whether
/// they would take more.
struct ProcessorUse {
  std::chrono::milliseconds used{0};  ///< by all of their threads since they began
  bool waits_for_more = false;        ///< a thread of them could run at this moment
};

/// Looks at a process and its children, of which an attempt may be carried out by one; nothing
/// where it cannot be seen. `proc` is another folder in tests.
[[nodiscard]] std::optional<ProcessorUse> ProcessorUseOf(
    pid_t pid, const std::filesystem::path& proc = "/proc");

/// True if the process was kept from running: it would have run on, and had less than a twentieth
/// of the time. A process that is stopped or sleeps waits for no processor.
[[nodiscard]] inline bool WasStarved(const std::optional<ProcessorUse>& before,
                                     const std::optional<ProcessorUse>& now,
                                     std::chrono::milliseconds time) {
  return before && now && now->waits_for_more && now->used - before->used < time / 20;
}

}  // namespace beamgrid
