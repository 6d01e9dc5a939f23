#pragma once
// What all videos of one synthetic dataset share: frequencies, prototypes and plants (synth.h says
// what they are for).

#include <array>
#include <cstdint>
#include <vector>

#include "trainer/data/random.h"
#include "trainer/data/synth.h"

namespace beamgrid {

/// Plant says in which way a pair tells its twins apart; SynthPlants explains each.
enum class Plant { kPlain, kLag, kOrder, kSalience, kModes, kChange, kDependency };

/// Prototype is a direction in one feature's space; entries have standard deviation 1. Those that
/// meet in a frame are orthogonal (where the feature is wide enough), so that frames of both twins
/// have equal norms: else the normalisation of frames would let a plant be seen in their mean.
using Prototype = std::vector<float>;

/// PairPrototypes says what one pair of twins looks like in one feature.
struct PairPrototypes {
  Prototype base;  ///< shown by both twins: tells which pair it is
  /// These tell which twin it is. Plain: one each. Lag: what the audio says of each. Modes: u and
  /// v. Order, salience and change: `first` is d. Dependency: neither is shown.
  Prototype first, second;
};

/// ClassPair holds the twins 2i and 2i + 1.
struct ClassPair {
  Plant plant = Plant::kPlain;
  std::array<std::int64_t, 2> partners{};  ///< pairs that it tends to occur with
  std::array<std::int64_t, 2> sources{};   ///< dependency: pairs whose twins decide its own
  std::vector<PairPrototypes> prototypes;  ///< [feature]
};

/// The number of keys by which image and audio are matched in the lag plant.
inline constexpr std::size_t kLagKeys = 4;

/// SynthWorld draws, once for a dataset, what its videos are made of. Immutable after construction.
class SynthWorld {
 public:
  /// `options` must be complete and checked. Equal options give equal worlds.
  explicit SynthWorld(const SynthOptions& options);

  [[nodiscard]] const std::vector<ClassPair>& pairs() const { return pairs_; }
  /// The marker of the frames that matter (salience), and that of the others in the same shot.
  [[nodiscard]] const Prototype& marker() const { return markers_[0]; }
  [[nodiscard]] const Prototype& other_marker() const { return markers_[1]; }
  [[nodiscard]] const Prototype& image_key(std::size_t key) const { return image_keys_[key]; }
  [[nodiscard]] const Prototype& audio_key(std::size_t key) const { return audio_keys_[key]; }
  [[nodiscard]] const std::vector<Prototype>& backgrounds() const { return backgrounds_; }

  /// Draws the classes of one video: at least one, no pair twice; sorted.
  [[nodiscard]] std::vector<std::int64_t> DrawLabels(Random& random) const;
  /// Draws one class by the frequencies of the pairs.
  [[nodiscard]] std::int64_t DrawClass(Random& random) const;

 private:
  [[nodiscard]] ClassPair DrawClassPair(const SynthOptions& options, Plant plant,
                                        Random& random) const;
  void DrawSources(Random& random);
  [[nodiscard]] bool IsDependent(std::int64_t pair) const;
  [[nodiscard]] std::int64_t DrawPair(Random& random) const;
  [[nodiscard]] std::vector<std::int64_t> DrawPairs(Random& random) const;
  void AddSources(std::vector<std::int64_t>& drawn) const;
  [[nodiscard]] std::int64_t DrawTwin(std::int64_t pair, Random& random) const;
  [[nodiscard]] std::int64_t DependentTwin(std::int64_t pair,
                                           const std::vector<std::int64_t>& labels) const;

  std::int64_t classes_;
  double labels_per_video_, co_occurrence_;
  std::vector<ClassPair> pairs_;
  std::vector<double> cumulative_;  ///< frequencies of the pairs, summed up
  std::vector<Prototype> markers_, image_keys_, audio_keys_, backgrounds_;
};

}  // namespace beamgrid
