#include "search/surrogate/space_parts.h"

#include <algorithm>
#include <memory>

#include "registry/util/json.h"

namespace beamgrid {
namespace {

/// What two variants of one component have in common before their options are looked at, where the
/// criterion has other components too.
constexpr double kComponentShare = 0.5;

/// Column is one option that variants of a component differ in, with its values in the order of
/// their first appearance.
struct Column {
  std::string name;
  std::vector<OptionValue> values;
  std::optional<RankScale> scale;  ///< of the values, where all are numbers

  std::size_t CodeOf(const OptionValue& value) {
    const auto same = [&value](const OptionValue& other) { return SameValue(value, other); };
    const auto place = std::ranges::find_if(values, same);
    if (place != values.end()) return static_cast<std::size_t>(place - values.begin());
    values.push_back(value);
    return values.size() - 1;
  }

  void Rank() {
    const auto is_number = [](const OptionValue& value) { return value.is_number(); };
    if (!std::ranges::all_of(values, is_number)) return;
    std::vector<double> numbers;
    for (const OptionValue& value : values) numbers.push_back(value.to_number<double>());
    scale = RanksOf(numbers);
  }

  [[nodiscard]] Likeness Compare(std::size_t left, std::size_t right) const {
    const double same = left == right ? 1 : 0;
    return {same, scale ? scale->Nearness(left, right) : same};
  }
};

/// Variants is the levels of an axis: sets of variants one after the other, each of which has a
/// component and codes for the columns of that component. Nothing is expanded.
class Variants {
 public:
  explicit Variants(const std::vector<VariantSet>& sets) {
    for (const VariantSet& set : sets) {
      components_.try_emplace(set.component);
      for (const OptionAxis& axis : set.axes) {
        for (const std::string& name : axis.names) AddColumn(set.component, name);
      }
      // Options that are fixed differ between sets.
      for (const auto& [name, value] : set.fixed) AddColumn(set.component, name);
    }
    std::int64_t first = 0;
    for (const VariantSet& set : sets) {
      Add(set, first);
      first += set.size();
    }
    for (auto& [name, columns] : components_) {
      for (Column& column : columns) column.Rank();
    }
    share_ = components_.size() > 1 ? kComponentShare : 0;
  }

  [[nodiscard]] Likeness Compare(std::int64_t left, std::int64_t right) const {
    if (left == right) return {1, 1};
    const Set& a = SetOf(left);
    const Set& b = SetOf(right);
    if (a.component != b.component) return {0, 0};
    Likeness sum;
    double count = 0;
    const std::vector<Column>& columns = components_.at(a.component);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].values.size() < 2) continue;
      const Likeness like = columns[i].Compare(a.Code(i, left), b.Code(i, right));
      sum.by_name += like.by_name;
      sum.by_place += like.by_place;
      ++count;
    }
    if (count == 0) return {share_, share_};  // cannot be: some option differs
    return {share_ + (1 - share_) * sum.by_name / count,
            share_ + (1 - share_) * sum.by_place / count};
  }

 private:
  /// Set is one VariantSet: where its levels begin, and how a level's digits become codes.
  struct Set {
    std::string component;
    std::int64_t first = 0;
    struct Coding {
      std::int64_t divisor = 1;        ///< of the axis' digit
      std::vector<std::size_t> codes;  ///< per step; one where the option is fixed
    };
    std::vector<Coding> columns;

    [[nodiscard]] std::size_t Code(std::size_t column, std::int64_t level) const {
      const Coding& code = columns[column];
      const auto steps = static_cast<std::int64_t>(code.codes.size());
      return code.codes[static_cast<std::size_t>((level - first) / code.divisor % steps)];
    }
  };

  void AddColumn(const std::string& component, const std::string& name) {
    std::vector<Column>& columns = components_[component];
    const auto same = [&name](const Column& column) { return column.name == name; };
    if (std::ranges::none_of(columns, same)) columns.push_back({.name = name});
  }

  void Add(const VariantSet& set, std::int64_t first) {
    Set made{.component = set.component, .first = first};
    for (Column& column : components_[set.component]) {
      Set::Coding code;
      if (const auto fixed = set.fixed.find(column.name); fixed != set.fixed.end()) {
        code.codes.push_back(column.CodeOf(fixed->second));
      }
      std::int64_t divisor = 1;
      for (auto axis = set.axes.rbegin(); axis != set.axes.rend(); ++axis) {
        const auto name = std::ranges::find(axis->names, column.name);
        if (name != axis->names.end()) {
          code.divisor = divisor;
          for (const auto& step : axis->steps) {
            code.codes.push_back(
                column.CodeOf(step[static_cast<std::size_t>(name - axis->names.begin())]));
          }
        }
        divisor = SaturatingMultiply(divisor, static_cast<std::int64_t>(axis->steps.size()));
      }
      if (code.codes.empty()) code.codes.push_back(column.CodeOf(nullptr));
      made.columns.push_back(std::move(code));
    }
    sets_.push_back(std::move(made));
  }

  [[nodiscard]] const Set& SetOf(std::int64_t level) const {
    const auto after = std::ranges::upper_bound(sets_, level, {}, &Set::first);
    return *std::prev(after);
  }

  std::map<std::string, std::vector<Column>> components_;
  std::vector<Set> sets_;
  double share_ = 0;
};

