// Rows that are made from one model, the baseline: with one of its parts taken back to the default
// (leave-one-out), or with another in one criterion (swap-one).

#include <algorithm>
#include <set>

#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/statistics.h"
#include "reports/table_label.h"
#include "reports/table_parts.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

constexpr char kExtrasWord[] = "extras", kTrainWord[] = "train";

bool IsWholeVariation(const Variation& variant) {
  return !variant.values.empty() && variant.values.size() == variant.trials.size();
}

/// Returns the model that the question's baseline names; the best one where it names none.
const Variation& BaselineOf(const std::vector<Variation>& models, const TableQuestion& question) {
  const std::string& baseline = question.baseline;
  const std::string start = "baseline = '" + baseline + "'";
  const bool is_name = std::ranges::any_of(
      models, [&](const Variation& model) { return model.trials[0]->name == baseline; });
  const bool is_condition = !is_name && baseline.find('=') != std::string::npos;
  const Conditions conditions = is_condition ? ParseConditions(baseline) : Conditions();
  const Variation* found = nullptr;
  std::vector<std::string> unfinished, all;
  for (const Variation& model : models) {
    const bool is_it = is_condition ? AllHold(conditions, model.model)
                                    : baseline.empty() || model.trials[0]->name == baseline;
    if (!is_it) continue;
    if (!IsWholeVariation(model)) {
      unfinished.push_back(model.trials[0]->name);
      continue;
    }
    all.push_back(model.trials[0]->name);
    if (found == nullptr || (baseline.empty() && Mean(model.values) > Mean(found->values))) {
      found = &model;
    }
  }
  if (!baseline.empty() && all.size() > 1) {
    throw UsageError(start + " is more than one model: " + JoinFirst(all, 6) +
                     "; name one of them");
  }
  if (found != nullptr) return *found;
  if (baseline.empty()) throw UsageError("no baseline: no model has all its seeds");
  if (!unfinished.empty()) {
    throw UsageError(start + ": " + JoinFirst(unfinished, 3) +
                     (unfinished.size() == 1 ? " has not all its seeds" : " have not all seeds") +
                     "; finish them or take another model");
  }
  throw UsageError(start + " is none of the study's models; `beamgrid trials " + question.study +
                   "` lists them");
}

std::string OptionWord(const OptionValue& value) {
  return value.is_string() ? std::string(value.get_string()) : CanonicalJson(value);
}

/// OneOff is a row beside the baseline: what of it is another, and what stands in its place.
struct OneOff {
  std::string part, instead;
  ModelSpec model;
};

/// Returns what the models have of a part, each once.
std::set<std::string> ValuesOf(const std::vector<Variation>& models, const Varied& part) {
  std::set<std::string> values;
  for (const Variation& model : models) values.insert(part.KeyOf(model.model));
  return values;
}

/// LeaveOneOut lists the baseline's parts that the study varies and that are not the default, each
/// taken back.
class LeaveOneOut {
 public:
  LeaveOneOut(const std::vector<Variation>& models, const ModelSpec& baseline,
              const Catalogue& catalogue)
      : models_(models), baseline_(baseline), catalogue_(catalogue) {
    for (const std::string& criterion : AllCriteria()) {
      if (criterion == kExtrasWord) AddExtras();
      if (criterion == kTrainWord) AddSettings();
      if (IsSingle(criterion)) AddComponent(criterion);
    }
  }

  [[nodiscard]] std::vector<OneOff>& rows() { return rows_; }

 private:
  [[nodiscard]] bool Varies(const Varied& part) const { return ValuesOf(models_, part).size() > 1; }

  void AddExtras() {
    for (const auto& [extra, options] : baseline_.extras) {
      if (!Varies({.criterion = kExtrasWord, .extra = {}, .names = {extra}})) continue;
      OneOff& row = rows_.emplace_back("extras." + extra, "off", baseline_);
      row.model.extras.erase(extra);
    }
  }
  void AddSettings() {
    const ComponentInfo* train = catalogue_.Find(kTrainWord, kTrainWord);
    for (const auto& [setting, value] : baseline_.train) {
      const OptionInfo* info = train == nullptr ? nullptr : train->FindOption(setting);
      if (info == nullptr || info->default_value == value) continue;
      if (!Varies({.criterion = kTrainWord, .extra = {}, .names = {setting}})) continue;
      OneOff& row =
          rows_.emplace_back("train." + setting, OptionWord(info->default_value), baseline_);
      row.model.train[setting] = info->default_value;
    }
  }
  void AddComponent(const std::string& criterion) {
    const std::string component = DefaultComponent(criterion);
    const auto part = baseline_.parts.find(criterion);
    if (component.empty() || part == baseline_.parts.end()) return;
    if (!Varies({.criterion = criterion, .extra = {}, .names = {}})) return;
    Variant standard{component, {}};
    if (const ComponentInfo* info = catalogue_.Find(criterion, component)) {
      standard.options = DefaultOptions(*info);
    }
    if (part->second == standard) return;
    OneOff& row = rows_.emplace_back(criterion, component, baseline_);
    row.model.parts[criterion] = standard;
  }

