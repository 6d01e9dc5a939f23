#pragma once
// How files begin that somebody gives as text.

#include <string>
#include <string_view>

namespace beamgrid {

/// What spreadsheets write before a text in UTF-8; it is no part of the text.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Returns what a file is that begins so and can be no text in UTF-8, and what to do with it, as in
/// "is compressed by gzip: unpack it first"; empty where it may be text.
[[nodiscard]] std::string ProblemOfText(std::string_view beginning);

}  // namespace beamgrid
