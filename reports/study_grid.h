#pragma once
// The grid that a study searches, as factors with levels: what its recipe varies, and whatever else
// its models differ in.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "registry/model_spec.h"
#include "search/effects/effects.h"
#include "search/recipe.h"
#include "search/search_space.h"

namespace beamgrid {

/// StudyFactor is what a study varies independently of the rest: a single criterion, an extra, a
/// training setting.
struct StudyFactor {
  std::string name;                 ///< "temporal", "extras.dropout", "train.learning_rate"
  std::string criterion;            ///< "temporal", "extras", "train"
  std::vector<std::string> levels;  ///< as tables write them; of an extra "off", "on", "rate=0.2"

  std::string extra;               ///< which one it is; empty: none
  std::vector<std::string> train;  ///< which training settings it is; empty: none
  std::vector<std::string> keys;   ///< what a model has that has the level, as text

  /// Returns the level that a model has; nothing if it has none of them.
  [[nodiscard]] std::optional<std::int32_t> LevelOf(const ModelSpec& model) const;
};

/// LevelSetting is what one level puts into a model.
struct LevelSetting {
  std::optional<Variant> part;  ///< of a criterion or extra; nothing: the extra is off
  Options train;
};

/// StudyGrid is the factors with 2 levels or more, and which models their combinations are. Levels
/// are in the order of the recipe, then those that only models have, as they come.
class StudyGrid {
 public:
  /// Takes the recipe's grid and the models of the study. Without a recipe the grid is what the
  /// models have, nothing is excluded and there is no baseline. A criterion of which the recipe
  /// offers hundreds of candidates has the levels alone that models have. Recipe and catalogue must
  /// outlive the grid.
  StudyGrid(const std::vector<ModelSpec>& models, const Catalogue& catalogue, const Recipe* recipe);

  [[nodiscard]] const std::vector<StudyFactor>& factors() const { return factors_; }
  /// Keeps the levels that one of these models has. Returns the others: "temporal blstm". A factor
  /// that has one level left is none any more, and every point has that level.
  std::vector<std::string> KeepLevelsOf(const std::vector<ModelSpec>& models);
  /// Returns the names of the factors whose untried candidates were left out.
  [[nodiscard]] const std::vector<std::string>& cut() const { return cut_; }
  /// Returns whether some models have a teacher and others have none: its file and its weight are
  /// one factor then, for of the others the weight says nothing.
  [[nodiscard]] bool joins_teacher_weight() const { return joins_teacher_weight_; }
  /// Returns the point of a model; nothing if it has a level that the grid does not have.
  [[nodiscard]] std::optional<GridPoint> PointOf(const ModelSpec& model) const;
  /// Returns false if the recipe excludes the point.
  [[nodiscard]] bool IsAllowed(const GridPoint& point) const;
  /// Returns the point that one criterion after the other starts from.
  [[nodiscard]] std::optional<GridPoint> Baseline() const;
  /// Returns the name of the model there, as a trial's.
  [[nodiscard]] std::string NameOf(const GridPoint& point) const;

 private:
  void AddFactorsOf(const Recipe& recipe);
  void AddTeachersOf(const Recipe& recipe);
  void AddFactorsOf(const std::vector<ModelSpec>& models);
  void Add(std::size_t factor, LevelSetting setting);
  void RemoveSingleLevels();
  /// Held is the only level that is left of a factor.
  struct Held {
    StudyFactor factor;
    LevelSetting setting;
  };
  [[nodiscard]] std::vector<std::string> Labels(std::size_t factor,
                                                const Catalogue& catalogue) const;
  [[nodiscard]] ModelSpec ModelAt(const GridPoint& point) const;

  std::optional<SearchSpace> space_;
  bool joins_teacher_weight_ = false;
  std::vector<StudyFactor> factors_;
  std::vector<std::vector<LevelSetting>> settings_;  ///< per factor and level
  std::vector<Held> held_;
  std::vector<std::string> cut_;
};

}  // namespace beamgrid
