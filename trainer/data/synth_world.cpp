#include "trainer/data/synth_world.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace beamgrid {
namespace {

constexpr std::size_t kBackgrounds = 8;
constexpr std::int64_t kMostLabels = 23;  // the longest list of YouTube-8M 2018
constexpr double kRareFactor = 0.05;      // SynthOptions::rare: 20 times rarer
constexpr std::size_t kLongestChain = 6;

double Dot(const Prototype& a, const Prototype& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void Scale(Prototype& prototype, double factor) {
  for (float& entry : prototype) entry *= static_cast<float>(factor);
}

/// A random direction at right angles to `others`, as far as the width leaves room for one.
Prototype DrawPrototype(std::int64_t width, const std::vector<const Prototype*>& others,
                        Random& random) {
  Prototype prototype(static_cast<std::size_t>(width));
  for (float& entry : prototype) entry = static_cast<float>(random.Normal());
  const double norm = static_cast<double>(width);  // squared, of entries with standard deviation 1
  for (const Prototype* other : others) {
    const double share = Dot(prototype, *other) / norm;
    Prototype reduced = prototype;
    for (std::size_t i = 0; i < reduced.size(); ++i) {
      reduced[i] -= static_cast<float>(share) * (*other)[i];
    }
    // Gram-Schmidt. Where little of a direction would be left, as with more prototypes than
    // dimensions, it is kept as it is: not orthogonal, but one of its own.
    constexpr double kEnoughLeft = 0.1;
    if (Dot(reduced, reduced) > kEnoughLeft * norm) prototype = std::move(reduced);
  }
  // All equally long, so that no class is louder than another.
  const double length = Dot(prototype, prototype);
  if (length > 0) Scale(prototype, std::sqrt(norm / length));
  return prototype;
}

std::vector<const Prototype*> Pointers(const std::vector<Prototype>& prototypes) {
  std::vector<const Prototype*> pointers;
  for (const Prototype& prototype : prototypes) pointers.push_back(&prototype);
  return pointers;
}

/// `count` directions at right angles to each other.
std::vector<Prototype> DrawPrototypes(std::size_t count, std::int64_t width, Random& random) {
  std::vector<Prototype> prototypes;
  for (std::size_t i = 0; i < count; ++i) {
    prototypes.push_back(DrawPrototype(width, Pointers(prototypes), random));
  }
  return prototypes;
}

struct Share {
  Plant plant;
  double share;
};

/// The plants that this format can show, plain ones taking the rest, the share of the others
/// included.
std::vector<Share> SharesOf(const SynthOptions& options) {
  const SynthPlants& plants = options.plants;
  std::vector<Share> shares = {{Plant::kModes, plants.modes},
                               {Plant::kDependency, plants.dependency}};
  if (options.format != "video") {
    shares.push_back({Plant::kOrder, plants.order});
    shares.push_back({Plant::kSalience, plants.salience});
    shares.push_back({Plant::kChange, plants.change});
    if (options.features.size() > 1) shares.push_back({Plant::kLag, plants.lag});
  }
  double rest = 1;
  for (const Share& share : shares) rest -= share.share;
  shares.push_back({Plant::kPlain, std::max(0.0, rest)});
  return shares;
}

/// Gives each pair in turn the plant that lags its share most, so that every plant has frequent and
/// rare classes.
std::vector<Plant> AssignPlants(const std::vector<Share>& shares, std::size_t pairs) {
  std::vector<Plant> assigned;
  std::vector<double> owed(shares.size(), 0.0);
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    for (std::size_t i = 0; i < shares.size(); ++i) owed[i] += shares[i].share;
    const auto most = std::max_element(owed.begin(), owed.end());
    *most -= 1;
    assigned.push_back(shares[static_cast<std::size_t>(most - owed.begin())].plant);
  }
  return assigned;
}

/// The frequencies of the pairs by rank (Zipf's law with an exponent), summed up for drawing.
std::vector<double> CumulativeFrequencies(const SynthOptions& options, std::size_t pairs) {
  const auto rare_from =
      static_cast<std::size_t>(std::lround(static_cast<double>(pairs) * (1 - options.rare)));
  std::vector<double> cumulative;
  double sum = 0;
  for (std::size_t rank = 0; rank < pairs; ++rank) {
    const double frequency = std::pow(static_cast<double>(rank + 1), -options.long_tail);
    sum += rank < rare_from ? frequency : frequency * kRareFactor;
    cumulative.push_back(sum);
  }
  return cumulative;
}

/// Draws a pair's directions at right angles to `shared`, those that may meet them in one frame.
PairPrototypes DrawPairPrototypes(std::int64_t width, std::vector<const Prototype*> shared,
                                  Random& random) {
  PairPrototypes pair;
  for (Prototype* prototype : {&pair.base, &pair.first, &pair.second}) {
    *prototype = DrawPrototype(width, shared, random);
    shared.push_back(prototype);
  }
  return pair;
}

}  // namespace

SynthWorld::SynthWorld(const SynthOptions& options)
    : classes_(options.classes),
      labels_per_video_(options.labels_per_video),
      co_occurrence_(options.co_occurrence) {
  Random random(options.seed, /*stream=*/0);
  const auto pairs = static_cast<std::uint32_t>((classes_ + 1) / 2);
  cumulative_ = CumulativeFrequencies(options, pairs);
  // What pairs share comes first: those that meet it in a frame draw theirs at right angles to it.
  const std::int64_t image_width = options.features.front().second;
  markers_ = DrawPrototypes(2, image_width, random);
  backgrounds_ = DrawPrototypes(kBackgrounds, image_width, random);
  image_keys_ = DrawPrototypes(kLagKeys, image_width, random);
  if (options.features.size() > 1) {
    audio_keys_ = DrawPrototypes(kLagKeys, options.features[1].second, random);
  }
  for (const Plant plant : AssignPlants(SharesOf(options), pairs)) {
    pairs_.push_back(DrawClassPair(options, plant, random));
  }
  DrawSources(random);
}

