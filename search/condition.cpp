#include "search/condition.h"

#include <algorithm>

#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "search/variants.h"

namespace beamgrid {
namespace {

std::string_view Trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Returns the pieces between `separator`, trimmed, empty ones left out.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    const std::string_view piece = Trimmed(text.substr(0, end));
    if (!piece.empty()) pieces.push_back(piece);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

std::string Quoted(std::string_view text) {
  std::string quoted(1, '\'');
  quoted += text;
  quoted += '\'';
  return quoted;
}

[[noreturn]] void Refuse(std::string_view text, const std::string& why) {
  throw UsageError("condition " + Quoted(text) + ": " + why);
}

OptionValue ValueFrom(std::string_view text) {
  try {
    // A word that happens to be JSON, as true or 2, is meant as that value: recipes say the same
    // without quotes.
    return ParseJson(text);
  } catch (const std::invalid_argument&) {  // a bare word
    return OptionValue(boost::json::string_view(text.data(), text.size()));
  }
}

bool HasOption(const Options& options, const Condition& condition) {
  const auto found = options.find(condition.option);
  return found != options.end() && SameValue(found->second, condition.value);
}

/// Returns the condition on an option; `whole` is for the message.
Condition OptionCondition(std::string_view whole, const std::string& criterion,
                          std::string_view component, std::string_view option,
                          std::string_view value) {
  if (Trimmed(option).empty()) Refuse(whole, "no option is named");
  return {criterion, std::string(Trimmed(component)), std::string(Trimmed(option)),
          ValueFrom(Trimmed(value))};
}

/// Reads "moe(experts=2)".
Conditions ComponentConditions(const std::string& criterion, std::string_view text) {
  const auto open = text.find('(');
  const std::string component(Trimmed(text.substr(0, open)));
  if (component.empty()) Refuse(text, "no component is named");
  const bool is_extra = criterion == "extras" && component != "none";
  Conditions conditions = {{criterion, is_extra ? component : "", "",
                            is_extra ? OptionValue(true) : OptionValue(component)}};
  if (open == std::string_view::npos) return conditions;
  if (text.back() != ')') Refuse(text, "the ')' is missing");
  for (const auto option : Split(text.substr(open + 1, text.size() - open - 2), ',')) {
    const auto equals = option.find('=');
    if (equals == std::string_view::npos) Refuse(text, Quoted(option) + " must be option=value");
    conditions.push_back(OptionCondition(text, criterion, is_extra ? component : "",
                                         option.substr(0, equals), option.substr(equals + 1)));
  }
  return conditions;
}

}  // namespace

Conditions ParseCondition(std::string_view path, std::string_view value) {
  const auto dot = path.find('.');
  const std::string criterion(Trimmed(path.substr(0, dot)));
  RequireCriterion(criterion, "condition " + Quoted(path) + ": " + Quoted(criterion));
  if (dot == std::string_view::npos) {
    if (criterion == "train") Refuse(path, "name a setting: train.batch=128");
    return ComponentConditions(criterion, Trimmed(value));
  }
  const std::string_view rest = Trimmed(path.substr(dot + 1));
  if (rest == "use" && IsSingle(criterion)) return ComponentConditions(criterion, Trimmed(value));
  if (criterion != "extras") return {OptionCondition(path, criterion, "", rest, value)};
  const auto second = rest.find('.');
  if (second == 0 || second == std::string_view::npos) {
    Refuse(path, "write extras=name(option=value) or extras=none");
  }
  return {OptionCondition(path, criterion, rest.substr(0, second), rest.substr(second + 1), value)};
}

Conditions ParseConditions(std::string_view text) {
  Conditions conditions;
  for (const std::string_view piece : Split(text, ';')) {
    const auto equals = piece.find('=');
    if (equals == std::string_view::npos) Refuse(piece, "must be criterion=component");
    const Conditions more = ParseCondition(piece.substr(0, equals), piece.substr(equals + 1));
    conditions.insert(conditions.end(), more.begin(), more.end());
  }
  return conditions;
}

bool Holds(const Condition& condition, const ModelSpec& model) {
  if (condition.criterion == "train") return HasOption(model.train, condition);
  if (condition.criterion == "extras") {
    if (condition.component.empty()) return model.extras.empty();
    const auto extra = model.extras.find(condition.component);
    const bool on = extra != model.extras.end();
    if (condition.option.empty()) return condition.value == OptionValue(on);
    return on && HasOption(extra->second, condition);
  }
  const auto part = model.parts.find(condition.criterion);
  if (part == model.parts.end()) return false;
  if (condition.option.empty()) return condition.value == OptionValue(part->second.component);
  return HasOption(part->second.options, condition);
}

bool AllHold(const Conditions& conditions, const ModelSpec& model) {
  return std::ranges::all_of(
      conditions, [&model](const Condition& condition) { return Holds(condition, model); });
}

}  // namespace beamgrid
