#pragma once
// Ensembles of finished models under a size limit. Pure: predictions in, members and weights out.
//
// An ensemble's score of a label is the weighted mean of its members' scores, as logits
// (log(p / (1 - p)), p clamped to [1e-6, 1 - 1e-6]; the result is turned back into a probability),
// as probabilities or as votes. An ensemble of one model is that model, unchanged. Labels that no
// member lists never enter the ranking, as in a competition file.
//
// Source: YouTube-8M model selection by beam search (Kim et al. 2018, section 3.5),
// GAP-proportional weights (Zhao et al. 2017, algorithm 2), greedy with replacement (Caruana et al.
// 2004).

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/scoring/predictions.h"
#include "search/ensemble/findings.h"
#include "search/ensemble/for_each.h"
#include "search/ensemble/words.h"

namespace beamgrid {

/// Missing says what a label that a member's list lacks counts as.
enum class Missing {
  kZero,        ///< competition files: 0 (logits: the clamp's lower end)
  kLastOfList,  ///< our sparse files: the value of the list's last entry bounds the rest
};

/// VideoSet says which videos an ensemble is chosen on.
enum class VideoSet {
  kTruth,   ///< all of the truth; a model that lacks one is refused
  kCommon,  ///< those of the truth that every model has
};

/// Far beyond any limit of size; it bounds what the sums of the search must hold.
inline constexpr std::int64_t kMostEnsembleMembers = 1000;

class EnsembleModels;  // search/ensemble/models.h
namespace gpu {
struct DeviceOffer;  // search/ensemble/gpu/device.h
}

/// EnsembleQuestion is what FindEnsemble is asked of a pool of models.
struct EnsembleQuestion {
  Missing missing = Missing::kZero;
  std::int64_t size_limit = 1LL << 30;  ///< bytes; the members' sizes together never exceed it
  std::int64_t members = 6;             ///< at most, 1..kMostEnsembleMembers
  std::int64_t beam_width = 8;
  ScoreDomain combine = ScoreDomain::kLogits;
  Weighting weights = Weighting::kAuto;
  EnsembleSearch search = EnsembleSearch::kBeam;
  /// Names of models that are the members, whatever a search would find; empty: it finds them. A
  /// name without its seed ("MC-BLSTM-MoE2" for "MC-BLSTM-MoE2/s1") will do where there is one
  /// such.
  std::vector<std::string> given;
  std::vector<double> given_weights;  ///< one for each of `given`, any scale; empty: as `weights`
  double holdout = 0;  ///< share of the videos, 0 <= holdout < 1, by a hash of the id or group
                       ///< (XXH3), that neither selection nor weights ever see
  std::int64_t bootstrap = 1000;  ///< resamples for the holdout interval
  // What is found out beside the members; the first two are of a search, not of `given`.
  bool certify = false;   ///< and the best set known is taken
  bool frontier = false;  ///< of all sets that are scored, by search and certificate
  bool why = false;
};

/// WeightingScore is what a weighting scores on videos of the selection part that its weights were
/// not made on.
struct WeightingScore {
  Weighting weights = Weighting::kUniform;
  double gap = 0;
};

/// EnsembleAnswer is the ensemble that was chosen, with what it scores.
struct EnsembleAnswer {
  /// Member is one model of the ensemble.
  struct Member {
    std::string name;
    std::int64_t size_bytes = 0;
    double weight = 0;  ///< they sum to 1
  };
  std::vector<Member> members;  ///< sorted by name
  std::int64_t size_bytes = 0;
  std::int64_t size_limit = 0;
  double selection_gap = 0;  ///< with the final weights
  std::int64_t selection_videos = 0;
  bool of_segments = false;    ///< its "videos" are segments
  bool common_videos = false;  ///< they are those that every model has, which may have others
  std::string grouped_by;      ///< by what videos belong together; empty: they stand for themselves
  std::int64_t selection_groups = 0;  ///< likewise
  /// Holdout is what the ensemble scores on videos that it was not chosen on.
  struct Holdout {
    double gap = 0;
    std::int64_t videos = 0;
    std::int64_t groups = 0;   ///< of these videos; 0: they stand for themselves
    double low = 0, high = 0;  ///< 95 % paired bootstrap interval of the gain in GAP over the best
                               ///< single model, both on the holdout part (its groups resampled)
    Metrics metrics;
  };
  std::optional<Holdout> holdout;
  std::string best_single;     ///< chosen on the selection part among the models that fit
  double best_single_gap = 0;  ///< on the holdout where there is one, else on the selection part
  double best_single_gap_of_all = 0;           ///< on all videos, as a trial's own measurement is
  std::int64_t evaluated = 0;                  ///< states scored
  ScoreDomain combine = ScoreDomain::kLogits;  ///< as asked, and so the next two
  Weighting weights = Weighting::kAuto;
  EnsembleSearch search = EnsembleSearch::kBeam;
  Weighting weights_used = Weighting::kUniform;  ///< the one that kAuto took, or as asked
  bool weights_given = false;                    ///< neither: the question named them
  std::vector<WeightingScore> weightings;        ///< what each scored, where kAuto compared them
  std::optional<double> pull;        ///< of learned weights towards equal ones (LearnWeights)
  std::vector<std::string> dropped;  ///< found by the search, but without use beside the members
  std::vector<std::string> notes;    ///< "3 of 12 models are larger than the limit"
  // Where they were asked for:
  std::optional<Certificate> certificate;
  std::optional<EnsembleFrontier> frontier;
  std::optional<EnsembleWhy> why;

