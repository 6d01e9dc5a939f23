#include "reports/spec_match.h"

#include <algorithm>

#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

std::string_view Trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Pieces between `separator`, trimmed, empty ones left out.
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
    return ParseJson(text);
  } catch (const std::invalid_argument&) {  // a bare word
    return OptionValue(boost::json::string_view(text.data(), text.size()));
  }
}

bool SameValue(const OptionValue& a, const OptionValue& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

bool HaveOptions(const SpecCondition& condition, const Options& options) {
  return std::all_of(condition.options.begin(), condition.options.end(), [&](const auto& wanted) {
    const auto found = options.find(wanted.first);
    return found != options.end() && SameValue(found->second, wanted.second);
  });
}

bool HoldsForExtras(const SpecCondition& condition, const std::map<std::string, Options>& extras) {
  if (condition.component == "none") return extras.empty();
  const auto extra = extras.find(condition.component);
  return extra != extras.end() && HaveOptions(condition, extra->second);
}

std::pair<std::string, OptionValue> OptionFrom(std::string_view text, std::string_view whole) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    Refuse(whole, Quoted(text) + " must be option=value");
  }
  return {std::string(Trimmed(text.substr(0, equals))),
          ValueFrom(Trimmed(text.substr(equals + 1)))};
}

/// "moe(experts=2)" into `condition`.
void ReadComponent(std::string_view text, SpecCondition& condition) {
  const auto open = text.find('(');
  condition.component = Trimmed(text.substr(0, open));
  if (condition.component.empty()) Refuse(text, "no component is named");
  if (open == std::string_view::npos) return;
  if (text.back() != ')') Refuse(text, "the ')' is missing");
  for (const auto option : Split(text.substr(open + 1, text.size() - open - 2), ',')) {
    condition.options.push_back(OptionFrom(option, text));
  }
}

}  // namespace

SpecCondition ParseCondition(std::string_view path, std::string_view value) {
  const auto dot = path.find('.');
  SpecCondition condition{.criterion = std::string(Trimmed(path.substr(0, dot)))};
  RequireCriterion(condition.criterion,
                   "condition " + Quoted(path) + ": " + Quoted(condition.criterion));
  if (dot == std::string_view::npos) {
    if (condition.criterion == "train") Refuse(path, "name a setting: train.batch=128");
    ReadComponent(Trimmed(value), condition);
    return condition;
  }
  if (condition.criterion == "extras")
    Refuse(path, "write extras=name(option=value) or extras=none");
  condition.options.emplace_back(std::string(Trimmed(path.substr(dot + 1))),
                                 ValueFrom(Trimmed(value)));
  return condition;
}

std::vector<SpecCondition> ParseConditions(std::string_view text) {
  std::vector<SpecCondition> conditions;
  for (const std::string_view piece : Split(text, ';')) {
    const auto equals = piece.find('=');
    if (equals == std::string_view::npos) Refuse(piece, "must be criterion=component");
    conditions.push_back(ParseCondition(piece.substr(0, equals), piece.substr(equals + 1)));
  }
  return conditions;
}

bool Holds(const SpecCondition& condition, const ModelSpec& model) {
  if (condition.criterion == "extras") return HoldsForExtras(condition, model.extras);
  if (condition.criterion == "train") return HaveOptions(condition, model.train);
  const auto part = model.parts.find(condition.criterion);
  if (part == model.parts.end()) return false;
  if (!condition.component.empty() && condition.component != part->second.component) return false;
  return HaveOptions(condition, part->second.options);
}

}  // namespace beamgrid
