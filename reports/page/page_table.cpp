#include "reports/page/page_table.h"

#include <cmath>

#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

bool IsOfNumbers(const std::string& heading) { return heading.starts_with(">"); }

/// Returns the heading as a link to the table sorted by it, where there is one.
Markup HeadingOf(const PageTable& table, std::size_t column, const std::string& text) {
  const bool linked = column < table.sort_links.size() && !table.sort_links[column].empty();
  if (!linked) return text;
  return Element("a", {{"href", table.sort_links[column]}, {"title", "Sort by this column"}}, text);
}

Markup HeadOf(const PageTable& table) {
  Markup cells;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string& heading = table.columns[i];
    const bool numbers = IsOfNumbers(heading);
    Attributes attributes = {{"scope", "col"}};
    if (numbers) attributes.emplace_back("class", "n");
    if (const auto way = table.sorted.find(i); way != table.sorted.end()) {
      attributes.emplace_back("aria-sort", way->second);
    }
    cells += Element("th", attributes, HeadingOf(table, i, numbers ? heading.substr(1) : heading));
  }
  return Element("thead", Element("tr", cells)) + Markup::Verbatim("\n");
}

Markup CellOf(const PageCell& cell, bool is_name, bool is_number) {
  Attributes attributes;
  if (is_name) attributes.emplace_back("scope", "row");
  if (is_number) attributes.emplace_back("class", "n");
  if (cell.value && std::isfinite(*cell.value)) {
    std::string value = CanonicalJson(*cell.value);
    if (value.ends_with(".0")) value.erase(value.size() - 2);
    if (value != cell.text) attributes.emplace_back("data-v", value);
  }
  return Element(is_name ? "th" : "td", attributes,
                 !cell.markup.empty() ? cell.markup
                 : is_number          ? Markup(cell.text)
                                      : BreakableText(cell.text));
}

Markup RowsOf(const PageTable& table) {
  std::string rows;
  for (const std::vector<PageCell>& row : table.rows) {
    Markup cells;
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells += CellOf(row[i], i == table.row_names, IsOfNumbers(table.columns[i]));
    }
    rows += Element("tr", cells).text() + "\n";
  }
  return Element("tbody", Markup::Verbatim("\n" + rows));
}

}  // namespace

PageCell CountCell(std::int64_t count) {
  return {std::to_string(count), static_cast<double>(count)};
}

PageCell FixedCell(double value, int decimals) {
  if (!std::isfinite(value)) return {""};
  return {FixedText(value, decimals), value};
}

PageCell SizeCell(std::int64_t bytes) { return {SizeText(bytes), static_cast<double>(bytes)}; }

Markup TableMarkup(const PageTable& table) {
  Markup inside = Markup::Verbatim("\n") + Element("caption", table.caption) +
                  Markup::Verbatim("\n") + HeadOf(table) + RowsOf(table) + Markup::Verbatim("\n");
  // A box that scrolls must be reached by the keyboard, and then have a name.
  Markup made = Element(
      "div",
      {{"class", "scroll"}, {"tabindex", "0"}, {"role", "group"}, {"aria-label", table.caption}},
      Element("table", inside));
  made += Markup::Verbatim("\n");
  if (!table.more.empty()) made += Paragraph(table.more, "note");
  return made;
}

}  // namespace beamgrid
