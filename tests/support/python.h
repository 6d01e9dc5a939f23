#pragma once
// The Python that tests run: the one of $BEAMGRID_PYTHON, else python3.

#include <cstdlib>
#include <string>

namespace beamgrid {

/// Returns it where it has these modules ("torch, numpy"); nothing where it lacks one.
[[nodiscard]] inline std::string PythonWith(const std::string& modules) {
  const char* named = std::getenv("BEAMGRID_PYTHON");
  const std::string python = named == nullptr ? "python3" : named;
  const std::string question = python + " -c 'import " + modules + "' 2>/dev/null";
  return std::system(question.c_str()) == 0 ? python : "";
}

}  // namespace beamgrid
