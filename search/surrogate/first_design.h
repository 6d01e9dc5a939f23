#pragma once
// The first models of a search that learns: together they have every level of every part, each
// about equally often, so that no candidate is judged before it was tried.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "search/pacing.h"
#include "search/surrogate/surrogate.h"

namespace beamgrid {

/// FirstDesign draws models with levels that were used least so far, in as many parts as possible.
class FirstDesign {
 public:
  /// Makes one of as many models as the part with most levels needs, and no fewer than 8. A part of
  /// more than 10,000 levels is not covered, but drawn.
  explicit FirstDesign(const std::vector<Part>& parts);

  /// Makes it end after `models`, 1 or more, where it is larger.
  void Limit(std::int64_t models);
  [[nodiscard]] std::int64_t size() const { return size_; }

  /// Returns the next model of which `is_open` is true; nothing where none was found in 200 draws.
  /// It counts only after Use.
  [[nodiscard]] std::optional<Levels> Draw(Dice& dice,
                                           const std::function<bool(const Levels&)>& is_open) const;
  /// Counts a model. Returns the parts whose level no model of the design had before.
  std::vector<std::size_t> Use(const Levels& levels);

 private:
  [[nodiscard]] std::int64_t LeastUsed(Dice& dice, std::size_t part) const;

  std::int64_t size_;
  std::vector<std::int64_t> levels_;             ///< per part: how many
  std::vector<std::vector<std::int64_t>> uses_;  ///< per part, per level; empty: not covered
};

}  // namespace beamgrid
