#pragma once
// What every page of ours must keep to: well-formed, nothing loaded, and usable without eyes, a
// mouse or colours. A part of what an HTML validator and axe look for.

#include <map>
#include <string>
#include <vector>

namespace beamgrid {

/// PageElement is an element of a page, in the order of the page.
struct PageElement {
  std::string tag;
  std::map<std::string, std::string> attributes;
  std::size_t depth = 0;
  std::string text;  ///< directly in it
};

/// Reads a page or an SVG file; adds to `problems` what is not well-formed.
[[nodiscard]] std::vector<PageElement> ElementsOf(const std::string& page,
                                                  std::vector<std::string>& problems);

/// PageLinks says where a page's links may lead.
enum class PageLinks {
  kIntoThePage,
  kIntoItsServer  ///< or to another page of the same server
};

/// Returns everything that is wrong with a page.
[[nodiscard]] std::vector<std::string> ProblemsOfPage(const std::string& page,
                                                      PageLinks links = PageLinks::kIntoThePage);

}  // namespace beamgrid
