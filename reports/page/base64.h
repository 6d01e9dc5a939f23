#pragma once
// Hex digits, which CMake makes of a hash, as base64, which a Content-Security-Policy wants.

#include <cstdint>
#include <string>
#include <string_view>

namespace beamgrid {

/// Returns the base64 (RFC 4648) of the bytes that pairs of hex digits stand for.
[[nodiscard]] inline std::string Base64OfHex(std::string_view hex) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char digit : hex) {
    const int value = digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
    for (int bit = 3; bit >= 0; --bit) bits += ((value >> bit) & 1) != 0 ? '1' : '0';
  }
  std::string text;
  for (std::size_t at = 0; at < bits.size(); at += 6) {
    std::string six = bits.substr(at, 6);
    six.resize(6, '0');
    text += kDigits[std::stoul(six, nullptr, 2)];
  }
  while (text.size() % 4 != 0) text += '=';
  return text;
}

}  // namespace beamgrid
