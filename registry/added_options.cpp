#include "registry/added_options.h"

#include <string_view>

namespace beamgrid {
namespace {

namespace json = boost::json;

constexpr char kExtrasCriterion[] = "extras";
constexpr char kTrainCriterion[] = "train";
constexpr char kClippedL2[] = "l2_clipped";
constexpr char kTeacher[] = "teacher";
constexpr char kTeacherWeight[] = "teacher_weight";

/// The options of the model's component that the row is about; null if it has no such component.
json::object* OptionsOf(const AddedOption& added, json::object& model) {
  const std::string_view criterion = added.criterion;
  json::value* found = model.if_contains(criterion);
  if (criterion == kExtrasCriterion && found != nullptr) {
    found = found->as_object().if_contains(added.component);
  }
  if (found == nullptr) return nullptr;
  json::object& options = found->as_object();
  const json::value* use = options.if_contains("use");
  return use == nullptr || *use == added.component ? &options : nullptr;
}

Options* OptionsOf(const AddedOption& added, ModelSpec& model) {
  const std::string_view criterion = added.criterion;
  if (criterion == kTrainCriterion) return &model.train;
  if (criterion == kExtrasCriterion) {
    const auto extra = model.extras.find(added.component);
    return extra == model.extras.end() ? nullptr : &extra->second;
  }
  const auto part = model.parts.find(std::string(criterion));
  if (part == model.parts.end() || part->second.component != added.component) return nullptr;
  return &part->second.options;
}

bool Knows(const Catalogue& catalogue, const AddedOption& added) {
  const ComponentInfo* component = catalogue.Find(added.criterion, added.component);
  return component != nullptr && component->FindOption(added.option) != nullptr;
}

/// Whether the gradient of L2 is clipped says nothing where there is none, or nothing that clips. A
/// plugin's component may.
bool ClipsL2(const json::object& model) {
  const json::value* l2 = model.at(kTrainCriterion).as_object().if_contains("l2");
  if (l2 == nullptr || (l2->is_number() && l2->to_number<double>() == 0)) return false;
  return model.at(kExtrasCriterion).as_object().contains("gradient_clip") ||
         model.contains("plugins");
}

}  // namespace

const std::vector<AddedOption>& AddedOptions() {
  static const std::vector<AddedOption> added = {
      {"multimodal", "late", "options", ""},
      {"temporal", "lstm", "peepholes", false},
      {"temporal", "blstm", "peepholes", false},
      {"temporal", "cnn", "kernel", 5},
      {"temporal", "multi_attention", "stride", 1},
      {"classifier", "moe", "dummy", true},
      {"classifier", "conditional_inference", "constraint", 0.0},
      {kTrainCriterion, kTrainCriterion, kClippedL2, false},
      {kTrainCriterion, kTrainCriterion, "late_decay_from", 0},
      {kTrainCriterion, kTrainCriterion, "late_decay_examples", 40'000},
      {kTrainCriterion, kTrainCriterion, "mix", 0.0},
      {kTrainCriterion, kTrainCriterion, kTeacher, ""},
      {kTrainCriterion, kTrainCriterion, kTeacherWeight, 0.5},
      {kTrainCriterion, kTrainCriterion, "arithmetic", "fp32"},
  };
  return added;
}

void LeaveOutAsBefore(json::object& model) {
  for (const AddedOption& added : AddedOptions()) {
    json::object* options = OptionsOf(added, model);
    if (options == nullptr) continue;
    const json::value* value = options->if_contains(added.option);
    if (value != nullptr && *value == added.before) options->erase(added.option);
  }
  json::object& train = model.at(kTrainCriterion).as_object();
  if (!ClipsL2(model)) train.erase(kClippedL2);
  // A weight of no teacher: "" was taken out above.
  if (!train.contains(kTeacher)) train.erase(kTeacherWeight);
}

bool SaysSomething(const ModelSpec& model, const std::string& setting) {
  if (setting == kClippedL2) return ClipsL2(ToJson(model));
  if (setting != kTeacherWeight) return true;
  const auto teacher = model.train.find(kTeacher);
  return teacher != model.train.end() && teacher->second != "";
}

void FillInAsBefore(ModelSpec& model, const Catalogue* catalogue) {
  for (const AddedOption& added : AddedOptions()) {
    if (catalogue != nullptr && !Knows(*catalogue, added)) continue;
    Options* options = OptionsOf(added, model);
    if (options != nullptr) options->try_emplace(added.option, added.before);
  }
}

}  // namespace beamgrid
