#include "tests/support/page_check.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

namespace beamgrid {
namespace {

/// PageReader reads elements one after the other.
class PageReader {
 public:
  PageReader(const std::string& page, std::vector<std::string>& problems)
      : page_(page), problems_(problems) {}

  std::vector<PageElement> Read() {
    if (page_.starts_with("<!DOCTYPE html>\n")) at_ = 16;
    if (page_.starts_with("<?xml")) at_ = page_.find("?>") + 2;
    while (at_ < page_.size()) {
      if (page_[at_] == '<') {
        ReadTag();
      } else {
        ReadText();
      }
    }
    for (const std::size_t open : open_) Problem("<" + elements_[open].tag + "> has no end");
    return std::move(elements_);
  }

 private:
  void Problem(const std::string& what) {
    problems_.push_back("byte " + std::to_string(at_) + ": " + what);
  }

  void ReadText() {
    const std::size_t end = std::min(page_.find('<', at_), page_.size());
    const std::string text = page_.substr(at_, end - at_);
    CheckEntities(text);
    if (open_.empty()) {
      if (text.find_first_not_of(" \n") != std::string::npos) Problem("text outside of the page");
    } else {
      elements_[open_.back()].text += text;
    }
    at_ = end;
  }

  void CheckEntities(const std::string& text) {
    for (std::size_t at = text.find('&'); at != std::string::npos; at = text.find('&', at + 1)) {
      const std::string_view rest = std::string_view(text).substr(at);
      const bool known = rest.starts_with("&amp;") || rest.starts_with("&lt;") ||
                         rest.starts_with("&gt;") || rest.starts_with("&quot;");
      if (!known) Problem("a bare &");
    }
    if (text.find('>') != std::string::npos) Problem("a bare >");
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t') Problem("a control code");
    }
  }

  void ReadTag() {
    const std::size_t end = page_.find('>', at_);
    if (end == std::string::npos) {
      Problem("a bare <");
      at_ = page_.size();
      return;
    }
    std::string inside = page_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (inside.starts_with("/")) return Close(inside.substr(1));
    const bool is_empty = inside.ends_with("/");
    if (is_empty) inside.pop_back();
    Open(inside, is_empty);
    if (!is_empty && (elements_.back().tag == "script" || elements_.back().tag == "style")) {
      const std::size_t stop = page_.find("</" + elements_.back().tag + ">", at_);
      elements_.back().text = page_.substr(at_, stop - at_);
      at_ = std::min(stop, page_.size());
    }
  }

  void Close(const std::string& tag) {
    if (open_.empty() || elements_[open_.back()].tag != tag) {
      Problem("</" + tag + "> ends nothing");
    } else {
      open_.pop_back();
    }
  }

  void Open(const std::string& inside, bool is_empty) {
    PageElement element{.depth = open_.size()};
    std::size_t at = std::min(inside.find(' '), inside.size());
    element.tag = inside.substr(0, at);
    while (at < inside.size()) {
      const std::size_t equals = inside.find("=\"", at);
      const std::size_t end = equals == std::string::npos ? equals : inside.find('"', equals + 2);
      if (end == std::string::npos) {
        Problem("an attribute of <" + element.tag + "> that is not name=\"value\"");
        break;
      }
      const std::string name = inside.substr(at + 1, equals - at - 1);
      const std::string value = inside.substr(equals + 2, end - equals - 2);
      CheckEntities(value);
      if (!element.attributes.emplace(name, value).second) Problem(name + " is there twice");
      at = end + 1;
    }
    elements_.push_back(std::move(element));
    if (!is_empty) open_.push_back(elements_.size() - 1);
  }

  const std::string& page_;
  std::vector<std::string>& problems_;
  std::size_t at_ = 0;
  std::vector<PageElement> elements_;
  std::vector<std::size_t> open_;
};

/// PageChecker looks for what a well-formed page may still lack.
class PageChecker {
 public:
  PageChecker(const std::vector<PageElement>& elements, PageLinks links,
              std::vector<std::string>& problems)
      : elements_(elements), links_(links), problems_(problems) {}

  void Check() {
    for (std::size_t i = 0; i < elements_.size(); ++i) {
      CheckIds(elements_[i]);
      CheckLoads(elements_[i]);
      CheckHeading(elements_[i]);
      CheckNames(i);
    }
    CheckReferences();
    if (headings_one_ != 1) problems_.push_back("a page has one <h1>");
    RequireOnce("main");
    RequireOnce("title");
  }

 private:
  [[nodiscard]] static std::string Value(const PageElement& element, const std::string& name) {
    const auto found = element.attributes.find(name);
    return found == element.attributes.end() ? "" : found->second;
  }

  [[nodiscard]] bool IsOfServer(const std::string& address) const {
    return links_ == PageLinks::kIntoItsServer && address.starts_with("/") &&
           !address.starts_with("//");
  }

  void CheckIds(const PageElement& element) {
    const std::string id = Value(element, "id");
    if (!id.empty() && !ids_.insert(id).second) problems_.push_back("id " + id + " is there twice");
  }

