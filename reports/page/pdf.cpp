#include "reports/page/pdf.h"

#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "registry/util/text.h"
#include "reports/page/assets.h"
#include "reports/page/chart_look.h"

namespace beamgrid {
namespace {

constexpr double kFontSize = 13;  // as chart.css has it
constexpr double kPointsPerPixel = 0.75;

/// Returns a number as PDF has it: "12.25", "12".
std::string PdfNumber(double value) {
  std::string text = FixedText(value, 3);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string Operation(std::initializer_list<double> numbers, std::string_view name) {
  std::string text;
  for (const double number : numbers) text += PdfNumber(number) + " ";
  return text + std::string(name) + "\n";
}

std::string ColourOperation(const Rgb& colour, std::string_view name) {
  return Operation({colour.red, colour.green, colour.blue}, name);
}

// Texts.

/// Returns the code point at the beginning of UTF-8, which it takes away.
char32_t TakeCodePoint(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t point = bytes == 1 ? first : first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes && i < text.size(); ++i) {
    point = (point << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  text.remove_prefix(std::min(bytes, text.size()));
  return point;
}

/// Returns the text in WinAnsi.
std::string WinAnsiText(std::string_view text) {
  static const std::map<char32_t, char> kOthers = {
      {0x2026, '\x85'}, {0x2013, '\x96'}, {0x2014, '\x97'}, {0x2018, '\x91'}, {0x2019, '\x92'},
      {0x201C, '\x93'}, {0x201D, '\x94'}, {0x2020, '\x86'}, {0x2022, '\x95'}, {0x20AC, '\x80'}};
  std::string ansi;
  while (!text.empty()) {
    const char32_t point = TakeCodePoint(text);
    const auto other = kOthers.find(point);
    const bool is_same = (point >= 0x20 && point < 0x7F) || (point >= 0xA0 && point < 0x100);
    ansi += is_same ? static_cast<char>(point) : other == kOthers.end() ? '?' : other->second;
  }
  return ansi;
}

/// Returns the width in pixels, by Helvetica's metrics (Adobe's AFM file) from the space to the
/// tilde; other letters count as wide as a digit, bold ones as the thin ones.
double WidthOfText(const std::string& ansi) {
  static constexpr std::array<int, 95> kWidths = {
      278,  278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
      556,  556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
      1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
      667,  778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
      333,  556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
      556,  556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584};
  constexpr int kDigit = 556;
  int width = 0;
  for (const char c : ansi) {
    const int at = static_cast<unsigned char>(c) - ' ';
    width +=
        at >= 0 && at < std::ssize(kWidths) ? kWidths.at(static_cast<std::size_t>(at)) : kDigit;
  }
  return width * kFontSize / 1000;
}

/// Returns the text as a string of PDF.
std::string PdfString(const std::string& ansi) {
  std::string text = "(";
  for (const char c : ansi) {
    if (c == '(' || c == ')' || c == '\\') text += '\\';
    text += c;
  }
  return text + ")";
}

// Paths.

/// PathReader turns the data of a path into operations.
class PathReader {
 public:
  explicit PathReader(std::string_view data) : rest_(data) {}

  [[nodiscard]] std::string Read() {
    char command = 0;
    for (SkipSpace(); !rest_.empty(); SkipSpace()) {
      if (std::isalpha(static_cast<unsigned char>(rest_[0])) != 0) {
        command = rest_[0];
        rest_.remove_prefix(1);
      }
      Do(command);
    }
    return text_;
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == ',')) rest_.remove_prefix(1);
  }
  double Number() {
    SkipSpace();
    std::size_t end = 0;
    while (end < rest_.size() && (std::isdigit(static_cast<unsigned char>(rest_[end])) != 0 ||
                                  rest_[end] == '.' || (end == 0 && rest_[end] == '-'))) {
      ++end;
    }
    const auto number = ParseNumber<double>(std::string(rest_.substr(0, end)));
    if (!number) throw std::invalid_argument("a path without a number");
    rest_.remove_prefix(end);
    return *number;
  }
  void LineTo(double x, double y) {
    x_ = x;
    y_ = y;
    text_ += Operation({x_, y_}, "l");
  }
  void MoveTo(double x, double y) {
    x_ = x;
    y_ = y;
    text_ += Operation({x_, y_}, "m");
  }
  /// Draws half a circle against the clock to a place on its other side.
  void HalfCircleTo(double dx, double dy) {
    constexpr double kRound = 0.5522847498;  // of a quarter of a circle by one curve
    const double middle_x = x_ + dx / 2, middle_y = y_ + dy / 2;
    double from_x = -dx / 2, from_y = -dy / 2;  // from the middle
    for (int quarter = 0; quarter < 2; ++quarter) {
      const double to_x = from_y, to_y = -from_x;
      text_ += Operation({middle_x + from_x + kRound * to_x, middle_y + from_y + kRound * to_y,
                          middle_x + to_x + kRound * from_x, middle_y + to_y + kRound * from_y,
                          middle_x + to_x, middle_y + to_y},
                         "c");
      from_x = to_x;
      from_y = to_y;
    }
    x_ += dx;
    y_ += dy;
  }
  void Do(char command) {
    switch (command) {
      case 'M': {
        const double x = Number();
        return MoveTo(x, Number());
      }
      case 'm': {
        const double x = x_ + Number();
        return MoveTo(x, y_ + Number());
      }
      case 'L': {
        const double x = Number();
        return LineTo(x, Number());
      }
      case 'l': {
        const double x = x_ + Number();
        return LineTo(x, y_ + Number());
      }
      case 'H':
        return LineTo(Number(), y_);
      case 'h':
        return LineTo(x_ + Number(), y_);
      case 'V':
        return LineTo(x_, Number());
      case 'v':
        return LineTo(x_, y_ + Number());
      case 'a': {
        for (int i = 0; i < 5; ++i) static_cast<void>(Number());  // of a circle they follow
        const double dx = Number();
        return HalfCircleTo(dx, Number());
      }
      case 'z':
        text_ += "h\n";
        return;
      default:
        throw std::invalid_argument("a path with what no chart of ours has");
    }
  }

  std::string_view rest_;
  double x_ = 0, y_ = 0;
  std::string text_;
};

// The drawing.

/// Returns the text that markup stands for.
std::string Unescaped(std::string_view markup) {
  static const std::map<std::string, char, std::less<>> kEntities = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}};
  std::string text;
  while (!markup.empty()) {
    const std::size_t end = markup[0] == '&' ? markup.find(';') : 0;
    const auto entity = kEntities.find(markup.substr(1, end == 0 ? 0 : end - 1));
    if (end == 0 || entity == kEntities.end()) {
      text += markup[0];
      markup.remove_prefix(1);
    } else {
      text += entity->second;
      markup.remove_prefix(end + 1);
    }
  }
  return text;
}

