#pragma once
// The whole command line as a function, so that tests call it in-process.

#include <ostream>
#include <string>
#include <vector>

namespace beamgrid {

/// Parses `arguments` (without the program's name), runs the command and returns the exit code
/// (command.h). Never throws: every mistake becomes one message on `err`.
[[nodiscard]] int RunCommandLine(const std::vector<std::string>& arguments, std::ostream& out,
                                 std::ostream& err);

}  // namespace beamgrid
