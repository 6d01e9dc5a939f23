#pragma once
// What to try next. A strategy is pure: it asks for models, is told their objective, and never
// knows how or where they run.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "search/recipe.h"
#include "search/search_space.h"

namespace beamgrid {

/// Finding is what became of one candidate: the mean of the objective over its seeds, or nothing if
/// it failed for good (any seed failed) or was refused.
struct Finding {
  std::string name;
  ModelSpec model;
  std::optional<double> objective;  ///< mean over seeds
  std::int64_t size_bytes = 0;
  std::vector<double> scores = {};  ///< the objective of each seed, in the recipe's order
  double seconds = 0;               ///< of training, over all seeds, where it was measured
  bool is_refused = false;          ///< none of its seeds was tried
};

/// LetGo is a candidate that is not trained on, and why.
struct LetGo {
  std::string name;
  std::string why;  ///< a sentence that begins with "it"
};

/// Losses counts candidates that came to nothing.
struct Losses {
  std::size_t failed = 0, refused = 0;

  /// Counts a finding without an objective.
  void Count(const Finding& finding);
  [[nodiscard]] std::size_t all() const { return failed + refused; }
  /// Returns "2 failed, 1 refused"; empty where there are none.
  [[nodiscard]] std::string Text() const;
  /// Returns the same after `before`; empty where there are none.
  [[nodiscard]] std::string After(const std::string& before) const;
  /// Returns "all of 3 candidates failed", where they are all.
  [[nodiscard]] std::string OfAll() const;
};

/// Effort is what a search asks for from its beginning to its end, in candidates, those included
/// that were refused; what will be refused or fail may change it either way. Each candidate is
/// trained with the recipe's seeds.
struct Effort {
  std::int64_t least = 0;
  std::optional<std::int64_t> most;  ///< nothing: the results decide, and nothing limits it
  /// Of the epochs of so many whole trainings the share that is trained: 1 where every candidate is
  /// trained to its end.
  double epoch_share = 1;
  /// Of the candidates those that are trained to their end; nothing: all.
  std::optional<std::int64_t> to_the_end = {};
  /// True if one that is refused leaves room for another one, so that no fewer are trained.
  bool makes_up_for_refused = false;
  /// Hours of training, all trials together, after which it ends; 0: no such limit.
  double most_hours = 0;
};

/// True if `left` is the better of two findings that have an objective: it is higher, then smaller
/// in bytes, then by name, so that a tie ends the same way however the trials were scheduled.
[[nodiscard]] bool Beats(const Finding& left, const Finding& right);
/// Returns the criteria with more than one candidate, in the order of the pipeline.
[[nodiscard]] std::vector<std::string> VaryingCriteria(const SearchSpace& space);

/// Strategy decides which models are tried. Legal order of calls: Ask until it answers nothing;
/// Tell for each asked candidate, in any order; Ask again may then answer more; finished() is true
/// when it never will. Not thread-safe.
class Strategy {
 public:
  virtual ~Strategy() = default;
  /// Returns the next candidate, or nothing for the moment.
  virtual std::optional<Candidate> Ask() = 0;
  /// Tells what became of a candidate that was asked for.
  virtual void Tell(const Finding& finding) = 0;
  /// True if Ask will never answer a candidate again.
  [[nodiscard]] virtual bool finished() const = 0;
  /// True if it will ask for no further model, whatever those under way come to, as long as none of
  /// them is refused; for further epochs or seeds of those that it has asked for it may.
  [[nodiscard]] virtual bool has_asked_for_all() const { return finished(); }
  /// Returns what it asks for in all, a candidate that is asked for again counted once.
  [[nodiscard]] virtual Effort effort() const = 0;
  /// Returns the most candidates that it asks for in all, where known.
  [[nodiscard]] std::optional<std::int64_t> planned() const { return effort().most; }
  /// Returns what was decided so far, for people ("temporal: NetVLAD-C64 (0.8421), held at MC,
  /// MoE2").
  [[nodiscard]] virtual std::vector<std::string> Decisions() const { return {}; }
  /// Returns the name of the model that it would choose of those it was told of, where it knows
  /// better than to take the one with the highest objective, which is the luckiest one too.
  [[nodiscard]] virtual std::optional<std::string> Choice() const { return std::nullopt; }
  /// True if each finding is of use at once, and a later one of the same candidate with more seeds
  /// replaces it; else what is told is final, and comes when its seeds are decided (SeedRace).
  [[nodiscard]] virtual bool LearnsFromMoreSeeds() const { return false; }
  /// Takes out the candidates that were let go before the end of their training since the last
  /// call.
  [[nodiscard]] virtual std::vector<LetGo> TakeLetGo() { return {}; }
};

/// MakeStrategy makes a strategy; one registers itself in its own file (REGISTER_STRATEGY).
using MakeStrategy = std::unique_ptr<Strategy> (*)(const SearchSpace&, const Recipe&);
/// SearchMistake is what a strategy cannot do with a recipe whose every value is right by itself.
struct SearchMistake {
  std::string key;             ///< of [search]; empty: the section itself
  std::string message;         ///< what is wrong and what to write, to be said after the key
  std::string otherwise = {};  ///< the key to blame where `key` is not written ("train.epochs")
};
/// StrategyInfo is what the recipe's reader knows of a strategy.
struct StrategyInfo {
  std::string name, help;
  MakeStrategy make;
  /// Looks for what the strategy cannot do with a recipe that has no other mistake; null: nothing.
  std::vector<SearchMistake> (*check)(const SearchSpace&, const Recipe&) = nullptr;
  std::vector<std::string> uses = {};    ///< of `order`, `passes` and `stage`
  std::vector<OptionInfo> options = {};  ///< keys of [search] that are this strategy's own
  /// Options that have no effect while another one, beside them, has its default.
  std::map<std::string, std::string> needs = {};
};
/// Returns every strategy; filled before main by the registrations.
[[nodiscard]] std::vector<StrategyInfo>& Strategies();
/// Makes the recipe's strategy. Takes the space by reference: it must outlive the strategy. Throws
/// UsageError naming the known ones if there is none of that name.
[[nodiscard]] std::unique_ptr<Strategy> MakeStrategyFor(const SearchSpace& space,
                                                        const Recipe& recipe);

/// True if a search draws models at random: which ones, the number and the order of the candidates
/// decide, and no result.
[[nodiscard]] bool DrawsModels(const SearchSettings& search);

/// Returns a key of [search] that takes an integer.
[[nodiscard]] OptionInfo IntegerKey(std::string name, std::int64_t fallback, double minimum,
                                    double maximum, std::string help);
/// Returns the key `seed` of a strategy that draws at random.
[[nodiscard]] OptionInfo SeedKey();
/// Returns the key `budget` of a strategy that ends after so many trials.
[[nodiscard]] OptionInfo BudgetKey();

/// RegisterStrategy adds a strategy whose class is made from the space and the recipe; a static
/// member `Mistakes(space, recipe)` becomes its check. It stands at the end of the strategy's file,
/// inside its unnamed namespace:
///   [[maybe_unused]] const bool registered = RegisterStrategy<GridStrategy>(
///       {.name = "grid", .help = "every point of the grid, in order"});
template <typename Class>
bool RegisterStrategy(StrategyInfo info) {
  info.make = [](const SearchSpace& space, const Recipe& recipe) {
    return std::unique_ptr<Strategy>(std::make_unique<Class>(space, recipe));
  };
  if constexpr (requires(const SearchSpace& s, const Recipe& r) { Class::Mistakes(s, r); }) {
    info.check = &Class::Mistakes;
  }
  Strategies().push_back(std::move(info));
  return true;
}

}  // namespace beamgrid
