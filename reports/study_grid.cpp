#include "reports/study_grid.h"

#include <algorithm>
#include <map>

#include "registry/added_options.h"
#include "registry/criteria.h"
#include "registry/named_file.h"
#include "registry/util/text.h"
#include "reports/table_label.h"

namespace beamgrid {
namespace {

/// Where a criterion has more, only those that were tried.
constexpr std::int64_t kMostCandidates = 100;  ///< of one factor that a table has room for

/// A recipe that is read from the record names files, and models say what they hold.
OptionValue WithNamesForFiles(const OptionValue& value) {
  const std::optional<NamedFile> file = NamedFileFrom(value);
  return file ? OptionValue(file->name) : value;
}

boost::json::object KeyOf(const Options& options) {
  boost::json::object key;
  for (const auto& [name, value] : options) key[name] = WithNamesForFiles(value);
  return key;
}

std::string SettingText(const OptionValue& value) {
  const OptionValue plain = WithNamesForFiles(value);
  return plain.is_string() ? std::string(plain.get_string()) : CanonicalJson(plain);
}

constexpr char kTeacher[] = "teacher";
constexpr char kTeacherWeight[] = "teacher_weight";

bool IsOfTeacher(const std::string& setting) {
  return setting == kTeacher || setting == kTeacherWeight;
}

/// Returns whether some of the models have a teacher and others have none, or the recipe asks for
/// both.
bool TeachesSomeAlone(const std::vector<ModelSpec>& models, const Recipe* recipe) {
  std::set<bool> taught;
  for (const ModelSpec& model : models) taught.insert(SaysSomething(model, kTeacherWeight));
  if (recipe == nullptr) return taught.size() > 1;
  for (const OptionAxis& axis : recipe->train_grid) {
    const auto name = std::ranges::find(axis.names, kTeacher);
    if (name == axis.names.end()) continue;
    const auto place = static_cast<std::size_t>(name - axis.names.begin());
    for (const std::vector<OptionValue>& step : axis.steps) taught.insert(step[place] != "");
  }
  return taught.size() > 1;
}

LevelSetting SettingOf(const StudyFactor& factor, const ModelSpec& model) {
  LevelSetting setting;
  for (const std::string& name : factor.train) {
    if (factor.train.size() > 1 && name == kTeacherWeight && !SaysSomething(model, name)) continue;
    const auto value = model.train.find(name);
    if (value != model.train.end()) setting.train.emplace(*value);
  }
  if (!factor.extra.empty()) {
    const auto options = model.extras.find(factor.extra);
    if (options != model.extras.end()) setting.part = Variant{factor.extra, options->second};
  } else if (factor.train.empty()) {
    const auto part = model.parts.find(factor.criterion);
    if (part != model.parts.end()) setting.part = part->second;
  }
  return setting;
}

std::string KeyOf(const LevelSetting& setting) {
  boost::json::object key = {{"train", KeyOf(setting.train)}};
  if (setting.part) key["part"] = {setting.part->component, KeyOf(setting.part->options)};
  return CanonicalJson(key);
}

void Apply(const StudyFactor& factor, const LevelSetting& setting, ModelSpec& model) {
  for (const auto& [name, value] : setting.train) model.train[name] = value;
  if (!factor.extra.empty()) {
    model.extras.erase(factor.extra);
    if (setting.part) model.extras[factor.extra] = setting.part->options;
  } else if (setting.part) {
    model.parts[factor.criterion] = *setting.part;
  }
}

StudyFactor SingleFactor(const std::string& criterion) {
  return {.name = criterion, .criterion = criterion};
}
StudyFactor ExtraFactor(const std::string& extra) {
  return {.name = "extras." + extra, .criterion = "extras", .extra = extra};
}
StudyFactor TrainFactor(const std::vector<std::string>& names) {
  return {.name = "train." + Join(names, "+"), .criterion = "train", .train = names};
}

}  // namespace

std::optional<std::int32_t> StudyFactor::LevelOf(const ModelSpec& model) const {
  const auto found = std::ranges::find(keys, KeyOf(SettingOf(*this, model)));
  if (found == keys.end()) return std::nullopt;
  return static_cast<std::int32_t>(found - keys.begin());
}

StudyGrid::StudyGrid(const std::vector<ModelSpec>& models, const Catalogue& catalogue,
                     const Recipe* recipe)
    : joins_teacher_weight_(TeachesSomeAlone(models, recipe)) {
  if (recipe != nullptr) {
    space_.emplace(*recipe, catalogue);
    AddFactorsOf(*recipe);
  }
  AddFactorsOf(models);
  RemoveSingleLevels();
  for (std::size_t f = 0; f < factors_.size(); ++f) factors_[f].levels = Labels(f, catalogue);
}

void StudyGrid::Add(std::size_t factor, LevelSetting setting) {
  std::vector<std::string>& keys = factors_[factor].keys;
  std::string key = KeyOf(setting);
  if (std::ranges::find(keys, key) != keys.end()) return;
  keys.push_back(std::move(key));
  settings_[factor].push_back(std::move(setting));
}

void StudyGrid::AddFactorsOf(const Recipe& recipe) {
  const auto add = [&](StudyFactor factor, std::int64_t count, const auto& setting_at) {
    if (count > kMostCandidates) {
      cut_.push_back(factor.name);
      count = 0;
    }
    factors_.push_back(std::move(factor));
    settings_.emplace_back();
    for (std::int64_t i = 0; i < count; ++i) Add(factors_.size() - 1, setting_at(i));
  };
  for (const std::string& criterion : AllCriteria()) {
    if (!IsSingle(criterion)) continue;
    const std::vector<VariantSet>& sets = recipe.grid.at(criterion);
    add(SingleFactor(criterion), CountVariants(sets),
        [&](std::int64_t i) { return LevelSetting{.part = VariantAt(sets, i)}; });
  }
  for (const ExtraAxis& extra : recipe.extras) {
    add(ExtraFactor(extra.name), extra.size(), [&](std::int64_t i) {
      std::optional<Options> options = extra.At(i);
      return options ? LevelSetting{.part = Variant{extra.name, *std::move(options)}}
                     : LevelSetting{};
    });
  }
  if (joins_teacher_weight_) AddTeachersOf(recipe);
  for (const OptionAxis& train : recipe.train_grid) {
    if (joins_teacher_weight_ && std::ranges::any_of(train.names, IsOfTeacher)) continue;
    add(TrainFactor(train.names), std::ssize(train.steps), [&](std::int64_t i) {
      LevelSetting setting;
      for (std::size_t n = 0; n < train.names.size(); ++n) {
        setting.train[train.names[n]] = train.steps[static_cast<std::size_t>(i)][n];
      }
      return setting;
    });
  }
}

/// Adds one factor of a teacher's file and its weight, and of what a recipe varies together with
/// them: their combinations as models have them.
void StudyGrid::AddTeachersOf(const Recipe& recipe) {
  std::vector<std::string> names = {kTeacher, kTeacherWeight};
  std::vector<ModelSpec> models(1);
  models[0].train = recipe.train;
  bool varies = false;
  for (const OptionAxis& axis : recipe.train_grid) {
    if (std::ranges::none_of(axis.names, IsOfTeacher)) continue;
    varies = true;
    for (const std::string& name : axis.names) {
      if (!IsOfTeacher(name)) names.push_back(name);
    }
    std::vector<ModelSpec> more;
    for (const ModelSpec& model : models) {
      for (const std::vector<OptionValue>& step : axis.steps) {
        ModelSpec& other = more.emplace_back(model);
        for (std::size_t i = 0; i < step.size(); ++i) other.train[axis.names[i]] = step[i];
      }
    }
    models = std::move(more);
  }
  factors_.push_back(TrainFactor(names));
  settings_.emplace_back();
  if (!varies) return;
  if (std::ssize(models) > kMostCandidates) return cut_.push_back(factors_.back().name);
  for (const ModelSpec& model : models) {
    Add(factors_.size() - 1, SettingOf(factors_.back(), model));
  }
}

void StudyGrid::AddFactorsOf(const std::vector<ModelSpec>& models) {
  std::set<std::string> known;
  for (const StudyFactor& factor : factors_) {
    known.insert(factor.name);
    for (const std::string& name : factor.train) known.insert("train." + name);
  }
  const auto add = [&](StudyFactor factor) {
    if (!known.insert(factor.name).second) return;
    factors_.push_back(std::move(factor));
    settings_.emplace_back();
  };
  for (const std::string& criterion : AllCriteria()) {
    if (IsSingle(criterion)) add(SingleFactor(criterion));
  }
  for (const ModelSpec& model : models) {
    for (const auto& [extra, options] : model.extras) add(ExtraFactor(extra));
    for (const auto& [name, value] : model.train) {
      const bool joined = joins_teacher_weight_ && IsOfTeacher(name);
      if (!joined) add(TrainFactor({name}));
      if (joined && !known.contains("train." + name)) {
        for (const char* other : {kTeacher, kTeacherWeight})
          known.insert("train." + std::string(other));
        add(TrainFactor({kTeacher, kTeacherWeight}));
      }
    }
  }
  for (const ModelSpec& model : models) {
    for (std::size_t f = 0; f < factors_.size(); ++f) Add(f, SettingOf(factors_[f], model));
  }
}

std::vector<std::string> StudyGrid::KeepLevelsOf(const std::vector<ModelSpec>& models) {
  std::vector<std::string> gone;
  for (std::size_t f = 0; f < factors_.size(); ++f) {
    StudyFactor& factor = factors_[f];
    std::set<std::int32_t> kept;
    for (const ModelSpec& model : models) {
      if (const std::optional<std::int32_t> level = factor.LevelOf(model)) kept.insert(*level);
    }
    for (std::ptrdiff_t level = std::ssize(factor.keys); level-- > 0;) {
      if (kept.contains(static_cast<std::int32_t>(level))) continue;
      gone.push_back(factor.name + " " + factor.levels[static_cast<std::size_t>(level)]);
      factor.keys.erase(factor.keys.begin() + level);
      factor.levels.erase(factor.levels.begin() + level);
      settings_[f].erase(settings_[f].begin() + level);
    }
    if (settings_[f].size() == 1) held_.push_back({factor, settings_[f].front()});
  }
  RemoveSingleLevels();
  std::ranges::sort(gone);
  return gone;
}

void StudyGrid::RemoveSingleLevels() {
  for (std::size_t f = factors_.size(); f-- > 0;) {
    if (settings_[f].size() >= 2) continue;
    factors_.erase(factors_.begin() + static_cast<std::ptrdiff_t>(f));
    settings_.erase(settings_.begin() + static_cast<std::ptrdiff_t>(f));
  }
}

std::vector<std::string> StudyGrid::Labels(std::size_t factor, const Catalogue& catalogue) const {
  const StudyFactor& of = factors_[factor];
  std::vector<ModelSpec> models(settings_[factor].size());
  std::vector<const ModelSpec*> pointers;
  for (std::size_t i = 0; i < models.size(); ++i) {
    Apply(of, settings_[factor][i], models[i]);
    pointers.push_back(&models[i]);
  }
  const Labeller labeller(of.criterion, catalogue, pointers);
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const LevelSetting& setting = settings_[factor][i];
    std::string label = labeller.Label(models[i]);
    const auto teacher = setting.train.find(kTeacher);
    if (of.train.size() > 1 && teacher != setting.train.end() && teacher->second == "") {
      label = "no teacher";
      for (const auto& [name, value] : setting.train) {
        if (name != kTeacher) label += " " + name + "=" + SettingText(value);
      }
    } else if (!of.train.empty()) {
      label = Join(setting.train, " ", [&](const auto& value) {
        return (of.train.size() > 1 ? value.first + "=" : "") + SettingText(value.second);
      });
    } else if (!of.extra.empty()) {
      // The factor's name says which extra it is.
      if (!setting.part) {
        label = "off";
      } else {
        label = label == of.extra ? "on" : label.substr(of.extra.size() + 1);
      }
    }
    labels.push_back(std::move(label));
  }
  return labels;
}

