#pragma once
// Ensembles of finished models under a size limit. Pure: predictions in, members and weights out.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/predictions.h"

namespace beamgrid {

/// What a label that a member's list lacks counts as.
enum class Missing {
  kZero,        ///< competition files: 0 (logits: the clamp's lower end)
  kLastOfList,  ///< our sparse files: the value of the list's last entry bounds the rest
};

struct EnsembleModel {
  std::string name;
  std::int64_t size_bytes = 0;
  Predictions predictions;
};

struct EnsembleQuestion {
  std::vector<EnsembleModel> models;  ///< all over exactly the same videos, sorted by id
  Missing missing = Missing::kZero;
  std::int64_t size_limit = 1LL << 30;
  std::int64_t members = 6;  ///< at most
  std::int64_t beam_width = 8;
  std::string combine = "logits";   ///< logits | probabilities
  std::string weights = "learned";  ///< uniform | gap | learned
  std::string search = "beam";      ///< beam | greedy (with replacement) | exhaustive
  double holdout = 0;             ///< share of the videos (by hash of id) that selection never sees
  std::int64_t bootstrap = 1000;  ///< resamples for the holdout interval
};

struct EnsembleAnswer {
  struct Member {
    std::string name;
    std::int64_t size_bytes = 0;
    double weight = 0;
  };
  std::vector<Member> members;
  std::int64_t size_bytes = 0;
  std::int64_t size_limit = 0;
  double selection_gap = 0;
  std::int64_t selection_videos = 0;
  struct Holdout {
    double gap = 0;
    std::int64_t videos = 0;
    double low = 0, high = 0;  ///< paired bootstrap interval (95 %) of the gain over the best
                               ///< single model, plus that model's GAP
    Metrics metrics;
  };
  std::optional<Holdout> holdout;
  std::string best_single;
  double best_single_gap = 0;  ///< on the holdout where there is one, else on the selection part
  std::int64_t evaluated = 0;  ///< states scored
  std::vector<std::string> notes;  ///< "3 of 12 models are larger than the limit"
};

/// UsageError if nothing fits or the models' videos differ.
[[nodiscard]] EnsembleAnswer FindEnsemble(const EnsembleQuestion& question);

/// The `ensemble --json` object (design.md, 6).
[[nodiscard]] boost::json::object ToJson(const EnsembleAnswer& answer);

/// The ensemble's own predictions (for `predict` and tests), lists cut to top_k.
[[nodiscard]] Predictions Combine(const std::vector<const Predictions*>& members,
                                  const std::vector<double>& weights, const std::string& combine,
                                  Missing missing, int top_k);

}  // namespace beamgrid
