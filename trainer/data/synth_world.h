#pragma once
// What all videos of one synthetic dataset share: frequencies, prototypes and plants (synth.h says
// what they are for).

#include <array>
#include <cstdint>
#include <vector>

#include "trainer/data/random.h"
#include "trainer/data/synth.h"

namespace beamgrid {

enum class Plant { kPlain, kLag, kOrder, kSalience, kModes, kChange };

/// A direction in one feature's space; entries have standard deviation 1.
using Prototype = std::vector<float>;

/// What one pair of twins looks like in one feature.
struct PairPrototypes {
  Prototype base;  ///< which pair it is
  /// Which twin it is. Plain: one each. Lag: what the audio says of each. Modes: u and v. Otherwise
  /// `first` is d.
  Prototype first, second;
};

/// The twins 2i and 2i + 1.
struct ClassPair {
  Plant plant = Plant::kPlain;
  std::array<std::int64_t, 2> partners{};  ///< pairs it likes to occur with
  std::vector<PairPrototypes> prototypes;  ///< [feature]
};

/// Number of keys by which image and audio are matched in the lag plant.
inline constexpr std::size_t kLagKeys = 4;

class SynthWorld {
 public:
  /// `options` complete and checked. Equal options give equal worlds.
  explicit SynthWorld(const SynthOptions& options);

  [[nodiscard]] const std::vector<ClassPair>& pairs() const { return pairs_; }
  [[nodiscard]] const Prototype& marker() const { return marker_; }
  [[nodiscard]] const Prototype& image_key(std::size_t key) const { return image_keys_[key]; }
  [[nodiscard]] const Prototype& audio_key(std::size_t key) const { return audio_keys_[key]; }
  [[nodiscard]] const std::vector<Prototype>& backgrounds() const { return backgrounds_; }

  /// Classes of one video, at least one, no pair twice; sorted.
  [[nodiscard]] std::vector<std::int64_t> DrawLabels(Random& random) const;
  [[nodiscard]] std::int64_t DrawClass(Random& random) const;

 private:
  [[nodiscard]] std::int64_t DrawPair(Random& random) const;
  [[nodiscard]] std::int64_t DrawTwin(std::int64_t pair, Random& random) const;

  std::int64_t classes_;
  double labels_per_video_, co_occurrence_;
  std::vector<ClassPair> pairs_;
  std::vector<double> cumulative_;  ///< frequencies of the pairs, summed up
  Prototype marker_;
  std::vector<Prototype> image_keys_, audio_keys_, backgrounds_;
};

}  // namespace beamgrid
