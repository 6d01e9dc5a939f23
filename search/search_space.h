#pragma once
// The search space of a recipe: a lazy product of axes, never materialised.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "search/naming.h"
#include "search/recipe.h"

namespace beamgrid {

/// Candidate is a model the strategy wants to know about, with its paper-style name
/// ("MC-BLSTM-CG-MoE2").
struct Candidate {
  std::string name;
  ModelSpec model;
  std::string why = {};  ///< why it is asked for, a sentence for `explain`; may be empty
  /// Measured after so many epochs, and paused there; nothing: at the end of its training.
  std::optional<std::int64_t> epochs = {};
  /// Which of the recipe's seeds, as indices; strategies leave it empty: those that every model
  /// begins with.
  std::vector<std::size_t> seeds = {};
};

/// SearchSpace is the product of: the variants of each single criterion, each extra, each training
/// key. Point i is found by mixed-radix digits, so 10^12 points cost nothing until they are asked
/// for. The axes are in the order of the pipeline (multimodal, temporal, extras, classifier,
/// label_processing, loss, train), and the last one varies fastest. No two points are equal: the
/// recipe's reader refuses axes that name a variant twice.
///
/// Holds references to the recipe and the catalogue, which must outlive it.
class SearchSpace {
 public:
  SearchSpace(const Recipe& recipe, const Catalogue& catalogue);

  /// Returns the number of points before exclusions (saturates at 2^63-1).
  [[nodiscard]] std::int64_t size() const { return size_; }
  /// Returns point `index`, or nothing if an exclusion matches it.
  [[nodiscard]] std::optional<ModelSpec> At(std::int64_t index) const;
  /// Returns the first point from `index` on that no exclusion matches. Runs of points that one
  /// exclusion matches are stepped over at once.
  [[nodiscard]] std::optional<std::int64_t> NextAllowed(std::int64_t index) const;
  /// Returns the number of points that no exclusion matches; nothing where there are exclusions and
  /// more points than can be counted in no time.
  [[nodiscard]] std::optional<std::int64_t> CountAllowed() const;

  /// Returns the number of candidates of one criterion ("temporal", "extras": all combinations of
  /// extras, "train").
  [[nodiscard]] std::int64_t CandidateCount(const std::string& criterion) const;
  /// Returns `base` with candidate `index` of the criterion in the place of its own. May be
  /// excluded.
  [[nodiscard]] ModelSpec Replace(const ModelSpec& base, const std::string& criterion,
                                  std::int64_t index) const;

  /// Returns the first variant of each criterion; extras off where the grid allows it, else their
  /// first value; training settings as in [train] where the grid allows it, else their first value;
  /// then [search.baseline] on top.
  [[nodiscard]] ModelSpec Baseline() const;
  /// Returns the model of this recipe that a recorded one is, with the recipe's files and plugins;
  /// nothing where it has none such or excludes it. Files count by name or content. Where the
  /// strategy is not the grid, what [search.baseline] and the stages hold counts as well.
  [[nodiscard]] std::optional<ModelSpec> Counterpart(ModelSpec recorded) const;
  /// Axis is one digit of an index: exactly one of the pointers is set.
  struct Axis {
    std::string criterion;
    std::int64_t size = 0;
    const std::vector<VariantSet>* variants = nullptr;
    const ExtraAxis* extra = nullptr;
    const OptionAxis* train = nullptr;

    /// Gives the model what candidate `digit` of the axis is.
    void Apply(std::int64_t digit, ModelSpec& model) const;
    /// Returns the candidate that the model has, or nothing where it is none of the axis.
    [[nodiscard]] std::optional<std::int64_t> DigitOf(const ModelSpec& model) const;
    [[nodiscard]] bool Decides(const Condition& condition) const;
  };
  [[nodiscard]] const std::vector<Axis>& axes() const { return axes_; }
  /// Returns the model that has candidate `digits[i]` of each axis. May be excluded.
  [[nodiscard]] ModelSpec ModelOf(const std::vector<std::int64_t>& digits) const;
  /// Returns the model's candidate of each axis, or nothing where it is not a model of the space.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> DigitsOf(const ModelSpec& model) const;

  /// True if an exclusion matches the model.
  [[nodiscard]] bool Excluded(const ModelSpec& model) const;

  /// Returns "MC-BLSTM-CG-MoE2". Distinct models have distinct names.
  [[nodiscard]] std::string Name(const ModelSpec& model) const { return namer_.Name(model); }
  [[nodiscard]] const Namer& namer() const { return namer_; }

 private:
  void AddAxes();
  [[nodiscard]] ModelSpec Point(std::int64_t index) const;
  /// Returns what the recipe holds beside the grid.
  [[nodiscard]] std::vector<const Fixed*> HeldBeside() const;
  /// Returns the model with the plugins that its components came with.
  [[nodiscard]] ModelSpec WithPlugins(ModelSpec model) const;
  [[nodiscard]] std::int64_t RunLength(const Conditions& exclusion) const;

  const Recipe* recipe_;
  const Catalogue* catalogue_;
  bool has_plugins_;  ///< the catalogue has components of plugins
  std::vector<Axis> axes_;
  std::int64_t size_ = 1;
  std::vector<std::int64_t> run_lengths_;  ///< per exclusion: points that it matches in one run
  Namer namer_;
};

/// Returns `model` with everything that `fixed` names in the place of its own.
[[nodiscard]] ModelSpec Held(ModelSpec model, const Fixed& fixed);

}  // namespace beamgrid
