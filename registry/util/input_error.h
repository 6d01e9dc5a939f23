#pragma once
// The error that blames the content of a file that the user gave.

#include "registry/util/error.h"

namespace beamgrid {

/// InputError says that a file of the user's (data, CSV) holds what it may not, or contradicts
/// another one: the machine is well. Exit code 2, as of a mistake in the recipe; a file that cannot
/// be read is an Error like any other.
class InputError : public Error {
 public:
  using Error::Error;
};

}  // namespace beamgrid