std::optional<GridPoint> StudyGrid::PointOf(const ModelSpec& model) const {
  GridPoint point;
  for (const StudyFactor& factor : factors_) {
    const std::optional<std::int32_t> level = factor.LevelOf(model);
    if (!level) return std::nullopt;
    point.push_back(*level);
  }
  const auto has = [&model](const Held& held) { return held.factor.LevelOf(model).has_value(); };
  if (!std::ranges::all_of(held_, has)) return std::nullopt;
  return point;
}

ModelSpec StudyGrid::ModelAt(const GridPoint& point) const {
  ModelSpec model;
  if (space_) model = space_->Baseline();
  for (const Held& held : held_) Apply(held.factor, held.setting, model);
  for (std::size_t f = 0; f < factors_.size(); ++f) {
    Apply(factors_[f], settings_[f][static_cast<std::size_t>(point[f])], model);
  }
  return model;
}

bool StudyGrid::IsAllowed(const GridPoint& point) const {
  return !space_ || !space_->Excluded(ModelAt(point));
}

std::optional<GridPoint> StudyGrid::Baseline() const {
  if (!space_) return std::nullopt;
  return PointOf(space_->Baseline());
}

std::string StudyGrid::NameOf(const GridPoint& point) const {
  if (space_) return space_->Name(ModelAt(point));
  std::string name;
  for (std::size_t f = 0; f < factors_.size(); ++f) {
    name += (name.empty() ? "" : ", ") + factors_[f].name + " " +
            factors_[f].levels[static_cast<std::size_t>(point[f])];
  }
  return name;
}

}  // namespace beamgrid