/// DrawnElement is an element of a drawing, with the text up to the next tag.
struct DrawnElement {
  std::string tag, text;
  std::map<std::string, std::string, std::less<>> attributes;

  [[nodiscard]] std::string Text(std::string_view name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? "" : found->second;
  }
  [[nodiscard]] double Length(std::string_view name) const {
    const auto number = ParseNumber<double>(Text(name));
    if (!number) throw std::invalid_argument("a <" + tag + "> without " + std::string(name));
    return *number;
  }
};

/// Reads the elements of markup, which is ours: attributes stand in double quotes.
std::vector<DrawnElement> ElementsOfDrawing(std::string_view markup) {
  std::vector<DrawnElement> elements;
  while (true) {
    const std::size_t open = markup.find('<');
    if (open == std::string_view::npos) return elements;
    markup.remove_prefix(open + 1);
    const std::size_t close = markup.find('>');
    std::string_view inside = markup.substr(0, close);
    markup.remove_prefix(close + 1);
    if (inside.starts_with('/')) continue;
    DrawnElement element;
    std::size_t end = std::min(inside.find_first_of(" /"), inside.size());
    element.tag = inside.substr(0, end);
    for (inside.remove_prefix(end); inside.starts_with(' '); inside.remove_prefix(end)) {
      const std::size_t equals = inside.find('=');
      end = inside.find('"', equals + 2);
      element.attributes[std::string(inside.substr(1, equals - 1))] =
          Unescaped(inside.substr(equals + 2, end - equals - 2));
      ++end;
    }
    element.text = Unescaped(markup.substr(0, markup.find('<')));
    elements.push_back(std::move(element));
  }
}

std::string StrokeOperations(const ElementLook& look) {
  std::string text = ColourOperation(look.stroke.colour, "RG");
  text += Operation({look.stroke_width}, "w") + (look.round_caps ? "1 J\n" : "0 J\n") + "[";
  for (const double dash : look.dashes) text += PdfNumber(dash) + " ";
  return text + "] 0 d\n";
}

std::string PaintedPath(const std::string& path, const ElementLook& look) {
  std::string text;
  if (look.fill.there) text += ColourOperation(look.fill.colour, "rg");
  if (look.stroke.there) text += StrokeOperations(look);
  const bool both = look.fill.there && look.stroke.there;
  return text + path + (both ? "B\n" : look.fill.there ? "f\n" : look.stroke.there ? "S\n" : "n\n");
}

