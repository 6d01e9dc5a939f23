#include "trainer/contract/cases.h"

#include <algorithm>

#include "trainer/fields.h"

namespace beamgrid::trainer::contract {
namespace {

/// The value of an option in the small defaults: small enough for a test, large enough to have
/// structure (3 cells, 3 clusters). Where 3 is not allowed, the default stays.
OptionValue SmallValue(const OptionInfo& option) {
  constexpr std::int64_t kSmall = 3;
  if (option.type != OptionType::kInteger || !option.default_value.is_int64() ||
      option.default_value.get_int64() <= kSmall) {
    return option.default_value;
  }
  const CheckedOption checked = CheckOption(option, kSmall);
  return checked.error.empty() ? checked.value : option.default_value;
}

/// The words and truth values that an option can have. Numbers are infinitely many; of integers the
/// minimum is tried.
std::vector<OptionValue> OtherValues(const OptionInfo& option) {
  if (option.type == OptionType::kBool) return {true, false};
  return option.choices;
}

}  // namespace

std::vector<Case> CasesOf(const ComponentInfo& info, const Options& given) {
  Options small = given;
  for (const OptionInfo& option : info.options) small.try_emplace(option.name, SmallValue(option));
  std::vector<Case> cases = {{info.criterion, info.name, "small defaults", small}};
  const auto add = [&](const OptionInfo& option, const OptionValue& value, bool degenerate) {
    if (value == small[option.name]) return;
    Options options = small;
    options[option.name] = value;
    cases.push_back({info.criterion, info.name, option.name + "=" + boost::json::serialize(value),
                     options, degenerate});
  };
  // One at a time: all combinations would be thousands of models for some components.
  for (const OptionInfo& option : info.options) {
    if (given.contains(option.name)) continue;
    for (const OptionValue& value : OtherValues(option)) add(option, value, false);
    if (option.type != OptionType::kInteger || !option.minimum) continue;
    add(option, static_cast<std::int64_t>(*option.minimum), true);
  }
  return cases;
}

std::vector<ComponentInfo> Components() {
  std::vector<ComponentInfo> components;
  for (const ComponentInfo& info : BuiltCatalogue().components) {
    if (info.criterion != "train") components.push_back(info);
  }
  return components;
}

bool NeedsFile(const ComponentInfo& info) {
  return std::ranges::any_of(
      info.options, [](const OptionInfo& option) { return option.type == OptionType::kFile; });
}

}  // namespace beamgrid::trainer::contract
