// Sizes and durations as people write them.
#include <charconv>
#include <cmath>
#include <string_view>

#include "registry/util/text.h"
#include "search/recipe.h"

namespace beamgrid {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kSizes[] = {{"", 1},         {"B", 1},        {"kB", 1e3},    {"KB", 1e3},
                           {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12},   {"KiB", 0x1p10},
                           {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
constexpr Unit kTimes[] = {{"ms", 0.001}, {"s", 1},    {"m", 60},
                           {"min", 60},   {"h", 3600}, {"d", 86400}};

/// A number and one of `units`, spaces between allowed; nothing for anything else.
template <std::size_t count>
/// Reads a number and one of `units`, spaces between allowed; nothing for anything else.
std::optional<double> ParseQuantity(std::string_view text, const Unit (&units)[count]) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
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
  const std::optional<double> bytes = ParseQuantity(text, kSizes);
  if (!bytes || *bytes >= 0x1p63) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(*bytes));
}

std::optional<double> ParseDuration(const std::string& text) {
  const std::optional<double> seconds = ParseQuantity(text, kTimes);
  // Longer ones do not fit into a clock's nanoseconds, and mean no limit anyway.
  constexpr double kLongest = 1e9;
  if (!seconds || *seconds <= 0 || *seconds > kLongest) return std::nullopt;
  return seconds;
}

}  // namespace beamgrid
