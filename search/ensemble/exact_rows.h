#pragma once
// Exact keys of one video over the columns that a DenseVideo found.

#include <cstdint>
#include <span>
#include <vector>

#include "search/ensemble/dense_video.h"
#include "search/ensemble/growths.h"

namespace beamgrid {

/// ExactRows adds up exact keys (pool.h) of the columns that are in a top. Not thread-safe.
class ExactRows {
 public:
  using Exact = std::int64_t;

  explicit ExactRows(std::size_t models) : rows_(models), floors_(models) {}

  /// Begins the video that `dense` has laid out.
  void Begin(const DenseVideo& dense, std::int32_t largest_label);
  /// Returns the row of a model, [columns] zeros to be filled: keys above the model's floor.
  [[nodiscard]] std::span<Exact> Row(int model, Exact floor);
  /// Adds up the rows of a set's models, for the growths that follow.
  void BeginSet(const ModelSet& set);
  /// Appends the keys of the columns, of the set and one model more.
  void AppendKeys(int added, std::span<const std::uint16_t> columns,
                  std::vector<Exact>& keys) const;

 private:
  std::vector<std::vector<Exact>> rows_;  ///< [models] [columns]
  std::vector<Exact> floors_;             ///< [models]
  std::vector<Exact> tags_;               ///< [columns] what is below a key's score
  std::vector<Exact> set_;                ///< [columns]
  Exact set_floor_ = 0;
};

}  // namespace beamgrid