  const std::vector<Variation>& models_;
  const ModelSpec& baseline_;
  const Catalogue& catalogue_;
  std::vector<OneOff> rows_;
};

const Variation* FindModel(const std::vector<Variation>& models, const ModelSpec& model) {
  const std::string text = RestText(model, {});
  const auto found = std::ranges::find_if(
      models, [&](const Variation& variant) { return RestText(variant.model, {}) == text; });
  return found == models.end() ? nullptr : &*found;
}

void AddLeftOut(const std::vector<Variation>& models, const ModelSpec& baseline,
                const Catalogue& catalogue, const std::vector<std::string>& wanted,
                ChosenRows& chosen) {
  LeaveOneOut left_out(models, baseline, catalogue);
  for (OneOff& row : left_out.rows()) {
    const std::string criterion = row.part.substr(0, row.part.find('.'));
    if (!wanted.empty() && wanted[0] != criterion && wanted[0] != row.part) continue;
    const Variation* model = FindModel(models, row.model);
    if (model != nullptr) {
      chosen.variants.push_back(*model);
    } else {
      chosen.variants.push_back({.model = std::move(row.model)});
      chosen.variants.back().why_none = "the study has no model with it and all else the same";
    }
    chosen.labels.push_back(row.part + " " + row.instead);
    chosen.stubs.push_back({row.part, row.instead});
  }
}

void AddSwapped(const std::vector<Variation>& models, const Variation& baseline,
                const Catalogue& catalogue, const Axes& wanted, ChosenRows& chosen) {
  for (const std::string& criterion : AllCriteria()) {
    Axes axis = {{.criterion = criterion, .extra = {}, .names = {}}};
    if (!wanted.empty() && wanted[0].criterion != criterion) continue;
    if (!wanted.empty()) axis = wanted;
    const std::string rest = RestText(baseline.model, axis);
    std::vector<Variation> rows = {baseline};
    for (const Variation& model : models) {
      if (&model != &baseline && RestText(model.model, axis) == rest) rows.push_back(model);
    }
    const std::vector<std::string> labels = LabelsOn(axis[0], rows, catalogue);
    for (std::size_t i = 1; i < rows.size(); ++i) {
      chosen.variants.push_back(std::move(rows[i]));
      chosen.labels.push_back(criterion + " " + labels[i]);
      chosen.stubs.push_back({criterion, labels[i]});
    }
  }
}

}  // namespace

ChosenRows ChooseFromBaseline(const std::vector<Variation>& models, const TableQuestion& question,
                              const Catalogue& catalogue) {
  const Variation& baseline = BaselineOf(models, question);
  const std::string& name = baseline.trials[0]->name;
  ChosenRows chosen{.variants = {baseline},
                    .labels = {name},
                    .stubs = {{"baseline", name}},
                    .from_baseline = true};
  const bool leaves_out = question.rows == TableRows::kLeaveOneOut;
  if (leaves_out) {
    const std::vector<std::string> wanted =
        question.vary.empty() ? std::vector<std::string>() : std::vector{question.vary};
    AddLeftOut(models, baseline.model, catalogue, wanted, chosen);
  } else {
    AddSwapped(models, baseline, catalogue, AxesOf(question), chosen);
  }
  if (chosen.variants.size() == 1) {
    throw UsageError(
        leaves_out ? "nothing to leave out: " + name +
                         " has no part that the study varies and that is " + "not at its default" +
                         (question.vary.empty() ? "" : " (vary = '" + question.vary + "')")
                   : "nothing to swap: no model of the study differs from " + name +
                         (question.vary.empty() ? " in one criterion alone"
                                                : " in " + question.vary + " alone"));
  }
  chosen.caption.push_back(
      leaves_out ? "each row is " + name + " with one of its parts taken back to the default"
                 : "each row differs from " + name + " in one criterion alone");
  chosen.notes.push_back("the baseline, " + name +
                         ", is: " + PartsText(baseline.model, {}, catalogue));
  return chosen;
}

}  // namespace beamgrid
