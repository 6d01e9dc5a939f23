#pragma once
// Decoded videos laid out as one batch, each as soon as it is decoded: while its bytes, just read
// for the CRC, are still in the processor's cache.

#include <cstdint>
#include <string_view>

#include "registry/model_spec.h"
#include "trainer/data/batch.h"
#include "trainer/data/decoder.h"

namespace beamgrid {

/// The most frames that a record of so many payload bytes can have (at most max_frames): every
/// frame costs its bytes and what the wire format puts around them. Exact for ordinary records.
[[nodiscard]] std::int64_t MostFrames(const DataSpec& spec, std::uint64_t payload_bytes);

/// BatchBuilder fills one batch. Not thread-safe.
class BatchBuilder {
 public:
  /// Empties `batch` (keeping its memory) for at most `capacity` videos of at most `most_frames`.
  BatchBuilder(const DataSpec& spec, std::int64_t capacity, std::int64_t most_frames, Batch& batch);

  /// Copies a video behind those that are there.
  void Add(std::string_view id, const DecodedVideo& video);

  /// Moves the rows together, so that each is as long as the longest video that came.
  void Finish();

 private:
  void AddFrames(const DecodedVideo& video);
  void AddFeatures(const DecodedVideo& video);

  const DataSpec& spec_;
  Batch& batch_;
  std::int64_t row_frames_;  ///< frames between one video and the next while building
};

}  // namespace beamgrid
