#include "reports/varied.h"

#include <algorithm>

#include "registry/criteria.h"

namespace beamgrid {
namespace {

constexpr char kExtras[] = "extras";
constexpr char kTrain[] = "train";

}  // namespace

ModelSpec Varied::Without(ModelSpec model) const {
  for (const std::string& name : names) {
    if (criterion == kExtras) model.extras.erase(name);
    if (criterion == kTrain) model.train.erase(name);
  }
  if (!names.empty()) return model;
  if (criterion == kExtras) model.extras.clear();
  if (criterion == kTrain) model.train.clear();
  model.parts.erase(criterion);
  return model;
}

ModelSpec Varied::Alone(ModelSpec model) const {
  if (names.empty()) return model;
  const auto is_other = [this](const auto& entry) {
    return std::ranges::find(names, entry.first) == names.end();
  };
  if (criterion == kExtras) std::erase_if(model.extras, is_other);
  if (criterion == kTrain) std::erase_if(model.train, is_other);
  return model;
}

bool Varied::IsIn(const ModelSpec& model) const {
  return names.empty() || std::ranges::any_of(names, [&](const std::string& name) {
           return criterion == kExtras ? model.extras.contains(name) : model.train.contains(name);
         });
}

Varied ParseVaried(const std::string& vary) {
  const std::size_t dot = vary.find('.');
  Varied varied{.criterion = vary.substr(0, dot)};
  const bool has_names = varied.criterion == kExtras || varied.criterion == kTrain;
  if (dot == std::string::npos || !has_names) {
    RequireCriterion(vary, "vary = '" + vary + "'");
    return varied;
  }
  for (std::size_t begin = dot + 1; begin <= vary.size();) {
    const std::size_t end = std::min(vary.find('+', begin), vary.size());
    varied.names.push_back(vary.substr(begin, end - begin));
    begin = end + 1;
  }
  return varied;
}

}  // namespace beamgrid