  /// Returns the number of videos in both parts.
  [[nodiscard]] std::int64_t all_videos() const {
    return selection_videos + (holdout ? holdout->videos : 0);
  }
};

/// True if the answer is the best single model alone: there is no gain over it to be measured.
[[nodiscard]] bool IsBestSingle(const EnsembleAnswer& answer);

/// Chooses by GAP on the selection part; ties by smaller size, then by names. The answer does not
/// depend on the order of models or videos. Throws UsageError if nothing fits, the models' videos
/// or truths differ, or a number of the question is not allowed. `for_each` carries the work out;
/// the answer is the same to the last bit whichever it is.
[[nodiscard]] EnsembleAnswer FindEnsemble(const EnsembleQuestion& question,
                                          const EnsembleModels& models,
                                          const ForEach& for_each = Serially);
/// Does the same with a device, for the search's passes over a large pool; the answer is the same
/// to the last bit, also where the device fails midway. `told` hears how far it is.
[[nodiscard]] EnsembleAnswer FindEnsemble(const EnsembleQuestion& question,
                                          const EnsembleModels& models, const ForEach& for_each,
                                          const gpu::DeviceOffer& device, const Told& told = {});

/// Returns the object that `ensemble --json` prints and the record keeps, without what was found
/// out beside the members. `holdout` is null where there is none; `holdout.interval` is [low, high]
/// of the gain over the best single model, `holdout.gain`. `combine`, `weights` and `search` are
/// the words of the question; `unit` is there where "videos" are segments.
[[nodiscard]] boost::json::object ToJson(const EnsembleAnswer& answer);

/// Returns what was found out beside the members: `certificate`, `frontier`, `why`, those that were
/// asked for.
[[nodiscard]] boost::json::object FindingsJson(const EnsembleAnswer& answer);

/// Returns the ensemble's own predictions (for `predict` and tests), lists cut to top_k. The videos
/// are those of the first member, in its order; all members must list the same ones (UsageError).
[[nodiscard]] Predictions Combine(const std::vector<const Predictions*>& members,
                                  const std::vector<double>& weights, ScoreDomain combine,
                                  Missing missing, int top_k);
/// Combines lists of which each has its own meaning of a missing label.
[[nodiscard]] Predictions Combine(const std::vector<const Predictions*>& members,
                                  const std::vector<double>& weights, ScoreDomain combine,
                                  const std::vector<Missing>& missing, int top_k);

}  // namespace beamgrid
