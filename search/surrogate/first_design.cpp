#include "search/surrogate/first_design.h"

#include <algorithm>

namespace beamgrid {
namespace {

/// A part of more levels than this is not covered level by level.
constexpr std::int64_t kCoveredLevels = 10'000;
/// A process that knows less than this says nothing that chance would not.
constexpr std::int64_t kLeastModels = 8;

}  // namespace

FirstDesign::FirstDesign(const std::vector<Part>& parts) : size_(kLeastModels) {
  for (const Part& part : parts) {
    levels_.push_back(part.levels);
    uses_.emplace_back();
    if (part.levels > kCoveredLevels) continue;
    size_ = std::max(size_, part.levels);
    uses_.back().assign(static_cast<std::size_t>(part.levels), 0);
  }
}

void FirstDesign::Limit(std::int64_t models) { size_ = std::min(size_, models); }

std::optional<Levels> FirstDesign::Draw(Dice& dice,
                                        const std::function<bool(const Levels&)>& is_open) const {
  constexpr int kTries = 200;
  for (int i = 0; i < kTries; ++i) {
    Levels model;
    // What no exclusion lets through with the others is tried with fewer of them.
    for (std::size_t p = 0; p < uses_.size(); ++p) {
      const bool freely = i > 0 && dice.Roll(kTries) < i;
      model.push_back(freely || uses_[p].empty() ? dice.Roll(levels_[p]) : LeastUsed(dice, p));
    }
    if (is_open(model)) return model;
  }
  return std::nullopt;
}

std::int64_t FirstDesign::LeastUsed(Dice& dice, std::size_t part) const {
  const std::vector<std::int64_t>& uses = uses_[part];
  const std::int64_t least = *std::ranges::min_element(uses);
  std::int64_t place = dice.Roll(std::ranges::count(uses, least));
  for (std::size_t level = 0;; ++level) {
    if (uses[level] == least && place-- == 0) return static_cast<std::int64_t>(level);
  }
}

std::vector<std::size_t> FirstDesign::Use(const Levels& levels) {
  std::vector<std::size_t> first;
  for (std::size_t p = 0; p < uses_.size(); ++p) {
    if (uses_[p].empty()) continue;
    if (uses_[p][static_cast<std::size_t>(levels[p])]++ == 0) first.push_back(p);
  }
  return first;
}

}  // namespace beamgrid
