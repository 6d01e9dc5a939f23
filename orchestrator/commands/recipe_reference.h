#pragma once
// Every key of a recipe, for people: `beamgrid help recipe` and docs/recipe.md.

#include <cstddef>
#include <ostream>

namespace beamgrid {

/// Prints all sections with their keys, no line longer than `width` characters where words allow.
void PrintRecipeReference(std::ostream& out, std::size_t width);

/// Prints the same as Markdown: the whole of docs/recipe.md.
void PrintRecipeMarkdown(std::ostream& out);

}  // namespace beamgrid
