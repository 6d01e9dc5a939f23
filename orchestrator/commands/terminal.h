#pragma once
// How wide the terminal is that data are printed on, and prose that is broken to fit. Where the
// output is no terminal it is complete and the same everywhere: nothing is broken, cut or left out.

#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace beamgrid {

/// Where a terminal does not say how wide it is, and what a text for anywhere is broken to.
inline constexpr std::size_t kUsualWidth = 80;

/// Says that `out` leads to a terminal of so many columns.
void SetTerminalWidth(std::ostream& out, std::size_t columns);
/// Returns the columns of the terminal that `out` leads to; nothing where it leads to none.
[[nodiscard]] std::optional<std::size_t> TerminalWidth(std::ostream& out);
/// Returns the columns of the terminal that a descriptor of this process leads to: $COLUMNS, else
/// what the terminal says, else the usual ones. Nothing where it leads to none.
[[nodiscard]] std::optional<std::size_t> WidthOfDescriptor(int descriptor);

/// Says that the terminal that `out` leads to takes colours.
void AllowColours(std::ostream& out);
[[nodiscard]] bool MayColour(std::ostream& out);
/// The codes that colour what follows them.
inline constexpr char kBold[] = "\033[1m", kDim[] = "\033[2m", kRed[] = "\033[31m",
                      kGreen[] = "\033[32m", kYellow[] = "\033[33m", kPlain[] = "\033[0m";

/// Prints a heading as a line, bold where that may be.
void PrintHeading(std::ostream& out, const std::string& text);

/// TerminalOutput is a stream onto a terminal: a line that is wider goes on below itself (Folded).
/// It passes lines on when they are whole, or when it is flushed. Rows of Markdown tables, which
/// begin with '|', and what is written under a Verbatim stay as they are. What is written under a
/// Coloured goes to `bare`, where there is one. The other streams must outlive it.
class TerminalOutput : public std::ostream {
 public:
  TerminalOutput(std::ostream& target, std::size_t columns, std::ostream* bare = nullptr);
  ~TerminalOutput() override;
  TerminalOutput(const TerminalOutput&) = delete;
  TerminalOutput& operator=(const TerminalOutput&) = delete;

 private:
  class Buffer;
  std::unique_ptr<Buffer> buffer_;
};

/// Verbatim keeps what is written to a stream, of whatever kind, as it is while this object lives:
/// JSON, CSV, scripts, what somebody may copy.
class Verbatim {
 public:
  explicit Verbatim(std::ostream& out);
  ~Verbatim();
  Verbatim(const Verbatim&) = delete;
  Verbatim& operator=(const Verbatim&) = delete;

 private:
  std::ostream& out_;
  long before_;
};

/// Coloured lets whole lines with our colour codes in them through to the terminal while it lives.
/// Whoever writes them has made all other text in them printable (PrintableLine) and short enough.
class Coloured {
 public:
  explicit Coloured(std::ostream& out);
  ~Coloured();
  Coloured(const Coloured&) = delete;
  Coloured& operator=(const Coloured&) = delete;

 private:
  std::ostream& out_;
  long before_;
};

/// Returns the text in lines of at most `width` columns, broken at spaces, and within words that
/// are longer than a line.
[[nodiscard]] std::vector<std::string> BrokenText(std::string_view text, std::size_t width);

/// Prints `start` and the words after it, in lines of `width` columns where words allow; the second
/// one and those after it begin at `indent`.
void PrintWords(std::ostream& out, const std::string& start, std::string_view text,
                std::size_t indent, std::size_t width);

/// Prints the same: broken on a terminal, as one line elsewhere.
void PrintProse(std::ostream& out, const std::string& start, std::string_view text,
                std::size_t indent = 0);

/// Returns the text in at most `width` columns, without its middle where it is wider: the
/// beginnings and the ends of names tell them apart.
[[nodiscard]] std::string Shortened(const std::string& text, std::size_t width);

/// Returns a command's help with lines of at most `width` columns: what follows an option goes on
/// below itself, which begins at `column`.
[[nodiscard]] std::string BrokenHelp(const std::string& help, std::size_t column,
                                     std::size_t width);

}  // namespace beamgrid
