#include "search/ensemble/pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "registry/util/error.h"
#include "search/ensemble/coarse.h"
#include "search/ensemble/gpu/device_pool.h"
#include "search/ensemble/one_by_one.h"

namespace beamgrid {
namespace {

/// The videos of one piece of work: enough that its buffers cost nothing, few enough that all
/// threads have work.
constexpr std::size_t kVideosPerPiece = 128;
/// So many pieces before a piece is on its turn its lists are asked for: a disk takes milliseconds,
/// a piece tens of them.
constexpr std::size_t kPiecesAhead = 16;

/// Exact keys of the sets that are scored at the same time take no more than this.
constexpr std::size_t kExactBytes = std::size_t{1} << 30;
/// So do the bins that wait to be counted. They are counted in large portions: a set's counts come
/// into the processor's cache once for each.
constexpr std::size_t kBinBytes = std::size_t{128} << 20;
constexpr double kFinestUnit = 1e-12;
constexpr double kCoarsestUnit = 1e-6;

/// A coarse sum has 30 bits: its bin, and what tells scores of a bin apart in a video's top 20.
/// With the bit of a hit below it leaves the sign free (CountFrom).
constexpr int kSumBits = 30;
constexpr int kBinShift = kSumBits - static_cast<int>(std::bit_width(kBins - 1));

/// Tops is what FindTopColumns and FindTopBins find of some growths.
struct Tops {
  void Clear(std::size_t growths) {
    found.resize(TopsRoom(growths));
    sure.assign(growths, 0);
  }
  [[nodiscard]] std::span<const std::uint16_t> Of(std::size_t growth) const {
    return std::span(found).subspan(growth * kGapTop, kGapTop);
  }

  /// Returns of each column whether it is in a top that is sure.
  [[nodiscard]] std::vector<char> ColumnsOf(std::size_t columns) const {
    std::vector<char> in_top(columns);
    for (std::size_t g = 0; g < sure.size(); ++g) {
      if (sure[g] == 0) continue;
      for (const std::uint16_t column : Of(g)) in_top[column] = 1;
    }
    return in_top;
  }

  std::vector<std::uint16_t> found;
  std::vector<std::uint8_t> sure;
};

/// A whole top as BinLists takes it.
using TopBins = std::array<std::uint16_t, kGapTop>;

/// Puts what BinLists takes of coarse keys into `bins` and returns it.
std::span<const std::uint16_t> BinsOf(std::span<const std::uint32_t> keys, TopBins& bins) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    bins[i] = static_cast<std::uint16_t>(keys[i] >> (kBinShift + 1) << 1 | (keys[i] & 1));
  }
  return std::span(bins).first(keys.size());
}

}  // namespace

/// CoarseVideo is the coarse side of one video, in buffers that serve one video after the other.
struct EnsemblePool::CoarseVideo {
  CoarseVideo(std::size_t models, std::int32_t largest_label)
      : lists(models), dense(lists, largest_label), guess(models) {}
  CoarseVideo(const CoarseVideo&) = delete;
  CoarseVideo& operator=(const CoarseVideo&) = delete;

  std::vector<KeyList<Coarse>> lists;  ///< [models]
  std::vector<float> terms;
  DenseVideo dense;
  TopGuess guess;
  Tops tops;
};

EnsemblePool::EnsemblePool(std::vector<AlignedModel> models, std::vector<double> factors,
                           const Combination& combination, Missing missing, std::int64_t max_terms,
                           ForEach for_each, const gpu::DeviceOffer& device)
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
    largest_score_ = std::max(largest_score_, model.model->lists.largest_score());
  }
  ChooseUnit(max_terms);
  harmonic_.Reserve(models_[0].size() * kGapTop);
  OpenDevice(device);
}

EnsemblePool::~EnsemblePool() = default;
EnsemblePool::EnsemblePool(EnsemblePool&&) noexcept = default;

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
  return Rounded(term / unit_) << tag_bits_;
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
  // The range that the scores use. Not less than half of all: errors would become too many units.
  const double largest =
      std::max(combination_.Term(largest_score_), combination_.largest_term() / 2) +
      CoarseError(combination_);
  const double unit = shares * largest / (std::ldexp(1.0, kSumBits) - 2 * rounding);
  return {unit, static_cast<Coarse>(shares * CoarseError(combination_) / unit + rounding)};
}

