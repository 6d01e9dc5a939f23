// Changes of what a recipe's grid holds: its variants, extras and training settings.
#include <algorithm>
#include <set>

#include "registry/criteria.h"
#include "registry/util/text.h"
#include "search/recipe/change_list.h"
#include "search/search_space.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

/// More variants than these are counted, not told one by one.
constexpr std::int64_t kToldVariants = 2'000;

/// Returns options as a text that tells them apart, whatever is in the files that they name.
std::string IdentityOf(const Options& options) {
  boost::json::object object;
  for (const auto& [name, value] : options) {
    const auto file = NamedFileFrom(value);
    // 1 and 1.0 are one value.
    object[name] = file                ? boost::json::value(file->name)
                   : value.is_number() ? boost::json::value(value.to_number<double>())
                                       : value;
  }
  return CanonicalJson(object);
}

using Variants = std::map<std::string, Variant>;  ///< by identity

/// Puts the variants of the sets that the other side does not have as they are; false where there
/// are too many.
bool Expand(const std::vector<VariantSet>& sets, const std::vector<VariantSet>& others,
            Variants& variants) {
  std::vector<VariantSet> rest;
  for (const VariantSet& set : sets) {
    if (std::ranges::find(others, set) == others.end()) rest.push_back(set);
  }
  const std::int64_t count = CountVariants(rest);
  if (count > kToldVariants) return false;
  for (std::int64_t i = 0; i < count; ++i) {
    Variant variant = VariantAt(rest, i);
    variants.emplace(variant.component + IdentityOf(variant.options), std::move(variant));
  }
  return true;
}

/// Returns the options in which variants of one component differ, by component.
std::map<std::string, std::vector<std::string>> Differing(const std::vector<VariantSet>& then,
                                                          const std::vector<VariantSet>& now) {
  std::map<std::string, std::map<std::string, std::set<std::string>>> values;
  const auto note = [&](const VariantSet& set, const std::string& name, const OptionValue& value) {
    values[set.component][name].insert(IdentityOf({{name, value}}));
  };
  for (const auto* sets : {&then, &now}) {
    for (const VariantSet& set : *sets) {
      for (const auto& [name, value] : set.fixed) note(set, name, value);
      for (const OptionAxis& axis : set.axes) {
        for (const auto& step : axis.steps) {
          for (std::size_t i = 0; i < step.size(); ++i) note(set, axis.names[i], step[i]);
        }
      }
    }
  }
  std::map<std::string, std::vector<std::string>> differing;
  for (const auto& [component, options] : values) {
    for (const auto& [name, texts] : options) {
      if (texts.size() > 1) differing[component].push_back(name);
    }
  }
  return differing;
}

/// Adds that candidates, each as a text that tells it apart, are the same in another order.
void AddOrder(const std::string& key, std::vector<std::string> then, std::vector<std::string> now,
              ChangeList& changes) {
  if (then == now) return;
  std::ranges::sort(then);
  std::ranges::sort(now);
  if (then != now) return;  // which ones are new and which are gone has been told
  changes.Add(key + ": the candidates are in another order, by which the search draws",
              ChangeEffect::kSearch);
}

/// Returns the variants in their order; where they are too many, the sets of them.
std::vector<std::string> OrderOf(const std::vector<VariantSet>& sets) {
  std::vector<std::string> order;
  const std::int64_t count = CountVariants(sets);
  if (count > kToldVariants) {
    for (const VariantSet& set : sets) {
      order.push_back(set.component + IdentityOf(set.fixed));
      for (const OptionAxis& axis : set.axes) {
        order.back() += Join(axis.names);
        for (const auto& step : axis.steps) {
          for (const OptionValue& value : step) order.back() += IdentityOf({{"", value}});
        }
      }
    }
    return order;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const Variant variant = VariantAt(sets, i);
    order.push_back(variant.component + IdentityOf(variant.options));
  }
  return order;
}

/// Adds "KEY: 4096 variants -> 5000" where they are too many to be told.
void AddCounts(const std::string& key, std::int64_t then, std::int64_t now, ChangeList& changes) {
  changes.Add(key + ": " +
                  (then == now ? "others among its " + std::to_string(now) + " variants"
                               : CountText(static_cast<std::size_t>(then), "variant") + " -> " +
                                     std::to_string(now)),
              ChangeEffect::kSearch);
}

