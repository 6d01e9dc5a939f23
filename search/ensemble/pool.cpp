#include "search/ensemble/pool.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

constexpr std::uint8_t kNotInTop = 31;
constexpr std::uint8_t kNotListed = 30;
static_assert(kGapTop < kNotListed, "places of the top and the two marks share a 32-bit mask");

/// The number of classes whose table is still small; beyond it a label is surely a mistake.
constexpr std::int32_t kLabelLimit = 1 << 24;

/// The number of candidates that share one building of a row; their pools are filled side by side.
constexpr std::size_t kBlock = 32;

/// A guess is lower by 1/128 than what it was made from: candidates differ little, and a guess that
/// is too high costs a second pass.
constexpr int kGuessMargin = 7;

/// Copies the keys that are at least `threshold`; returns the end of the copies. Written without
/// branches: which keys pass is beyond prediction.
std::int64_t* KeepFrom(std::int64_t threshold, const std::int64_t* begin, const std::int64_t* end,
                       std::int64_t* kept) {
  for (const std::int64_t* key = begin; key != end; ++key) {
    *kept = *key;
    kept += *key >= threshold ? 1 : 0;
  }
  return kept;
}

/// Moves the kGapTop greatest keys to the front.
void DropLeast(std::int64_t* first, std::int64_t* last) {
  // So few are taken out one by one: partitioning pays off only beyond.
  constexpr std::ptrdiff_t kFew = 6;
  if (last - first > kGapTop + kFew) {
    std::nth_element(first, first + kGapTop, last, std::greater<>());
    return;
  }
  for (; last - first > kGapTop; --last) {
    std::int64_t* least = first;
    for (std::int64_t* key = first + 1; key != last; ++key) least = *key < *least ? key : least;
    *least = last[-1];
  }
}

constexpr double kFinestUnit = 1e-12;
constexpr double kCoarsestUnit = 1e-6;

}  // namespace

EnsemblePool::EnsemblePool(const std::vector<AlignedModel>& models,
                           const std::vector<double>& factors, const Combination& combination,
                           Missing missing, std::int64_t max_terms)
    : videos_(models[0].videos.size()) {
  LayOutCells(models);
  ChooseUnit(combination, max_terms);
  FillColumns(models, factors, combination, missing);
}

void EnsemblePool::LayOutCells(const std::vector<AlignedModel>& models) {
  std::vector<char> seen;
  std::vector<std::int32_t> listed;
  cells_begin_.push_back(0);
  true_begin_.push_back(0);
  for (std::size_t v = 0; v < videos_; ++v) {
    listed.clear();
    for (const AlignedModel& model : models) {
      for (const ScoredLabelDouble& entry : model.videos[v]->top) {
        if (entry.label >= kLabelLimit) {
          throw UsageError("ensemble: model '" + model.model->name + "', video '" +
                           model.videos[v]->id + "': label " + std::to_string(entry.label) +
                           " is not a class index");
        }
        const auto label = static_cast<std::size_t>(entry.label);
        if (label >= seen.size()) seen.resize(label + 1);
        if (!seen[label]) listed.push_back(entry.label);
        seen[label] = 1;
      }
    }
    std::sort(listed.begin(), listed.end());
    // Only what this video set: clearing the whole table would cost its classes for each video.
    for (const std::int32_t label : listed) seen[static_cast<std::size_t>(label)] = 0;
    labels_.insert(labels_.end(), listed.begin(), listed.end());
    cells_begin_.push_back(labels_.size());

    const std::vector<std::int32_t>& truth = models[0].videos[v]->labels;
    // All, also those that no model lists: GAP divides by them.
    positives_ += std::ssize(truth);
    for (const std::int32_t label : truth) {
      const auto at = std::lower_bound(listed.begin(), listed.end(), label);
      if (at == listed.end() || *at != label) continue;
      true_cells_.push_back(static_cast<std::uint32_t>(at - listed.begin()));
    }
    true_begin_.push_back(true_cells_.size());
  }
}

