#pragma once
// The page: one file that loads nothing and is whole without its script. The same record gives the
// same page, byte for byte.

#include <string>
#include <vector>

#include "reports/page/section.h"
#include "reports/page/study_facts.h"

namespace beamgrid {

/// PageFrame is what a page has around its content.
struct PageFrame {
  std::string title;
  std::string policy;     ///< its Content-Security-Policy; empty: whoever sends it says it
  std::string generator;  ///< the command that made it
  std::vector<std::string> styles = {}, scripts = {};  ///< each an element of its own
};

/// Returns a page with the frame around what its <main> is to hold.
[[nodiscard]] std::string WriteFrame(const PageFrame& frame, const Markup& main);

/// Returns the section; its ids begin with `prefix`, and its heading is such an element ("h2").
[[nodiscard]] Markup SectionMarkup(const PageSection& section, const std::string& prefix,
                                   const std::string& heading);

/// Returns links to sections of such a prefix.
[[nodiscard]] Markup SectionLinks(const std::vector<PageSection>& sections,
                                  const std::string& prefix);

/// What a page of WritePage says made it.
inline constexpr char kPageGenerator[] = "beamgrid report";

/// Returns the page on these studies, at least one.
[[nodiscard]] std::string WritePage(const std::vector<StudyFacts>& studies);

/// FigureFile is a chart of the page as files of its own.
struct FigureFile {
  std::string name;  ///< "effects"; of several studies "STUDY-effects"
  std::string svg, pdf;
};
/// Returns the charts of the page on these studies.
[[nodiscard]] std::vector<FigureFile> FigureFiles(const std::vector<StudyFacts>& studies);

}  // namespace beamgrid
