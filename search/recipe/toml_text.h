#pragma once
// The text of a recipe as TOML: parsed within limits, and places in it.

#include <toml++/toml.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "search/recipe_source.h"

namespace beamgrid {

/// Returns the table of a recipe. Throws RecipeError where the text is not TOML, or has a key of
/// more than 16 parts.
[[nodiscard]] toml::table ParseToml(const RecipeSource& source);

/// Returns the byte at which a place of the text begins; line and column from 1, in characters.
[[nodiscard]] std::size_t ByteAt(std::string_view text, std::size_t line, std::size_t column);

/// Returns the place of a byte of the text.
[[nodiscard]] Place PlaceAt(std::string_view text, std::size_t byte, const std::string& file);

}  // namespace beamgrid
