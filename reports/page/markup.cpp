#include "reports/page/markup.h"

#include <algorithm>

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

Markup BreakableText(std::string_view text) {
  constexpr std::size_t kLongWord = 14;
  Markup broken;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size() - 1) + 1;
    std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    const bool is_long = word.size() > kLongWord;
    while (is_long) {
      const std::size_t at = word.find_first_of(".=_/");
      if (at == std::string_view::npos || at + 1 == word.size() || word[at + 1] == ' ') break;
      // "0.25" is one number.
      const bool is_point = word[at] == '.' && word[at + 1] >= '0' && word[at + 1] <= '9';
      broken += Markup(word.substr(0, at + 1));
      if (!is_point) broken += EmptyElement("wbr", {});
      word.remove_prefix(at + 1);
    }
    broken += Markup(word);
  }
  return broken;
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
