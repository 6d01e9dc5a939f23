#include "search/ensemble/combine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

// Whole units add up to the same in any order. The largest term is 27.6, so 64 bits hold the sum of
// 300,000 terms.
constexpr double kUnit = 1e12;

double Logit(double probability) {
  // By the nearer end, so that 0 and 1 together say what 0.5 twice does: 1 - 1e-6 has its last
  // digits where its logit no longer has 1e-12.
  const bool is_upper = probability > 0.5;
  // A score of exactly 0 or 1 would outvote all other members for ever.
  const double p = std::max(is_upper ? 1 - probability : probability, kSmallestProbability);
  const double lower = std::log(p / (1 - p));
  return is_upper ? -lower : lower;
}

const double kLowestLogit = Logit(0);

/// Factors are weights as factors and one divisor: equal weights are factors of 1, which keeps
/// decimal scores exact.
struct Factors {
  std::vector<double> factors;
  double divisor = 1;
  bool whole = false;  ///< all factors are whole numbers

  /// Returns a member's part of a sum.
  [[nodiscard]] std::int64_t Units(std::size_t member, double term) const {
    if (!whole) return Rounded(factors[member] * term * kUnit);
    // Rounded before it is multiplied: three times a term is then the sum of three of it.
    return static_cast<std::int64_t>(factors[member]) * Rounded(term * kUnit);
  }
};
Factors FactorsOf(const std::vector<double>& weights) {
  // Weights that are to each other as whole numbers (a greedy search's counts) count as these: each
  // rounded by itself, three thirds would be more or less than one. The bounds keep the sums of
  // units within 64 bits.
  constexpr double kLargestSum = 10'000, kSame = 1e-9;
  constexpr int kMostTimes = 16;
  double smallest = 0;
  for (const double weight : weights) {
    if (weight > 0 && (smallest == 0 || weight < smallest)) smallest = weight;
  }
  for (int times = 1; smallest > 0 && times <= kMostTimes; ++times) {
    Factors whole{.factors = {}, .divisor = 0, .whole = true};
    bool fits = true;
    for (const double weight : weights) {
      const double ratio = weight * times / smallest;
      whole.factors.push_back(std::round(ratio));
      whole.divisor += whole.factors.back();
      fits = fits && std::abs(ratio - whole.factors.back()) <= kSame * ratio;
    }
    if (fits && whole.divisor <= kLargestSum) return whole;
  }
  // By what they add up to, not 1: weights from outside need not be normalised.
  return {.factors = weights, .divisor = std::accumulate(weights.begin(), weights.end(), 0.0)};
}

void RefuseOtherVideos(const std::vector<const Predictions*>& members) {
  for (const Predictions* member : members) {
    const auto& videos = member->videos;
    const auto& first = members[0]->videos;
    const bool same = std::equal(videos.begin(), videos.end(), first.begin(), first.end(),
                                 [](const auto& a, const auto& b) { return a.id == b.id; });
    if (!same) {
      throw UsageError("ensemble: the members' predictions are over different videos (" +
                       std::to_string(first.size()) + " and " + std::to_string(videos.size()) +
                       ", or in another order)");
    }
  }
}

/// LabelRows numbers the labels of a video, in ascending order: a hash table with open addressing,
/// at most half full.
class LabelRows {
 public:
  explicit LabelRows(std::span<const VideoPrediction* const> members) {
    std::size_t most = members[0]->labels.size();
    for (const VideoPrediction* member : members) most += member->top.size();
    slots_.resize(std::bit_ceil(2 * most + 1), {kNone, 0});
  }
  void Add(std::int32_t label) {
    Slot& slot = SlotOf(label);
    if (slot.label == label) return;
    slot.label = label;
    labels_.push_back(label);
  }
  /// Returns the labels, ascending; call it once, after all are added.
  std::vector<std::int32_t> Sort() {
    std::ranges::sort(labels_);
    for (std::size_t row = 0; row < labels_.size(); ++row) {
      SlotOf(labels_[row]).row = static_cast<std::uint32_t>(row);
    }
    return std::move(labels_);
  }
  [[nodiscard]] std::size_t RowOf(std::int32_t label) { return SlotOf(label).row; }

 private:
  static constexpr std::int32_t kNone = -1;
  struct Slot {
    std::int32_t label;
    std::uint32_t row;
  };
  Slot& SlotOf(std::int32_t label) {
    // Knuth's multiplicative hashing: the upper bits are the mixed ones.
    std::size_t at = (static_cast<std::uint32_t>(label) * 2654435769U) >> 8;
    for (;; ++at) {
      Slot& slot = slots_[at & (slots_.size() - 1)];
      if (slot.label == label || slot.label == kNone) return slot;
    }
  }

  std::vector<Slot> slots_;
  std::vector<std::int32_t> labels_;
};

}  // namespace

double Combination::Term(double probability) const {
  if (votes()) return probability >= 0.5 ? 1 : 0;
  return logits() ? Logit(probability) - kLowestLogit : probability;
}

