#include "reports/page/figure.h"

#include "reports/page/assets.h"

namespace beamgrid {
namespace {

enum class SvgUse { kOnPage, kAlone };

Markup SvgOf(const Figure& figure, const std::string& id, SvgUse use) {
  const std::string width = std::to_string(figure.width);
  const std::string height = std::to_string(figure.height);
  Attributes attributes = {{"class", "chart"},
                           {"role", "img"},
                           {"aria-label", figure.title},
                           {"aria-describedby", id + "-d"},
                           {"viewBox", "0 0 " + width + " " + height},
                           {"width", width},
                           {"height", height}};
  if (use == SvgUse::kAlone) attributes.emplace_back("xmlns", "http://www.w3.org/2000/svg");
  Markup inside = Element("title", figure.title) +
                  Element("desc", {{"id", id + "-d"}}, figure.finding) + Markup::Verbatim("\n");
  if (use == SvgUse::kAlone) {
    inside += Element("style", Markup::Verbatim(ChartStyle())) + Markup::Verbatim("\n");
    inside += EmptyElement("rect", {{"class", "paper"}, {"width", width}, {"height", height}});
  }
  inside += figure.drawing;
  return Element("svg", attributes, inside) + Markup::Verbatim("\n");
}

}  // namespace

Markup FigureMarkup(const Figure& figure, const std::string& prefix) {
  const std::string id = prefix + figure.name;
  // The title and the finding are there to be read; of the drawing they are its name.
  Markup inside = Markup::Verbatim("\n") +
                  Element("figcaption",
                          Element("b", figure.title + ".") + Markup(" ") + Markup(figure.finding)) +
                  Markup::Verbatim("\n");
  inside += Element(
      "div",
      {{"class", "scroll"}, {"tabindex", "0"}, {"role", "group"}, {"aria-label", figure.title}},
      SvgOf(figure, id, SvgUse::kOnPage));
  inside += Markup::Verbatim("\n");
  if (!figure.data.columns.empty()) {
    inside += Element("details", Element("summary", "Numbers of the chart") +
                                     Markup::Verbatim("\n") + TableMarkup(figure.data));
    inside += Markup::Verbatim("\n");
  }
  return Element("figure", {{"id", id}}, inside) + Markup::Verbatim("\n");
}

std::string SvgFile(const Figure& figure) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" +
         SvgOf(figure, figure.name, SvgUse::kAlone).text();
}

}  // namespace beamgrid
