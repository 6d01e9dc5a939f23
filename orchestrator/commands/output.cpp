#include "orchestrator/commands/output.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "registry/util/json.h"

namespace beamgrid {

void PrintJson(std::ostream& out, const boost::json::value& value) {
  out << CanonicalJson(value) << "\n";
}

boost::json::value NumberOrNull(double number) {
  if (!std::isfinite(number)) return nullptr;
  return number;
}

std::string FixedText(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string SizeText(std::int64_t bytes) {
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return FixedText(value, 1) + " " + kUnits[unit];
}

}  // namespace beamgrid
