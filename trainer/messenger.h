#pragma once
// The worker's end of the protocol's pipe.

#include <mutex>

#include "trainer/protocol/protocol.h"

namespace beamgrid::trainer {

/// Thread-safe.
class Messenger {
 public:
  /// Takes stdout for itself: what libraries print there goes to stderr from now on.
  Messenger();
  ~Messenger();
  Messenger(const Messenger&) = delete;
  Messenger& operator=(const Messenger&) = delete;

  /// May block while the reader is slow. Where nobody reads any more, a stop is requested.
  void Send(const Message& message);

 private:
  std::mutex mutex_;
  int fd_;
};

}  // namespace beamgrid::trainer
