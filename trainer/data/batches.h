#pragma once
// Batches of a dataset in a fixed order, read ahead by one thread.

#include <cstdint>
#include <memory>
#include <vector>

#include "trainer/data/dataset.h"

namespace beamgrid {

/// BatchOrder says in which order an epoch goes through the examples.
enum class BatchOrder { kShuffled, kSequential };

/// BatchesOptions says which batches a dataset is cut into.
struct BatchesOptions {
  std::int64_t batch_size = 128;
  std::uint64_t seed = 1;  ///< decides the shuffled orders
  BatchOrder order = BatchOrder::kShuffled;
  std::int64_t read_ahead = 2;  ///< batches kept ready
};

/// The order of an epoch: all of 0..size-1, by Fisher-Yates on a generator seeded with (seed,
/// epoch). The same on every machine.
[[nodiscard]] std::vector<std::uint32_t> EpochOrder(std::int64_t size, std::uint64_t seed,
                                                    std::int64_t epoch, BatchOrder order);

/// Batches cuts the epochs of a dataset into batches. Use: Start(epoch), then Next until it returns
/// false; Start again. Not thread-safe beside its own reading thread. A run that stops behind a
/// batch and later calls Start(epoch, batch.next_position) gets exactly the batches it would have
/// got: batch k of an epoch is always the examples at positions [k * batch_size, (k + 1) *
/// batch_size) of its order.
class Batches {
 public:
  /// `dataset` must outlive this and be read by nobody else.
  Batches(Dataset& dataset, const BatchesOptions& options);
  ~Batches();
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  /// Begins an epoch at `position` examples into its order (a batch's next_position). Whatever was
  /// read ahead of an unfinished epoch is dropped.
  void Start(std::int64_t epoch, std::int64_t position = 0);

  /// Fills `batch` (its memory is recycled, so pass the same object again) and waits for it if need
  /// be. False at the end of the epoch. Rethrows what the reading thread met (DataError), at the
  /// place where the batch would have come. Batches of skipped records only are left out.
  [[nodiscard]] bool Next(Batch& batch);

 private:
  class ReadAhead;
  Dataset& dataset_;
  BatchesOptions options_;
  std::unique_ptr<ReadAhead> read_ahead_;
};

}  // namespace beamgrid
