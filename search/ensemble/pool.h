#pragma once
// A pool of models laid out for scoring very many sets of them by GAP.
//
// Layout: a video's cells are the union of the labels that any model lists for it, ascending. A
// model is a sparse column: for each of its listed labels the cell and how far its term lies above
// the model's floor for that video (what a label missing in its list counts as), in whole units. A
// set's score of a cell is a sum of such integers, hence the same in whatever order the set grew.
//
// One candidate of a set costs one pass over its lists: only labels that it lists or that are in
// the set's own top 20 can be in the new top 20, because no term is negative.
//
// A key is `sum << tag_bits | (cells - 1 - cell) << 1 | is_true`: comparing keys compares scores,
// then classes (the lower wins), as the metrics do.

#include <cstdint>
#include <span>
#include <vector>

#include "search/ensemble/combine.h"
#include "search/ensemble/gap.h"
#include "search/ensemble/models.h"

namespace beamgrid {

/// ModelSet is indices into the pool's models, ascending; one that is repeated counts as often.
using ModelSet = std::vector<int>;

/// EnsemblePool scores sets of models by GAP. Not thread-safe: it works in buffers of its own.
class EnsemblePool {
 public:
  /// Lays the models out. `factors`: a model's share in a sum (1 each for uniform weights), 0..1.
  /// `max_terms`: the most members, repetitions included, that a set will have. Throws UsageError
  /// if the lists are too many or too long for 64-bit keys or a label is not a class index.
  EnsemblePool(const std::vector<AlignedModel>& models, const std::vector<double>& factors,
               const Combination& combination, Missing missing, std::int64_t max_terms);

  [[nodiscard]] int size() const { return static_cast<int>(columns_.size()); }

  /// Returns the GAP of `set` plus each of `candidates`, one at a time; `set` is not empty.
  [[nodiscard]] std::vector<double> ScoreExtensions(const ModelSet& set,
                                                    const std::vector<int>& candidates);

 private:
  /// Column is one model's lists of all videos.
  struct Column {
    std::vector<std::int64_t> above_floor;  ///< units << tag_bits_
    std::vector<std::uint32_t> cells;
    std::vector<std::uint32_t> begin;  ///< [videos + 1] into the two above
    std::vector<std::int64_t> floors;  ///< [videos] units << tag_bits_
  };
  /// Row is a set's scores of one video.
  struct Row {
    std::vector<std::int64_t> keys;     ///< [cells]
    std::vector<std::uint8_t> place;    ///< [cells] in `top`, or kNotInTop, or kNotListed
    std::vector<std::uint32_t> listed;  ///< cells that a member lists
    std::vector<std::int64_t> top;      ///< the best keys, at most 20, in no order
    std::int64_t least = 0;             ///< of `top` where it is full, else 0
    std::int64_t guess = 0;             ///< a little below the least of the last candidate's top
    std::int64_t floor = 0;
  };

  void LayOutCells(const std::vector<AlignedModel>& models);
  void ChooseUnit(const Combination& combination, std::int64_t max_terms);
  void FillColumns(const std::vector<AlignedModel>& models, const std::vector<double>& factors,
                   const Combination& combination, Missing missing);
  [[nodiscard]] std::int64_t Units(double term) const;
  [[nodiscard]] std::span<const std::int32_t> LabelsOf(std::size_t video) const;

  void BuildRow(std::size_t video, const ModelSet& set);
  void ChooseTop(std::size_t video);
  [[nodiscard]] std::int64_t* Contenders(std::size_t video, const Column& candidate);
  void AppendTop(std::size_t video, const Column& candidate, std::vector<std::int64_t>& pool);

  std::size_t videos_;
  std::int64_t positives_ = 0;
  int tag_bits_ = 0;
  double unit_ = 0;
  std::vector<std::int32_t> labels_;       ///< of all cells, video after video
  std::vector<std::size_t> cells_begin_;   ///< [videos + 1] into labels_
  std::vector<std::uint32_t> true_cells_;  ///< cells of true labels, video after video
  std::vector<std::size_t> true_begin_;    ///< [videos + 1] into true_cells_
  std::vector<Column> columns_;

  Row row_;
  std::vector<std::int64_t> contenders_;  ///< keys that may be in a candidate's top
  std::vector<std::int64_t> kept_;        ///< those of them that are
};

}  // namespace beamgrid
