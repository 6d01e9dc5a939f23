#pragma once
// A block of lines at the bottom of a terminal that is redrawn in place, while other lines scroll
// by above it.

#include <cstddef>
#include <string>
#include <vector>

namespace beamgrid {

/// LiveBlock says what to write to a terminal; it writes nothing itself.
///
/// The cursor waits at the first character of the block. A terminal that gets another width wraps
/// its lines anew, each in its own way, but keeps the cursor where it stands in the text: so the
/// next frame finds the block wherever it has come to. There is no other screen to come back from,
/// and the cursor is hidden only within a frame.
class LiveBlock {
 public:
  /// Returns the bytes that put `lines` in the place of the block as it was, below `above` (whole
  /// lines, or nothing). No line of the block is erased before it is overwritten, and all is one
  /// write, so that no half of a frame is seen. No line may be wider than the terminal, nor the
  /// block as high; lines may hold colour codes.
  [[nodiscard]] std::string Frame(const std::string& above, const std::vector<std::string>& lines);
  /// Returns the bytes that take the block away.
  [[nodiscard]] std::string Erased() { return Frame("", {}); }
  /// Returns the bytes that leave the block where it is, as lines that scroll by: what comes next
  /// stands below it.
  [[nodiscard]] std::string Left(const std::vector<std::string>& lines);

 private:
  bool drawn_ = false;
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