void AddCriterion(const std::string& criterion, const std::vector<VariantSet>& then,
                  const std::vector<VariantSet>& now, const Catalogue& catalogue,
                  ChangeList& changes) {
  Variants before, after;
  if (!Expand(then, now, before) || !Expand(now, then, after)) {
    return AddCounts(criterion, CountVariants(then), CountVariants(now), changes);
  }
  const auto differing = Differing(then, now);
  // By component, so that many of one are told as one.
  std::set<std::string> components;
  for (const auto* variants : {&before, &after}) {
    for (const auto& [identity, variant] : *variants) components.insert(variant.component);
  }
  for (const std::string& component : components) {
    const auto told = differing.find(component);
    const auto texts = [&](const Variants& variants) {
      std::map<std::string, std::string> of_component;
      for (const auto& [identity, variant] : variants) {
        if (variant.component != component) continue;
        of_component[identity] =
            VariantText(catalogue, criterion, variant,
                        told == differing.end() ? std::vector<std::string>() : told->second);
      }
      return of_component;
    };
    changes.Members(criterion, texts(before), texts(after));
  }
}

/// Returns the candidates of an extra by identity; one that is not named is off.
std::map<std::string, std::string> ExtraTexts(const std::vector<ExtraAxis>& extras,
                                              const std::string& name, const Catalogue& catalogue) {
  std::map<std::string, std::string> texts;
  const auto axis = std::ranges::find(extras, name, &ExtraAxis::name);
  const std::int64_t count = axis == extras.end() ? 0 : axis->size();
  if (count == 0) texts.emplace("", "off");
  for (std::int64_t i = 0; i < std::min(count, kToldVariants); ++i) {
    const std::optional<Options> options = axis->At(i);
    if (!options) {
      texts.emplace("", "off");
      continue;
    }
    const std::string variant = VariantText(catalogue, "extras", {name, *options});
    texts.emplace(IdentityOf(*options), "on" + variant.substr(name.size()));
  }
  return texts;
}

/// Returns the candidates of an extra in their order.
std::vector<std::string> OrderOf(const ExtraAxis& axis) {
  std::vector<std::string> order;
  for (std::int64_t i = 0; i < std::min(axis.size(), kToldVariants); ++i) {
    const std::optional<Options> options = axis.At(i);
    order.push_back(options ? "on " + IdentityOf(*options) : "off");
  }
  return order;
}

void AddExtras(const Recipe& then, const Recipe& now, const Catalogue& catalogue,
               ChangeList& changes) {
  std::set<std::string> names;
  for (const Recipe* recipe : {&then, &now}) {
    for (const ExtraAxis& extra : recipe->extras) names.insert(extra.name);
  }
  for (const std::string& name : names) {
    changes.Members("extras." + name, ExtraTexts(then.extras, name, catalogue),
                    ExtraTexts(now.extras, name, catalogue));
  }
}

/// Returns the axis of [grid.train] that has the option; null where none has.
const OptionAxis* AxisOf(const Recipe& recipe, const std::string& option) {
  for (const OptionAxis& axis : recipe.train_grid) {
    if (std::ranges::count(axis.names, option) > 0) return &axis;
  }
  return nullptr;
}

std::vector<std::string> SortedNames(const OptionAxis& axis) {
  std::vector<std::string> names = axis.names;
  std::ranges::sort(names);
  return names;
}

/// Returns the axis of those names; that of one step, as [train] says it, where none of them has
/// one; nothing where the recipe ties them otherwise.
std::optional<OptionAxis> AxisOver(const Recipe& recipe, const std::vector<std::string>& names) {
  OptionAxis as_in_train{.names = names, .steps = {{}}};
  for (const std::string& name : names) {
    if (const OptionAxis* axis = AxisOf(recipe, name)) {
      if (SortedNames(*axis) == names) return *axis;
      return std::nullopt;
    }
    const auto value = recipe.train.find(name);
    as_in_train.steps[0].push_back(value == recipe.train.end() ? OptionValue() : value->second);
  }
  return as_in_train;
}

Options OptionsOf(const OptionAxis& axis, const std::vector<OptionValue>& step) {
  Options options;
  for (std::size_t i = 0; i < axis.names.size(); ++i) options[axis.names[i]] = step[i];
  return options;
}

std::vector<std::string> OrderOf(const OptionAxis& axis) {
  std::vector<std::string> order;
  for (const auto& step : axis.steps) order.push_back(IdentityOf(OptionsOf(axis, step)));
  return order;
}