bool EnsemblePool::UsesCoarse(const CoarseScale& scale) const {
  // Votes are few values: all bins but a few would be empty, and those say nothing. Otherwise a
  // label that stands in another's place is off by three errors, one of a row's numbers by two
  // units; BoundsOf takes less than two bins, of two units each, and so does kLeastApart.
  return !combination_.votes() &&
         8 * static_cast<double>(scale.error) <= std::ldexp(1.0, kBinShift);
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

bool EnsemblePool::LayOut(std::size_t video, const GrowthPlan& plan, const CoarseScale& scale,
                          CoarseVideo& at) const {
  at.dense.Begin(models_[0].LabelsOf(video));
  // One model after the other, whose list is in the processor's first cache then.
  for (const int model : plan.models) {
    DecodeCoarse(model, video, scale.unit, at.terms, at.lists[static_cast<std::size_t>(model)]);
    at.dense.AddModel(model);
  }
  for (const GrowthPlan::Run& run : plan.runs) at.dense.AddSet(*run.set);
  return at.dense.LayOut(plan.added);
}

void EnsemblePool::DecodeColumns(int model, std::size_t video, const DenseVideo& dense,
                                 const std::vector<char>& wanted, ExactRows& rows) const {
  const auto m = static_cast<std::size_t>(model);
  const ModelLists& lists = models_[m].model->lists;
  const auto [begin, end] = lists.Of((*models_[m].rows)[video]);
  const Exact floor =
      Units(factors_[m] * FloorTerm(lists, {begin, end}, combination_, missing_[m]));
  const std::span<Exact> row = rows.Row(model, floor);
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t column = dense.ColumnOf(model, i - begin);
    if (column >= row.size() || wanted[column] == 0) continue;
    row[column] = Units(factors_[m] * combination_.Term(lists.score(i))) - floor;
  }
}

