#pragma once
// Ctrl-C and SIGTERM as calls while a study runs.

#include <functional>

namespace beamgrid {

/// While it lives, SIGINT and SIGTERM call `on_interrupt` inside the signal handler, which must
/// therefore do nothing that a handler may not. One at a time in a process. The former handlers
/// come back with its end.
class InterruptSignals {
 public:
  explicit InterruptSignals(std::function<void()> on_interrupt);
  ~InterruptSignals();
  InterruptSignals(const InterruptSignals&) = delete;
  InterruptSignals& operator=(const InterruptSignals&) = delete;
};

}  // namespace beamgrid