std::vector<VariantSet> SetsOf(const SearchSpace::Axis& axis) {
  if (axis.variants != nullptr) return *axis.variants;
  if (axis.train != nullptr) return {{.component = "train", .axes = {*axis.train}}};
  std::vector<VariantSet> sets;
  for (const std::optional<VariantSet>& value : axis.extra->values) {
    sets.push_back(value ? *value : VariantSet{});
    sets.back().component = value ? "on" : "off";
  }
  return sets;
}

std::string PartName(const SearchSpace::Axis& axis) {
  if (axis.extra != nullptr) return axis.criterion + "." + axis.extra->name;
  if (axis.train == nullptr) return axis.criterion;
  std::string name = axis.criterion;
  for (const std::string& option : axis.train->names) {
    name += (name == axis.criterion ? "." : "+") + option;
  }
  return name;
}

}  // namespace

SpaceParts::SpaceParts(const SearchSpace& space) : space_(&space) {
  for (std::size_t i = 0; i < space.axes().size(); ++i) {
    const SearchSpace::Axis& axis = space.axes()[i];
    if (axis.size < 2) continue;
    axes_.push_back(i);
    const auto variants = std::make_shared<const Variants>(SetsOf(axis));
    parts_.push_back({PartName(axis), axis.size, [variants](std::int64_t left, std::int64_t right) {
                        return variants->Compare(left, right);
                      }});
  }
}

std::optional<Levels> SpaceParts::LevelsOf(const ModelSpec& model) const {
  const auto digits = space_->DigitsOf(model);
  if (!digits) return std::nullopt;
  Levels levels;
  for (const std::size_t axis : axes_) levels.push_back((*digits)[axis]);
  return levels;
}

ModelSpec SpaceParts::ModelOf(const Levels& levels) const {
  std::vector<std::int64_t> digits(space_->axes().size(), 0);
  for (std::size_t i = 0; i < axes_.size(); ++i) digits[axes_[i]] = levels[i];
  return space_->ModelOf(digits);
}

std::string SpaceParts::LevelName(std::size_t part, std::int64_t level) const {
  const SearchSpace::Axis& axis = space_->axes()[axes_[part]];
  ModelSpec model;
  axis.Apply(level, model);
  if (axis.variants != nullptr) return space_->namer().CriterionName(axis.criterion, model);
  if (axis.extra != nullptr) {
    return model.extras.empty() ? "no " + axis.extra->name
                                : space_->namer().CriterionName(axis.criterion, model);
  }
  // The part has the name of the setting.
  if (model.train.size() == 1) return CanonicalJson(model.train.begin()->second);
  std::string name;
  for (const auto& [option, value] : model.train) {
    name += (name.empty() ? "" : ",") + option + "=" + CanonicalJson(value);
  }
  return name;
}

}  // namespace beamgrid
