#include "reports/table_label.h"

#include <map>

#include "registry/criteria.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string ValueText(const OptionValue& value) {
  if (const auto file = NamedFileFrom(value)) return file->name;
  return value.is_string() ? std::string(value.get_string()) : CanonicalJson(value);
}

}  // namespace

std::string OptionsText(const boost::json::object& options) {
  return Join(options, " ", [](const auto& option) {
    return std::string(option.key()) + "=" + ValueText(option.value());
  });
}

Labeller::Labeller(std::string criterion, const Catalogue& catalogue,
                   const std::vector<const ModelSpec*>& models)
    : criterion_(std::move(criterion)), catalogue_(&catalogue) {
  std::map<Named, OptionValue> first;
  for (const ModelSpec* model : models) {
    for (const auto& [component, options] : PartsOf(*model, criterion_)) {
      for (const auto& [option, value] : options) {
        const auto [known, is_new] = first.try_emplace({component, option}, value);
        if (!is_new && known->second != value) differing_.insert(known->first);
      }
    }
  }
}

std::string Labeller::Label(const ModelSpec& model) const {
  std::string label;
  for (const auto& [component, options] : PartsOf(model, criterion_)) {
    const std::string text = Options(component, options);
    if (criterion_ == "train") return text.empty() ? "defaults" : text;
    label += (label.empty() ? "" : " + ") + component + (text.empty() ? "" : " " + text);
  }
  return label.empty() ? "none" : label;
}

std::string Labeller::Options(const std::string& component,
                              const beamgrid::Options& options) const {
  std::string text;
  for (const auto& [option, value] : options) {
    if (!IsShown(component, option, value)) continue;
    text += (text.empty() ? "" : " ") + option + "=" + ValueText(value);
  }
  return text;
}

bool Labeller::IsShown(const std::string& component, const std::string& option,
                       const OptionValue& value) const {
  if (differing_.contains({component, option})) return true;
  const ComponentInfo* named = catalogue_->Find(criterion_, component);
  const OptionInfo* info = named == nullptr ? nullptr : named->FindOption(option);
  return info != nullptr && (info->always_named || info->default_value != value);
}

std::string PartsText(const ModelSpec& model, const std::set<std::string>& without,
                      const Catalogue& catalogue) {
  std::string text;
  for (const std::string& criterion : CriteriaOfTables()) {
    if (without.contains(criterion)) continue;
    const std::string label = Labeller(criterion, catalogue, {&model}).Label(model);
    text += (text.empty() ? "" : "; ") + criterion + " " + label;
  }
  return text;
}

}  // namespace beamgrid
