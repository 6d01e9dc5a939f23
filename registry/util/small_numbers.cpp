#include "registry/util/small_numbers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "registry/util/text.h"

namespace beamgrid {

std::string DifferenceText(double value, int decimals) {
  std::string text = FixedText(value, decimals);
  if (value == 0 || text.find_first_not_of("-0.") != std::string::npos) return text;
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.1e", value);
  return digits.data();
}

std::string SignedText(double value, int decimals) {
  const std::string text = DifferenceText(value, decimals);
  return text.front() == '-' ? text : "+" + text;
}

std::string ShortTimeText(double seconds) {
  constexpr double kTenth = 0.05, kLongest = 1e15;  // what a count of seconds surely holds
  if (seconds > 0 && seconds < kTenth) return "less than 0.1s";
  if (seconds > 0 && seconds < 1 - kTenth) return FixedText(seconds, 1) + "s";
  return DurationText(std::chrono::seconds(std::llround(std::min(seconds, kLongest))));
}

}  // namespace beamgrid
