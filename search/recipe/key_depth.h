#pragma once
// A guard in front of toml++ 3.3: a key of a hundred thousand parts ("a.a.a...") makes as many
// tables inside each other, whose destructors run out of stack.

#include <optional>
#include <string_view>

namespace beamgrid {

struct TextPosition {
  int line = 1;
  int column = 1;
  bool operator==(const TextPosition&) const = default;
};

/// Where the first dotted key (or table header) of more than `most` parts begins to be too long.
/// Strings and comments are skipped as TOML has them.
[[nodiscard]] std::optional<TextPosition> FindLongKey(std::string_view text, int most);

}  // namespace beamgrid
