#pragma once
// What is found out about an ensemble beside its members, where it is asked for: how good the
// choice is, what other size limits would give, and why it is these members.

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace beamgrid {

/// Certificate says how far the set that a search found is from the best one that fits. All GAPs
/// are of the selection part, with the weights of the search.
struct Certificate {
  std::int64_t sets = 0;  ///< that fit, each of which was scored; 0: there are too many
  double optimum = 0;     ///< of the best of them; greedy, which repeats models, may be above it
  double found_gap = 0;   ///< of the set that the search found
  double best_gap = 0;    ///< of the best set known, which the ensemble is made of

  /// SubPools is how the same search does on random parts of the pool that are small enough to
  /// score all their sets: a measurement of the search, no bound for its answer.
  struct SubPools {
    std::int64_t pools = 0;
    std::int64_t models = 0;   ///< in each of them, at most
    std::int64_t sets = 0;     ///< of all of them
    std::int64_t optimal = 0;  ///< pools of which the search found the best set
    double mean_gap = 0;       ///< how far what it found is below the best set
    double largest_gap = 0;
  };
  std::optional<SubPools> sub_pools;  ///< where there are too many sets
};

/// FrontierPoint is the best set of every size limit from its own size to that of the next point.
struct FrontierPoint {
  std::int64_t size_bytes = 0;
  std::vector<std::string> members;  ///< by name
  double selection_gap = 0;          ///< chosen by it, so too high for a test score
  std::optional<double> holdout_gap;
};

/// EnsembleFrontier is what other size limits would give, with the weights of the search.
struct EnsembleFrontier {
  std::int64_t sets = 0;              ///< that were scored, of which these are the best
  bool complete = false;              ///< all that fit were scored
  std::vector<FrontierPoint> points;  ///< by size; each has a higher selection GAP than the last
};

/// EnsembleWhy is what each member is good for.
struct EnsembleWhy {
  /// Member is what one model adds.
  struct Member {
    std::string name;
    /// The GAP that goes where this member does, the others' weights in the same proportions;
    /// nothing where it is the only one, or there is no holdout part.
    std::optional<double> loss, holdout_loss;
  };
  /// Pair is how alike two members are.
  struct Pair {
    std::string first, second;
    double correlation = 0;   ///< of what is averaged, over the labels that a member lists
    double disagreement = 0;  ///< share of the selection videos whose best label differs
  };
  /// Choice is how often the search takes a model on resampled selection videos.
  struct Choice {
    std::string name;
    double share = 0;
  };
  std::vector<Member> members;  ///< by name
  std::vector<Pair> pairs;      ///< the most alike first
  std::vector<Choice> choices;  ///< of all models that were taken at all, the most frequent first
  std::int64_t resamples = 0;   ///< 0: the members are given
  std::int64_t resampled_videos = 0;  ///< in each of them; of groups about so many
  std::int64_t resampled_groups = 0;  ///< likewise; 0: videos stand for themselves
  double same_members = 0;            ///< share of resamples in which all the members are these
};

/// Return the objects that `ensemble --json` prints.
[[nodiscard]] boost::json::object ToJson(const Certificate& certificate);
[[nodiscard]] boost::json::object ToJson(const EnsembleFrontier& frontier);
[[nodiscard]] boost::json::object ToJson(const EnsembleWhy& why);

}  // namespace beamgrid
