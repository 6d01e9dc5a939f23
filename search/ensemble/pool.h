#pragma once
// A pool of models laid out for scoring very many sets of them by GAP, in two passes.
//
// The lists stay as they are stored (models.h). A pass over the videos decodes each model's list of
// a video once and finds, for every set that is asked for, the best 20 labels of that video: in
// vectors, from 16 bits of each sum, wherever that is certain (dense_video.h, top_columns.h), and
// from whole keys elsewhere (one_by_one.h, top_scorer.h).
//
// coarse: scores in single precision; what is left of a set is how many hits and misses lie in each
//   bin of the scores' range, and these counts bound its GAP (brackets.h).
// exact: scores in whole units of 1e-12; what is left of a set is the keys of its best labels, of
//   which the GAP is computed (gap.h).
//
// Where there is a GPU and the pool is large, it finds the best labels of both passes from exact
// keys (gpu/growth_grid.h); all else is the same.
//
// A search asks for the best few of many sets: all are bracketed, but those that a sample of the
// videos shows to be worse (screen.h), and only those that may be among the best are computed.
// Counts and units are whole numbers, so that a result has the same bits for any number of threads
// and in whatever order a set grew.
//
// An exact key is `sum << tag_bits | (largest_label - label) << 1 | is_true`: comparing keys
// compares scores, then classes (the lower wins), as the metrics do. A coarse one is `sum << 1 |
// is_true`.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "search/ensemble/brackets.h"
#include "search/ensemble/combine.h"
#include "search/ensemble/dense_video.h"
#include "search/ensemble/exact_rows.h"
#include "search/ensemble/for_each.h"
#include "search/ensemble/gap.h"
#include "search/ensemble/gpu/device.h"
#include "search/ensemble/growths.h"
#include "search/ensemble/models.h"
#include "search/ensemble/screen.h"
#include "search/ensemble/top_scorer.h"

namespace beamgrid {

namespace gpu {
class DevicePool;
struct PoolShape;
}  // namespace gpu

/// EnsemblePool scores sets of models by GAP. Several growths of one set are best given one after
/// the other, and all that are known at once: a pass over the videos then serves them all. Not
/// thread-safe: it works in buffers of its own, and hands its work out by itself.
class EnsemblePool {
 public:
  /// `factors`: a model's share in a sum (1 each for uniform weights), 0..1. `max_terms`: the most
  /// members, repetitions included, that a set will have. Throws UsageError if they are too many
  /// for 64-bit keys. `device`: finds the best labels instead of the processor, as long as it can.
  EnsemblePool(std::vector<AlignedModel> models, std::vector<double> factors,
               const Combination& combination, Missing missing, std::int64_t max_terms,
               ForEach for_each = Serially, const gpu::DeviceOffer& device = {});
  ~EnsemblePool();
  EnsemblePool(EnsemblePool&&) noexcept;

  [[nodiscard]] int size() const { return static_cast<int>(models_.size()); }

  /// Returns the GAP of each growth that may be among the `keep` (at least 1) best of them and not
  /// below `at_least`; nothing for the others, whose GAP is lower than `at_least` or than that of
  /// `keep` growths. Equal ones are never told apart: all of them are returned.
  [[nodiscard]] std::vector<std::optional<double>> ScoreBest(std::span<const Growth> growths,
                                                             std::size_t keep,
                                                             double at_least = 0) const;

  /// BestOf is growths of which the best are wanted.
  struct BestOf {
    std::span<const Growth> growths;
    std::size_t keep = 1;
    double at_least = 0;
    /// Growths are given up that a sample of the videos shows to be worse (screen.h), in pools of
    /// 8,192 videos or more. One that is wanted is then left out about once in 100,000 cases.
    bool screen = false;
    const ModelSet* rival =
        nullptr;  ///< the set whose GAP `at_least` is, for the screen; not owned
  };
  /// Returns the same for each of several groups, in common passes over the videos.
  [[nodiscard]] std::vector<std::vector<std::optional<double>>> ScoreBest(
      std::span<const BestOf> groups) const;

  /// Returns the GAP of each growth.
  [[nodiscard]] std::vector<double> Score(std::span<const Growth> growths) const;

  /// Returns the GAP of `set` plus each of `candidates`, one at a time; `set` is not empty.
  [[nodiscard]] std::vector<double> ScoreExtensions(const ModelSet& set,
                                                    const std::vector<int>& candidates) const;

  /// Returns bounds of each growth's GAP: 0 and 1 for votes, which are few values, and for sums of
  /// thousands of terms, which single precision cannot hold.
  [[nodiscard]] std::vector<GapBounds> Bracket(std::span<const Growth> growths) const;
  /// Returns the same for the growths of all groups, one group after the other; of those that were
  /// given up kGivenUp.
  [[nodiscard]] std::vector<GapBounds> Bracket(std::span<const BestOf> groups) const;
  static constexpr GapBounds kGivenUp = {-1, -1};

  /// Of fewer videos (4,096, if nothing is said) ScoreBest computes all growths: bins cost as much
  /// for few videos as for many.
  void set_fewest_to_bracket(std::size_t videos) { fewest_to_bracket_ = videos; }

