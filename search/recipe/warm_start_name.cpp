#include "search/recipe/warm_start_name.h"

#include <algorithm>
#include <vector>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

// 32 bits: in a record of ten thousand trials two agree by chance about once in a hundred.
constexpr std::size_t kShortestFingerprint = 8;
constexpr std::size_t kLongestFingerprint = 32;

bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool IsFingerprint(std::string_view text) {
  return text.size() >= kShortestFingerprint && text.size() <= kLongestFingerprint &&
         std::ranges::all_of(text, IsHexDigit);
}

std::vector<std::string_view> SplitAtSlashes(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

std::optional<WarmStartName> ParseWarmStartName(std::string_view text) {
  const std::vector<std::string_view> parts = SplitAtSlashes(text);
  if (std::ranges::any_of(parts, &std::string_view::empty)) return std::nullopt;
  if (parts.size() == 1) {
    if (!IsFingerprint(text)) return std::nullopt;
    WarmStartName start;
    start.fingerprint = text;
    return start;
  }
  if (parts.size() > 3) return std::nullopt;
  WarmStartName start;
  start.study = parts[0];
  start.name = parts[1];
  if (parts.size() == 3) {
    start.seed = ParseNumber<std::int64_t>(parts[2]);
    if (!start.seed || *start.seed < 0) return std::nullopt;
  }
  return start;
}

}  // namespace beamgrid
