#include "reports/page/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Returns 1, 2 or 5 times a power of ten, not below a step that would make so many ticks.
double RoundStep(double span, int ticks) {
  const double least = span / ticks;
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

int DecimalsOf(double step) {
  return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 12);
}

/// Returns an axis whose values are written in units of `unit`.
Axis ScaledAxis(std::string title, double low, double high, int ticks, double unit, double least) {
  low /= unit;
  high /= unit;
  if (!(high > low)) {
    const double room = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= room;
    high += room;
  }
  const double step = std::max(RoundStep(high - low, ticks), least);
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  Axis axis{.title = std::move(title), .low = first * step * unit, .high = last * step * unit};
  for (double i = first; i <= last; ++i) {
    const double value = i == 0 ? 0 : i * step;  // never -0
    axis.ticks.push_back({value * unit, FixedText(value, DecimalsOf(step))});
  }
  return axis;
}

}  // namespace

double Axis::Place(double value) const {
  const double place =
      logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return std::clamp(place, 0.0, 1.0);
}

Axis LinearAxis(std::string title, double low, double high, int ticks) {
  return ScaledAxis(std::move(title), low, high, ticks, 1, 0);
}

Axis CountAxis(std::string title, double low, double high) {
  if (!(high > low)) high = low + 1;
  return ScaledAxis(std::move(title), low, high, 6, 1, 1);
}

Axis BytesAxis(const std::string& title, double low, double high) {
  constexpr double kMuch = 6;
  low = std::max(low, 1.0);
  high = std::max(high, low);
  if (high < kMuch * low) {
    static constexpr double kUnits[] = {1, 1024, 1048576, 1073741824};
    static constexpr const char* kNames[] = {"B", "KiB", "MiB", "GiB"};
    std::size_t unit = 0;
    while (unit + 1 < std::size(kUnits) && high >= kUnits[unit + 1]) ++unit;
    return ScaledAxis(title + " (" + kNames[unit] + ")", low, high, 5, kUnits[unit], 0);
  }
  const double first = std::floor(std::log2(low)), last = std::ceil(std::log2(high));
  Axis axis{.title = title + " (each tick is a power of two)",
            .low = std::exp2(first),
            .high = std::exp2(last),
            .logarithmic = true};
  const double step = std::max(1.0, std::ceil((last - first) / 6));
  for (double exponent = first; exponent <= last; exponent += step) {
    const double bytes = std::exp2(exponent);
    std::string label = SizeText(static_cast<std::int64_t>(bytes));
    if (const auto zero = label.find(".0 "); zero != std::string::npos) label.erase(zero, 2);
    axis.ticks.push_back({bytes, std::move(label)});
  }
  return axis;
}

Axis SecondsAxis(const std::string& title, double high) {
  constexpr double kMinute = 60, kHour = 3600, kShortest = 1e-3;
  high = std::max(high, kShortest);
  if (high >= 2 * kHour) return ScaledAxis(title + " (hours)", 0, high, 6, kHour, 0);
  if (high >= 2 * kMinute) return ScaledAxis(title + " (minutes)", 0, high, 6, kMinute, 0);
  return ScaledAxis(title + " (seconds)", 0, high, 6, 1, 0);
}

}  // namespace beamgrid
