#include "registry/criteria.h"

#include <algorithm>
#include <iterator>
#include <ranges>

#include "registry/util/error.h"
#include "registry/util/nearest_spelling.h"

namespace beamgrid {

const Criterion* FindCriterion(std::string_view name) {
  const Criterion* found = std::ranges::find(kCriteria, name, &Criterion::name);
  return found == std::end(kCriteria) ? nullptr : found;
}

bool IsSingle(std::string_view name) {
  const Criterion* criterion = FindCriterion(name);
  return criterion != nullptr && criterion->single();
}

std::string DefaultComponent(std::string_view name) {
  const Criterion* criterion = FindCriterion(name);
  return criterion == nullptr ? "" : std::string(criterion->default_component);
}

const std::vector<std::string>& AllCriteria() {
  static const std::vector<std::string> kNames = [] {
    const auto names = kCriteria | std::views::transform(&Criterion::name);
    return std::vector<std::string>(names.begin(), names.end());
  }();
  return kNames;
}

std::vector<std::string> CriteriaOfTables() {
  std::vector<std::string> names = AllCriteria();
  std::ranges::stable_partition(names, IsSingle);
  return names;
}

void RequireCriterion(std::string_view name, const std::string& text) {
  if (FindCriterion(name) != nullptr) return;
  std::string known;
  for (const std::string& criterion : CriteriaOfTables()) {
    known += (known.empty() ? "" : ", ") + criterion;
  }
  throw UsageError(text + " is not a criterion" + Suggestion(name, CriteriaOfTables()) +
                   "; they are " + known);
}

}  // namespace beamgrid
