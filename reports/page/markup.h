#pragma once
// HTML and SVG as values. Text becomes markup by being escaped, so no name, path or log line can
// become an element, and what it holds of terminal escapes is shown (registry/util/printable.h).

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beamgrid {

/// Attributes are names, which are ours, with their values, which are escaped.
using Attributes = std::vector<std::pair<std::string_view, std::string>>;

/// Markup is a piece of a page: well-formed XML that is HTML too.
class Markup {
 public:
  Markup() = default;
  /// Text: it is escaped.
  Markup(std::string_view text);    // NOLINT(google-explicit-constructor)
  Markup(const std::string& text);  // NOLINT(google-explicit-constructor)
  Markup(const char* text);         // NOLINT(google-explicit-constructor)
  /// Takes what is markup already, or the style and script of ours.
  [[nodiscard]] static Markup Verbatim(std::string_view markup);

  Markup& operator+=(const Markup& other);
  [[nodiscard]] friend Markup operator+(Markup left, const Markup& right) {
    left += right;
    return left;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

/// Returns <tag attributes>inside</tag>.
[[nodiscard]] Markup Element(std::string_view tag, const Attributes& attributes,
                             const Markup& inside);
[[nodiscard]] Markup Element(std::string_view tag, const Markup& inside);
/// Returns <tag attributes/>: of HTML only elements that have no end, of SVG any.
[[nodiscard]] Markup EmptyElement(std::string_view tag, const Attributes& attributes);

/// Returns the text with places after `.`, `=`, `_` and `/` where long words may be broken: no
/// browser then needs to break a word or a number itself.
[[nodiscard]] Markup BreakableText(std::string_view text);

/// Returns <p>text</p> with a line break after it.
[[nodiscard]] Markup Paragraph(const Markup& text, const std::string& css_class = "");
/// Returns the text as a sentence: it begins with a capital letter and ends with a full stop.
[[nodiscard]] std::string Sentence(std::string text);
/// Returns a list of the items; nothing for none.
[[nodiscard]] Markup BulletList(const std::vector<std::string>& items,
                                const std::string& css_class = "");

}  // namespace beamgrid