void EnsemblePool::ChooseUnit(const Combination& combination, std::int64_t max_terms) {
  std::size_t most_cells = 1;
  for (std::size_t v = 0; v < videos_; ++v) most_cells = std::max(most_cells, LabelsOf(v).size());
  tag_bits_ = 1 + static_cast<int>(std::bit_width(most_cells - 1));
  // Below the sign: keys are compared as signed numbers.
  const double room = std::ldexp(1.0, 63 - tag_bits_);
  // One unit more per term, for rounding.
  const double largest =
      static_cast<double>(max_terms) * (combination.largest_term() + kCoarsestUnit);
  double unit = kFinestUnit;
  while (unit < kCoarsestUnit && largest / unit >= room) unit *= 10;
  if (largest / unit >= room) {
    throw UsageError("ensemble: " + std::to_string(max_terms) + " members over videos with up to " +
                     std::to_string(most_cells) +
                     " different labels are more than the search can add up; use fewer members");
  }
  unit_ = unit;
}

std::int64_t EnsemblePool::Units(double term) const {
  return static_cast<std::int64_t>(std::llround(term / unit_)) << tag_bits_;
}

std::span<const std::int32_t> EnsemblePool::LabelsOf(std::size_t video) const {
  return std::span(labels_).subspan(cells_begin_[video],
                                    cells_begin_[video + 1] - cells_begin_[video]);
}

void EnsemblePool::FillColumns(const std::vector<AlignedModel>& models,
                               const std::vector<double>& factors, const Combination& combination,
                               Missing missing) {
  const std::vector<Missing> absent = MissingOf(models, missing);
  columns_.resize(models.size());
  for (Column& column : columns_) column.begin.push_back(0);
  std::vector<std::uint32_t> cell_of;  // by label, for the labels of one video
  for (std::size_t v = 0; v < videos_; ++v) {
    const std::span<const std::int32_t> labels = LabelsOf(v);
    if (!labels.empty() && static_cast<std::size_t>(labels.back()) >= cell_of.size()) {
      cell_of.resize(static_cast<std::size_t>(labels.back()) + 1);
    }
    for (std::size_t c = 0; c < labels.size(); ++c) {
      cell_of[static_cast<std::size_t>(labels[c])] = static_cast<std::uint32_t>(c);
    }
    for (std::size_t m = 0; m < models.size(); ++m) {
      const VideoPrediction& video = *models[m].videos[v];
      Column& column = columns_[m];
      const std::int64_t floor = Units(factors[m] * FloorTerm(video, combination, absent[m]));
      for (const ScoredLabelDouble& entry : video.top) {
        column.cells.push_back(cell_of[static_cast<std::size_t>(entry.label)]);
        column.above_floor.push_back(Units(factors[m] * combination.Term(entry.score)) - floor);
      }
      column.begin.push_back(static_cast<std::uint32_t>(column.cells.size()));
      column.floors.push_back(floor);
    }
  }
}

std::vector<double> EnsemblePool::ScoreExtensions(const ModelSet& set,
                                                  const std::vector<int>& candidates) {
  std::vector<double> gaps;
  gaps.reserve(candidates.size());
  PackedGap gap(tag_bits_, positives_);
  std::vector<std::vector<std::int64_t>> pools(std::min(kBlock, candidates.size()));
  for (std::size_t begin = 0; begin < candidates.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, candidates.size() - begin);
    for (auto& pool : pools) pool.clear();
    for (std::size_t v = 0; v < videos_; ++v) {
      BuildRow(v, set);
      for (std::size_t i = 0; i < count; ++i) {
        AppendTop(v, columns_[static_cast<std::size_t>(candidates[begin + i])], pools[i]);
      }
    }
    for (std::size_t i = 0; i < count; ++i) gaps.push_back(gap(pools[i]));
  }
  return gaps;
}

