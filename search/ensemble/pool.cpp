#include "search/ensemble/pool.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "registry/util/error.h"
#include "search/ensemble/coarse.h"

namespace beamgrid {
namespace {

/// The videos of one piece of work: enough that its buffers cost nothing, few enough that all
/// threads have work.
constexpr std::size_t kVideosPerPiece = 256;

/// Exact keys of the sets that are scored at the same time take no more than this.
constexpr std::size_t kExactBytes = std::size_t{512} << 20;
/// So do the bins that wait to be counted. They are counted in large portions: a set's counts come
/// into the processor's cache once for each.
constexpr std::size_t kBinBytes = std::size_t{128} << 20;
/// A quarter of a megabyte of counts each.
constexpr std::size_t kMostBracketed = 1024;

constexpr double kFinestUnit = 1e-12;
constexpr double kCoarsestUnit = 1e-6;

/// A coarse sum has 30 bits: its bin, and what tells scores of a bin apart in a video's top 20.
/// With the bit of a hit below it leaves the sign free (CountFrom).
constexpr int kSumBits = 30;
constexpr int kBinShift = kSumBits - static_cast<int>(std::bit_width(kBins - 1));

/// Returns the models that the growths need, each once.
std::vector<int> ModelsOf(std::span<const Growth> growths) {
  std::vector<int> models;
  const ModelSet* set = nullptr;
  for (const Growth& growth : growths) {
    models.push_back(growth.added);
    if (growth.set != set) models.insert(models.end(), growth.set->begin(), growth.set->end());
    set = growth.set;
  }
  std::ranges::sort(models);
  models.erase(std::unique(models.begin(), models.end()), models.end());
  return models;
}

}  // namespace

EnsemblePool::EnsemblePool(std::vector<AlignedModel> models, std::vector<double> factors,
                           const Combination& combination, Missing missing, std::int64_t max_terms,
                           ForEach for_each)
    : models_(std::move(models)),
      factors_(std::move(factors)),
      combination_(combination),
      missing_(MissingOf(models_, missing)),
      for_each_(std::move(for_each)) {
  for (std::size_t v = 0; v < models_[0].size(); ++v) {
    // All, also those that no model lists: GAP divides by them.
    positives_ += std::ssize(models_[0].LabelsOf(v));
  }
  for (const AlignedModel& model : models_) {
    largest_label_ = std::max(largest_label_, model.model->lists.largest_label());
  }
  ChooseUnit(max_terms);
  harmonic_.Reserve(models_[0].size() * kGapTop);
}

void EnsemblePool::ChooseUnit(std::int64_t max_terms) {
  tag_bits_ = 1 + static_cast<int>(std::bit_width(static_cast<std::uint32_t>(largest_label_)));
  // Below the sign: keys are compared as signed numbers.
  const double room = std::ldexp(1.0, 63 - tag_bits_);
  // One unit more per term, for rounding.
  const double largest =
      static_cast<double>(max_terms) * (combination_.largest_term() + kCoarsestUnit);
  double unit = kFinestUnit;
  while (unit < kCoarsestUnit && largest / unit >= room) unit *= 10;
  if (largest / unit >= room) {
    throw UsageError("ensemble: " + std::to_string(max_terms) + " members over classes up to " +
                     std::to_string(largest_label_) +
                     " are more than the search can add up; use fewer members");
  }
  unit_ = unit;
}

EnsemblePool::Exact EnsemblePool::Units(double term) const {
  return static_cast<Exact>(std::llround(term / unit_)) << tag_bits_;
}

EnsemblePool::CoarseScale EnsemblePool::ScaleOf(std::span<const Growth> growths) const {
  // By the largest sum that these growths can have, so that their scores use all bins.
  const auto factor = [this](int model) { return factors_[static_cast<std::size_t>(model)]; };
  double shares = 0;
  std::size_t terms = 0;
  for (const Growth& growth : growths) {
    double of_growth = factor(growth.added);
    for (const int member : *growth.set) of_growth += factor(member);
    shares = std::max(shares, of_growth);
    terms = std::max(terms, growth.set->size() + 1);
  }
  // Weights by GAP may all be 0.
  shares = std::max(shares, std::numeric_limits<double>::min());
  // Two units a term for its rounding and its floor's, and what single precision loses of a sum.
  const double rounding = 2 * static_cast<double>(terms) + std::ldexp(1.0, kSumBits - 23);
  const double unit =
      shares * combination_.largest_term() / (std::ldexp(1.0, kSumBits) - 2 * rounding);
  return {unit, static_cast<Coarse>(shares * CoarseError(combination_) / unit + rounding)};
}

void EnsemblePool::Decode(int model, std::size_t video, KeyList<Exact>& list) const {
  const auto m = static_cast<std::size_t>(model);
  const ModelLists& lists = models_[m].model->lists;
  const auto [begin, end] = lists.Of((*models_[m].rows)[video]);
  list.labels.resize(end - begin);
  list.keys.resize(end - begin);
  list.floor = Units(factors_[m] * FloorTerm(lists, {begin, end}, combination_, missing_[m]));
  for (std::size_t i = begin; i < end; ++i) {
    list.labels[i - begin] = lists.label(i);
    list.keys[i - begin] = Units(factors_[m] * combination_.Term(lists.score(i))) - list.floor;
  }
}

void EnsemblePool::DecodeCoarse(int model, std::size_t video, double unit,
                                std::vector<float>& terms, KeyList<Coarse>& list) const {
  const auto m = static_cast<std::size_t>(model);
  const ModelLists& lists = models_[m].model->lists;
  const ModelLists::Range range = lists.Of((*models_[m].rows)[video]);
  CoarseTerms(lists, range, combination_, terms);
  list.labels.resize(terms.size());
  list.keys.resize(terms.size());
  for (std::size_t i = 0; i < terms.size(); ++i) list.labels[i] = lists.label(range.begin + i);
  const auto scale = static_cast<float>(factors_[m] / unit);
  std::int32_t floor = 0;
  if (missing_[m] == Missing::kLastOfList && !terms.empty()) {
    floor = static_cast<std::int32_t>(*std::ranges::min_element(terms) * scale);
  }
  for (std::size_t i = 0; i < terms.size(); ++i) {
    // Not below 0: the floor is the least of these very numbers.
    list.keys[i] = static_cast<Coarse>(static_cast<std::int32_t>(terms[i] * scale) - floor) << 1;
  }
  list.floor = static_cast<Coarse>(floor) << 1;
}

std::size_t EnsemblePool::pieces() const {
  return (models_[0].size() + kVideosPerPiece - 1) / kVideosPerPiece;
}

std::size_t EnsemblePool::VideosOf(std::size_t piece) const {
  return std::min(models_[0].size() - piece * kVideosPerPiece, kVideosPerPiece);
}

template <typename Key, typename Decoder, typename Taker>
void EnsemblePool::ScorePiece(std::size_t piece, std::span<const Growth> growths,
                              const std::vector<int>& models, Key label_step, const Decoder& decode,
                              const Taker& take) const {
  std::vector<KeyList<Key>> lists(models_.size());
  TopScorer<Key> scorer(largest_label_, label_step);
  const std::size_t first = piece * kVideosPerPiece;
  for (std::size_t v = first; v < first + VideosOf(piece); ++v) {
    for (const int model : models) decode(model, v, lists[static_cast<std::size_t>(model)]);
    scorer.BeginVideo(models_[0].LabelsOf(v));
    const ModelSet* set = nullptr;
    for (std::size_t g = 0; g < growths.size(); ++g) {
      if (growths[g].set != set) {
        set = growths[g].set;
        scorer.BeginSet();
        for (const int member : *set) scorer.AddToSet(lists[static_cast<std::size_t>(member)]);
        scorer.EndSet();
      }
      take(g, scorer, scorer.TopWith(lists[static_cast<std::size_t>(growths[g].added)]));
    }
  }
}

std::vector<double> EnsemblePool::Score(std::span<const Growth> growths) const {
  std::vector<double> gaps(growths.size());
  const std::size_t bytes = std::max<std::size_t>(1, models_[0].size()) * kGapTop * sizeof(Exact);
  const std::size_t at_once = std::max<std::size_t>(1, kExactBytes / bytes);
  for (std::size_t begin = 0; begin < growths.size(); begin += at_once) {
    const std::size_t count = std::min(at_once, growths.size() - begin);
    ScoreSome(growths.subspan(begin, count), std::span(gaps).subspan(begin, count));
  }
  return gaps;
}

void EnsemblePool::ScoreSome(std::span<const Growth> growths, std::span<double> gaps) const {
  const std::vector<int> models = ModelsOf(growths);
  // [growths][pieces] the keys of a piece's videos
  std::vector<std::vector<std::vector<Exact>>> keys(growths.size());
  for (auto& of_growth : keys) of_growth.resize(pieces());
  for_each_(pieces(), [&](std::size_t piece) {
    for (auto& of_growth : keys) of_growth[piece].reserve(VideosOf(piece) * kGapTop);
    ScorePiece<Exact>(
        piece, growths, models, 2,
        [&](int model, std::size_t v, KeyList<Exact>& list) { Decode(model, v, list); },
        [&](std::size_t g, const TopScorer<Exact>&, std::span<const Exact> top) {
          keys[g][piece].insert(keys[g][piece].end(), top.begin(), top.end());
        });
  });
  for_each_(growths.size(), [&](std::size_t g) {
    std::vector<Exact> pool;
    pool.reserve(models_[0].size() * kGapTop);
    for (std::vector<Exact>& part : keys[g]) {
      pool.insert(pool.end(), part.begin(), part.end());
      part = {};
    }
    gaps[g] = PackedGap(tag_bits_, positives_, harmonic_)(pool);
  });
}

std::vector<double> EnsemblePool::ScoreExtensions(const ModelSet& set,
                                                  const std::vector<int>& candidates) const {
  std::vector<Growth> growths;
  for (const int candidate : candidates) growths.push_back({&set, candidate});
  return Score(growths);
}

std::vector<GapBounds> EnsemblePool::Bracket(std::span<const Growth> growths) const {
  std::vector<GapBounds> bounds(growths.size());
  // Votes are few values: all bins but a few would be empty, and those say nothing.
  if (combination_.votes() || positives_ == 0) return bounds;
  for (std::size_t begin = 0; begin < growths.size(); begin += kMostBracketed) {
    const std::size_t count = std::min(kMostBracketed, growths.size() - begin);
    BracketSome(growths.subspan(begin, count), std::span(bounds).subspan(begin, count));
  }
  return bounds;
}

void EnsemblePool::BracketSome(std::span<const Growth> growths, std::span<GapBounds> bounds) const {
  const std::vector<int> models = ModelsOf(growths);
  const CoarseScale scale = ScaleOf(growths);
  // BoundsOf takes half a bin, and a label that stands in another's place is off by three errors.
  if (6 * static_cast<double>(scale.error) > std::ldexp(1.0, kBinShift)) return;
  // Of two labels that may stand the other way round, keys differ by twice the error, and a bit.
  const Coarse margin = 4 * scale.error + 1;
  constexpr std::size_t kPerPiece = kVideosPerPiece * kGapTop;
  const std::size_t at_once =
      std::clamp<std::size_t>(kBinBytes / (growths.size() * kPerPiece * sizeof(std::uint16_t)), 1,
                              std::max<std::size_t>(1, pieces()));

  std::vector<BinCounts> counts(growths.size(), BinCounts(2 * kBins));
  std::vector<std::int64_t> unsure(growths.size());
  /// What one growth's labels of one piece are: bin << 1 | hit, and how many.
  std::vector<std::uint16_t> bins(growths.size() * at_once * kPerPiece);
  std::vector<std::uint32_t> filled(growths.size() * at_once);
  std::vector<std::uint32_t> unsure_here(growths.size() * at_once);
  for (std::size_t first = 0; first < pieces(); first += at_once) {
    const std::size_t here = std::min(at_once, pieces() - first);
    for_each_(here, [&](std::size_t p) {
      std::vector<float> terms;
      ScorePiece<Coarse>(
          first + p, growths, models, 0,
          [&](int model, std::size_t v, KeyList<Coarse>& list) {
            DecodeCoarse(model, v, scale.unit, terms, list);
          },
          [&](std::size_t g, const TopScorer<Coarse>& scorer, std::span<const Coarse> top) {
            const std::size_t place = g * at_once + p;
            std::uint16_t* const out = bins.data() + place * kPerPiece + filled[place];
            for (std::size_t i = 0; i < top.size(); ++i) {
              out[i] = static_cast<std::uint16_t>(top[i] >> (kBinShift + 1) << 1 | (top[i] & 1));
            }
            filled[place] += static_cast<std::uint32_t>(top.size());
            unsure_here[place] += static_cast<std::uint32_t>(scorer.UnsureHits(margin));
          });
    });
    for_each_(growths.size(), [&](std::size_t g) {
      for (std::size_t place = g * at_once; place < g * at_once + here; ++place) {
        const std::uint16_t* const begin = bins.data() + place * kPerPiece;
        for (std::uint32_t i = 0; i < filled[place]; ++i) ++counts[g][begin[i]];
        unsure[g] += unsure_here[place];
        filled[place] = 0;
        unsure_here[place] = 0;
      }
    });
  }
  for_each_(growths.size(), [&](std::size_t g) {
    bounds[g] = BoundsOf(counts[g], positives_, unsure[g], harmonic_);
  });
}

std::vector<std::optional<double>> EnsemblePool::ScoreBest(std::span<const Growth> growths,
                                                           std::size_t keep,
                                                           double at_least) const {
  std::vector<GapBounds> bounds(growths.size());
  if (models_[0].size() >= fewest_to_bracket_) bounds = Bracket(growths);
  std::vector<std::size_t> order(growths.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t g) { return bounds[g].high; });

