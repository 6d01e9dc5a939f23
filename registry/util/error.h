#pragma once
// The one exception for an environment that broke: disk full, database locked or newer, damaged
// file.

#include <stdexcept>
#include <string>

namespace beamgrid {

/// Message: what, where, likely fix. `main` prints it and exits with 1; `usage` errors exit with 2.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The command line, the recipe or an input that the user named is wrong: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace beamgrid
