#include "search/search_space.h"

#include <algorithm>

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