 private:
  using Exact = std::int64_t;
  using Coarse = std::uint32_t;
  /// CoarseScale is how coarse scores are counted.
  struct CoarseScale {
    double unit = 0;
    Coarse error = 0;  ///< of a sum, in units, at most
  };

  void ChooseUnit(std::int64_t max_terms);
  [[nodiscard]] Exact Units(double term) const;
  [[nodiscard]] CoarseScale ScaleOf(std::span<const Growth> growths) const;
  /// True if coarse keys tell enough.
  [[nodiscard]] bool UsesCoarse(const CoarseScale& scale) const;
  void Decode(int model, std::size_t video, KeyList<Exact>& list) const;
  /// Decodes what of a model's list has a column that is wanted, of which the list is [columns].
  void DecodeColumns(int model, std::size_t video, const DenseVideo& dense,
                     const std::vector<char>& wanted, ExactRows& rows) const;
  struct CoarseVideo;
  /// Lays out a video for the growths; false where that cannot be.
  [[nodiscard]] bool LayOut(std::size_t video, const GrowthPlan& plan, const CoarseScale& scale,
                            CoarseVideo& at) const;
  void DecodeCoarse(int model, std::size_t video, double unit, std::vector<float>& terms,
                    KeyList<Coarse>& list) const;

  [[nodiscard]] std::size_t pieces() const;
  [[nodiscard]] std::size_t VideosOf(std::size_t piece) const;
  [[nodiscard]] std::int64_t PositivesOf(std::size_t piece) const;
  /// Returns the order of the next pass over so many pieces, as a function from place to piece:
  /// from where the last one ended, for that is what the system still has in memory of a pool that
  /// is larger than it.
  [[nodiscard]] std::function<std::size_t(std::size_t)> OrderOfPass(std::size_t pieces) const;

  /// Has the lists of a piece that is on its turn soon come from the disk, where they lie there.
  void ReadAhead(std::size_t piece, const std::vector<int>& models) const;

  /// [growths][pieces] the keys of the best labels of a piece's videos
  using KeysOfPieces = std::vector<std::vector<std::vector<Exact>>>;
  void ScorePiece(std::size_t piece, const GrowthPlan& plan, const CoarseScale& scale,
                  KeysOfPieces& keys) const;
  void ScoreSome(std::span<const Growth> growths, std::span<double> gaps) const;
  void BracketPiece(std::size_t piece, const GrowthPlan& plan, const CoarseScale& scale,
                    std::size_t place, BinLists& bins) const;
  /// Counted is what a pass counts of some growths.
  struct Counted {
    std::span<const std::size_t> slots;  ///< [growths] where each is counted: of counts_, `unsure`
    std::span<std::int64_t> unsure;      ///< unsure hits (BoundsOf)
    std::span<const std::uint8_t> strands = {};  ///< [pieces] of the sample, for the screen
    Screen* screen = nullptr;                    ///< null: none
  };
  /// Counts the tops of the growths in the videos of the pieces, on top of what is counted.
  void CountTops(const GrowthPlan& plan, const CoarseScale& scale,
                 std::span<const std::size_t> pieces, const Counted& counted) const;
  /// Returns levels for the growths, by some of them in the pieces.
  [[nodiscard]] Levels SampleLevels(const std::vector<Growth>& growths, const CoarseScale& scale,
                                    std::span<const std::size_t> pieces) const;
  /// Brackets growths that are counted at the same time.
  [[nodiscard]] std::vector<GapBounds> BracketTogether(std::span<const BestOf> groups) const;

  // What a device does of this (pool_on_device.cpp).
  void OpenDevice(const gpu::DeviceOffer& offer);
  [[nodiscard]] gpu::PoolShape ShapeForDevice() const;
  /// Units of a term of a model, at most.
  [[nodiscard]] std::int64_t LargestUnits(int model) const;
  /// Returns false where there is no device, or it fails: then it is told, and never asked again.
  [[nodiscard]] bool CountOnDevice(const GrowthPlan& plan) const;
  [[nodiscard]] bool ScoreOnDevice(const GrowthPlan& plan, std::span<double> gaps) const;
  [[nodiscard]] bool OnDevice(const std::function<void(gpu::DevicePool&)>& pass) const;

  std::vector<AlignedModel> models_;
  std::vector<double> factors_;
  Combination combination_;
  std::vector<Missing> missing_;  ///< of each model
  ForEach for_each_;
  std::size_t fewest_to_bracket_ = 4096;
  std::int64_t positives_ = 0;
  std::int32_t largest_label_ = 0;
  double largest_score_ = 0;
  int tag_bits_ = 0;
  double unit_ = 0;
  HarmonicNumbers harmonic_;  ///< up to the longest ranking
  // Kept from pass to pass: to take and to clear hundreds of megabytes anew costs as much as a
  // tenth of a pass over 10,000 videos.
  mutable BinLists bins_;
  mutable std::vector<BinCounts> counts_;            ///< [growths]
  mutable bool backwards_ = false;                   ///< the next pass over the pieces
  mutable std::unique_ptr<gpu::DevicePool> device_;  ///< null: there is none, or none any more
  std::function<void(const std::string&)> warn_;
};

}  // namespace beamgrid
