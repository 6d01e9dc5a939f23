#include "search/diagnostics.h"

#include <utility>

namespace beamgrid {
namespace {

std::string Lines(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!text.empty()) text += '\n';
    text += ToString(diagnostic);
  }
  return text;
}

}  // namespace

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
    : std::runtime_error(Lines(diagnostics)), diagnostics_(std::move(diagnostics)) {}

}  // namespace beamgrid
