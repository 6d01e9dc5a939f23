#include "registry/util/small_numbers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "registry/util/text.h"

namespace beamgrid {

std::string VisibleText(double value, int decimals) {
  constexpr int kMost = 6;
  if (value == 0) return FixedText(0, decimals);
  std::string text = FixedText(value, decimals);
  const auto reads_as_zero = [&] {
    return text.find_first_of("123456789") == std::string::npos && std::isfinite(value);
  };
  while (reads_as_zero() && decimals < kMost) text = FixedText(value, ++decimals);
  if (!reads_as_zero()) return text;
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.0e", value);
  return digits.data();
}

std::string SignedText(double value, int decimals) {
  return (value > 0 ? "+" : "") + VisibleText(value, decimals);
}

std::string ShortTimeText(double seconds) {
  constexpr double kTenth = 0.05, kLongest = 1e15;  // what a count of seconds surely holds
  if (seconds > 0 && seconds < kTenth) return "less than 0.1s";
  if (seconds > 0 && seconds < 1 - kTenth) return FixedText(seconds, 1) + "s";
  return DurationText(std::chrono::seconds(std::llround(std::min(seconds, kLongest))));
}

}  // namespace beamgrid
