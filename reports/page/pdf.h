#pragma once
// A chart as a PDF file, for LaTeX, which takes no SVG.

#include <string>

#include "reports/page/figure.h"

namespace beamgrid {

/// Returns the chart as a PDF of one page of its size, a pixel being 1/96 inch. It is the drawing's
/// own lines and texts in the colours of the light, without compression and without a time: the
/// same figure gives the same bytes. Letters are Helvetica, which every reader has and no file need
/// hold; what WinAnsi does not have is a question mark. Throws std::invalid_argument for a piece of
/// a drawing that is none of ours.
[[nodiscard]] std::string PdfFile(const Figure& figure);

}  // namespace beamgrid
