#include "orchestrator/commands/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "registry/util/folded.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// The place in every stream where its terminal's width is kept; 0: no terminal.
int WidthPlace() {
  static const int place = std::ios_base::xalloc();
  return place;
}

/// The place in every stream that says whether lines stay as they are; 0: they do not.
int VerbatimPlace() {
  static const int place = std::ios_base::xalloc();
  return place;
}

/// The place in every stream that says whether its terminal takes colours; 0: it does not.
int ColourPlace() {
  static const int place = std::ios_base::xalloc();
  return place;
}

/// The place in every stream that says whether lines are coloured already; 0: they are not.
int ColouredPlace() {
  static const int place = std::ios_base::xalloc();
  return place;
}

// Narrower than that no table or text can be read in any form.
constexpr std::size_t kNarrowest = 20;

}  // namespace

void SetTerminalWidth(std::ostream& out, std::size_t columns) {
  out.iword(WidthPlace()) = static_cast<long>(std::max(columns, kNarrowest));
}

std::optional<std::size_t> TerminalWidth(std::ostream& out) {
  const long columns = out.iword(WidthPlace());
  if (columns == 0) return std::nullopt;
  return static_cast<std::size_t>(columns);
}

void AllowColours(std::ostream& out) { out.iword(ColourPlace()) = 1; }

bool MayColour(std::ostream& out) { return out.iword(ColourPlace()) != 0; }

void PrintHeading(std::ostream& out, const std::string& text) {
  if (!MayColour(out)) {
    out << text << "\n";
    return;
  }
  const Coloured bold(out);
  out << kBold << PrintableLine(text) << kPlain << "\n";
}

std::optional<std::size_t> WidthOfDescriptor(int descriptor) {
  if (::isatty(descriptor) == 0) return std::nullopt;
  const char* columns = std::getenv("COLUMNS");
  if (const auto given = ParseNumber<std::size_t>(columns == nullptr ? "" : columns)) {
    if (*given > 0) return given;
  }
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsualWidth;
}

/// Buffer holds back the beginning of a line whose rest is still to come.
class TerminalOutput::Buffer : public std::streambuf {
 public:
  Buffer(std::ostream& target, TerminalOutput& owner, std::ostream* bare)
      : target_(target), bare_(bare), owner_(owner) {}

 protected:
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    held_.append(bytes, static_cast<std::size_t>(size));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = held_.find('\n', begin)) != std::string::npos;) {
      Pass(std::string_view(held_).substr(begin, end - begin));
      target_ << '\n';
      begin = end + 1;
    }
    held_.erase(0, begin);
    return target_ ? size : 0;
  }
  int_type overflow(int_type byte) override {
    if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
    const char one = traits_type::to_char_type(byte);
    return xsputn(&one, 1) == 1 ? byte : traits_type::eof();
  }
  int sync() override {
    Pass(held_);
    held_.clear();
    return target_.flush() ? 0 : -1;
  }

 private:
  void Pass(std::string_view line) {
    if (bare_ != nullptr && owner_.iword(ColouredPlace()) != 0) {
      target_.flush();
      *bare_ << line;
      return;
    }
    const bool stays = owner_.iword(VerbatimPlace()) != 0 || line.starts_with('|');
    if (stays) {
      target_ << line;
    } else {
      target_ << Folded(Printable(line), *TerminalWidth(owner_));
    }
  }

  std::ostream& target_;
  std::ostream* bare_;
  TerminalOutput& owner_;
  std::string held_;
};

TerminalOutput::TerminalOutput(std::ostream& target, std::size_t columns, std::ostream* bare)
    : std::ostream(nullptr), buffer_(std::make_unique<Buffer>(target, *this, bare)) {
  rdbuf(buffer_.get());
  SetTerminalWidth(*this, columns);
}

TerminalOutput::~TerminalOutput() { flush(); }

Verbatim::Verbatim(std::ostream& out) : out_(out), before_(out.iword(VerbatimPlace())) {
  out_.iword(VerbatimPlace()) = 1;
}

Verbatim::~Verbatim() { out_.iword(VerbatimPlace()) = before_; }

Coloured::Coloured(std::ostream& out) : out_(out), before_(out.iword(ColouredPlace())) {
  out_.iword(ColouredPlace()) = 1;
}

Coloured::~Coloured() { out_.iword(ColouredPlace()) = before_; }

std::vector<std::string> BrokenText(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const std::size_t used = ColumnsOf(lines.back());
    if (!lines.back().empty() && used + 1 + ColumnsOf(word) > width) {
      lines.emplace_back();
    } else if (!lines.back().empty()) {
      lines.back() += ' ';
    }
    while (ColumnsOf(word) > width) {
      const std::string_view part = FirstColumns(word, width);
      if (part.empty()) break;  // a wide character in a single column
      lines.back() += part;
      lines.emplace_back();
      word.remove_prefix(part.size());
    }
    lines.back() += word;
  }
  return lines;
}

void PrintWords(std::ostream& out, const std::string& start, std::string_view text,
                std::size_t indent, std::size_t width) {
  out << start;
  std::size_t column = ColumnsOf(start);
  bool first = start.empty() || start.ends_with(' ');
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (!first && column + 1 + ColumnsOf(word) > width) {
      out << "\n" << std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out << ' ';
      ++column;
    }
    first = false;
    out << word;
    column += ColumnsOf(word);
  }
  out << "\n";
}

void PrintProse(std::ostream& out, const std::string& start, std::string_view text,
                std::size_t indent) {
  if (const auto width = TerminalWidth(out)) return PrintWords(out, start, text, indent, *width);
  const bool joined = start.empty() || start.ends_with(' ');
  out << start << (joined || text.empty() ? "" : " ") << text << "\n";
}

std::string Shortened(const std::string& text, std::size_t width) {
  if (ColumnsOf(text) <= width) return text;
  const std::size_t tail = (width - 1) / 2;
  const std::string_view head = FirstColumns(text, width - 1 - tail);
  std::size_t begin = text.size();
  for (std::size_t at = text.size(); at-- > head.size();) {
    const bool inside = (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;  // of a character
    if (inside) continue;
    if (ColumnsOf(std::string_view(text).substr(at)) > tail) break;
    begin = at;
  }
  // A mark belongs to the character before it, which is gone.
  std::string_view end = std::string_view(text).substr(begin);
  end.remove_prefix(FirstColumns(end, 0).size());
  return std::string(head) + "…" + std::string(end);
}

std::string BrokenHelp(const std::string& help, std::size_t column, std::size_t width) {
  std::ostringstream out;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    if (ColumnsOf(line) <= width) {
      out << line << "\n";
      continue;
    }
    const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
    const bool described = line.size() > column && line[column - 1] == ' ' && line[column] != ' ';
    // The descriptions keep their column where the terminal leaves them some room.
    const std::size_t indent = described && column + kNarrowest <= width ? column : begin + 2;
    const std::size_t start = described ? column : begin;
    PrintWords(out, line.substr(0, start), std::string_view(line).substr(start), indent, width);
  }
  return out.str();
}

}  // namespace beamgrid
