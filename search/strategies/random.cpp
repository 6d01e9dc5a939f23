// Points drawn at random, none twice: what any other search has to be better than.
#include <set>

#include "registry/util/text.h"
#include "search/pacing.h"
#include "search/strategy.h"
#include "search/variants.h"

namespace beamgrid {
namespace {

class RandomStrategy : public Strategy {
 public:
  RandomStrategy(const SearchSpace& space, const Recipe& recipe)
      : space_(&space),
        dice_(recipe.search.other.at("seed").as_int64()),
        budget_(recipe.search.other.at("budget").as_int64()),
        cost_(static_cast<std::int64_t>(recipe.least_seeds)),
        allowed_(space.CountAllowed()) {}

  static std::vector<SearchMistake> Mistakes(const SearchSpace& /*space*/, const Recipe& recipe) {
    const std::int64_t budget = recipe.search.other.at("budget").as_int64();
    const auto seeds = static_cast<std::int64_t>(recipe.least_seeds);
    if (budget == 0 || budget >= seeds) return {};
    return {{"budget", "is " + CountText(static_cast<std::size_t>(budget), "trial") +
                           ", but one model has " + std::to_string(seeds) +
                           " seeds: write budget = " + std::to_string(seeds) + " or more"}};
  }

  std::optional<Candidate> Ask() override {
    if (exhausted_ || IsSpent()) return std::nullopt;
    const std::optional<std::int64_t> index = Draw();
    if (!index) {
      exhausted_ = true;
      return std::nullopt;
    }
    asked_.insert(*index);
    exhausted_ = static_cast<std::int64_t>(asked_.size()) == allowed_;
    ++open_;
    ModelSpec model = *space_->At(*index);
    return Candidate{space_->Name(model), std::move(model),
                     "drawn at random, number " + std::to_string(asked_.size())};
  }

  /// What is found changes nothing, but that a model which was refused leaves room for another one.
  void Tell(const Finding& finding) override {
    --open_;
    ++(finding.is_refused ? refused_ : trained_);
  }

  [[nodiscard]] bool finished() const override { return exhausted_ || (open_ == 0 && IsSpent()); }
  [[nodiscard]] bool has_asked_for_all() const override { return exhausted_ || IsSpent(); }

  [[nodiscard]] Effort effort() const override {
    const auto asked = static_cast<std::int64_t>(asked_.size());
    if (finished()) return {.least = asked, .most = asked};
    std::int64_t most = allowed_.value_or(space_->size());
    if (budget_ > 0) {
      most = std::min(SaturatingAdd(std::max<std::int64_t>(budget_ / cost_, 1), refused_), most);
    }
    // Where the points were not counted, there may be fewer.
    return {.least = allowed_ ? most : asked, .most = most, .makes_up_for_refused = true};
  }

 private:
  /// True if the budget has no room beside what is under way.
  [[nodiscard]] bool IsSpent() const {
    const std::int64_t models = trained_ + open_;
    return budget_ > 0 && models > 0 && (models + 1) * cost_ > budget_;
  }

  /// Returns a point that was not drawn before, or nothing where there is none. After so many
  /// failures most points have been drawn or are excluded: the next one in order is taken instead.
  std::optional<std::int64_t> Draw() {
    constexpr int kTries = 1000;
    std::int64_t index = 0;
    for (int i = 0; i < kTries; ++i) {
      index = dice_.Roll(space_->size());
      if (!asked_.contains(index) && space_->At(index)) return index;
    }
    for (const std::int64_t from : {index, std::int64_t{0}}) {
      auto next = space_->NextAllowed(from);
      while (next && asked_.contains(*next)) next = space_->NextAllowed(*next + 1);
      if (next) return next;
    }
    return std::nullopt;
  }

  const SearchSpace* space_;
  Dice dice_;
  std::int64_t budget_;
  std::int64_t cost_;                    ///< trials of one candidate
  std::optional<std::int64_t> allowed_;  ///< points that no exclusion matches, where known
  std::set<std::int64_t> asked_;
  std::int64_t open_ = 0;     ///< asked for and not yet told of
  std::int64_t trained_ = 0;  ///< told of, and not refused
  std::int64_t refused_ = 0;  ///< told of; these cost nothing
  bool exhausted_ = false;    ///< there is no other point
};

[[maybe_unused]] const bool registered_random =
    RegisterStrategy<RandomStrategy>({.name = "random",
                                      .help = "points drawn at random, none twice",
                                      .options = {BudgetKey(), SeedKey()}});

}  // namespace
}  // namespace beamgrid
