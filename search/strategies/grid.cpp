// Every point of the space that no exclusion matches, one after the other.
#include "search/strategy.h"

namespace beamgrid {
namespace {

/// With exclusions the points are counted for `planned` only up to here, where that takes no time.
constexpr std::int64_t kCountedPoints = 10'000;

class GridStrategy : public Strategy {
 public:
  GridStrategy(const SearchSpace& space, const Recipe& recipe)
      : space_(&space), next_(space.NextAllowed(0)) {
    if (recipe.exclusions.empty()) {
      planned_ = space.size();
    } else if (space.size() <= kCountedPoints) {
      planned_ = CountAllowed();
    }
  }

  std::optional<Candidate> Ask() override {
    if (!next_) return std::nullopt;
    ModelSpec model = *space_->At(*next_);
    next_ = space_->NextAllowed(*next_ + 1);
    return Candidate{space_->Name(model), std::move(model)};
  }

  /// What is found changes nothing: the grid is asked in full.
  void Tell(const Finding& /*finding*/) override {}

  [[nodiscard]] bool finished() const override { return !next_; }
  [[nodiscard]] std::optional<std::int64_t> planned() const override { return planned_; }

 private:
  [[nodiscard]] std::int64_t CountAllowed() const {
    std::int64_t count = 0;
    for (auto index = next_; index; index = space_->NextAllowed(*index + 1)) ++count;
    return count;
  }

  const SearchSpace* space_;
  std::optional<std::int64_t> next_;
  std::optional<std::int64_t> planned_;
};

[[maybe_unused]] const bool registered_grid = RegisterStrategy<GridStrategy>(
    {.name = "grid",
     .help = "every combination that no [[exclude]] matches, in the order of the axes"});

}  // namespace
}  // namespace beamgrid
