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

/// What became of one candidate: the mean of the objective over its seeds, or nothing if it failed
/// for good (any seed failed) or was refused.
struct Finding {
  std::string name;
  ModelSpec model;
  std::optional<double> objective;  ///< mean over seeds
  std::int64_t size_bytes = 0;
};

/// Legal order of calls: Ask until it answers nothing; Tell for each asked candidate, in any order;
/// Ask again may then answer more; finished() is true when it never will.
class Strategy {
 public:
  virtual ~Strategy() = default;
  /// The next candidate, or nothing for now.
  virtual std::optional<Candidate> Ask() = 0;
  virtual void Tell(const Finding& finding) = 0;
  [[nodiscard]] virtual bool finished() const = 0;
  /// Number of candidates it may ask for in all, where known (progress display).
  [[nodiscard]] virtual std::optional<std::int64_t> planned() const = 0;
  /// For people: what was decided so far ("temporal: NetVLAD-C64 (0.8421), held at MC, MoE2").
  [[nodiscard]] virtual std::vector<std::string> Decisions() const { return {}; }
};

/// Makers by name; a strategy registers itself in its own file (REGISTER_STRATEGY).
using MakeStrategy = std::unique_ptr<Strategy> (*)(const SearchSpace&, const Recipe&);
struct StrategyInfo {
  std::string name, help;
  MakeStrategy make;
  std::vector<OptionInfo> options;  ///< keys of [search] that are this strategy's own
};
[[nodiscard]] std::vector<StrategyInfo>& Strategies();
/// Takes the space by reference: it must outlive the strategy. UsageError naming the known ones if
/// there is none of that name.
[[nodiscard]] std::unique_ptr<Strategy> MakeStrategyFor(const SearchSpace& space,
                                                        const Recipe& recipe);

/// At the end of a strategy's file, inside its unnamed namespace; further arguments: its
/// OptionInfos.
///   REGISTER_STRATEGY("grid", "every point of the grid, in order", GridStrategy);
#define REGISTER_STRATEGY(name, help, Class, ...)                                                \
  [[maybe_unused]] const bool registered_##Class = [] {                                          \
    ::beamgrid::Strategies().push_back(                                                          \
        {name,                                                                                   \
         help,                                                                                   \
         [](const ::beamgrid::SearchSpace& space, const ::beamgrid::Recipe& recipe) {            \
           return std::unique_ptr<::beamgrid::Strategy>(std::make_unique<Class>(space, recipe)); \
         },                                                                                      \
         {__VA_ARGS__}});                                                                        \
    return true;                                                                                 \
  }()

}  // namespace beamgrid
