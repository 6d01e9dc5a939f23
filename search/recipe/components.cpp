#include "search/recipe/components.h"

#include <algorithm>

#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::vector<std::string> Names(const std::vector<const ComponentInfo*>& components) {
  std::vector<std::string> names;
  for (const ComponentInfo* component : components) names.push_back(component->name);
  return names;
}

bool IsOff(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return !value->get();
  if (const auto* value = node.as_integer()) return value->get() == 0;
  if (const auto* value = node.as_floating_point()) return value->get() == 0.0;
  return false;
}

/// Tells what no component of the criterion would take, where it is not known which one is meant.
void CheckOptionsOfAny(const Catalogue& catalogue, const std::string& criterion,
                       const toml::table& table, const std::string& path, Lists lists,
                       Mistakes& mistakes) {
  const std::vector<const ComponentInfo*> components = catalogue.OfCriterion(criterion);
  if (components.empty()) return;
  for (const auto& [key, node] : WrittenOrder(table)) {
    const std::string name(key->str());
    if (name == "use" || name == "zip") continue;
    const toml::array* list = lists == Lists::kExpand ? node->as_array() : nullptr;
    if (list == nullptr) {
      static_cast<void>(ReadOptionOfAny(components, *key, *node, path + "." + name, mistakes));
      continue;
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string place = path + "." + name + "[" + std::to_string(i) + "]";
      static_cast<void>(ReadOptionOfAny(components, *key, (*list)[i], place, mistakes));
    }
  }
}

VariantSet Defaults(const ComponentInfo& component) {
  return {.component = component.name, .fixed = DefaultOptions(component)};
}

}  // namespace

std::vector<std::string> OptionNames(const ComponentInfo& component) {
  std::vector<std::string> names;
  for (const OptionInfo& option : component.options) names.push_back(option.name);
  return names;
}

void RefuseOption(const ComponentInfo& component, const toml::key& key, const std::string& path,
                  Mistakes& mistakes) {
  const std::vector<std::string> names = OptionNames(component);
  mistakes.Add(key.source(), path,
               "'" + component.name + "' has no option '" + std::string(key.str()) + "'" +
                   Suggestion(key.str(), names) +
                   (names.empty() ? "; it has none" : "; it has: " + Join(names)));
}

std::optional<OptionValue> ReadOptionOfAny(const std::vector<const ComponentInfo*>& components,
                                           const toml::key& key, const toml::node& node,
                                           const std::string& path, Mistakes& mistakes) {
  const OptionInfo* refusing = nullptr;
  std::vector<std::string> names;
  for (const ComponentInfo* component : components) {
    for (const std::string& name : OptionNames(*component)) names.push_back(name);
    const OptionInfo* option = component->FindOption(key.str());
    if (option == nullptr) continue;
    // Aside: of several components one may take the value, and then there is no mistake.
    Mistakes tried(mistakes.source(), mistakes.find_file());
    std::optional<OptionValue> value = ReadOption(*option, node, path, tried);
    if (value) return value;
    refusing = option;
  }
  if (refusing != nullptr) return ReadOption(*refusing, node, path, mistakes);
  if (components.size() == 1) {
    RefuseOption(*components.front(), key, path, mistakes);
    return std::nullopt;
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  mistakes.Add(key.source(), path,
               "no component has an option '" + std::string(key.str()) + "'" +
                   Suggestion(key.str(), names) + "; known here: " + Join(names));
  return std::nullopt;
}

const ComponentInfo* FindComponent(const Catalogue& catalogue, const std::string& criterion,
                                   const toml::node& node, const std::string& path,
                                   Mistakes& mistakes) {
  const auto* name = node.as_string();
  if (name == nullptr) {
    mistakes.Add(node.source(), path, "is " + KindOf(node) + ", must be a component's name");
    return nullptr;
  }
  const ComponentInfo* component = catalogue.Find(criterion, name->get());
  if (component != nullptr) return component;
  const std::vector<std::string> names = Names(catalogue.OfCriterion(criterion));
  mistakes.Add(node.source(), path,
               "unknown " + criterion + " component '" + name->get() + "'" +
                   Suggestion(name->get(), names) + "; known: " + Join(names));
  return nullptr;
}

const ComponentInfo* FindExtra(const Catalogue& catalogue, const toml::key& key,
                               const std::string& path, Mistakes& mistakes) {
  const ComponentInfo* component = catalogue.Find("extras", key.str());
  if (component != nullptr) return component;
  const std::vector<std::string> names = Names(catalogue.OfCriterion("extras"));
  mistakes.Add(key.source(), path,
               "unknown extra '" + std::string(key.str()) + "'" + Suggestion(key.str(), names) +
                   "; known: " + Join(names));
  return nullptr;
}

std::optional<VariantSet> ReadComponent(const Catalogue& catalogue, const std::string& criterion,
                                        const toml::table& table, const std::string& path,
                                        Lists lists, Mistakes& mistakes) {
  const toml::node* use = table.get("use");
  if (use == nullptr) {
    mistakes.Add(table.source(), path + ".use",
                 "is missing: the name of the " + criterion + " component, one of " +
                     Join(Names(catalogue.OfCriterion(criterion))));
    CheckOptionsOfAny(catalogue, criterion, table, path, lists, mistakes);
    return std::nullopt;
  }
  const ComponentInfo* component =
      FindComponent(catalogue, criterion, *use, path + ".use", mistakes);
  if (component == nullptr) {
    CheckOptionsOfAny(catalogue, criterion, table, path, lists, mistakes);
    return std::nullopt;
  }
  return ReadOptions(*component, table, path, lists, mistakes);
}

std::optional<std::optional<VariantSet>> ReadExtra(const ComponentInfo& component,
                                                   const toml::node& node, const std::string& path,
                                                   Lists lists, Mistakes& mistakes) {
  using Read = std::optional<std::optional<VariantSet>>;
  if (IsOff(node)) return Read(std::in_place, std::nullopt);
  if (const toml::table* table = node.as_table()) {
    return Read(ReadOptions(component, *table, path, lists, mistakes));
  }
  RequireFiles(component, node, path, mistakes);
  VariantSet set = Defaults(component);
  if (const auto* on = node.as_boolean(); on != nullptr && on->get()) return Read(std::move(set));
  if (component.options.empty()) {
    mistakes.Add(
        node.source(), path,
        "is " + KindOf(node) + ", must be true or false: '" + component.name + "' has no options");
    return std::nullopt;
  }
  const OptionInfo& first = component.options.front();
  std::optional<OptionValue> value = ReadOption(first, node, path, mistakes);
  if (!value) return std::nullopt;
  set.fixed[first.name] = std::move(*value);
  return Read(std::move(set));
}

}  // namespace beamgrid
