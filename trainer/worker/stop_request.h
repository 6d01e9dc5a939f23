#pragma once
// That somebody wants this process to stop: a signal, or a reader of its messages that went away.
// There is no way back: a process that was asked once ends.

namespace beamgrid::trainer {

/// SIGTERM and SIGINT become requests; SIGPIPE an error of write. Once, before the others.
void CatchStopSignals();

/// Any thread.
void RequestStop();
[[nodiscard]] bool StopRequested();

/// Readable from the first request on, for poll(2).
[[nodiscard]] int StopDescriptor();

}  // namespace beamgrid::trainer
