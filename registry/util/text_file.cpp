#include "registry/util/text_file.h"

namespace beamgrid {
namespace {

struct Beginning {
  std::string_view bytes;
  std::string_view problem;
};

constexpr std::string_view kUtf16 = "is UTF-16, must be UTF-8: save it as \"CSV UTF-8\"";
constexpr Beginning kBeginnings[] = {
    {"\xFF\xFE", kUtf16},
    {"\xFE\xFF", kUtf16},
    {"\x1F\x8B", "is compressed by gzip: unpack it first (gunzip)"},
    {"\xFD"
     "7zXZ",
     "is compressed by xz: unpack it first (unxz)"},
    {"\x28\xB5\x2F\xFD", "is compressed by zstd: unpack it first (unzstd)"},
    {"PK\x03\x04", "is a zip archive, or a spreadsheet's own file: unpack it, or save it as CSV"},
};

}  // namespace

std::string ProblemOfText(std::string_view beginning) {
  for (const auto& [bytes, problem] : kBeginnings) {
    if (beginning.starts_with(bytes)) return std::string(problem);
  }
  return "";
}

}  // namespace beamgrid
