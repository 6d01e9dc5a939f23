#include "registry/util/text.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace beamgrid {

std::string FixedText(double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string CountText(std::size_t number, const std::string& noun) {
  const std::string counted = std::to_string(number) + " " + noun;
  if (number == 1) return counted;
  const bool becomes_ies = noun.ends_with("y") && !noun.ends_with("ay") && !noun.ends_with("ey");
  if (becomes_ies) return counted.substr(0, counted.size() - 1) + "ies";
  return counted + (noun.ends_with("s") ? "es" : "s");
}

std::string SizeText(std::int64_t bytes) {
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return FixedText(value, 1) + " " + kUnits[unit];
}

std::string DurationText(std::chrono::seconds duration) {
  const long long seconds = duration.count();
  std::array<char, 48> text{};
  if (seconds >= 3600) {
    std::snprintf(text.data(), text.size(), "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
  } else if (seconds >= 60) {
    std::snprintf(text.data(), text.size(), "%lldm%02llds", seconds / 60, seconds % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%llds", seconds);
  }
  return text.data();
}

std::string SecondsText(std::chrono::duration<double> duration) {
  const std::string text = std::to_string(duration.count());
  return text.substr(0, text.find('.') + 2) + " s";
}

std::string HexText(std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string UtcText(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, sizeof "2000-01-01T00:00:00Z"> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace beamgrid