void EnsemblePool::DecodeCoarse(int model, std::size_t video, double unit,
                                std::vector<float>& terms, KeyList<Coarse>& list) const {
  const auto m = static_cast<std::size_t>(model);
  const ModelLists& lists = models_[m].model->lists;
  const ModelLists::Range range = lists.Of((*models_[m].rows)[video]);
  if (video + 1 < models_[m].size()) lists.Prefetch(lists.Of((*models_[m].rows)[video + 1]));
  CoarseTerms(lists, range, combination_, terms);
  list.labels.resize(terms.size());
  list.keys.resize(terms.size());
  lists.CopyLabels(range, list.labels.data());
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

std::int64_t EnsemblePool::PositivesOf(std::size_t piece) const {
  const std::size_t first = piece * kVideosPerPiece;
  std::int64_t positives = 0;
  for (std::size_t v = first; v < first + VideosOf(piece); ++v) {
    positives += std::ssize(models_[0].LabelsOf(v));
  }
  return positives;
}

std::function<std::size_t(std::size_t)> EnsemblePool::OrderOfPass(std::size_t pieces) const {
  const bool backwards = std::exchange(backwards_, !backwards_);
  return [backwards, last = pieces - 1](std::size_t place) {
    return backwards ? last - place : place;
  };
}

void EnsemblePool::ReadAhead(std::size_t piece, const std::vector<int>& models) const {
  const std::size_t first = piece * kVideosPerPiece;
  const std::size_t last = first + VideosOf(piece) - 1;
  for (const int model : models) {
    const AlignedModel& aligned = models_[static_cast<std::size_t>(model)];
    const ModelLists& lists = aligned.model->lists;
    lists.ReadAhead(lists.Of((*aligned.rows)[first]), lists.Of((*aligned.rows)[last]));
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

void EnsemblePool::ScorePiece(std::size_t piece, const GrowthPlan& plan, const CoarseScale& scale,
                              KeysOfPieces& keys) const {
  CoarseVideo at(models_.size(), largest_label_);
  ExactRows rows(models_.size());
  OneByOne<Exact> one_by_one(largest_label_, 2);
  for (auto& of_growth : keys) of_growth[piece].reserve(VideosOf(piece) * kGapTop);
  const std::size_t first = piece * kVideosPerPiece;
  for (std::size_t v = first; v < first + VideosOf(piece); ++v) {
    const bool laid_out = UsesCoarse(scale) && LayOut(v, plan, scale, at);
    at.tops.Clear(plan.growths.size());
    for (std::size_t r = 0; laid_out && r < plan.runs.size(); ++r) {
      // In their order: what is written behind a run's last top, the next run writes over.
      const std::size_t begin = plan.runs[r].begin;
      const RowSums sums = at.dense.Sums(r, plan.AddedIn(plan.runs[r]));
      FindTopColumns(sums, at.guess, at.tops.found.data() + begin * kGapTop,
                     at.tops.sure.data() + begin);
    }
    if (laid_out) {
      rows.Begin(at.dense, largest_label_);
      const std::vector<char> in_top = at.tops.ColumnsOf(at.dense.labels().size());
      for (const int model : plan.models) DecodeColumns(model, v, at.dense, in_top, rows);
    }
    one_by_one.BeginVideo(models_[0].LabelsOf(v));
    const auto fill = [&, v](int model, KeyList<Exact>& list) { Decode(model, v, list); };
    for (const auto& [set, begin, end] : plan.runs) {
      if (laid_out) rows.BeginSet(*set);
      for (std::size_t g = begin; g < end; ++g) {
        std::vector<Exact>& out = keys[g][piece];
        if (at.tops.sure[g] != 0) {
          rows.AppendKeys(plan.model_of[g], at.tops.Of(g), out);
        } else {
          const std::span<const Exact> top = one_by_one.Top(plan.growths[g], fill);
          out.insert(out.end(), top.begin(), top.end());
        }
      }
    }
  }
}

void EnsemblePool::ScoreSome(std::span<const Growth> growths, std::span<double> gaps) const {
  const GrowthPlan plan(growths);
  if (ScoreOnDevice(plan, gaps)) return;
  const CoarseScale scale = ScaleOf(growths);
  KeysOfPieces keys(growths.size());
  for (auto& of_growth : keys) of_growth.resize(pieces());
  const auto order = OrderOfPass(pieces());
  for_each_(pieces(), [&](std::size_t place) {
    if (place + kPiecesAhead < pieces()) ReadAhead(order(place + kPiecesAhead), plan.models);
    ScorePiece(order(place), plan, scale, keys);
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

void EnsemblePool::BracketPiece(std::size_t piece, const GrowthPlan& plan, const CoarseScale& scale,
                                std::size_t place, BinLists& bins) const {
  CoarseVideo at(models_.size(), largest_label_);
  OneByOne<Coarse> one_by_one(largest_label_, 0);
  TopBins one;
  const auto fill = [&](int model, KeyList<Coarse>& list) {
    list = at.lists[static_cast<std::size_t>(model)];
  };
  const std::size_t first = piece * kVideosPerPiece;
  for (std::size_t v = first; v < first + VideosOf(piece); ++v) {
    const bool laid_out = LayOut(v, plan, scale, at);
    one_by_one.BeginVideo(models_[0].LabelsOf(v));
    for (std::size_t r = 0; r < plan.runs.size(); ++r) {
      const auto& [set, begin, end] = plan.runs[r];
      at.tops.Clear(end - begin);
      if (laid_out) {
        const RowSums sums = at.dense.Sums(r, plan.AddedIn(plan.runs[r]));
        FindTopBins(sums, at.dense.floors().data(), at.dense.hits(), at.guess, at.tops.found.data(),
                    at.tops.sure.data());
      }
      for (std::size_t g = begin; g < end; ++g) {
        if (at.tops.sure[g - begin] != 0) {
          bins.AddTop(g, place, at.tops.Of(g - begin).data());
          continue;
        }
        bins.Add(g, place, BinsOf(one_by_one.Top(plan.growths[g], fill), one));
        // Of two labels that may stand the other way round, keys differ by twice the error, and a
        // bit.
        bins.AddUnsure(g, place, one_by_one.UnsureHits(4 * scale.error + 1));
      }
    }
  }
}

void EnsemblePool::CountTops(const GrowthPlan& plan, const CoarseScale& scale,
                             std::span<const std::size_t> pieces, const Counted& counted) const {
  const std::size_t growths = plan.growths.size();
  constexpr std::size_t kPerPiece = kVideosPerPiece * kGapTop;
  const std::size_t at_once =
      std::clamp<std::size_t>(kBinBytes / (growths * kPerPiece * sizeof(std::uint16_t)), 1,
                              std::max<std::size_t>(1, pieces.size()));
  bins_.Reserve(growths, at_once, kPerPiece);
  const auto order = OrderOfPass(pieces.size());
  for (std::size_t first = 0; first < pieces.size(); first += at_once) {
    const std::size_t here = std::min(at_once, pieces.size() - first);
    for_each_(here, [&](std::size_t p) {
      const std::size_t ahead = first + p + kPiecesAhead;
      if (ahead < pieces.size()) ReadAhead(pieces[order(ahead)], plan.models);
      BracketPiece(pieces[order(first + p)], plan, scale, p, bins_);
    });
    for_each_(growths, [&](std::size_t g) {
      const std::size_t slot = counted.slots[g];
      for (std::size_t p = 0; counted.screen != nullptr && p < here; ++p) {
        const std::size_t strand = counted.strands[pieces[order(first + p)]];
        counted.screen->Add(slot, strand, bins_.Of(g, p));
      }
      counted.unsure[slot] += bins_.CountInto(g, counts_[slot]);
    });
  }
  for (const std::size_t piece : pieces) {
    if (counted.screen == nullptr) break;
    counted.screen->AddPositives(counted.strands[piece], PositivesOf(piece));
  }
}

}  // namespace beamgrid
