#pragma once
// Which of many sets are given up after a sample of the videos, so that only those that may still
// be among the best are scored on all of them.
//
// The sample is whole pieces of videos, drawn without replacement, and doubles from stage to stage.
// It is dealt out to strands; what the GAP of one set is above another's there varies from strand
// to strand, and from that follows its standard error (Maron and Moore 1994, Hoeffding races, with
// standard errors of random groups instead of Hoeffding's bound: Wolter 2007, Introduction to
// Variance Estimation, chapter 2).

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "search/ensemble/brackets.h"

namespace beamgrid {

/// The strands of a sample.
inline constexpr std::size_t kStrands = 32;

/// Stages says in which order a sample grows.
struct Stages {
  /// [stages] the pieces that come, ascending: the sample so far is those of all stages up to one.
  std::vector<std::vector<std::size_t>> pieces;
  std::vector<std::uint8_t> strands;  ///< [pieces] that each is dealt to
};

/// Returns stages of which the first has a piece a strand and each doubles the sample, but the
/// last, which has the rest. One stage of all pieces where there are fewer than two a strand.
[[nodiscard]] Stages StagesOf(std::size_t pieces);

/// Levels are bins taken together: [kBins] the level of each, ascending.
using Levels = std::vector<std::uint8_t>;

/// Returns levels in which the counts of some sets lie evenly, half by their hits and half by all
/// labels.
[[nodiscard]] Levels LevelsOf(std::span<const BinCounts> counts);

/// Screen keeps what a sample says of some sets. Two threads may add to it at the same time if
/// their sets differ.
class Screen {
 public:
  Screen(std::size_t sets, Levels levels);

  /// Adds labels of a set, as bin << 1 | hit (BinLists), of videos of a strand.
  void Add(std::size_t set, std::size_t strand, std::span<const std::uint16_t> bins);
  /// Adds true labels of videos of a strand.
  void AddPositives(std::size_t strand, std::int64_t count);
  [[nodiscard]] std::int64_t positives() const;

  /// Influences is how much of a set's GAP comes from each strand more than its videos' share, to
  /// first order; they sum to 0.
  using Influences = std::array<double, kStrands>;
  /// There must be positives. Nothing where more than an eighth of the set's hits lie in one level:
  /// how they are ordered there, and what that is worth, is not known.
  [[nodiscard]] std::optional<Influences> InfluencesOf(std::size_t set) const;

 private:
  Levels levels_;
  std::vector<std::uint32_t> counts_;    ///< [sets, strands, 2 * level + hit]
  std::vector<std::int64_t> positives_;  ///< [strands]
};

/// Sampled is what a sample says of a set's GAP.
struct Sampled {
  GapBounds bounds;  ///< of its GAP on the sample
  std::optional<Screen::Influences> influences;
};

/// Returns the standard error of how much the GAP of `a` on all videos is above that of `b`, told
/// by a sample that is a `share` of them, 0..1; infinity where an influence is not known.
[[nodiscard]] double DifferenceError(const Sampled& a, const Sampled& b, double share);

/// Returns whether `a` is worse than `b` on all videos, of which the sample is a `share`: on the
/// sample by more than five standard errors of the difference. With 32 strands that happens to one
/// that is as good about once in 100,000 cases (Student's t, 31 degrees of freedom).
[[nodiscard]] bool SurelyWorse(const Sampled& a, const Sampled& b, double share);

/// Returns which of the sets may be among the `keep` (at least 1) best of them on all videos, by
/// index, ascending: those that are not surely worse than each of the `keep` best of the sample.
[[nodiscard]] std::vector<std::size_t> MayBeAmong(std::span<const Sampled> sets, std::size_t keep,
                                                  double share);

}  // namespace beamgrid