void EnsemblePool::BuildRow(std::size_t video, const ModelSet& set) {
  const std::size_t cells = LabelsOf(video).size();
  row_.keys.resize(cells);
  for (std::size_t c = 0; c < cells; ++c)
    row_.keys[c] = static_cast<std::int64_t>(cells - 1 - c) << 1;
  for (std::size_t i = true_begin_[video]; i < true_begin_[video + 1]; ++i) {
    row_.keys[true_cells_[i]] |= 1;
  }
  row_.place.assign(cells, kNotListed);
  row_.listed.clear();
  row_.floor = 0;
  for (const int member : set) {
    const Column& column = columns_[static_cast<std::size_t>(member)];
    row_.floor += column.floors[video];
    for (std::uint32_t i = column.begin[video]; i < column.begin[video + 1]; ++i) {
      const std::uint32_t cell = column.cells[i];
      row_.keys[cell] += column.above_floor[i];
      if (row_.place[cell] == kNotListed) row_.listed.push_back(cell);
      row_.place[cell] = kNotInTop;
    }
  }
  ChooseTop(video);
}

void EnsemblePool::ChooseTop(std::size_t video) {
  const std::size_t cells = LabelsOf(video).size();
  row_.top.clear();
  for (const std::uint32_t cell : row_.listed) row_.top.push_back(row_.keys[cell]);
  const bool full = row_.top.size() >= kGapTop;
  if (full) {
    // Around the 20th: after the cut it is the last and the least.
    std::nth_element(row_.top.begin(), row_.top.begin() + (kGapTop - 1), row_.top.end(),
                     std::greater<>());
    row_.top.resize(kGapTop);
  }
  row_.least = full ? row_.top.back() : 0;
  row_.guess = row_.least;
  const std::int64_t tag_mask = (std::int64_t{1} << tag_bits_) - 1;
  for (std::size_t i = 0; i < row_.top.size(); ++i) {
    const auto cell = cells - 1 - static_cast<std::size_t>((row_.top[i] & tag_mask) >> 1);
    row_.place[cell] = static_cast<std::uint8_t>(i);
  }
}

/// Collects the keys that may be in the top of the row plus `candidate`: those that it lists and
/// those of the row's top that it does not. Returns their end.
std::int64_t* EnsemblePool::Contenders(std::size_t video, const Column& candidate) {
  const std::uint32_t begin = candidate.begin[video];
  const std::uint32_t count = candidate.begin[video + 1] - begin;
  contenders_.resize(count + kGapTop);
  kept_.resize(count + kGapTop);
  const std::uint32_t* const cells = candidate.cells.data() + begin;
  const std::int64_t* const above_floor = candidate.above_floor.data() + begin;
  std::int64_t* end = contenders_.data();
  std::uint32_t raised = 0;  // places of the top that the candidate lists
  for (std::uint32_t i = 0; i < count; ++i) {
    end[i] = row_.keys[cells[i]] + above_floor[i];
    // Without a branch: the marks 30 and 31 set bits that nobody reads.
    raised |= std::uint32_t{1} << row_.place[cells[i]];
  }
  end += count;
  for (std::size_t i = 0; i < row_.top.size(); ++i) {
    *end = row_.top[i];
    end += (raised >> i & 1) != 0 ? 0 : 1;
  }
  return end;
}

void EnsemblePool::AppendTop(std::size_t video, const Column& candidate,
                             std::vector<std::int64_t>& pool) {
  const std::int64_t* const end = Contenders(video, candidate);
  std::int64_t* const kept = kept_.data();
  std::int64_t* last = KeepFrom(row_.guess, contenders_.data(), end, kept);
  // The guess was too high for this candidate. What is below the row's own least cannot enter its
  // top.
  if (last - kept < kGapTop) last = KeepFrom(row_.least, contenders_.data(), end, kept);
  if (last - kept > kGapTop) {
    DropLeast(kept, last);
    last = kept + kGapTop;
  }
  const std::int64_t floor = row_.floor + candidate.floors[video];
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  const std::size_t before = pool.size();
  const auto count = static_cast<std::size_t>(last - kept);
  pool.resize(before + count);
  for (std::size_t i = 0; i < count; ++i) {
    pool[before + i] = kept[i] + floor;
    least = std::min(least, kept[i]);
  }
  row_.guess = least - (least >> kGuessMargin);
}

}  // namespace beamgrid
