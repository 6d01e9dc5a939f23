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
  std::vector<double> scores;  ///< of the seeds that were trained; `objective` is their mean
  double seconds = 0;          ///< that these seeds trained; 0: nothing was trained
};

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
  /// Returns the number of candidates it may ask for in all, where known (progress display).
  [[nodiscard]] virtual std::optional<std::int64_t> planned() const = 0;
  /// Returns what was decided so far, for people ("temporal: NetVLAD-C64 (0.8421), held at MC,
  /// MoE2").
  [[nodiscard]] virtual std::vector<std::string> Decisions() const { return {}; }
  /// Returns the name of the model that it would choose of those it was told of, where it knows
  /// better than to take the one with the highest objective, which is the luckiest one too.
  [[nodiscard]] virtual std::optional<std::string> Choice() const { return std::nullopt; }
};

/// MakeStrategy makes a strategy; one registers itself in its own file (REGISTER_STRATEGY).
using MakeStrategy = std::unique_ptr<Strategy> (*)(const SearchSpace&, const Recipe&);
/// OptionMistake is what is wrong with a key of [search] in this recipe, though its value is
/// allowed.
struct OptionMistake {
  std::string key, text;
};
/// CheckStrategy looks at a recipe whose grid and options are read.
using CheckStrategy = std::optional<OptionMistake> (*)(const Recipe&);
/// Returns the static `Check` of a strategy's class, or null where it has none.
template <typename S>
constexpr CheckStrategy CheckOf() {
  if constexpr (requires(const Recipe& recipe) { S::Check(recipe); }) {
    return &S::Check;
  } else {
    return nullptr;
  }
}
/// StrategyInfo is what the recipe's reader knows of a strategy.
struct StrategyInfo {
  std::string name, help;
  MakeStrategy make;
  std::vector<OptionInfo> options;  ///< keys of [search] that are this strategy's own
  CheckStrategy check = nullptr;
};
/// Returns every strategy; filled before main by the registrations.
[[nodiscard]] std::vector<StrategyInfo>& Strategies();
/// Makes the recipe's strategy. Takes the space by reference: it must outlive the strategy. Throws
/// UsageError naming the known ones if there is none of that name.
[[nodiscard]] std::unique_ptr<Strategy> MakeStrategyFor(const SearchSpace& space,
                                                        const Recipe& recipe);

/// REGISTER_STRATEGY adds a strategy. It stands at the end of the strategy's file, inside its
/// unnamed namespace; further arguments are its OptionInfos.
///   REGISTER_STRATEGY("grid", "every point of the grid, in order", GridStrategy);
#define REGISTER_STRATEGY(name, help, Class, ...)                                                \
  [[maybe_unused]] const bool registered_##Class = [] {                                          \
    ::beamgrid::Strategies().push_back(                                                          \
        {name,                                                                                   \
         help,                                                                                   \
         [](const ::beamgrid::SearchSpace& space, const ::beamgrid::Recipe& recipe) {            \
           return std::unique_ptr<::beamgrid::Strategy>(std::make_unique<Class>(space, recipe)); \
         },                                                                                      \
         {__VA_ARGS__},                                                                          \
         ::beamgrid::CheckOf<Class>()});                                                         \
    return true;                                                                                 \
  }()

}  // namespace beamgrid