  void CheckLoads(const PageElement& element) {
    for (const char* name : {"src", "srcset", "data", "poster", "style", "xlink:href"}) {
      if (element.attributes.contains(name)) {
        problems_.push_back("<" + element.tag + "> has " + name);
      }
    }
    const std::string href = Value(element, "href");
    if (!href.empty() && !href.starts_with("#") && !IsOfServer(href)) {
      problems_.push_back("a link to " + href);
    }
    if (const std::string action = Value(element, "action");
        !action.empty() && !IsOfServer(action)) {
      problems_.push_back("a form for " + action);
    }
    for (const char* tag : {"link", "img", "iframe", "object", "image", "use"}) {
      if (element.tag == tag) problems_.push_back("an element <" + element.tag + ">");
    }
    for (const auto& [name, value] : element.attributes) {
      if (name.starts_with("on")) problems_.push_back("a handler " + name);
    }
    if (element.tag == "style" && (element.text.find("url(") != std::string::npos ||
                                   element.text.find("@import") != std::string::npos)) {
      problems_.push_back("the style loads something");
    }
  }

  void CheckHeading(const PageElement& element) {
    if (element.tag.size() != 2 || element.tag[0] != 'h' ||
        std::isdigit(static_cast<unsigned char>(element.tag[1])) == 0) {
      return;
    }
    const int level = element.tag[1] - '0';
    if (level > level_ + 1)
      problems_.push_back("<" + element.tag + "> after level " + std::to_string(level_));
    if (element.text.empty()) problems_.push_back("an empty heading");
    level_ = level;
    headings_one_ += level == 1 ? 1 : 0;
  }

  [[nodiscard]] bool HasInside(std::size_t place, const std::string& tag) const {
    for (std::size_t i = place + 1;
         i < elements_.size() && elements_[i].depth > elements_[place].depth; ++i) {
      if (elements_[i].tag == tag) return true;
    }
    return false;
  }

  [[nodiscard]] bool IsInside(std::size_t place, const std::string& tag) const {
    std::size_t depth = elements_[place].depth;
    for (std::size_t i = place; i-- > 0 && depth > 0;) {
      if (elements_[i].depth >= depth) continue;
      if (elements_[i].tag == tag) return true;
      depth = elements_[i].depth;
    }
    return false;
  }

  void CheckNames(std::size_t place) {
    const PageElement& element = elements_[place];
    if (element.tag == "html" && Value(element, "lang").empty()) problems_.push_back("no language");
    if (element.tag == "table" && !HasInside(place, "caption")) {
      problems_.push_back("a table without a caption");
    }
    if (element.tag == "th" && Value(element, "scope").empty()) {
      problems_.push_back("a heading of a table without a scope");
    }
    if (element.tag == "svg") {
      if (Value(element, "role") != "img" || Value(element, "aria-label").empty() ||
          !HasInside(place, "title") || !HasInside(place, "desc")) {
        problems_.push_back("a chart without role, name, title or description");
      }
    }
    if (element.tag == "figure" && !HasInside(place, "table")) {
      problems_.push_back("a chart without its numbers");
    }
    if (element.tag == "details" && !HasInside(place, "summary")) {
      problems_.push_back("details without a summary");
    }
    // What takes the keyboard's focus has a name, and what scrolls can be reached.
    if (Value(element, "class") == "scroll" &&
        (Value(element, "tabindex") != "0" || Value(element, "aria-label").empty())) {
      problems_.push_back("a box that scrolls and cannot be reached");
    }
    if (element.tag == "input" || element.tag == "select") {
      const bool hidden = Value(element, "type") == "hidden";
      if (!hidden && !IsInside(place, "label")) problems_.push_back("a field without a label");
    }
    if (element.tag == "pre" && Value(element, "tabindex") != "0") {
      problems_.push_back("a <pre> that scrolls and cannot be reached");
    }
  }

  void CheckReferences() {
    for (const PageElement& element : elements_) {
      for (const char* name : {"aria-labelledby", "aria-describedby", "href"}) {
        std::string ids = Value(element, name);
        if (IsOfServer(ids)) continue;
        std::ranges::replace(ids, '#', ' ');
        for (std::size_t at = 0; at < ids.size();) {
          const std::size_t end = std::min(ids.find(' ', at), ids.size());
          const std::string id = ids.substr(at, end - at);
          if (!id.empty() && !ids_.contains(id)) problems_.push_back("nothing has the id " + id);
          at = end + 1;
        }
      }
    }
  }

  void RequireOnce(const std::string& tag) {
    const auto count = std::ranges::count_if(elements_, [&](const PageElement& element) {
      return element.tag == tag && (tag != "title" || element.depth == 2);
    });
    if (count != 1) problems_.push_back("<" + tag + "> " + std::to_string(count) + " times");
  }

  const std::vector<PageElement>& elements_;
  PageLinks links_;
  std::vector<std::string>& problems_;
  std::set<std::string> ids_;
  int level_ = 0, headings_one_ = 0;
};

}  // namespace

std::vector<PageElement> ElementsOf(const std::string& page, std::vector<std::string>& problems) {
  return PageReader(page, problems).Read();
}

std::vector<std::string> ProblemsOfPage(const std::string& page, PageLinks links) {
  std::vector<std::string> problems;
  if (!page.starts_with("<!DOCTYPE html>\n")) problems.emplace_back("no doctype");
  const std::vector<PageElement> elements = ElementsOf(page, problems);
  PageChecker(elements, links, problems).Check();
  return problems;
}

}  // namespace beamgrid
