#pragma once
// Ctrl-C, SIGTERM and a closed terminal as calls while a study runs; pipes that nobody reads.

#include <functional>

namespace beamgrid {

/// InterruptSignals takes over Ctrl-C: while it lives, SIGINT, SIGTERM and SIGHUP call
/// `on_interrupt` inside the signal handler, which must therefore do nothing that a handler may
/// not. A SIGHUP that is ignored stays so (nohup); an ignored SIGINT does not: shells ignore it for
/// what scripts put into the background, and those are to be stopped by it all the same. One at a
/// time in a process. The former handlers come back with its end.
class InterruptSignals {
 public:
  explicit InterruptSignals(std::function<void()> on_interrupt);
  ~InterruptSignals();
  InterruptSignals(const InterruptSignals&) = delete;
  InterruptSignals& operator=(const InterruptSignals&) = delete;
};

/// Ignores SIGPIPE for the rest of this process: a reader of our output that goes away (`| tee log`
/// dies of the same Ctrl-C) ends only what is written to it, not us. Child processes start without
/// that.
void IgnoreBrokenPipes();

}  // namespace beamgrid