std::string PaintedText(const DrawnElement& element, const ElementLook& look) {
  const std::string ansi = WinAnsiText(element.text);
  const std::string anchor = element.Text("text-anchor");
  const double before = anchor == "end" ? 1 : anchor == "middle" ? 0.5 : 0;
  const std::string at = Operation({1, 0, 0, -1, element.Length("x") - before * WidthOfText(ansi),
                                    element.Length("y")},
                                   "Tm") +
                         PdfString(ansi) + " Tj\n";
  // First a wide line around the letters: they can be read on other lines.
  return std::string("BT\n/") + (look.bold ? "Bold " : "Plain ") + PdfNumber(kFontSize) + " Tf\n" +
         StrokeOperations(look) + "1 Tr\n" + at + ColourOperation(look.fill.colour, "rg") +
         "0 Tr\n" + at + "ET\n";
}

std::string BoxPath(double x, double y, double width, double height) {
  return Operation({x, y, width, height}, "re");
}

/// Returns the operations of an element.
std::string PaintedElement(const DrawnElement& element) {
  if (element.tag == "g" || element.tag == "title") return "";
  const ElementLook look = LookOfElement(ChartStyle(), element.tag, element.Text("class"));
  if (element.tag == "text") return PaintedText(element, look);
  if (element.tag == "path") return PaintedPath(PathReader(element.Text("d")).Read(), look);
  if (element.tag == "rect") {
    return PaintedPath(BoxPath(element.Length("x"), element.Length("y"), element.Length("width"),
                               element.Length("height")),
                       look);
  }
  if (element.tag == "circle") {
    const std::string r = element.Text("r");
    const std::string wide = PdfNumber(2 * element.Length("r"));
    const std::string round = "a" + r + " " + r + " 0 1 0 ";
    return PaintedPath(PathReader("M" + element.Text("cx") + " " + element.Text("cy") + "m-" + r +
                                  " 0" + round + wide + " 0" + round + "-" + wide + " 0z")
                           .Read(),
                       look);
  }
  throw std::invalid_argument("a drawing with a <" + element.tag + ">");
}

/// PdfBody collects objects with where they begin.
class PdfBody {
 public:
  void Add(const std::string& object) {
    begins_.push_back(text_.size());
    text_ += std::to_string(begins_.size()) + " 0 obj\n" + object + "\nendobj\n";
  }
  /// Returns the file. Object 1 is its root, object `info` says what it is.
  [[nodiscard]] std::string Finish(std::size_t info) const {
    const std::string size = std::to_string(begins_.size() + 1);
    std::string file = text_ + "xref\n0 " + size + "\n0000000000 65535 f \n";
    for (const std::size_t begin : begins_) {
      const std::string digits = std::to_string(begin);
      file += std::string(10 - digits.size(), '0') + digits + " 00000 n \n";
    }
    return file + "trailer\n<< /Size " + size + " /Root 1 0 R /Info " + std::to_string(info) +
           " 0 R >>\nstartxref\n" + std::to_string(text_.size()) + "\n%%EOF\n";
  }

 private:
  std::string text_ = "%PDF-1.4\n%\xE2\xE3\xCF\xD3\n";
  std::vector<std::size_t> begins_;
};

std::string FontObject(const std::string& name) {
  return "<< /Type /Font /Subtype /Type1 /BaseFont /" + name + " /Encoding /WinAnsiEncoding >>";
}

}  // namespace

std::string PdfFile(const Figure& figure) {
  // Pixels from the top, as the drawing has them.
  std::string drawn =
      Operation({kPointsPerPixel, 0, 0, -kPointsPerPixel, 0, figure.height * kPointsPerPixel},
                "cm") +
      "1 j\n";
  for (const DrawnElement& element : ElementsOfDrawing(figure.drawing.text())) {
    drawn += PaintedElement(element);
  }
  PdfBody body;
  body.Add("<< /Type /Catalog /Pages 2 0 R >>");
  body.Add("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
  body.Add("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 " +
           PdfNumber(figure.width * kPointsPerPixel) + " " +
           PdfNumber(figure.height * kPointsPerPixel) +
           "] /Contents 4 0 R /Resources << /Font << /Plain 5 0 R /Bold 6 0 R >> >> >>");
  body.Add("<< /Length " + std::to_string(drawn.size()) + " >>\nstream\n" + drawn + "endstream");
  body.Add(FontObject("Helvetica"));
  body.Add(FontObject("Helvetica-Bold"));
  body.Add("<< /Title " + PdfString(WinAnsiText(figure.title)) + " /Subject " +
           PdfString(WinAnsiText(figure.finding)) + " /Producer (beamgrid) >>");
  return body.Finish(7);
}

}  // namespace beamgrid