double Combination::Probability(double term) const {
  return logits() ? 1 / (1 + std::exp(-(term + kLowestLogit))) : term;
}

double Combination::largest_term() const { return Term(1); }

double FloorTerm(const VideoPrediction& video, const Combination& combination, Missing missing) {
  // Nobody votes for what he does not list.
  if (missing == Missing::kZero || video.top.empty() || combination.votes()) return 0;
  const auto least = std::min_element(video.top.begin(), video.top.end(),
                                      [](auto a, auto b) { return a.score < b.score; });
  return combination.Term(least->score);
}

double FloorTerm(const ModelLists& lists, ModelLists::Range list, const Combination& combination,
                 Missing missing) {
  if (missing == Missing::kZero || list.begin == list.end || combination.votes()) return 0;
  double least = lists.score(list.begin);
  for (std::size_t i = list.begin; i < list.end; ++i) least = std::min(least, lists.score(i));
  return combination.Term(least);
}

VideoTerms GatherTerms(std::span<const VideoPrediction* const> members,
                       const Combination& combination, std::span<const Missing> missing,
                       Rows rows) {
  VideoTerms result;
  LabelRows labels(members);
  for (const VideoPrediction* member : members) {
    for (const ScoredLabelDouble& entry : member->top) labels.Add(entry.label);
  }
  if (rows == Rows::kListedAndTrue) {
    for (const std::int32_t label : members[0]->labels) labels.Add(label);
  }
  result.labels = labels.Sort();

  result.terms.resize(result.labels.size() * members.size());
  for (std::size_t m = 0; m < members.size(); ++m) {
    const double floor = FloorTerm(*members[m], combination, missing[m]);
    for (std::size_t row = 0; row < result.labels.size(); ++row) {
      result.terms[row * members.size() + m] = floor;
    }
    for (const ScoredLabelDouble& entry : members[m]->top) {
      result.terms[labels.RowOf(entry.label) * members.size() + m] = combination.Term(entry.score);
    }
  }
  return result;
}

VideoPrediction CombineVideo(std::span<const VideoPrediction* const> members,
                             const std::vector<double>& weights, const Combination& combination,
                             std::span<const Missing> missing, int top_k) {
  // Unchanged: by way of logits a score would come back different in its last bits, and clamped.
  if (members.size() == 1) {
    VideoPrediction alone = *members[0];
    if (std::ssize(alone.top) > top_k) alone.top.resize(static_cast<std::size_t>(top_k));
    return alone;
  }
  const VideoTerms gathered = GatherTerms(members, combination, missing, Rows::kListed);
  const Factors factors = FactorsOf(weights);
  struct Summed {
    std::int64_t units;
    std::int32_t label;
  };
  std::vector<Summed> sums;
  for (std::size_t row = 0; row < gathered.labels.size(); ++row) {
    Summed sum{0, gathered.labels[row]};
    for (std::size_t m = 0; m < members.size(); ++m) {
      sum.units += factors.Units(m, gathered.terms[row * members.size() + m]);
    }
    sums.push_back(sum);
  }
  const std::size_t kept = std::min(sums.size(), static_cast<std::size_t>(top_k));
  std::partial_sort(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(kept), sums.end(),
                    [](const Summed& a, const Summed& b) {
                      return a.units != b.units ? a.units > b.units : a.label < b.label;
                    });
  sums.resize(kept);

  VideoPrediction combined{.id = members[0]->id, .labels = members[0]->labels};
  for (const Summed& sum : sums) {
    const double mean = static_cast<double>(sum.units) / (kUnit * factors.divisor);
    combined.top.push_back({sum.label, combination.Probability(mean)});
  }
  return combined;
}

Predictions Combine(const std::vector<const Predictions*>& members,
                    const std::vector<double>& weights, ScoreDomain combine, Missing missing,
                    int top_k) {
  return Combine(members, weights, combine, std::vector<Missing>(members.size(), missing), top_k);
}

Predictions Combine(const std::vector<const Predictions*>& members,
                    const std::vector<double>& weights, ScoreDomain combine,
                    const std::vector<Missing>& missing, int top_k) {
  const Combination combination(combine);
  if (members.empty() || members.size() != weights.size()) {
    throw UsageError("ensemble: " + std::to_string(members.size()) + " members and " +
                     std::to_string(weights.size()) + " weights; there must be one weight each");
  }
  RefuseOtherVideos(members);
  Predictions combined{.classes = members[0]->classes, .top_k = top_k};
  std::vector<const VideoPrediction*> row(members.size());
  for (std::size_t v = 0; v < members[0]->videos.size(); ++v) {
    for (std::size_t m = 0; m < members.size(); ++m) row[m] = &members[m]->videos[v];
    combined.videos.push_back(CombineVideo(row, weights, combination, missing, top_k));
  }
  return combined;
}

}  // namespace beamgrid
