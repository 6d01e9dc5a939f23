#pragma once
// The 20 best labels of one video, for very many sets of models: the inner loop of the ensemble
// search, for whole and for coarse scores alike.
//
// A key is a label's score as a whole number, with what settles equal scores and the label's truth
// in its lowest bits, so that comparing keys compares labels. A model's list is keys above the
// model's floor (what a label that it does not list counts as); a set's key of a label is a sum of
// such numbers, hence the same in whatever order the set grew.
//
// One more model in a set costs one pass over its list: only labels that it lists or that are in
// the set's own top 20 can be in the new top 20, because no term is negative.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "registry/scoring/metrics.h"

namespace beamgrid {

/// KeyList is one model's list of one video.
template <typename Key>
struct KeyList {
  std::vector<std::int32_t> labels;
  std::vector<Key> keys;  ///< above the floor; the bits of truth and label are 0
  Key floor = 0;
};

/// TopScorer finds the best labels of one video at a time. Not thread-safe: it works in buffers of
/// its own.
template <typename Key>
class TopScorer {
 public:
  /// `label_step`: equal scores are settled by (largest_label - label) * label_step, an even
  /// number; 0: they are not settled.
  TopScorer(std::int32_t largest_label, Key label_step) {
    cells_.resize(static_cast<std::size_t>(largest_label) + 1);
    for (std::size_t label = 0; label < cells_.size(); ++label) {
      initial_.push_back(static_cast<Key>(cells_.size() - 1 - label) * label_step);
      cells_[label].key = initial_.back();
    }
  }

  /// Begins a video; bit 0 of its true labels' keys will be 1.
  void BeginVideo(std::span<const std::int32_t> truth) {
    Clear();
    for (const std::int32_t label : truth_) Reset(label);
    truth_.clear();
    for (const std::int32_t label : truth) {
      // One beyond is listed by no model.
      if (static_cast<std::size_t>(label) >= cells_.size()) continue;
      truth_.push_back(label);
      cells_[static_cast<std::size_t>(label)].key |= 1;
    }
  }

  /// Begins an empty set of models, then adds models, then finds the set's own best labels.
  void BeginSet() { Clear(); }
  void AddToSet(const KeyList<Key>& list) {
    floor_ += list.floor;
    for (std::size_t i = 0; i < list.labels.size(); ++i) {
      Cell& cell = cells_[static_cast<std::size_t>(list.labels[i])];
      cell.key += list.keys[i];
      if (cell.place == 0) listed_.push_back(list.labels[i]);
      cell.place = kNotInTop;
    }
  }
  void EndSet();

  /// Returns the best keys, at most 20 and in no order, of the set and one model more; good until
  /// the next call.
  [[nodiscard]] std::span<const Key> TopWith(const KeyList<Key>& added);

  /// Returns how many hits among the last TopWith's, or beyond, might not be (or be) there if keys
  /// that differ by no more than `margin` stood in another order: an upper bound.
  [[nodiscard]] std::int64_t UnsureHits(Key margin) const;

 private:
  /// Cell is what the set says of a label.
  struct Cell {
    Key key = 0;
    std::uint32_t place = 0;  ///< one bit: its place in top_, or kNotInTop; 0: no member lists it
  };
  /// A guess is lower by 1/512 than what it was made from: models differ little, and counting from
  /// too high a one is in vain.
  static constexpr int kGuessMargin = 9;
  static constexpr std::uint32_t kNotInTop = std::uint32_t{1} << 31;
  static_assert(kGapTop < 31, "the places of the top and a mark share 32 bits");

  void Clear();
  void Reset(std::int32_t label) {
    cells_[static_cast<std::size_t>(label)] = {initial_[static_cast<std::size_t>(label)], 0};
  }

