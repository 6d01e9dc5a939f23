#include "search/ensemble/screen.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

namespace beamgrid {
namespace {

constexpr std::uint64_t kSeed = 40;
constexpr double kStandardErrors = 5;

constexpr std::size_t kLevels = 128;
constexpr double kMostOfALevel = 1.0 / 8;  ///< of a set's hits

}  // namespace

Stages StagesOf(std::size_t pieces) {
  std::vector<std::size_t> order(pieces);
  std::iota(order.begin(), order.end(), 0U);
  Stages stages{.pieces = {}, .strands = std::vector<std::uint8_t>(pieces)};
  if (pieces < 2 * kStrands) {
    stages.pieces = {order};
    return stages;
  }
  std::mt19937_64 random(kSeed);
  // Not std::shuffle: each standard library shuffles in another way.
  for (std::size_t i = 0; i + 1 < pieces; ++i) {
    std::swap(order[i], order[i + random() % (pieces - i)]);
  }
  // In the order in which they are drawn, so that no strand stands for a part of the videos.
  for (std::size_t i = 0; i < pieces; ++i) {
    stages.strands[order[i]] = static_cast<std::uint8_t>(i % kStrands);
  }
  for (std::size_t begin = 0, end = kStrands; begin < pieces; begin = end, end *= 2) {
    // Not a stage of less than half of what is known by then.
    if (3 * end > 2 * pieces) end = pieces;
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    stages.pieces.emplace_back(first, order.begin() + static_cast<std::ptrdiff_t>(end));
    std::ranges::sort(stages.pieces.back());
  }
  return stages;
}

Levels LevelsOf(std::span<const BinCounts> counts) {
  std::vector<double> totals(2 * kBins);
  double hits = 0, labels = 0;
  for (const BinCounts& of_set : counts) {
    for (std::size_t i = 0; i < of_set.size(); ++i) {
      totals[i] += of_set[i];
      labels += of_set[i];
      hits += i % 2 == 1 ? of_set[i] : 0;
    }
  }
  Levels levels(kBins);
  double below = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double hits_here = totals[2 * bin + 1], labels_here = totals[2 * bin] + hits_here;
    const double here =
        (hits > 0 ? hits_here / hits / 2 : 0) + (labels > 0 ? labels_here / labels / 2 : 0);
    const auto level = static_cast<std::size_t>((below + here / 2) * kLevels);
    levels[bin] = static_cast<std::uint8_t>(std::min(level, kLevels - 1));
    below += here;
  }
  return levels;
}

Screen::Screen(std::size_t sets, Levels levels)
    : levels_(std::move(levels)), counts_(sets * kStrands * 2 * kLevels), positives_(kStrands) {}

void Screen::Add(std::size_t set, std::size_t strand, std::span<const std::uint16_t> bins) {
  // Neighbours are counted in two places: many share a level, and a counter that was just written
  // is slow to be read.
  std::array<std::array<std::uint32_t, 2 * kLevels>, 2> counts{};
  for (std::size_t i = 0; i < bins.size(); ++i) {
    ++counts[i % 2][levels_[bins[i] / 2] * 2 + bins[i] % 2];
  }
  std::uint32_t* const to = counts_.data() + (set * kStrands + strand) * 2 * kLevels;
  for (std::size_t i = 0; i < 2 * kLevels; ++i) to[i] += counts[0][i] + counts[1][i];
}

void Screen::AddPositives(std::size_t strand, std::int64_t count) { positives_[strand] += count; }

std::int64_t Screen::positives() const {
  return std::accumulate(positives_.begin(), positives_.end(), std::int64_t{0});
}

std::optional<Screen::Influences> Screen::InfluencesOf(std::size_t set) const {
  const std::uint32_t* const of_set = counts_.data() + set * kStrands * 2 * kLevels;
  std::array<double, 2 * kLevels> totals{};
  for (std::size_t strand = 0; strand < kStrands; ++strand) {
    for (std::size_t i = 0; i < totals.size(); ++i) totals[i] += of_set[strand * totals.size() + i];
  }
  // With h hits among n items at a level, and H among N above it, the hits there have the precision
  // p = (H + h/2) / (N + n/2), and their sum is S = sum h p. One item more at a level, a hit or
  // not, changes S by p if it is one, and by h' (hit - p') / (N' + n'/2) for each level below, of
  // its own half as much.
  std::array<double, kLevels> precision{}, per_item{};
  double hits = 0, items = 0, sum = 0, most = 0;
  for (std::size_t level = kLevels; level-- > 0;) {
    const double h = totals[2 * level + 1], n = totals[2 * level] + h;
    most = std::max(most, h);
    if (n > 0) {
      precision[level] = (hits + h / 2) / (items + n / 2);
      per_item[level] = h / (items + n / 2);
    }
    sum += h * precision[level];
    hits += h;
    items += n;
  }
  if (most > kMostOfALevel * hits) return std::nullopt;
  std::array<double, 2 * kLevels> change{};
  double below_hit = 0, below_miss = 0;
  for (std::size_t level = 0; level < kLevels; ++level) {
    const double of_hit = per_item[level] * (1 - precision[level]);
    const double of_miss = -per_item[level] * precision[level];
    change[2 * level] = below_miss + of_miss / 2;
    change[2 * level + 1] = precision[level] + below_hit + of_hit / 2;
    below_miss += of_miss;
    below_hit += of_hit;
  }
  // GAP is S over all true labels, whose number is the sample's, too.
  const auto all = static_cast<double>(positives());
  Influences influences{};
  for (std::size_t strand = 0; strand < kStrands; ++strand) {
    double changes = -sum / all * static_cast<double>(positives_[strand]);
    for (std::size_t i = 0; i < change.size(); ++i) {
      changes += change[i] * of_set[strand * change.size() + i];
    }
    influences[strand] = changes / all;
  }
  return influences;
}

double DifferenceError(const Sampled& a, const Sampled& b, double share) {
  if (!a.influences || !b.influences) return std::numeric_limits<double>::infinity();
  // Of a sum over strands, drawn without replacement, whose mean is 0.
  double squares = 0;
  for (std::size_t strand = 0; strand < kStrands; ++strand) {
    const double d = (*a.influences)[strand] - (*b.influences)[strand];
    squares += d * d;
  }
  return std::sqrt((1 - share) * squares * kStrands / (kStrands - 1));
}

bool SurelyWorse(const Sampled& a, const Sampled& b, double share) {
  const double difference = b.bounds.low - a.bounds.high;
  return difference > 0 && difference > kStandardErrors * DifferenceError(a, b, share);
}

std::vector<std::size_t> MayBeAmong(std::span<const Sampled> sets, std::size_t keep, double share) {
  std::vector<std::size_t> best(sets.size());
  std::iota(best.begin(), best.end(), 0U);
  if (keep >= best.size()) return best;
  std::vector<std::size_t> left;
  std::ranges::stable_sort(best, std::greater<>(),
                           [&](std::size_t set) { return sets[set].bounds.low; });
  best.resize(keep);
  for (std::size_t set = 0; set < sets.size(); ++set) {
    const bool given_up = std::ranges::all_of(
        best, [&](std::size_t other) { return SurelyWorse(sets[set], sets[other], share); });
    if (!given_up) left.push_back(set);
  }
  return left;
}

}  // namespace beamgrid
