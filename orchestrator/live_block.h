#pragma once
// A block of lines at the bottom of a terminal that is redrawn in place, while other lines scroll
// by above it.

#include <cstddef>
#include <string>
#include <vector>

namespace beamgrid {

/// LiveBlock says what to write to a terminal; it writes nothing itself. The cursor stands below
/// the block, so whoever dies leaves a usable terminal: there is no other screen, and the cursor is
/// hidden only within a frame.
class LiveBlock {
 public:
  /// Returns the bytes that put `lines` in the place of the block as it was, below `above` (whole
  /// lines, or nothing). No line of the block is erased before it is overwritten, and all is one
  /// write, so that no half of a frame is seen. `columns`: of the terminal now; where it has become narrower, the
  /// lines of the block have been wrapped by it. No line may be wider than `columns`; they may hold
  /// colour codes.
  [[nodiscard]] std::string Frame(const std::string& above, std::vector<std::string> lines,
                                  std::size_t columns);
  /// Returns the bytes that take the block away.
  [[nodiscard]] std::string Erased(std::size_t columns) { return Frame("", {}, columns); }

 private:
  std::vector<std::size_t> widths_;  ///< columns of the lines that are drawn
};

/// Writes bytes to a descriptor; where nobody reads them any more, they are lost.
void WriteToTerminal(int descriptor, const std::string& bytes);

/// TerminalSize is that of a terminal now, or the usual one where it does not say.
struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};
[[nodiscard]] TerminalSize SizeOfTerminal(int descriptor);

/// Returns the size that a block may have there: the last column stays free, for a full line would
/// wrap, and a third of the rows, for a full screen would hide what scrolls by.
[[nodiscard]] TerminalSize RoomForBlock(const TerminalSize& terminal);

}  // namespace beamgrid
