#pragma once
// A recipe's text as it counts: what its author wrote, with the values that the command line puts
// in (`--set train.epochs=5`) in their places.

#include <cstddef>
#include <string>
#include <vector>

#include "search/diagnostics.h"

namespace beamgrid {

/// RecipeSource is a text and where each part of it was written.
///
/// A setting is KEY=VALUE. KEY is a key of the recipe with its tables, as in `train.epochs`,
/// `data.features.rgb` or `"study".name`; of several tables under one name, [[grid.temporal]], it
/// says which one, from 0: `grid.temporal[1].clusters`. VALUE is TOML; what is no value of TOML and
/// does not begin like one (quotes, brackets, braces) is a text: `on_error=skip`.
///
/// The values are put in one after the other, the later into what the earlier made. The text then
/// is a recipe like any other: its checks, its digest and its record are as if it had been written
/// so. It ends with a comment for each setting.
class RecipeSource {
 public:
  /// Throws RecipeError for the first setting that cannot be put in, with "--set KEY=VALUE" as its
  /// place, and for text that is not TOML where there are settings. `path` is only for messages.
  RecipeSource(std::string text, std::string path, const std::vector<std::string>& settings = {});

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Returns where a place of the text was written: in the file, or, without a line, in a setting.
  /// Line and column from 1, columns in characters.
  [[nodiscard]] Place PlaceOf(int line, int column) const;

 private:
  /// Piece is a part of the text that comes from one place.
  struct Piece {
    std::size_t bytes = 0;
    std::size_t original = 0;  ///< where it begins in the file
    int setting = -1;          ///< its number; -1: from the file
  };
  void Put(const std::string& setting, int number);
  /// Puts `text` in the place of `bytes` bytes at `begin`.
  void Replace(std::size_t begin, std::size_t bytes, const std::string& text, int number);

  std::string text_, path_, original_;
  std::vector<std::string> settings_;
  std::vector<Piece> pieces_;
};

}  // namespace beamgrid
