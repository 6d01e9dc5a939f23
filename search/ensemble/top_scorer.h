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
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
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

 private:
  /// Cell is what the set says of a label.
  struct Cell {
    Key key = 0;
    std::uint32_t place = 0;  ///< one bit: its place in top_, or kNotInTop; 0: no member lists it
  };
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
  Key least_ = 0;  ///< of top_ where it is full, else 0
  Key guess_ = 0;  ///< a little below the least of the last model's top
  std::vector<Key> contenders_, kept_;
};

namespace top_scorer {

/// A guess is lower by 1/128 than what it was made from: models differ little, and a guess that is
/// too high costs a second pass.
inline constexpr int kGuessMargin = 7;

/// Copies the keys that are at least `threshold`; returns the end of the copies. Written without
/// branches: which keys pass is beyond prediction.
template <typename Key>
Key* KeepFrom(Key threshold, const Key* begin, const Key* end, Key* kept) {
  for (const Key* key = begin; key != end; ++key) {
    *kept = *key;
    kept += *key >= threshold ? 1 : 0;
  }
  return kept;
}

/// Moves the kGapTop greatest keys to the front.
template <typename Key>
void DropLeast(Key* first, Key* last) {
  // So few are taken out one by one: partitioning pays off only beyond.
  constexpr std::ptrdiff_t kFew = 6;
  if (last - first > kGapTop + kFew) {
    std::nth_element(first, first + kGapTop, last, std::greater<>());
    return;
  }
  for (; last - first > kGapTop; --last) {
    Key* least = first;
    for (Key* key = first + 1; key != last; ++key) least = *key < *least ? key : least;
    *least = last[-1];
  }
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
}

template <typename Key>
std::span<const Key> TopScorer<Key>::TopWith(const KeyList<Key>& added) {
  const std::size_t count = added.labels.size();
  contenders_.resize(count + kGapTop);
  kept_.resize(count + kGapTop);
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
  Key* const kept = kept_.data();
  Key* last = top_scorer::KeepFrom(guess_, contenders_.data(), end, kept);
  // The guess was too high for this model. What is below the set's own least cannot enter its top.
  if (last - kept < kGapTop) {
    last = top_scorer::KeepFrom(least_, contenders_.data(), end, kept);
  }
  if (last - kept > kGapTop) {
    top_scorer::DropLeast(kept, last);
    last = kept + kGapTop;
  }
  Key least = std::numeric_limits<Key>::max();
  for (Key* key = kept; key != last; ++key) {
    least = std::min(least, *key);
    *key += floor_ + added.floor;
  }
  guess_ = least - (least >> top_scorer::kGuessMargin);
  return {kept, last};
}

}  // namespace beamgrid
