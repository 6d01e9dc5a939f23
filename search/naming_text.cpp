#include "search/naming_text.h"

#include <algorithm>
#include <charconv>

#include "registry/util/files.h"

namespace beamgrid {
namespace {

// 0.0006 reads better than 6e_04; 0.00000001 does not.
constexpr std::size_t kLongestPlainNumber = 10;
constexpr std::size_t kLongestValue = 40;

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '+';
}

std::string Characters(double number, std::chars_format format) {
  char buffer[400];  // the longest double in fixed form has 1 + 308 + 1 + 17 characters and a sign
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, format).ptr;
  return {buffer, end};
}

std::string NumberText(double number) {
  std::string text = Characters(number, std::chars_format::fixed);
  if (text.size() > kLongestPlainNumber) text = Characters(number, std::chars_format::scientific);
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

std::string Hashed(std::string text, const OptionValue& value) {
  if (text.size() > kLongestValue) text.resize(kLongestValue);
  return text + "+" + ShortHash(CanonicalJson(value));
}

std::string ListText(const boost::json::array& list) {
  std::string text;
  bool integers = !list.empty();
  for (const OptionValue& element : list) {
    if (!text.empty()) text += '+';
    text += SafeValue(element);
    integers = integers && element.is_int64();
  }
  // Whole numbers only: what '+' joins of other values may read as another list.
  return integers && text.size() <= kLongestValue ? text : Hashed(text, list);
}

}  // namespace

std::string SafeWord(std::string_view word) {
  std::string text(word);
  std::replace_if(text.begin(), text.end(), [](char c) { return !IsPlain(c); }, '_');
  return text;
}

std::string SafeValue(const OptionValue& value) {
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_double()) return NumberText(value.as_double());
  if (value.is_array()) return ListText(value.as_array());
  if (const auto file = NamedFileFrom(value)) return SafeValue(OptionValue(file->name));
  if (value.is_string()) {
    const std::string_view word = value.as_string();
    std::string text = SafeWord(word);
    return text == word && text.size() <= kLongestValue ? text : Hashed(std::move(text), value);
  }
  std::string text = CanonicalJson(value);
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

std::string ShortValue(const OptionValue& value) {
  const auto file = NamedFileFrom(value);
  if (!file) return SafeValue(value);
  const std::string name = file->name.substr(file->name.rfind('/') + 1);
  return SafeValue(OptionValue(SafeWord(name.substr(0, name.rfind('.')))));
}

std::string ShortHash(std::string_view text) { return HashBytes(text).substr(0, 16); }

}  // namespace beamgrid