ClassPair SynthWorld::DrawClassPair(const SynthOptions& options, Plant plant,
                                    Random& random) const {
  const auto pairs = static_cast<std::uint32_t>(cumulative_.size());
  ClassPair pair{.plant = plant};
  for (std::int64_t& partner : pair.partners) partner = random.Below(pairs);
  for (std::size_t feature = 0; feature < options.features.size(); ++feature) {
    std::vector<const Prototype*> shared;
    if (plant == Plant::kSalience && feature == 0) shared = Pointers(markers_);
    if (plant == Plant::kLag) shared = Pointers(feature == 0 ? image_keys_ : audio_keys_);
    pair.prototypes.push_back(
        DrawPairPrototypes(options.features[feature].second, std::move(shared), random));
  }
  return pair;
}

// Chains: each dependent pair has the one before it as a source, and one that is not dependent. A
// chain takes one pair more than it has links from `others`, all different, hence its bound.
void SynthWorld::DrawSources(Random& random) {
  std::vector<std::int64_t> others;
  for (std::int64_t pair = 0; pair < std::ssize(pairs_); ++pair) {
    if (!IsDependent(pair)) others.push_back(pair);
  }
  const std::size_t longest = std::min(kLongestChain, others.empty() ? 0 : others.size() - 1);
  std::size_t link = 0;
  std::int64_t previous = 0;
  for (std::int64_t pair = 0; pair < std::ssize(pairs_); ++pair) {
    if (!IsDependent(pair)) continue;
    ClassPair& dependent = pairs_[static_cast<std::size_t>(pair)];
    if (longest == 0) {
      dependent.plant = Plant::kPlain;
      continue;
    }
    if (link == 0) {
      Shuffle(others, random);
      previous = others[0];
    }
    dependent.sources = {previous, others[link + 1]};
    previous = pair;
    link = (link + 1) % longest;
  }
}

bool SynthWorld::IsDependent(std::int64_t pair) const {
  return pairs_[static_cast<std::size_t>(pair)].plant == Plant::kDependency;
}

std::int64_t SynthWorld::DrawPair(Random& random) const {
  const double point = random.Uniform() * cumulative_.back();
  const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), point);
  // Uniform() is below 1, but the product may be rounded up to the sum.
  return std::min(found - cumulative_.begin(), std::ssize(cumulative_) - 1);
}

std::int64_t SynthWorld::DrawTwin(std::int64_t pair, Random& random) const {
  const std::int64_t twin = 2 * pair + random.Below(2);
  return std::min(twin, classes_ - 1);  // of an odd number of classes the last has no twin
}

std::int64_t SynthWorld::DrawClass(Random& random) const {
  return DrawTwin(DrawPair(random), random);
}

std::int64_t SynthWorld::DependentTwin(std::int64_t pair,
                                       const std::vector<std::int64_t>& labels) const {
  const auto& sources = pairs_[static_cast<std::size_t>(pair)].sources;
  const auto odd = std::count_if(labels.begin(), labels.end(), [&](std::int64_t label) {
    return label % 2 != 0 && std::find(sources.begin(), sources.end(), label / 2) != sources.end();
  });
  return std::min(2 * pair + odd % 2, classes_ - 1);
}

/// Draws pairs, none twice. After each there is another with a chance that makes labels_per_video
/// the mean; a pair that is there already is dropped, so the true mean is a little less.
std::vector<std::int64_t> SynthWorld::DrawPairs(Random& random) const {
  std::vector<std::int64_t> drawn;
  const std::int64_t most = std::min(kMostLabels, std::ssize(pairs_));
  const double another = 1 - 1 / labels_per_video_;
  do {
    std::int64_t pair = DrawPair(random);
    if (!drawn.empty() && random.Chance(co_occurrence_)) {
      const auto earlier = drawn[random.Below(static_cast<std::uint32_t>(drawn.size()))];
      pair = pairs_[static_cast<std::size_t>(earlier)].partners[random.Below(2)];
    }
    if (std::find(drawn.begin(), drawn.end(), pair) == drawn.end()) drawn.push_back(pair);
  } while (std::ssize(drawn) < most && random.Chance(another));
  return drawn;
}

/// Adds the sources of dependent pairs, and the sources' sources: `drawn` grows on the way. They
/// end, because a source stands before its pair or is not dependent.
void SynthWorld::AddSources(std::vector<std::int64_t>& drawn) const {
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    if (!IsDependent(drawn[i])) continue;
    for (const std::int64_t source : pairs_[static_cast<std::size_t>(drawn[i])].sources) {
      if (std::find(drawn.begin(), drawn.end(), source) == drawn.end()) drawn.push_back(source);
    }
  }
}

std::vector<std::int64_t> SynthWorld::DrawLabels(Random& random) const {
  std::vector<std::int64_t> pairs = DrawPairs(random);
  AddSources(pairs);
  std::vector<std::int64_t> labels;
  for (const std::int64_t pair : pairs) {
    // Those that depend on nothing first: the twins of the others follow from them.
    if (!IsDependent(pair)) labels.push_back(DrawTwin(pair, random));
  }
  std::sort(pairs.begin(), pairs.end());  // sources that are dependent come first
  for (const std::int64_t pair : pairs) {
    if (IsDependent(pair)) labels.push_back(DependentTwin(pair, labels));
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

}  // namespace beamgrid
