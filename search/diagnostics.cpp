#include "search/diagnostics.h"

#include <utility>

#include "registry/util/text.h"

namespace beamgrid {

std::string ToString(const Diagnostic& diagnostic) {
  std::string text = diagnostic.place.file;
  if (diagnostic.place.line > 0) {
    text += ':' + std::to_string(diagnostic.place.line);
    if (diagnostic.place.column > 0) text += ':' + std::to_string(diagnostic.place.column);
  }
  if (!text.empty()) text += ": ";
  if (!diagnostic.key.empty()) text += diagnostic.key + ": ";
  return text + diagnostic.message;
}

RecipeError::RecipeError(std::vector<Diagnostic> diagnostics)
    : std::runtime_error(Join(diagnostics, "\n", ToString)), diagnostics_(std::move(diagnostics)) {}

}  // namespace beamgrid
