#pragma once
// The page: one file that loads nothing and is whole without its script. The same record gives the
// same page, byte for byte.

#include <string>
#include <vector>

#include "reports/page/study_facts.h"

namespace beamgrid {

/// Returns the page on these studies, at least one.
[[nodiscard]] std::string WritePage(const std::vector<StudyFacts>& studies);

/// FigureFile is a chart of the page as a file of its own.
struct FigureFile {
  std::string name;  ///< "effects.svg"; of several studies "STUDY-effects.svg"
  std::string svg;
};
/// Returns the charts of the page on these studies.
[[nodiscard]] std::vector<FigureFile> FigureFiles(const std::vector<StudyFacts>& studies);

}  // namespace beamgrid
