#pragma once
// Text of others (names, paths, ids, what libraries and databases say) as text that a terminal only
// shows. What we print goes through here where it leaves us (PrintableOutput), not where it comes
// in, so that no way in can be forgotten.

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace beamgrid {

/// Returns the text with everything made visible that a terminal would obey or that has no look:
/// control characters as \x1b, bytes that are no UTF-8 as \xff, C1 controls, marks that turn the
/// direction of writing, and characters without width that belong to no script as \u202e. Newlines
/// and tabs stay. Well-formed UTF-8.
[[nodiscard]] std::string Printable(std::string_view text);

/// As Printable, with a newline as \n and a tab as \t: what is to stay on one line.
[[nodiscard]] std::string PrintableLine(std::string_view text);

/// Returns the text of a JSON value with the same characters written as JSON escapes them (\u202e),
/// so that it is shown as it is and read as it was; bytes that are no UTF-8, which JSON cannot
/// hold, become U+FFFD.
[[nodiscard]] std::string PrintableJson(std::string_view json);

/// Returns how many columns of a terminal a printable text takes: two for an East Asian wide
/// character, none for a mark that combines with the one before.
[[nodiscard]] std::size_t ColumnsOf(std::string_view text);

/// Returns the longest beginning of a printable text that takes at most so many columns.
[[nodiscard]] std::string_view FirstColumns(std::string_view text, std::size_t columns);

/// PrintableOutput is a stream that passes on to another what Printable makes of the text. The
/// other one must outlive it; it is flushed with this one, and what it cannot write makes this one
/// bad.
class PrintableOutput : public std::ostream {
 public:
  explicit PrintableOutput(std::ostream& target);
  ~PrintableOutput() override;
  PrintableOutput(const PrintableOutput&) = delete;
  PrintableOutput& operator=(const PrintableOutput&) = delete;

 private:
  class Buffer;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace beamgrid
