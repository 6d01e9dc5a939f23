#include "reports/page/drawing.h"

#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {

std::string Pixels(double value) {
  std::string text = FixedText(value, 1);
  if (text.ends_with(".0")) text.erase(text.size() - 2);
  return text == "-0" ? "0" : text;
}

std::string MarkPath(std::size_t series, double x, double y) {
  const std::string at = "M" + Pixels(x) + " " + Pixels(y);
  switch (series % kSeriesStyles) {
    case 0:  // circle
      return at + "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z";
    case 1:  // square
      return at + "m-3.5 -3.5h7v7h-7z";
    case 2:  // triangle
      return at + "m0 -4.5l4.5 8h-9z";
    case 3:  // diamond
      return at + "m0 -5l5 5l-5 5l-5 -5z";
    case 4:  // triangle upside down
      return at + "m0 4.5l4.5 -8h-9z";
    default:  // bow tie
      return at + "m-4.5 -4v8l9 -8v8z";
  }
}

Markup Mark(std::size_t series, double x, double y, const std::string& title) {
  return Element(
      "path",
      {{"class", "m s" + std::to_string(series % kSeriesStyles)}, {"d", MarkPath(series, x, y)}},
      title.empty() ? Markup() : Element("title", title));
}

Markup TextAt(double x, double y, const std::string& text, Anchor anchor,
              const std::string& css_class) {
  Attributes attributes = {{"x", Pixels(x)}, {"y", Pixels(y)}};
  if (anchor == Anchor::kMiddle) attributes.emplace_back("text-anchor", "middle");
  if (anchor == Anchor::kEnd) attributes.emplace_back("text-anchor", "end");
  if (!css_class.empty()) attributes.emplace_back("class", css_class);
  return Element("text", attributes, text);
}

std::string Clipped(const std::string& text, std::size_t characters) {
  const std::string line = PrintableLine(text);
  if (ColumnsOf(line) <= characters) return line;
  return std::string(FirstColumns(line, characters - 1)) + "…";
}

Markup ClippedTextAt(double x, double y, const std::string& text, std::size_t characters,
                     const std::string& css_class) {
  const std::string clipped = Clipped(text, characters);
  const Markup shown = TextAt(x, y, clipped, Anchor::kStart, css_class);
  if (clipped == PrintableLine(text)) return shown;
  return Element("g", shown + Element("title", text));
}

Markup StraightLine(double x1, double y1, double x2, double y2, const std::string& css_class) {
  return EmptyElement(
      "path", {{"class", css_class},
               {"d", "M" + Pixels(x1) + " " + Pixels(y1) + "L" + Pixels(x2) + " " + Pixels(y2)}});
}

}  // namespace beamgrid