  std::vector<Key> initial_;  ///< [labels] keys of labels without a score
  std::vector<Cell> cells_;   ///< [labels]
  std::vector<std::int32_t> truth_;
  std::vector<std::int32_t> listed_;  ///< labels that a member lists
  std::vector<Key> top_;              ///< the set's best keys, at most 20, in no order
  Key floor_ = 0;
  Key least_ = 0;      ///< of top_ where it is full, else 0
  Key next_ = 0;       ///< the best key of the set that is not in top_; 0: there is none
  Key guess_ = 0;      ///< a little below the last threshold
  Key threshold_ = 0;  ///< of the last top: what is in it is not below
  std::size_t contending_ = 0;
  std::size_t counted_ = 0;      ///< the same, up to a whole block
  std::vector<Key> contenders_;  ///< keys that may be in the last top, then zeros
  std::vector<Key> kept_;
};

namespace top_scorer {

/// Keys are counted in blocks of so many, which compilers turn into vector instructions.
inline constexpr std::size_t kBlock = 16;

/// Returns how many of `keys` are at least `threshold`; their number is a multiple of kBlock.
template <typename Key>
int CountFrom(Key threshold, std::span<const Key> keys) {
  using Signed = std::make_signed_t<Key>;  // which SSE2 can compare; keys leave the sign free
  int count = 0;
  for (const Key key : keys) {
    count += static_cast<Signed>(key) >= static_cast<Signed>(threshold) ? 1 : 0;
  }
  return count;
}

/// Returns the greatest threshold, or one as good, that at least kGapTop of `keys` reach. `least`
/// is reached by so many. `guess`: where to begin.
template <typename Key>
Key Threshold(std::span<const Key> keys, Key least, Key guess) {
  Key low = std::max(least, guess);
  int count = CountFrom(low, keys);
  if (count < kGapTop) {
    low = least;
    count = CountFrom(low, keys);
  }
  // Upwards in growing steps until too few are left, then by halves.
  Key step = (least >> 7) + 1;
  Key high = low;
  while (count > kGapTop) {
    high = low + step;
    const int left = CountFrom(high, keys);
    if (left < kGapTop) break;
    low = high;
    count = left;
    step *= 2;
  }
  while (count > kGapTop && high - low > 1) {
    const Key middle = low + (high - low) / 2;
    const int left = CountFrom(middle, keys);
    if (left < kGapTop) {
      high = middle;
    } else {
      low = middle;
      count = left;
    }
  }
  return low;
}

}  // namespace top_scorer

template <typename Key>
void TopScorer<Key>::Clear() {
  for (const std::int32_t label : listed_) Reset(label);
  for (const std::int32_t label : truth_) cells_[static_cast<std::size_t>(label)].key |= 1;
  listed_.clear();
  floor_ = 0;
}

template <typename Key>
void TopScorer<Key>::EndSet() {
  top_.clear();
  for (const std::int32_t label : listed_) {
    top_.push_back(cells_[static_cast<std::size_t>(label)].key);
  }
  const bool full = top_.size() >= kGapTop;
  if (full) {
    // Around the 20th: after the cut it is the last and the least.
    std::nth_element(top_.begin(), top_.begin() + (kGapTop - 1), top_.end(), std::greater<>());
    top_.resize(kGapTop);
  }
  least_ = full ? top_.back() : 0;
  guess_ = least_;
  top_.clear();
  const auto place = [this](std::int32_t label) {
    Cell& cell = cells_[static_cast<std::size_t>(label)];
    cell.place = std::uint32_t{1} << top_.size();
    top_.push_back(cell.key);
  };
  for (const std::int32_t label : listed_) {
    if (!full || cells_[static_cast<std::size_t>(label)].key > least_) place(label);
  }
  // Of labels that share the least key (one, where labels settle equal scores) any will do.
  for (const std::int32_t label : listed_) {
    if (full && top_.size() < kGapTop && cells_[static_cast<std::size_t>(label)].key == least_) {
      place(label);
    }
  }
  next_ = 0;
  for (const std::int32_t label : listed_) {
    const Cell& cell = cells_[static_cast<std::size_t>(label)];
    if (cell.place == kNotInTop) next_ = std::max(next_, cell.key);
  }
}

template <typename Key>
std::span<const Key> TopScorer<Key>::TopWith(const KeyList<Key>& added) {
  const std::size_t count = added.labels.size();
  contenders_.resize(count + kGapTop + top_scorer::kBlock);
  kept_.resize(contenders_.size());
  Key* end = contenders_.data();
  std::uint32_t raised = 0;  // places of the top that the model lists
  for (std::size_t i = 0; i < count; ++i) {
    const Cell cell = cells_[static_cast<std::size_t>(added.labels[i])];
    end[i] = cell.key + added.keys[i];
    raised |= cell.place;
  }
  end += count;
  for (std::size_t i = 0; i < top_.size(); ++i) {
    *end = top_[i];
    end += (raised >> i & 1) != 0 ? 0 : 1;
  }
  contending_ = static_cast<std::size_t>(end - contenders_.data());
  counted_ = (contending_ + top_scorer::kBlock - 1) / top_scorer::kBlock * top_scorer::kBlock;
  const std::span<Key> keys = std::span(contenders_).first(counted_);
  std::fill(keys.begin() + static_cast<std::ptrdiff_t>(contending_), keys.end(), 0);

  // Not below the set's own least: what is there cannot enter its top.
  threshold_ = 0;
  if (contending_ > kGapTop) {
    threshold_ = top_scorer::Threshold<Key>(keys, least_, guess_);
    guess_ = threshold_ - (threshold_ >> kGuessMargin);
  }
  // Without branches: which keys pass is beyond prediction.
  Key* kept = kept_.data();
  const Key floor = floor_ + added.floor;
  for (std::size_t i = 0; i < contending_; ++i) {
    *kept = keys[i] + floor;
    kept += keys[i] >= threshold_ ? 1 : 0;
  }
  // More than 20 only where several share the threshold.
  if (kept - kept_.data() > kGapTop) {
    std::nth_element(kept_.data(), kept_.data() + kGapTop, kept, std::greater<>());
    kept = kept_.data() + kGapTop;
  }
  return {kept_.data(), kept};
}

template <typename Key>
std::int64_t TopScorer<Key>::UnsureHits(Key margin) const {
  if (contending_ <= kGapTop && next_ == 0) return 0;
  // The usual case, in two counts: nothing is near the threshold.
  const Key low = threshold_ > margin ? threshold_ - margin : 0;
  const auto reach = [this](Key from) {
    return top_scorer::CountFrom<Key>(from, std::span(contenders_).first(counted_));
  };
  if (next_ < low && reach(low) == reach(threshold_ + margin)) return 0;

  const std::span<const Key> keys = std::span(contenders_).first(contending_);
  Key least = std::numeric_limits<Key>::max();
  for (const Key key : keys) least = std::min(least, key >= threshold_ ? key : least);
  const auto near = [&](Key key) { return key + margin >= least && key <= least + margin; };
  std::int64_t hits = 0;
  for (const Key key : keys) hits += near(key) ? static_cast<std::int64_t>(key & 1) : 0;
  for (const std::int32_t label : listed_) {
    const Cell& cell = cells_[static_cast<std::size_t>(label)];
    if (cell.place == kNotInTop && near(cell.key)) hits += static_cast<std::int64_t>(cell.key & 1);
  }
  return hits;
}

}  // namespace beamgrid
