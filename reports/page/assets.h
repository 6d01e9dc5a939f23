#pragma once
// The style and the script of the page, which lie in files of their own beside this one.

#include <string>

namespace beamgrid {

/// Returns what a chart needs of the style; a page needs it too.
[[nodiscard]] const std::string& ChartStyle();
/// Returns the style of a page without that.
[[nodiscard]] const std::string& PageStyle();
[[nodiscard]] const std::string& PageScript();

/// Return what a Content-Security-Policy names the text by: "sha256-...".
[[nodiscard]] std::string StyleSource();   ///< of PageStyle() + ChartStyle()
[[nodiscard]] std::string ScriptSource();  ///< of PageScript()

}  // namespace beamgrid
