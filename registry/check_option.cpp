// Whether a value is allowed for an option, and what is allowed, in words.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "registry/catalogue.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "registry/util/words.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

/// Returns 4096 for 4096.0, 100000 for 1e5, 0.9 for 0.9: as people write limits.
std::string NumberText(double number) {
  constexpr double kMostDigits = 1e9;
  if (std::abs(number) < kMostDigits && std::trunc(number) == number) {
    return std::to_string(static_cast<std::int64_t>(number));
  }
  const std::string text = CanonicalJson(number);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string ValueText(const OptionValue& value) {
  if (value.is_string()) return std::string(value.get_string());
  return value.is_double() ? NumberText(value.get_double()) : CanonicalJson(value);
}

bool HasRange(const OptionInfo& option) {
  return option.minimum.has_value() || option.maximum.has_value();
}

std::string RangeText(const OptionInfo& option) {
  if (option.minimum && option.maximum) {
    return NumberText(*option.minimum) + ".." + NumberText(*option.maximum);
  }
  return option.minimum ? "at least " + NumberText(*option.minimum)
                        : "at most " + NumberText(*option.maximum);
}

std::string ChoicesText(const OptionInfo& option) {
  return (option.choices.size() > 1 ? "one of " : "") + Join(option.choices, ", ", ValueText);
}

constexpr Word<OptionType> kTypeTexts[] = {
    {OptionType::kBool, "true or false"},
    {OptionType::kInteger, "an integer"},
    {OptionType::kNumber, "a number"},
    {OptionType::kString, "text"},
    {OptionType::kList, "a list"},
    {OptionType::kFile, "a file's path, relative to the recipe"}};

/// Returns the integer; a double counts up to 2^53, below which it holds each without loss.
std::optional<OptionValue> AsInteger(const OptionValue& value) {
  constexpr double kExact = 9007199254740992.0;
  if (value.is_int64()) return value;
  if (value.is_uint64()) {
    if (value.get_uint64() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return {};
    return OptionValue(static_cast<std::int64_t>(value.get_uint64()));
  }
  if (!value.is_double()) return {};
  const double number = value.get_double();
  if (std::abs(number) > kExact || number != std::trunc(number)) return {};
  return OptionValue(static_cast<std::int64_t>(number));
}

std::optional<OptionValue> AsNumber(const OptionValue& value) {
  if (!value.is_number()) return {};
  const double number = value.to_number<double>();
  if (!std::isfinite(number)) return {};
  return OptionValue(number);
}

/// Returns the file; a path stands for one that nobody has looked for yet.
std::optional<OptionValue> AsFile(const OptionValue& value) {
  if (NamedFileFrom(value)) return value;
  if (!value.is_string() || value.get_string().empty()) return {};
  return ToJson(NamedFile{.name = std::string(value.get_string()), .path = {}, .hash = {}});
}

/// Returns the value in the type, or nothing if it is of another. One value has one form: 1 and 1.0
/// would else be two identities.
std::optional<OptionValue> Coerced(OptionType type, const OptionValue& value) {
  switch (type) {
    case OptionType::kBool:
      return value.is_bool() ? std::optional(value) : std::nullopt;
    case OptionType::kInteger:
      return AsInteger(value);
    case OptionType::kNumber:
      return AsNumber(value);
    case OptionType::kString:
      return value.is_string() ? std::optional(value) : std::nullopt;
    case OptionType::kList:
      return value.is_array() ? std::optional(value) : std::nullopt;
    case OptionType::kFile:
      return AsFile(value);
  }
  return {};
}

bool InRange(const OptionInfo& option, const OptionValue& value) {
  if (!value.is_number()) return !HasRange(option);
  const double number = value.to_number<double>();
  return (!option.minimum || number >= *option.minimum) &&
         (!option.maximum || number <= *option.maximum);
}

/// Returns the choice that the value names (1 and 1.0 are the same), or nothing.
std::optional<OptionValue> MatchingChoice(const OptionInfo& option, const OptionValue& value) {
  for (const OptionValue& choice : option.choices) {
    const bool both_numbers = choice.is_number() && value.is_number();
    if (both_numbers ? choice.to_number<double>() == value.to_number<double>() : choice == value) {
      return choice;
    }
  }
  return {};
}

/// True if a scalar passes choices and range; the type has been seen to already where it matters.
bool ScalarAllowed(const OptionInfo& option, const OptionValue& value) {
  if (MatchingChoice(option, value)) return true;
  if (!option.choices.empty() && !HasRange(option)) return false;
  return InRange(option, value);
}

std::string SuggestedChoice(const OptionInfo& option, const OptionValue& value) {
  if (!value.is_string()) return {};
  std::vector<std::string> words;
  for (const OptionValue& choice : option.choices) {
    if (choice.is_string()) words.emplace_back(choice.get_string());
  }
  return Suggestion(value.get_string(), words);
}

CheckedOption Refused(const OptionInfo& option, const OptionValue& value, bool right_type) {
  const bool plain_range = HasRange(option) && option.choices.empty();
  const std::string type =
      !right_type && plain_range ? std::string(WordFor(kTypeTexts, option.type)) + ", " : "";
  return {.value = {},
          .error = "must be " + type + AllowedText(option) + SuggestedChoice(option, value)};
}

CheckedOption CheckList(const OptionInfo& option, const OptionValue& value) {
  const json::array* list = value.if_array();
  const bool allowed = list != nullptr && std::ranges::all_of(*list, [&](const OptionValue& item) {
                         return ScalarAllowed(option, item);
                       });
  return allowed ? CheckedOption{.value = value, .error = {}}
                 : Refused(option, value, list != nullptr);
}

/// True of a file that a recipe need not name: its default is "", which means none. A file that is
/// always needed has no default.
bool MayBeLeftOut(const OptionInfo& option) {
  return option.type == OptionType::kFile && option.default_value == "";
}

}  // namespace

std::string AllowedText(const OptionInfo& option) {
  if (MayBeLeftOut(option)) return std::string(WordFor(kTypeTexts, option.type)) + ", or \"\"";
  std::string limits;
  if (HasRange(option)) limits = RangeText(option);
  if (!option.choices.empty()) limits += (limits.empty() ? "" : " or ") + ChoicesText(option);
  if (option.type == OptionType::kList) {
    return limits.empty() ? WordFor(kTypeTexts, option.type) : "a list of values, each " + limits;
  }
  return limits.empty() ? WordFor(kTypeTexts, option.type) : limits;
}

CheckedOption CheckOption(const OptionInfo& option, const OptionValue& value) {
  if (option.type == OptionType::kList) return CheckList(option, value);
  if (MayBeLeftOut(option) && value == option.default_value) return {.value = value, .error = {}};
  if (auto choice = MatchingChoice(option, value)) {
    // A choice need not be of the option's type: attention's window is a number or "all".
    return {.value = Coerced(option.type, *choice).value_or(*choice), .error = {}};
  }
  const std::optional<OptionValue> coerced = Coerced(option.type, value);
  if (!coerced || !ScalarAllowed(option, *coerced)) {
    return Refused(option, value, coerced.has_value());
  }
  return {.value = *coerced, .error = {}};
}

}  // namespace beamgrid
