#include "search/varied.h"

#include <algorithm>
#include <set>

#include "registry/added_options.h"
#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr char kExtras[] = "extras";
constexpr char kTrain[] = "train";

/// Returns the options that are varied of a model; null where it has no such component or extra.
Options* OptionsIn(ModelSpec& model, const Varied& varied) {
  if (varied.criterion == kTrain) return &model.train;
  if (varied.criterion == kExtras) {
    const auto extra = model.extras.find(varied.extra);
    return extra == model.extras.end() ? nullptr : &extra->second;
  }
  const auto part = model.parts.find(varied.criterion);
  return part == model.parts.end() ? nullptr : &part->second.options;
}

std::vector<std::string> SplitNames(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('+', begin), text.size());
    names.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

boost::json::object ObjectOf(const Options& options) {
  return boost::json::object(options.begin(), options.end());
}

}  // namespace

bool Varied::of_options() const {
  return !names.empty() && criterion != kTrain && (criterion != kExtras || !extra.empty());
}

ModelSpec Varied::Without(ModelSpec model) const {
  const bool of_extras = criterion == kExtras && extra.empty();
  if (names.empty()) {
    if (of_extras) model.extras.clear();
    if (criterion == kTrain) model.train.clear();
    model.parts.erase(criterion);
    return model;
  }
  Options* options = OptionsIn(model, *this);
  for (const std::string& name : names) {
    if (of_extras) model.extras.erase(name);
    if (options != nullptr) options->erase(name);
  }
  return model;
}

ModelSpec Varied::Alone(ModelSpec model) const {
  if (names.empty()) return model;
  const auto is_other = [this](const auto& entry) {
    return std::ranges::find(names, entry.first) == names.end();
  };
  if (criterion == kExtras && extra.empty()) {
    std::erase_if(model.extras, is_other);
  } else if (Options* options = OptionsIn(model, *this)) {
    std::erase_if(*options, is_other);
  }
  return model;
}

bool Varied::IsIn(const ModelSpec& model) const {
  if (names.empty()) return true;
  ModelSpec copy = model;
  const Options* options = OptionsIn(copy, *this);
  return std::ranges::any_of(names, [&](const std::string& name) {
    if (criterion == kExtras && extra.empty()) return model.extras.contains(name);
    return options != nullptr && options->contains(name) &&
           (criterion != kTrain || SaysSomething(model, name));
  });
}

boost::json::object Varied::Of(const ModelSpec& model) const {
  ModelSpec alone = Alone(model);
  if (of_options()) {
    const Options* options = OptionsIn(alone, *this);
    return options == nullptr ? boost::json::object() : ObjectOf(*options);
  }
  boost::json::object parts;
  for (const auto& [component, options] : PartsOf(alone, criterion)) {
    parts[component] = ObjectOf(options);
  }
  return parts;
}

std::string Varied::KeyOf(const ModelSpec& model) const {
  return CanonicalJson(WithHashesForFiles(Of(model)));
}

bool Varied::Overlaps(const Varied& other) const {
  if (criterion != other.criterion) return false;
  if (names.empty() || other.names.empty()) return true;
  const auto shared = [](const std::vector<std::string>& these, const std::string& name) {
    return std::ranges::find(these, name) != these.end();
  };
  if (extra.empty() && !other.extra.empty()) return shared(names, other.extra);
  if (!extra.empty() && other.extra.empty()) return shared(other.names, extra);
  return extra == other.extra &&
         std::ranges::any_of(names, [&](const auto& name) { return shared(other.names, name); });
}

Varied SplitVaried(std::string_view vary) {
  const std::size_t dot = vary.find('.');
  Varied varied{.criterion = std::string(vary.substr(0, dot)), .extra = {}, .names = {}};
  if (dot == std::string_view::npos) return varied;
  std::string_view rest = vary.substr(dot + 1);
  const std::size_t second = rest.find('.');
  if (varied.criterion == kExtras && second != std::string_view::npos) {
    varied.extra = rest.substr(0, second);
    rest = rest.substr(second + 1);
  }
  varied.names = SplitNames(rest);
  return varied;
}

std::string WhatTablesVary() {
  return "a table varies a criterion (" + Join(CriteriaOfTables()) +
         "), options of its component as in temporal.hidden, extras or training settings as in "
         "extras.dropout, or options of an extra as in extras.dropout.rate";
}

Varied ParseVaried(const std::string& vary, const std::string& key) {
  Varied varied = SplitVaried(vary);
  if (FindCriterion(varied.criterion) != nullptr) return varied;
  const bool alone = varied.criterion == vary;
  throw UsageError(key + " = '" + vary + "'" + (alone ? "" : ": '" + varied.criterion + "'") +
                   " is not a criterion" + Suggestion(varied.criterion, CriteriaOfTables()) + "; " +
                   WhatTablesVary());
}

std::vector<std::pair<std::string, Options>> PartsOf(const ModelSpec& model,
                                                     const std::string& criterion) {
  if (criterion == kExtras) return {model.extras.begin(), model.extras.end()};
  if (criterion == kTrain) return {{kTrain, model.train}};
  const auto part = model.parts.find(criterion);
  if (part == model.parts.end()) return {};
  return {{part->second.component, part->second.options}};
}

std::string RestText(ModelSpec model, const std::vector<Varied>& varied) {
  std::set<std::string> whole;
  for (const Varied& one : varied) {
    if (one.names.empty()) {
      whole.insert(one.criterion);
    } else {
      model = one.Without(std::move(model));
    }
  }
  boost::json::object rest;
  for (const std::string& criterion : AllCriteria()) {
    if (whole.contains(criterion)) continue;
    boost::json::object parts;
    for (const auto& [component, options] : PartsOf(model, criterion)) {
      parts[component] = ObjectOf(options);
    }
    if (!parts.empty()) rest[criterion] = std::move(parts);
  }
  return CanonicalJson(WithHashesForFiles(rest));
}

}  // namespace beamgrid
