#pragma once
// The criteria that a model is made of. Recipes, names, tables and the trainer's catalogue go by
// this one list; what a place wants to know of a criterion is a property of its line here.

#include <string>
#include <string_view>
#include <vector>

namespace beamgrid {

/// What a criterion is to a model. The trainer's catalogue lists the criteria in this order.
enum class CriterionRole {
  kNetwork,   ///< one component that the features go through
  kExtras,    ///< any number of components
  kLabels,    ///< one component that works on the scores of the classes
  kLoss,      ///< one component that is there for the training alone
  kSettings,  ///< no component: how the model is trained
};

struct Criterion {
  std::string_view name;
  CriterionRole role;
  std::string_view default_component;  ///< of a recipe that names none; empty: there need be none

  /// Does a model have exactly one component of it?
  [[nodiscard]] constexpr bool single() const {
    return role != CriterionRole::kExtras && role != CriterionRole::kSettings;
  }
};

/// The criteria in the order of the pipeline.
inline constexpr Criterion kCriteria[] = {{"multimodal", CriterionRole::kNetwork, "concat"},
                                          {"temporal", CriterionRole::kNetwork, "mean"},
                                          {"extras", CriterionRole::kExtras, ""},
                                          {"classifier", CriterionRole::kNetwork, "logistic"},
                                          {"label_processing", CriterionRole::kLabels, "none"},
                                          {"loss", CriterionRole::kLoss, "cross_entropy"},
                                          {"train", CriterionRole::kSettings, ""}};

/// The criterion of that name, or null.
[[nodiscard]] const Criterion* FindCriterion(std::string_view name);
/// Is it the name of a single criterion?
[[nodiscard]] bool IsSingle(std::string_view name);
/// The component that a criterion has where the recipe names none ("concat").
[[nodiscard]] std::string DefaultComponent(std::string_view name);

/// The names of all criteria in the order of the pipeline.
[[nodiscard]] const std::vector<std::string>& AllCriteria();
/// The names of all criteria, the single ones first, as tables and conditions list them.
[[nodiscard]] std::vector<std::string> CriteriaOfTables();
/// UsageError where there is no such criterion: "TEXT is not a criterion; they are ...".
void RequireCriterion(std::string_view name, const std::string& text);

}  // namespace beamgrid
