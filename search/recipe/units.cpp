// Sizes and durations as people write them.
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <string_view>

#include "registry/util/text.h"
#include "search/recipe.h"

namespace beamgrid {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// The names in lower case. A bare letter is decimal, as disks are sold: the smaller of its two
// meanings, so that what fits into "1G" fits into 1 GiB too.
constexpr Unit kSizes[] = {{"", 1},        {"b", 1},        {"k", 1e3},     {"kb", 1e3},
                           {"m", 1e6},     {"mb", 1e6},     {"g", 1e9},     {"gb", 1e9},
                           {"t", 1e12},    {"tb", 1e12},    {"ki", 0x1p10}, {"kib", 0x1p10},
                           {"mi", 0x1p20}, {"mib", 0x1p20}, {"gi", 0x1p30}, {"gib", 0x1p30},
                           {"ti", 0x1p40}, {"tib", 0x1p40}};
constexpr Unit kTimes[] = {{"ms", 0.001}, {"s", 1},    {"m", 60},
                           {"min", 60},   {"h", 3600}, {"d", 86400}};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

/// Reads a number in one of `units`, spaces between allowed; nothing for anything else. The
/// number's form is that of `format`.
std::optional<double> ParseQuantity(std::string_view text, std::span<const Unit> units,
                                    std::chars_format format) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, format);
  if (error != std::errc{} || !std::isfinite(number) || number < 0) return std::nullopt;
  std::string_view name(rest, static_cast<std::size_t>(end - rest));
  while (name.starts_with(' ')) name.remove_prefix(1);
  for (const Unit& unit : units) {
    if (unit.name == name) return number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> ParseSize(const std::string& text) {
  // Whole bytes go no way through a double, which holds only 53 bits.
  if (const auto exact = ParseNumber<std::int64_t>(text)) {
    return *exact >= 0 ? exact : std::nullopt;
  }
  const std::optional<double> bytes =
      ParseQuantity(Lower(text), kSizes, std::chars_format::general);
  if (!bytes || *bytes >= 0x1p63) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(*bytes));
}

std::optional<double> ParseDuration(const std::string& text) {
  const std::optional<double> seconds = ParseQuantity(text, kTimes, std::chars_format::fixed);
  // Longer ones do not fit into a clock's nanoseconds, and mean no limit anyway.
  constexpr double kLongest = 1e9;
  if (!seconds || *seconds <= 0 || *seconds > kLongest) return std::nullopt;
  return seconds;
}

}  // namespace beamgrid
