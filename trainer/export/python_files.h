#pragma once
// The Python of an export: pieces that lie beside the C++ that they repeat, compiled into the
// program (CMakeLists.txt generates the table).

#include <span>
#include <string_view>

namespace beamgrid::trainer {

/// PythonFile is one of the *.py files below trainer/.
struct PythonFile {
  std::string_view path;  ///< "components/temporal/netvlad.py"
  std::string_view text;
};

/// Returns all of them, by path.
[[nodiscard]] std::span<const PythonFile> PythonFiles();

}  // namespace beamgrid::trainer
