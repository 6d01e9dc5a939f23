#include "search/search_space.h"

#include <algorithm>

#include "registry/added_options.h"
#include "registry/criteria.h"

namespace beamgrid {
namespace {

void Apply(const OptionAxis& axis, std::size_t step, Options& options) {
  for (std::size_t i = 0; i < axis.names.size(); ++i) {
    options[axis.names[i]] = axis.steps[step][i];
  }
}

/// Returns the step of the axis whose values the options have, or nothing.
std::optional<std::size_t> StepOf(const OptionAxis& axis, const Options& options) {
  const auto has = [&](const std::vector<OptionValue>& step) {
    for (std::size_t i = 0; i < axis.names.size(); ++i) {
      const auto option = options.find(axis.names[i]);
      if (option == options.end() || !SameValue(option->second, step[i])) return false;
    }
    return true;
  };
  const auto step = std::ranges::find_if(axis.steps, has);
  if (step == axis.steps.end()) return std::nullopt;
  return static_cast<std::size_t>(step - axis.steps.begin());
}

/// Returns which variant of the set these options are, or nothing.
std::optional<std::int64_t> IndexIn(const VariantSet& set, const Options& options) {
  for (const auto& [name, value] : set.fixed) {
    const auto option = options.find(name);
    if (option == options.end() || !SameValue(option->second, value)) return std::nullopt;
  }
  std::int64_t index = 0;
  for (const OptionAxis& axis : set.axes) {
    const std::optional<std::size_t> step = StepOf(axis, options);
    if (!step) return std::nullopt;
    index = index * static_cast<std::int64_t>(axis.steps.size()) + static_cast<std::int64_t>(*step);
  }
  return index;
}

bool MayBeOff(const ExtraAxis& axis) {
  return std::ranges::any_of(axis.values, [](const auto& value) { return !value.has_value(); });
}

/// True if the recorded value means the recipe's: a file may have another name or another content,
/// not both.
bool Means(const OptionValue& recorded, const OptionValue& value) {
  if (!recorded.is_object()) return SameValue(recorded, value);
  const auto then = NamedFileFrom(recorded), now = NamedFileFrom(value);
  return then && now && (then->name == now->name || then->hash == now->hash);
}

bool Means(const Options& recorded, const std::string& name, const OptionValue& value) {
  const auto option = recorded.find(name);
  return option != recorded.end() && Means(option->second, value);
}

bool Means(const Options& recorded, const Options& options) {
  return recorded.size() == options.size() && std::ranges::all_of(options, [&](const auto& option) {
           return Means(recorded, option.first, option.second);
         });
}

/// Returns the step of the axis that the recorded options have; nothing where they have none.
std::optional<std::size_t> RecordedStep(const OptionAxis& axis, const Options& recorded) {
  for (std::size_t step = 0; step < axis.steps.size(); ++step) {
    bool has = true;
    for (std::size_t i = 0; has && i < axis.names.size(); ++i) {
      has = Means(recorded, axis.names[i], axis.steps[step][i]);
    }
    if (has) return step;
  }
  return std::nullopt;
}

/// Returns the options of the set's variant that the recorded ones are.
std::optional<Options> CounterpartIn(const VariantSet& set, const Options& recorded) {
  Options options = set.fixed;
  for (const OptionAxis& axis : set.axes) {
    const std::optional<std::size_t> step = RecordedStep(axis, recorded);
    if (!step) return std::nullopt;
    Apply(axis, *step, options);
  }
  if (!Means(recorded, options)) return std::nullopt;
  return options;
}

std::optional<Variant> CounterpartIn(const std::vector<VariantSet>& sets, const Variant& recorded) {
  for (const VariantSet& set : sets) {
    if (set.component != recorded.component) continue;
    if (auto options = CounterpartIn(set, recorded.options)) {
      return Variant{set.component, *std::move(options)};
    }
  }
  return std::nullopt;
}

/// Sets the extra in `model` as the recorded model has it; false where the axis does not.
bool TakeExtra(const ExtraAxis& axis, const ModelSpec& recorded, ModelSpec& model) {
  const auto extra = recorded.extras.find(axis.name);
  for (const auto& value : axis.values) {
    if (!value && extra == recorded.extras.end()) return true;
    if (!value || extra == recorded.extras.end()) continue;
    if (auto options = CounterpartIn(*value, extra->second)) {
      model.extras[axis.name] = *std::move(options);
      return true;
    }
  }
  return false;
}

bool TakeExtras(const Recipe& recipe, const std::vector<const Fixed*>& held,
                const ModelSpec& recorded, ModelSpec& model) {
  std::size_t taken = 0;
  const bool in_grid = std::ranges::all_of(recipe.extras, [&](const ExtraAxis& axis) {
    taken += recorded.extras.count(axis.name);
    return TakeExtra(axis, recorded, model);
  });
  if (in_grid && taken == recorded.extras.size()) return true;
  return std::ranges::any_of(held, [&](const Fixed* fixed) {
    if (!fixed->extras || fixed->extras->size() != recorded.extras.size()) return false;
    model.extras = *fixed->extras;
    return std::ranges::all_of(recorded.extras, [&](const auto& extra) {
      const auto now = model.extras.find(extra.first);
      return now != model.extras.end() && Means(extra.second, now->second);
    });
  });
}

/// Sets the training setting as the recorded model has it, if something of the recipe says so.
bool TakeSetting(const std::string& name, const OptionValue& recorded,
                 const std::vector<const Fixed*>& held, ModelSpec& model) {
  const auto take = [&](const OptionValue& value) {
    if (!Means(recorded, value)) return false;
    model.train[name] = value;
    return true;
  };
  for (const Fixed* fixed : held) {
    const auto value = fixed->train.find(name);
    if (value != fixed->train.end() && take(value->second)) return true;
  }
  return take(model.train.at(name));
}

bool TakeTrain(const Recipe& recipe, const std::vector<const Fixed*>& held,
               const ModelSpec& recorded, ModelSpec& model) {
  model.train = recipe.train;
  for (const OptionAxis& axis : recipe.train_grid) {
    const std::optional<std::size_t> step = RecordedStep(axis, recorded.train);
    if (step) Apply(axis, *step, model.train);
    // Beside its steps a search may hold what [train] or its baseline says.
    if (!step && held.empty()) return false;
  }
  return recorded.train.size() == model.train.size() &&
         std::ranges::all_of(recorded.train, [&](const auto& option) {
           return model.train.contains(option.first) &&
                  TakeSetting(option.first, option.second, held, model);
         });
}

void SetExtra(const ExtraAxis& axis, std::int64_t index, ModelSpec& model) {
  std::optional<Options> options = axis.At(index);
  if (options) {
    model.extras[axis.name] = std::move(*options);
  } else {
    model.extras.erase(axis.name);
  }
}

}  // namespace

void SearchSpace::Axis::Apply(std::int64_t digit, ModelSpec& model) const {
  if (variants != nullptr) model.parts[criterion] = VariantAt(*variants, digit);
  if (extra != nullptr) SetExtra(*extra, digit, model);
  if (train != nullptr) beamgrid::Apply(*train, static_cast<std::size_t>(digit), model.train);
}

std::optional<std::int64_t> SearchSpace::Axis::DigitOf(const ModelSpec& model) const {
  if (train != nullptr) {
    const auto step = StepOf(*train, model.train);
    return step ? std::optional(static_cast<std::int64_t>(*step)) : std::nullopt;
  }
  std::int64_t before = 0;
  if (variants != nullptr) {
    const auto part = model.parts.find(criterion);
    if (part == model.parts.end()) return std::nullopt;
    for (const VariantSet& set : *variants) {
      if (set.component == part->second.component) {
        if (const auto index = IndexIn(set, part->second.options)) return before + *index;
      }
      before += set.size();
    }
    return std::nullopt;
  }
  const auto options = model.extras.find(extra->name);
  for (const std::optional<VariantSet>& value : extra->values) {
    if (!value && options == model.extras.end()) return before;
    if (value && options != model.extras.end()) {
      if (const auto index = IndexIn(*value, options->second)) return before + *index;
    }
    before += value ? value->size() : 1;
  }
  return std::nullopt;
}

bool SearchSpace::Axis::Decides(const Condition& condition) const {
  if (condition.criterion != criterion) return false;
  if (extra != nullptr) return condition.component.empty() || extra->name == condition.component;
  return train == nullptr || std::ranges::count(train->names, condition.option) > 0;
}

SearchSpace::SearchSpace(const Recipe& recipe, const Catalogue& catalogue)
    : recipe_(&recipe),
      catalogue_(&catalogue),
      has_plugins_(
          std::ranges::any_of(catalogue.components,
                              [](const auto& component) { return component.plugin.has_value(); })),
      namer_(recipe, catalogue) {
  AddAxes();
  for (const Axis& axis : axes_) size_ = SaturatingMultiply(size_, axis.size);
  for (const Conditions& exclusion : recipe.exclusions) {
    run_lengths_.push_back(RunLength(exclusion));
  }
}

void SearchSpace::AddAxes() {
  for (const std::string& criterion : AllCriteria()) {
    if (criterion == "extras") {
      for (const ExtraAxis& extra : recipe_->extras) {
        axes_.push_back({.criterion = criterion, .size = extra.size(), .extra = &extra});
      }
    } else if (criterion == "train") {
      for (const OptionAxis& train : recipe_->train_grid) {
        const auto steps = static_cast<std::int64_t>(train.steps.size());
        axes_.push_back({.criterion = criterion, .size = steps, .train = &train});
      }
    } else {
      const std::vector<VariantSet>& sets = recipe_->grid.at(criterion);
      axes_.push_back({.criterion = criterion, .size = CountVariants(sets), .variants = &sets});
    }
  }
}

ModelSpec SearchSpace::Point(std::int64_t index) const {
  ModelSpec model;
  model.train = recipe_->train;
  for (auto axis = axes_.rbegin(); axis != axes_.rend(); ++axis) {
    axis->Apply(index % axis->size, model);
    index /= axis->size;
  }
  return model;
}

/// Returns how many points one match of the exclusion covers. A match depends on the digits of the
/// axes that the conditions speak of, so it holds for all points that share the digits down to the
/// last of these.
std::int64_t SearchSpace::RunLength(const Conditions& exclusion) const {
  std::int64_t length = 1;
  for (auto axis = axes_.rbegin(); axis != axes_.rend(); ++axis) {
    const auto decides = [&axis](const Condition& condition) { return axis->Decides(condition); };
    if (std::ranges::any_of(exclusion, decides)) return length;
    length = SaturatingMultiply(length, axis->size);
  }
  return length;
}

std::optional<ModelSpec> SearchSpace::At(std::int64_t index) const {
  ModelSpec model = Point(index);
  if (Excluded(model)) return std::nullopt;
  return WithPlugins(std::move(model));
}

ModelSpec SearchSpace::WithPlugins(ModelSpec model) const {
  if (has_plugins_) model.plugins = PluginsOf(*catalogue_, model);
  return model;
}

std::optional<std::int64_t> SearchSpace::NextAllowed(std::int64_t index) const {
  if (run_lengths_.empty()) return index < size_ ? std::optional(index) : std::nullopt;
  while (index < size_) {
    const ModelSpec model = Point(index);
    std::int64_t run = 0;
    for (std::size_t i = 0; i < run_lengths_.size(); ++i) {
      if (AllHold(recipe_->exclusions[i], model)) run = std::max(run, run_lengths_[i]);
    }
    if (run == 0) return index;
    // To the start of the next run: point by point, an exclusion of a whole component could step
    // over 10^9 models one by one.
    index = SaturatingMultiply(index / run + 1, run);
  }
  return std::nullopt;
}

std::optional<std::int64_t> SearchSpace::CountAllowed() const {
  constexpr std::int64_t kCountedPoints = 10'000;
  if (run_lengths_.empty()) return size_;
  if (size_ > kCountedPoints) return std::nullopt;
  std::int64_t count = 0;
  for (auto index = NextAllowed(0); index; index = NextAllowed(*index + 1)) ++count;
  return count;
}

ModelSpec SearchSpace::ModelOf(const std::vector<std::int64_t>& digits) const {
  ModelSpec model;
  model.train = recipe_->train;
  for (std::size_t i = 0; i < axes_.size(); ++i) axes_[i].Apply(digits[i], model);
  return WithPlugins(std::move(model));
}

std::optional<std::vector<std::int64_t>> SearchSpace::DigitsOf(const ModelSpec& model) const {
  std::vector<std::int64_t> digits;
  for (const Axis& axis : axes_) {
    const auto digit = axis.DigitOf(model);
    if (!digit) return std::nullopt;
    digits.push_back(*digit);
  }
  return digits;
}

std::int64_t SearchSpace::CandidateCount(const std::string& criterion) const {
  std::int64_t count = 1;
  for (const Axis& axis : axes_) {
    if (axis.criterion == criterion) count = SaturatingMultiply(count, axis.size);
  }
  return count;
}

ModelSpec SearchSpace::Replace(const ModelSpec& base, const std::string& criterion,
                               std::int64_t index) const {
  ModelSpec model = base;
  // The candidate says for every extra whether it is on.
  if (criterion == "extras") model.extras.clear();
  for (auto axis = axes_.rbegin(); axis != axes_.rend(); ++axis) {
    if (axis->criterion != criterion) continue;
    axis->Apply(index % axis->size, model);
    index /= axis->size;
  }
  return WithPlugins(std::move(model));
}

ModelSpec SearchSpace::Baseline() const {
  ModelSpec model;
  model.train = recipe_->train;
  for (const Axis& axis : axes_) {
    const bool keeps = (axis.extra != nullptr && MayBeOff(*axis.extra)) ||
                       (axis.train != nullptr && StepOf(*axis.train, model.train));
    if (!keeps) axis.Apply(0, model);
  }
  return WithPlugins(Held(std::move(model), recipe_->search.baseline));
}

std::vector<const Fixed*> SearchSpace::HeldBeside() const {
  const SearchSettings& search = recipe_->search;
  if (search.strategy == "grid") return {};
  std::vector<const Fixed*> held = {&search.baseline};
  for (const Stage& stage : search.stages) held.push_back(&stage.fix);
  return held;
}

std::optional<ModelSpec> SearchSpace::Counterpart(ModelSpec recorded) const {
  FillInAsBefore(recorded, catalogue_);
  const std::vector<const Fixed*> held = HeldBeside();
  ModelSpec model;
  for (const auto& [criterion, sets] : recipe_->grid) {
    const auto part = recorded.parts.find(criterion);
    if (part == recorded.parts.end()) return std::nullopt;
    std::optional<Variant> variant = CounterpartIn(sets, part->second);
    for (const Fixed* fixed : held) {
      const auto now = fixed->parts.find(criterion);
      if (variant || now == fixed->parts.end()) continue;
      if (now->second.component == part->second.component &&
          Means(part->second.options, now->second.options)) {
        variant = now->second;
      }
    }
    if (!variant) return std::nullopt;
    model.parts[criterion] = *std::move(variant);
  }
  if (!TakeExtras(*recipe_, held, recorded, model)) return std::nullopt;
  if (!TakeTrain(*recipe_, held, recorded, model) || Excluded(model)) return std::nullopt;
  return WithPlugins(std::move(model));
}

bool SearchSpace::Excluded(const ModelSpec& model) const {
  return std::ranges::any_of(recipe_->exclusions, [&model](const Conditions& exclusion) {
    return AllHold(exclusion, model);
  });
}

ModelSpec Held(ModelSpec model, const Fixed& fixed) {
  for (const auto& [criterion, variant] : fixed.parts) model.parts[criterion] = variant;
  if (fixed.extras) model.extras = *fixed.extras;
  for (const auto& [name, value] : fixed.train) model.train[name] = value;
  return model;
}

}  // namespace beamgrid
