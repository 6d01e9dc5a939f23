#pragma once
// The worker's end of the protocol's pipe.

#include <mutex>

#include "registry/util/unique_fd.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid::trainer {

/// Messenger sends messages to the orchestrator, each as one line. Thread-safe.
class Messenger {
 public:
  /// Keeps stdout for the messages: what libraries print there goes to stderr from now on. Error
  /// where there is no descriptor for it; messages can be sent all the same.
  void TakeStdout();

  /// Sends a message. May block while the reader is slow, as one that is stopped is; the training
  /// then stands still by the reader's fault, and the heartbeat's thread waits here too instead of
  /// giving the training up. Where nobody reads any more, a stop is
  /// requested and the message is lost.
  void Send(const Message& message);

 private:
  std::mutex mutex_;
  UniqueFd kept_;  ///< stdout as it was; none: messages go to stdout itself
};

}  // namespace beamgrid::trainer
