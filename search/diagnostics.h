#pragma once
// Mistakes of a user's input, collected and shown all at once.

#include <stdexcept>
#include <string>
#include <vector>

namespace beamgrid {

/// Place is where in a file something stands; line and column from 1, 0 where not known.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

/// Diagnostic is one mistake: `file:line:column: key: what is wrong, what is allowed, nearest
/// spelling`.
struct Diagnostic {
  Place place;
  std::string key;  ///< "grid.temporal[0].clusters"
  std::string message;
};
/// Returns the mistake as one line for people.
[[nodiscard]] std::string ToString(const Diagnostic& diagnostic);

/// RecipeError is thrown once, with every mistake found; exit code 2.
class RecipeError : public std::runtime_error {
 public:
  explicit RecipeError(std::vector<Diagnostic> diagnostics);
  [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace beamgrid
