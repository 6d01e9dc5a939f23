// Every point of the space that no exclusion matches, one after the other.
#include "search/strategy.h"

namespace beamgrid {
namespace {

class GridStrategy : public Strategy {
 public:
  GridStrategy(const SearchSpace& space, const Recipe& /*recipe*/)
      : space_(&space), next_(space.NextAllowed(0)), points_(space.CountAllowed()) {}

  std::optional<Candidate> Ask() override {
    if (!next_) return std::nullopt;
    ModelSpec model = *space_->At(*next_);
    next_ = space_->NextAllowed(*next_ + 1);
    return Candidate{space_->Name(model), std::move(model)};
  }

  /// What is found changes nothing: the grid is asked in full.
  void Tell(const Finding& /*finding*/) override {}

  [[nodiscard]] bool finished() const override { return !next_; }
  [[nodiscard]] Effort effort() const override {
    return {.least = points_.value_or(0), .most = points_};
  }

 private:
  const SearchSpace* space_;
  std::optional<std::int64_t> next_;
  std::optional<std::int64_t> points_;  ///< that no exclusion matches
};

[[maybe_unused]] const bool registered_grid = RegisterStrategy<GridStrategy>(
    {.name = "grid",
     .help = "every combination that no [[exclude]] matches, in the order of the axes"});

}  // namespace
}  // namespace beamgrid
