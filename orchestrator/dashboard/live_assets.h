#pragma once
// The style and the script that live pages have beside those of reports (reports/page/assets.h).

#include <string>

namespace beamgrid {

[[nodiscard]] const std::string& LiveStyle();
[[nodiscard]] const std::string& LiveScript();

/// Return what a Content-Security-Policy names the text by: "sha256-...".
[[nodiscard]] std::string LiveStyleSource();
[[nodiscard]] std::string LiveScriptSource();

}  // namespace beamgrid