std::map<std::string, std::string> StepTexts(const OptionAxis& axis) {
  std::map<std::string, std::string> texts;
  for (const std::vector<OptionValue>& step : axis.steps) {
    const Options options = OptionsOf(axis, step);
    std::string text;
    for (const auto& [name, value] : options) {
      text += (text.empty() ? "" : " with ") +
              (options.size() == 1 ? ChangeText(value) : name + " = " + ChangeText(value));
    }
    texts.emplace(IdentityOf(options), text);
  }
  return texts;
}

void AddTrain(const Recipe& then, const Recipe& now, ChangeList& changes) {
  std::set<std::vector<std::string>> varied;
  std::set<std::string> options;
  for (const Recipe* recipe : {&then, &now}) {
    for (const auto& [name, value] : recipe->train) options.insert(name);
    for (const OptionAxis& axis : recipe->train_grid) varied.insert(SortedNames(axis));
  }
  const auto text = [](const Recipe& recipe, const std::string& name) {
    const auto value = recipe.train.find(name);
    return value == recipe.train.end() ? "" : ChangeText(value->second);
  };
  for (const std::string& name : options) {
    const bool before = AxisOf(then, name) != nullptr, after = AxisOf(now, name) != nullptr;
    if (before != after) continue;  // told with the axis
    const std::string old_text = text(then, name);
    std::string new_text = text(now, name);
    if (old_text == new_text) continue;
    if (after) new_text += " (of no effect: [grid.train] says what is tried)";
    changes.Value("train." + name, old_text, new_text,
                  after ? ChangeEffect::kConduct : ChangeEffect::kEveryTrial);
  }
  for (const std::vector<std::string>& names : varied) {
    const std::optional<OptionAxis> before = AxisOver(then, names), after = AxisOver(now, names);
    const std::string key = "grid.train." + Join(names, " with ");
    if (before && after) {
      changes.Members(key, StepTexts(*before), StepTexts(*after));
    } else if (names.size() > 1) {
      changes.Add(key + (after ? " vary together now" : " vary together no more"),
                  ChangeEffect::kSearch);
    }
  }
}

/// Adds which candidates are in another order, where a search draws models by their places.
void AddOrders(const Recipe& then, const Recipe& now, ChangeList& changes) {
  if (then.search.strategy != now.search.strategy || !DrawsModels(now.search)) return;
  for (const auto& [criterion, sets] : now.grid) {
    const auto before = then.grid.find(criterion);
    if (before == then.grid.end()) continue;
    AddOrder(criterion, OrderOf(before->second), OrderOf(sets), changes);
  }
  for (const ExtraAxis& axis : now.extras) {
    const auto before = std::ranges::find(then.extras, axis.name, &ExtraAxis::name);
    if (before == then.extras.end()) continue;
    AddOrder("extras." + axis.name, OrderOf(*before), OrderOf(axis), changes);
  }
  for (const OptionAxis& axis : now.train_grid) {
    const OptionAxis* before = AxisOf(then, axis.names.front());
    if (before == nullptr) continue;
    AddOrder("grid.train." + Join(SortedNames(axis), " with "), OrderOf(*before), OrderOf(axis),
             changes);
  }
}

}  // namespace

std::string VariantText(const Catalogue& catalogue, const std::string& criterion,
                        const Variant& variant, const std::vector<std::string>& told) {
  const ComponentInfo* component = catalogue.Find(criterion, variant.component);
  std::vector<std::string> options;
  for (const auto& [name, value] : variant.options) {
    const OptionInfo* option = component == nullptr ? nullptr : component->FindOption(name);
    const bool usual = option != nullptr && SameValue(value, option->default_value);
    if (usual && std::ranges::count(told, name) == 0) continue;
    options.push_back(name + " = " + ChangeText(value));
  }
  return variant.component + (options.empty() ? "" : " with ") + Join(options);
}

void AddGridChanges(const Recipe& then, const Recipe& now, const Catalogue& catalogue,
                    ChangeList& changes) {
  AddTrain(then, now, changes);
  for (const auto& [criterion, sets] : now.grid) {
    const auto before = then.grid.find(criterion);
    if (before != then.grid.end()) {
      AddCriterion(criterion, before->second, sets, catalogue, changes);
    }
  }
  AddExtras(then, now, catalogue, changes);
  AddOrders(then, now, changes);
}

}  // namespace beamgrid
