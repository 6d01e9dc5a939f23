#pragma once
// The lists of one video as rows over the same columns, for FindTopBins and FindTopColumns.
//
// A column is a label that a model lists and that can be in the top 20 of a sum; the true ones come
// first. A row's numbers are the upper 16 bits of coarse keys (pool.h), cut off: the sum of a set's
// row and a model's is a score to within two units, the lower end included, and an error of the
// coarse keys, which is much less. So scores kLeastApart units apart stand in their true order.

#include <cstdint>
#include <span>
#include <vector>

#include "search/ensemble/growths.h"
#include "search/ensemble/top_columns.h"
#include "search/ensemble/top_scorer.h"

namespace beamgrid {

/// DenseVideo lays out the rows of one video at a time. Not thread-safe.
class DenseVideo {
 public:
  using Coarse = std::uint32_t;
  /// Above the lowest bit of a coarse key and 14 more are the 16 bits of a row's number.
  static constexpr int kShift = 15;
  /// More columns gain nothing.
  static constexpr std::size_t kMostColumns = 1 << 13;

  /// `lists`: [models] those of the video at hand, not owned.
  DenseVideo(const std::vector<KeyList<Coarse>>& lists, std::int32_t largest_label);

  /// Begins a video, then takes the models in that sets are made of or that are added, then the
  /// sets, then lays out what FindTopBins needs to add each of `added` to each of them. All of
  /// these by their index in `lists`.
  void Begin(std::span<const std::int32_t> truth);
  void AddModel(int model);
  void AddSet(const ModelSet& set);
  /// Returns false where the video has too many columns.
  [[nodiscard]] bool LayOut(std::span<const int> added);

  /// Returns the rows of the set that was added as the `set`th, with `models` to add to it. Good
  /// until the next LayOut.
  [[nodiscard]] RowSums Sums(std::size_t set, std::span<const std::int32_t> models);
  [[nodiscard]] std::span<const std::uint16_t> floors() const { return floors_; }
  [[nodiscard]] const std::uint16_t* hits() const { return hits_.data(); }

  /// The columns that are no padding, and the label of each.
  [[nodiscard]] std::span<const std::int32_t> labels() const { return kept_labels_; }
  /// Returns how many of the first columns are of true labels.
  [[nodiscard]] std::size_t true_columns() const { return kept_hits_; }
  /// Returns the column of an entry of a model's list; labels().size() or more: it has none.
  [[nodiscard]] std::size_t ColumnOf(int model, std::size_t entry) const {
    return place_[columns_[static_cast<std::size_t>(model)][entry]];
  }

 private:
  /// Rows lie on the bounds of cache lines.
  struct alignas(64) RowPart {
    std::int16_t numbers[kRowStep];
  };
  using Rows = std::vector<RowPart>;
  /// Set is what is known of a set before the rows are laid out.
  struct Set {
    std::size_t first = 0;  ///< part of scores_
    int least = 0;          ///< as in RowSums
  };

  std::uint32_t NewColumn(std::int32_t label);
  void ChooseColumns();
  void LayOutSets();
  void LayOutModel(int model);

  const std::vector<KeyList<Coarse>>& lists_;
  // All labels of the video, of which some get a column.
  std::vector<std::uint32_t> column_of_;  ///< [labels] less than base_: none in this video
  std::uint32_t base_ = 1;
  std::vector<std::int32_t> labels_;
  std::vector<Coarse> greatest_;  ///< key of any model
  std::size_t all_hits_ = 0;
  std::vector<std::vector<std::uint32_t>> columns_;  ///< [models] [entries]
  std::vector<Coarse> sums_;
  std::vector<Set> sets_;
  Rows scores_;  ///< of all sets, over all labels
  // Over the columns that are left.
  std::vector<std::uint8_t> keep_;
  std::vector<std::uint32_t> place_;  ///< the column, or the one behind the last
  std::vector<std::int32_t> kept_labels_;
  std::size_t kept_hits_ = 0;
  std::size_t width_ = 0;
  Rows set_rows_;
  Rows model_rows_;  ///< [models] and one part more, which takes what has no column
  Rows scratch_;
  std::vector<std::uint16_t> floors_;  ///< [models]
  std::vector<std::uint16_t> hits_;
};

}  // namespace beamgrid
