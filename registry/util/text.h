#pragma once
// The small texts that messages, listings and tables are made of.

#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace beamgrid {

/// FixedText writes a number with that many decimals: "0.84213".
[[nodiscard]] std::string FixedText(double value, int decimals);

/// CountText writes a number of things: "1 trial", "3 trials", "2 studies".
[[nodiscard]] std::string CountText(std::size_t number, const std::string& noun);

/// SizeText writes a size in the unit that suits it: "512 B", "3.4 KiB", "1.2 GiB".
[[nodiscard]] std::string SizeText(std::int64_t bytes);

/// DurationText writes a time as people tell it: "1h02m", "3m05s", "12s".
[[nodiscard]] std::string DurationText(std::chrono::seconds duration);

/// SecondsText writes a time limit with one decimal, cut and not rounded: "59.9 s".
[[nodiscard]] std::string SecondsText(std::chrono::duration<double> duration);

/// HexText writes bytes as lower-case hex digits, two each.
[[nodiscard]] std::string HexText(std::span<const unsigned char> bytes);

/// UtcText writes a time by ISO 8601: "2026-01-31T23:59:59Z".
[[nodiscard]] std::string UtcText(std::chrono::system_clock::time_point time);

/// Join writes the items one after the other: "a, b, c". `text_of` makes a text of an item.
template <typename Items, typename TextOf = std::identity>
[[nodiscard]] std::string Join(const Items& items, std::string_view separator = ", ",
                               const TextOf& text_of = {}) {
  std::string text;
  bool first = true;
  for (const auto& item : items) {
    if (!std::exchange(first, false)) text += separator;
    text += std::invoke(text_of, item);
  }
  return text;
}

/// JoinFirst writes the first `most` items and how many more there are: "a, b and 3 more".
template <typename Items>
[[nodiscard]] std::string JoinFirst(const Items& items, std::size_t most) {
  if (items.size() <= most) return Join(items);
  const auto shown = items | std::views::take(most);
  return Join(shown) + " and " + std::to_string(items.size() - most) + " more";
}

/// FirstLine is the text up to its first line break.
[[nodiscard]] inline std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// ParseNumber reads a text that is a number and nothing else.
template <typename Number>
[[nodiscard]] std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace beamgrid
