#include "registry/util/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "registry/util/printable.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

/// ExactHandler builds a value as boost::json::parser does, but converts doubles from their text,
/// exactly.
class ExactHandler {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t size, json::error_code&) {
    stack_.push_object(size);
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t size, json::error_code&) {
    stack_.push_array(size);
    return true;
  }
  bool on_key_part(std::string_view text, std::size_t, json::error_code&) {
    stack_.push_chars(text);
    return true;
  }
  bool on_key(std::string_view text, std::size_t, json::error_code&) {
    stack_.push_key(text);
    return true;
  }
  bool on_string_part(std::string_view text, std::size_t, json::error_code&) {
    stack_.push_chars(text);
    return true;
  }
  bool on_string(std::string_view text, std::size_t, json::error_code&) {
    stack_.push_string(text);
    return true;
  }
  // Boost hands over a number in pieces where its text ends a buffer.
  bool on_number_part(std::string_view text, json::error_code&) {
    number_ += text;
    return true;
  }
  bool on_int64(std::int64_t number, std::string_view, json::error_code&) {
    number_.clear();
    stack_.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, std::string_view, json::error_code&) {
    number_.clear();
    stack_.push_uint64(number);
    return true;
  }
  bool on_double(double approximate, std::string_view text, json::error_code& error) {
    number_ += text;
    double exact = 0;
    const auto [end, code] =
        std::from_chars(number_.data(), number_.data() + number_.size(), exact);
    // A number too small for a double is 0 and no mistake.
    const bool too_large = code == std::errc::result_out_of_range && std::abs(approximate) > 1;
    number_.clear();
    if (too_large) {
      error = json::error::exponent_overflow;
      return false;
    }
    stack_.push_double(exact);
    return true;
  }
  bool on_bool(bool value, json::error_code&) {
    stack_.push_bool(value);
    return true;
  }
  bool on_null(json::error_code&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(std::string_view, json::error_code&) { return true; }
  bool on_comment(std::string_view, json::error_code&) { return true; }

  void Start() { stack_.reset(); }
  json::value Take() { return stack_.release(); }

 private:
  json::value_stack stack_;
  std::string number_;
};

/// True if JSON and every terminal take the letter as it is.
bool IsPlainJson(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

void AppendString(std::string& text, std::string_view value) {
  if (std::ranges::all_of(value, IsPlainJson)) {
    text.append(1, '"').append(value).append(1, '"');
    return;
  }
  // JSON escapes only a part of what a terminal would obey.
  text += PrintableJson(json::serialize(json::string_view(value)));
}

void AppendDouble(std::string& text, double value) {
  if (!std::isfinite(value)) throw std::invalid_argument("JSON has no number that is not finite");
  if (value == 0) value = 0;  // -0 equals 0, so both must print alike
  char digits[32];
  const char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  const std::string_view shortest(digits, static_cast<std::size_t>(end - digits));
  text += shortest;
  // A double stays one when it is read again.
  if (shortest.find_first_of(".e") == std::string_view::npos) text += ".0";
}

void Append(std::string& text, const json::value& value);

void AppendObject(std::string& text, const json::object& object) {
  std::vector<const json::key_value_pair*> members;
  members.reserve(object.size());
  for (const json::key_value_pair& member : object) members.push_back(&member);
  // Sorted: equal values have equal texts, so a hash of the text is an identity.
  std::ranges::sort(members, {},
                    [](const auto* member) { return std::string_view(member->key()); });
  text += '{';
  for (const json::key_value_pair* member : members) {
    if (member != members.front()) text += ',';
    AppendString(text, member->key());
    text += ':';
    Append(text, member->value());
  }
  text += '}';
}

void AppendArray(std::string& text, const json::array& array) {
  text += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (i != 0) text += ',';
    Append(text, array[i]);
  }
  text += ']';
}

void Append(std::string& text, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object:
      return AppendObject(text, value.get_object());
    case json::kind::array:
      return AppendArray(text, value.get_array());
    case json::kind::string:
      return AppendString(text, value.get_string());
    case json::kind::double_:
      return AppendDouble(text, value.get_double());
    case json::kind::int64:
      text += std::to_string(value.get_int64());
      return;
    case json::kind::uint64:
      text += std::to_string(value.get_uint64());
      return;
    case json::kind::bool_:
      text += value.get_bool() ? "true" : "false";
      return;
    case json::kind::null:
      text += "null";
      return;
  }
}

std::string Abbreviated(const json::value& value) {
  constexpr std::size_t kLongest = 80;
  std::string text = json::serialize(value);
  if (text.size() > kLongest) text = std::string(FirstColumns(text, kLongest)) + "...";
  return text;
}

}  // namespace

json::value ParseJson(std::string_view text) {
  json::basic_parser<ExactHandler> parser{json::parse_options{}};
  parser.handler().Start();
  json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (!error && read < text.size()) error = json::error::extra_data;
  if (error) {
    throw std::invalid_argument("not JSON at offset " + std::to_string(read) + ": " +
                                error.message());
  }
  return parser.handler().Take();
}

json::value NumberOrNull(double number) {
  return std::isfinite(number) ? json::value(number) : json::value(nullptr);
}

std::string CanonicalJson(const json::value& value) {
  std::string text;
  Append(text, value);
  return text;
}

JsonReader::JsonReader(const json::value& value, std::string where)
    : object_(value.if_object()), where_(std::move(where)) {
  if (object_ == nullptr) {
    throw std::invalid_argument((where_.empty() ? "the JSON text" : where_) +
                                ": must be an object, is " + Abbreviated(value));
  }
}

JsonReader::JsonReader(const json::object& object, std::string where)
    : object_(&object), where_(std::move(where)) {}

std::string JsonReader::PathOf(std::string_view key) const {
  return where_.empty() ? std::string(key) : where_ + '.' + std::string(key);
}

void JsonReader::Refuse(std::string_view key, std::string_view expected) const {
  throw std::invalid_argument(PathOf(key) + ": must be " + std::string(expected) + ", is " +
                              Abbreviated(At(key)));
}

bool JsonReader::Has(std::string_view key) const { return object_->contains(key); }

const json::value& JsonReader::At(std::string_view key) const {
  const json::value* value = object_->if_contains(key);
  if (value == nullptr) throw std::invalid_argument(PathOf(key) + ": is missing");
  return *value;
}

std::string JsonReader::Text(std::string_view key) const {
  const json::string* text = At(key).if_string();
  if (text == nullptr) Refuse(key, "text");
  return std::string(*text);
}

std::int64_t JsonReader::Integer(std::string_view key) const {
  const json::value& value = At(key);
  json::error_code error;
  const bool integral = value.is_int64() || value.is_uint64();
  const auto number = integral ? value.to_number<std::int64_t>(error) : std::int64_t{0};
  if (!integral || error) Refuse(key, "an integer");
  return number;
}

double JsonReader::Number(std::string_view key) const {
  const json::value& value = At(key);
  if (!value.is_number()) Refuse(key, "a number");
  return value.to_number<double>();
}

bool JsonReader::Boolean(std::string_view key) const {
  const bool* value = At(key).if_bool();
  if (value == nullptr) Refuse(key, "true or false");
  return *value;
}

const json::array& JsonReader::List(std::string_view key) const {
  const json::array* list = At(key).if_array();
  if (list == nullptr) Refuse(key, "a list");
  return *list;
}

JsonReader JsonReader::Object(std::string_view key) const { return {At(key), PathOf(key)}; }

}  // namespace beamgrid
