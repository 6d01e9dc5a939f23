#include "reports/page/markup.h"

#include "registry/util/printable.h"

namespace beamgrid {
namespace {

std::string EscapedForPage(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Opening(std::string_view tag, const Attributes& attributes) {
  std::string text = "<";
  text += tag;
  for (const auto& [name, value] : attributes) {
    text += ' ';
    text += name;
    text += "=\"";
    text += EscapedForPage(value);
    text += '"';
  }
  return text;
}

}  // namespace

Markup::Markup(std::string_view text) : text_(EscapedForPage(text)) {}
Markup::Markup(const std::string& text) : Markup(std::string_view(text)) {}
Markup::Markup(const char* text) : Markup(std::string_view(text)) {}

Markup Markup::Verbatim(std::string_view markup) {
  Markup made;
  made.text_ = markup;
  return made;
}

Markup& Markup::operator+=(const Markup& other) {
  text_ += other.text_;
  return *this;
}

Markup Element(std::string_view tag, const Attributes& attributes, const Markup& inside) {
  std::string text = Opening(tag, attributes);
  text += '>';
  text += inside.text();
  text += "</";
  text += tag;
  text += '>';
  return Markup::Verbatim(text);
}

Markup Element(std::string_view tag, const Markup& inside) { return Element(tag, {}, inside); }

Markup EmptyElement(std::string_view tag, const Attributes& attributes) {
  return Markup::Verbatim(Opening(tag, attributes) + "/>");
}

Markup Paragraph(const Markup& text, const std::string& css_class) {
  const Attributes attributes = css_class.empty() ? Attributes{} : Attributes{{"class", css_class}};
  return Element("p", attributes, text) + Markup::Verbatim("\n");
}

std::string Sentence(std::string text) {
  if (text.empty()) return text;
  if (text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text.ends_with('.') ? text : text + ".";
}

Markup BulletList(const std::vector<std::string>& items, const std::string& css_class) {
  if (items.empty()) return {};
  Markup inside;
  for (const std::string& item : items) {
    inside += Element("li", item) + Markup::Verbatim("\n");
  }
  const Attributes attributes = css_class.empty() ? Attributes{} : Attributes{{"class", css_class}};
  return Element("ul", attributes, Markup::Verbatim("\n") + inside) + Markup::Verbatim("\n");
}

}  // namespace beamgrid
