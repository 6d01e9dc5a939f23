#pragma once
// The exceptions by which an attempt ends early, beside SpecError and DataError. worker/ending.cpp
// says which exit code and kind of failure each becomes.

#include <cstdint>
#include <stdexcept>
#include <string>

#include "registry/util/error.h"

namespace beamgrid::trainer {

/// Diverged is thrown where the loss or a weight is not finite: another try would end the same way.
class Diverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Interrupted is thrown where somebody asked the trial to stop. It can go on from its checkpoint.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : Interrupted("interrupted") {}

 protected:
  using std::runtime_error::runtime_error;
};

/// Paused is thrown where the trial is to be trained so far and no further for now. Its process is
/// as good as after a trial's end.
class Paused : public Interrupted {
 public:
  Paused(std::int64_t epoch, std::int64_t epochs)
      : Interrupted("paused after epoch " + std::to_string(epoch) + " of " +
                    std::to_string(epochs)) {}
};

/// DataFilesError is thrown where the data as a whole cannot be used: files are missing, empty, or
/// not those that the trial was planned with.
class DataFilesError : public Error {
 public:
  using Error::Error;
};

}  // namespace beamgrid::trainer
