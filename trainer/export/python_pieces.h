#pragma once
// Python files cut into pieces, and the pieces that some of them need.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace beamgrid::trainer {

/// PythonPiece is a class, a function or a constant at the beginning of a line, with the comment
/// above it.
struct PythonPiece {
  std::string name;
  std::string text;             ///< without blank lines at its ends, with a newline
  std::set<std::string> words;  ///< names that its code has, none after a dot or in a text
  bool is_class = false;
};

/// Returns the text without the lines whose conditions do not hold. Conditions are lines of their
/// own, as in C: `#if NAME`, `#if NAME == WORD`, `#if NAME != WORD`, `#if NAME in WORD WORD...`,
/// several joined by ` and ` or ` or ` (which binds less), `#elif`, `#else`, `#endif`. `value`
/// gives the text of a name's value: empty, false, 0 and null do not hold. Throws
/// std::invalid_argument for one that is not closed.
[[nodiscard]] std::string Chosen(std::string_view text,
                                 const std::function<std::string(const std::string&)>& value);

/// Cuts a file into its pieces. Throws std::invalid_argument with the line that begins none.
[[nodiscard]] std::vector<PythonPiece> PiecesOf(std::string_view text);

/// Returns the names in a piece of code, without those after a dot, in texts and in comments.
[[nodiscard]] std::set<std::string> NamesIn(std::string_view code);

/// Returns the code with `suffix` behind each of these names.
[[nodiscard]] std::string Renamed(std::string_view code, const std::set<std::string>& names,
                                  const std::string& suffix);

/// PieceSelection collects pieces, each behind those that it needs.
class PieceSelection {
 public:
  /// `all` outlives the selection.
  explicit PieceSelection(const std::map<std::string, PythonPiece>& all) : all_(all) {}

  /// Adds the piece of this name, if there is one, and what it needs.
  void Add(const std::string& name);
  /// Adds a piece of the caller's own, and what it needs.
  void AddText(const std::string& text);

  /// The pieces as they stand in a file, two blank lines between them.
  [[nodiscard]] std::string Text() const;
  /// All names that they have.
  [[nodiscard]] const std::set<std::string>& words() const { return words_; }

 private:
  const std::map<std::string, PythonPiece>& all_;
  std::set<std::string> known_, words_;
  std::vector<std::string> texts_;
};

}  // namespace beamgrid::trainer
