#pragma once
// The tops of single growths, for those of which the vectors (top_columns.h) are not sure.

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "search/ensemble/growths.h"
#include "search/ensemble/top_scorer.h"

namespace beamgrid {

/// OneByOne finds the top of one growth at a time from the models' lists, which it asks for where
/// it needs them. Not thread-safe.
template <typename Key>
class OneByOne {
 public:
  /// As of TopScorer.
  OneByOne(std::int32_t largest_label, Key label_step) : scorer_(largest_label, label_step) {}

  /// Begins a video. `truth` must last as long as its growths are asked for.
  void BeginVideo(std::span<const std::int32_t> truth) {
    truth_ = truth;
    begun_ = false;
    set_ = nullptr;
  }

  /// Returns the best keys of a growth (TopScorer::TopWith); fill(model, list) makes a list of the
  /// video.
  template <typename Fill>
  [[nodiscard]] std::span<const Key> Top(const Growth& growth, const Fill& fill) {
    if (!std::exchange(begun_, true)) {
      scorer_.BeginVideo(truth_);
      known_.clear();
    }
    if (std::exchange(set_, growth.set) != growth.set) {
      scorer_.BeginSet();
      for (const int member : *growth.set) scorer_.AddToSet(ListOf(member, fill));
      scorer_.EndSet();
    }
    return scorer_.TopWith(ListOf(growth.added, fill));
  }

  /// Returns what TopScorer::UnsureHits says of the last top.
  [[nodiscard]] std::int64_t UnsureHits(Key margin) const { return scorer_.UnsureHits(margin); }

 private:
  template <typename Fill>
  const KeyList<Key>& ListOf(int model, const Fill& fill) {
    const auto m = static_cast<std::size_t>(model);
    if (m >= lists_.size()) lists_.resize(m + 1);
    if (std::ranges::find(known_, model) == known_.end()) {
      fill(model, lists_[m]);
      known_.push_back(model);
    }
    return lists_[m];
  }

  TopScorer<Key> scorer_;
  std::span<const std::int32_t> truth_;
  bool begun_ = false;
  const ModelSet* set_ = nullptr;
  std::vector<KeyList<Key>> lists_;  ///< [models]
  std::vector<int> known_;           ///< whose lists are of this video
};

}  // namespace beamgrid
