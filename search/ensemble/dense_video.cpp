#include "search/ensemble/dense_video.h"

#include <algorithm>

namespace beamgrid {
namespace {

/// Rows hold numbers less this.
constexpr int kMiddle = 32768;
constexpr int kLowestScore = -kMiddle;

std::size_t PartsFor(std::size_t columns) { return (columns + kRowStep - 1) / kRowStep; }

}  // namespace

DenseVideo::DenseVideo(const std::vector<KeyList<Coarse>>& lists, std::int32_t largest_label)
    : lists_(lists),
      column_of_(static_cast<std::size_t>(largest_label) + 1),
      columns_(lists.size()),
      floors_(lists.size()) {}

std::uint32_t DenseVideo::NewColumn(std::int32_t label) {
  const auto column = static_cast<std::uint32_t>(labels_.size());
  column_of_[static_cast<std::size_t>(label)] = base_ + column;
  labels_.push_back(label);
  greatest_.push_back(0);
  return column;
}

void DenseVideo::Begin(std::span<const std::int32_t> truth) {
  base_ += static_cast<std::uint32_t>(labels_.size());
  labels_.clear();
  greatest_.clear();
  sets_.clear();
  scores_.clear();
  for (const std::int32_t label : truth) {
    // One beyond is listed by no model.
    if (static_cast<std::size_t>(label) >= column_of_.size()) continue;
    if (column_of_[static_cast<std::size_t>(label)] < base_) NewColumn(label);
  }
  all_hits_ = labels_.size();
}

void DenseVideo::AddModel(int model) {
  const auto m = static_cast<std::size_t>(model);
  const KeyList<Coarse>& list = lists_[m];
  std::vector<std::uint32_t>& columns = columns_[m];
  const std::size_t count = list.labels.size();
  columns.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t label = list.labels[i];
    const std::uint32_t column = column_of_[static_cast<std::size_t>(label)];
    columns[i] = column >= base_ ? column - base_ : NewColumn(label);
  }
  Coarse* const greatest = greatest_.data();
  for (std::size_t i = 0; i < count; ++i) {
    greatest[columns[i]] = std::max(greatest[columns[i]], list.keys[i]);
  }
}

void DenseVideo::AddSet(const ModelSet& set) {
  Coarse floor = 0;
  for (const int member : set) floor += lists_[static_cast<std::size_t>(member)].floor;
  sums_.assign(labels_.size(), floor);
  for (const int member : set) {
    const auto m = static_cast<std::size_t>(member);
    const Coarse* const keys = lists_[m].keys.data();
    const std::vector<std::uint32_t>& columns = columns_[m];
    for (std::size_t i = 0; i < columns.size(); ++i) sums_[columns[i]] += keys[i];
  }
  Set& added = sets_.emplace_back(Set{.first = scores_.size()});
  const std::size_t parts = std::max<std::size_t>(1, PartsFor(labels_.size()));
  scores_.resize(scores_.size() + parts);
  std::int16_t* const scores = scores_.data()[added.first].numbers;
  const std::size_t count = sums_.size();
  for (std::size_t i = 0; i < count; ++i) {
    scores[i] = static_cast<std::int16_t>(static_cast<int>(sums_[i] >> kShift) - kMiddle);
  }
  std::fill(scores + count, scores + parts * kRowStep, std::int16_t{kLowestScore});
  // Above the floor, so that labels that nobody lists are never counted.
  added.least = TwentiethOf(
      scores, parts * kRowStep,
      std::max(static_cast<int>(floor >> kShift) - kMiddle + 1, kLowestScore + kLeastApart));
}

void DenseVideo::ChooseColumns() {
  // A label that stays below the 20th of each set, whatever is added, needs no column: a sum's 20th
  // is not lower. One unit more for what is cut off of a floor.
  const std::size_t count = labels_.size();
  keep_.assign(count, 0);
  for (const Set& set : sets_) {
    const std::int16_t* const scores = scores_.data()[set.first].numbers;
    const int needed = set.least - kLeastApart - 1;
    for (std::size_t i = 0; i < count; ++i) {
      const bool reaches = scores[i] + static_cast<int>(greatest_[i] >> kShift) >= needed;
      keep_[i] = static_cast<std::uint8_t>(keep_[i] | (reaches ? 1 : 0));
    }
  }
  place_.resize(count);
  kept_labels_.clear();
  kept_hits_ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    place_[i] = static_cast<std::uint32_t>(kept_labels_.size());
    if (keep_[i] == 0) continue;
    kept_labels_.push_back(labels_[i]);
    if (i < all_hits_) ++kept_hits_;
  }
  width_ = PartsFor(kept_labels_.size()) * kRowStep;
  for (std::size_t i = 0; i < count; ++i) {
    if (keep_[i] == 0) place_[i] = static_cast<std::uint32_t>(width_);
  }
}

void DenseVideo::LayOutSets() {
  const std::size_t parts = width_ / kRowStep;
  set_rows_.resize(sets_.size() * parts);
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    const std::int16_t* const scores = scores_.data()[sets_[s].first].numbers;
    std::int16_t* const row = set_rows_.data()[s * parts].numbers;
    // In ascending order: what has no column is written over, or behind the last.
    std::size_t column = 0;
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      if (keep_[i] != 0) row[column++] = scores[i];
    }
    std::fill(row + column, row + width_, std::int16_t{kLowestScore});
  }
}

void DenseVideo::LayOutModel(int model) {
  const auto m = static_cast<std::size_t>(model);
  const KeyList<Coarse>& list = lists_[m];
  const std::vector<std::uint32_t>& columns = columns_[m];
  std::int16_t* const row = model_rows_.data()[m * (width_ / kRowStep)].numbers;
  // The part behind the row is the next one's or the one more: models come in ascending order.
  std::fill(row, row + width_, std::int16_t{0});
  const Coarse floor = list.floor >> kShift;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Coarse above = ((list.keys[i] + list.floor) >> kShift) - floor;
    row[place_[columns[i]]] = static_cast<std::int16_t>(above);
  }
  floors_[m] = static_cast<std::uint16_t>(floor);
}

bool DenseVideo::LayOut(std::span<const int> added) {
  ChooseColumns();
  if (width_ == 0 || width_ > kMostColumns) return false;
  LayOutSets();
  const std::size_t parts = width_ / kRowStep;
  model_rows_.resize(lists_.size() * parts + 1);
  scratch_.resize(parts);
  for (const int model : added) LayOutModel(model);
  hits_.assign(width_, 0);
  std::fill_n(hits_.begin(), kept_hits_, std::uint16_t{1});
  return true;
}

RowSums DenseVideo::Sums(std::size_t set, std::span<const std::int32_t> models) {
  return {.width = width_,
          .set = set_rows_.data()[set * (width_ / kRowStep)].numbers,
          .added = model_rows_.data()->numbers,
          .count = models.size(),
          .models = models.data(),
          .least = sets_[set].least,
          .scratch = scratch_.data()->numbers};
}

}  // namespace beamgrid
