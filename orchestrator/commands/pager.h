#pragma once
// Long lists on a terminal: held back until they are whole, then shown by the user's pager.

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>

namespace beamgrid {

/// PagedOutput is a stream that passes on what it gets, or, once told so, holds it back. The other
/// stream must outlive it.
class PagedOutput : public std::ostream {
 public:
  explicit PagedOutput(std::ostream& target);
  ~PagedOutput() override;
  PagedOutput(const PagedOutput&) = delete;
  PagedOutput& operator=(const PagedOutput&) = delete;

  /// Holds back what comes from now on, for a terminal of so many rows.
  void Hold(std::size_t rows);
  /// Shows what is held: as it is where the terminal has room for it, else by ShowInPager, and as
  /// it is too where that cannot. Passes on what comes after.
  void Show();

 private:
  class Buffer;
  std::unique_ptr<Buffer> buffer_;
};

/// Returns the rows of the terminal that a descriptor leads to; 0 where nobody knows them.
[[nodiscard]] std::size_t RowsOfDescriptor(int descriptor);

/// Lets $PAGER show a text on standard output, else `less -FRX` where there is one, and waits until
/// it ends; Ctrl-C is the pager's meanwhile. False if there is no pager ($PAGER is empty or cannot
/// be started, $TERM is dumb): nothing was shown.
[[nodiscard]] bool ShowInPager(const std::string& text);

}  // namespace beamgrid