  // What is known of each GAP from below; the keep-th greatest of these is what a growth must
  // reach.
  std::vector<double> known;
  for (const GapBounds& of_growth : bounds) known.push_back(of_growth.low);
  const auto enough = [&] {
    if (known.size() < keep) return at_least;
    std::vector<double> sorted = known;
    const auto place = sorted.begin() + static_cast<std::ptrdiff_t>(keep - 1);
    std::nth_element(sorted.begin(), place, sorted.end(), std::greater<>());
    return std::max(at_least, *place);
  };

  std::vector<std::optional<double>> gaps(growths.size());
  // The most promising first, some at a time: what they turn out to be spares others. Twice as many
  // as are wanted, because a pass decodes most models however few growths it serves.
  const std::size_t at_once = bounds.empty() || bounds[order[0]].high == 1
                                  ? growths.size()
                                  : std::max<std::size_t>(2 * keep, 8);
  for (std::size_t begin = 0; begin < order.size(); begin += at_once) {
    const double least = enough();
    std::vector<std::size_t> chosen;
    for (std::size_t i = begin; i < std::min(begin + at_once, order.size()); ++i) {
      if (bounds[order[i]].high >= least) chosen.push_back(order[i]);
    }
    if (chosen.empty()) break;
    // Growths of one set one after the other.
    std::ranges::sort(chosen);
    std::vector<Growth> asked;
    for (const std::size_t g : chosen) asked.push_back(growths[g]);
    const std::vector<double> exact = Score(asked);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      gaps[chosen[i]] = exact[i];
      known[chosen[i]] = exact[i];
    }
  }
  return gaps;
}

}  // namespace beamgrid
