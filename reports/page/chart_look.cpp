#include "reports/page/chart_look.h"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

using Properties = std::map<std::string, std::string, std::less<>>;

std::string_view TrimmedStyle(std::string_view text) {
  constexpr std::string_view kSpace = " \n\t";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::vector<std::string_view> PiecesOf(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (const std::string_view piece = TrimmedStyle(text.substr(0, end)); !piece.empty()) {
      pieces.push_back(piece);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

/// Returns true if a selector (".chart .m.hollow", ".chart text") is of the element.
bool Selects(std::string_view selector, std::string_view tag,
             const std::set<std::string_view>& is) {
  constexpr std::string_view kChart = ".chart ";
  if (!selector.starts_with(kChart)) return false;  // the frame itself
  selector.remove_prefix(kChart.size());
  if (!selector.starts_with('.')) return selector == tag;
  return std::ranges::all_of(PiecesOf(selector, '.'),
                             [&is](std::string_view name) { return is.contains(name); });
}

double LengthOf(std::string_view text) {
  if (text.ends_with("px")) text.remove_suffix(2);
  const auto number = ParseNumber<double>(std::string(text));
  if (!number) throw std::invalid_argument("chart.css: no length: " + std::string(text));
  return *number;
}

/// Reads "#0b62a8".
Rgb ColourOf(const std::string& text) {
  if (text.size() != 7 || text[0] != '#') {
    throw std::invalid_argument("chart.css: no colour: " + text);
  }
  const auto part = [&text](std::size_t at) {
    return std::stoi(text.substr(at, 2), nullptr, 16) / 255.0;
  };
  return {part(1), part(3), part(5)};
}

Paint PaintOf(const Properties& properties, std::string_view name, Paint unsaid) {
  const auto found = properties.find(name);
  if (found == properties.end()) return unsaid;
  if (found->second == "none") return {};
  if (found->second != "currentColor") return {.there = true, .colour = ColourOf(found->second)};
  const auto current = properties.find("color");
  return {.there = true, .colour = current == properties.end() ? Rgb() : ColourOf(current->second)};
}

Properties PropertiesOf(std::string_view style, std::string_view tag, std::string_view classes) {
  const std::vector<std::string_view> names = PiecesOf(classes, ' ');
  const std::set<std::string_view> is(names.begin(), names.end());
  Properties properties;
  style = style.substr(0, style.find("@media"));
  if (const std::size_t remark = style.find("*/"); remark != std::string_view::npos) {
    style.remove_prefix(remark + 2);
  }
  for (const std::string_view rule : PiecesOf(style, '}')) {
    const std::size_t brace = std::min(rule.find('{'), rule.size());
    const bool selected =
        std::ranges::any_of(PiecesOf(rule.substr(0, brace), ','),
                            [&](std::string_view selector) { return Selects(selector, tag, is); });
    if (!selected) continue;
    for (const std::string_view line : PiecesOf(rule.substr(brace + 1), ';')) {
      const std::size_t colon = line.find(':');
      properties[std::string(line.substr(0, colon))] = TrimmedStyle(line.substr(colon + 1));
    }
  }
  return properties;
}

}  // namespace

ElementLook LookOfElement(std::string_view style, std::string_view tag, std::string_view classes) {
  const Properties properties = PropertiesOf(style, tag, classes);
  ElementLook look;
  look.fill = PaintOf(properties, "fill", look.fill);
  look.stroke = PaintOf(properties, "stroke", look.stroke);
  if (const auto width = properties.find("stroke-width"); width != properties.end()) {
    look.stroke_width = LengthOf(width->second);
  }
  if (const auto dashes = properties.find("stroke-dasharray"); dashes != properties.end()) {
    for (const std::string_view dash : PiecesOf(dashes->second, ' ')) {
      look.dashes.push_back(LengthOf(dash));
    }
  }
  look.round_caps = properties.contains("stroke-linecap");
  look.bold = properties.contains("font-weight");
  return look;
}

}  // namespace beamgrid
