#pragma once
// The parts of the models of a search space, as the surrogate sees them: an axis of the space with
// more than one candidate is a part.
//
// Two components have nothing in common. Two variants of one component have the component, and
// beside it the options that have the same value; options that are numbers are the more alike the
// nearer they are. So what is learned of one variant counts for its siblings.

#include <optional>
#include <vector>

#include "search/search_space.h"
#include "search/surrogate/parts.h"

namespace beamgrid {

/// SpaceParts translates between models of a space and levels. Holds a reference to the space.
class SpaceParts {
 public:
  explicit SpaceParts(const SearchSpace& space);

  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  /// Returns the model's level in each part, or nothing where it is not a model of the space.
  [[nodiscard]] std::optional<Levels> LevelsOf(const ModelSpec& model) const;
  /// Returns the model of these levels. An exclusion may match it.
  [[nodiscard]] ModelSpec ModelOf(const Levels& levels) const;
  /// Returns what a level of a part is called, for people: "NetVLAD-C64", "dropout off",
  /// "batch=128".
  [[nodiscard]] std::string LevelName(std::size_t part, std::int64_t level) const;

 private:
  const SearchSpace* space_;
  std::vector<std::size_t> axes_;  ///< of each part
  std::vector<Part> parts_;
};

}  // namespace beamgrid
