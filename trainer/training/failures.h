#pragma once
// How an attempt can end early, beside SpecError and DataError. What each becomes: ending.cpp.

#include <stdexcept>

#include "registry/util/error.h"

namespace beamgrid::trainer {

/// The loss or a weight is not finite.
class Diverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Somebody asked the trial to stop.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// The data as a whole cannot be used: files missing, empty, or not those that were planned with.
class DataFilesError : public Error {
 public:
  using Error::Error;
};

}  // namespace beamgrid::trainer
