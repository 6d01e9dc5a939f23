#pragma once
// Predictions that pass from one process to another, video by video, so that neither holds them
// all.
//
// The stream: for each video u32 bytes that follow, and a video as in video_bytes.h; then u32
// 0xFFFFFFFF, u64 records that were skipped as damaged. A stream without that end was cut off.
// Between two videos u32 0xFFFFFFFE may stand, which says only that the writer lives.

#include <cstdint>
#include <istream>
#include <ostream>
#include <string>

#include "registry/scoring/predictions.h"

namespace beamgrid {

/// PredictionWriter writes a stream of predictions.
class PredictionWriter {
 public:
  /// `out` must outlive this.
  explicit PredictionWriter(std::ostream& out) : out_(&out) {}
  void Add(const VideoPrediction& video);
  /// Says that the writer lives, and lets all that was added reach the reader.
  void SayAlive();
  /// Writes the end of the stream.
  void Finish(std::int64_t skipped);

 private:
  std::ostream* out_;
  std::string bytes_;
};

/// PredictionReader reads it.
class PredictionReader {
 public:
  /// `in` must outlive this.
  explicit PredictionReader(std::istream& in) : in_(&in) {}
  /// Replaces `video` by the next one; false at the end of the stream. Throws Error where the
  /// stream is cut off or none of ours.
  [[nodiscard]] bool Next(VideoPrediction& video);
  /// The number of records that were skipped as damaged; known at the end.
  [[nodiscard]] std::int64_t skipped() const { return skipped_; }

 private:
  std::istream* in_;
  std::string bytes_;
  std::int64_t skipped_ = 0;
};

}  // namespace beamgrid
