#pragma once
// Videos as the training loop takes them: flat arrays, ready to be wrapped as tensors.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace beamgrid {

/// Batch holds B = Size() videos. At frame and segment level `frames` and `lengths` are filled, at
/// video level `features`. Examples of format "segment" are called videos here too.
struct Batch {
  std::vector<std::string> ids;  ///< [B]; a segment's is "VIDEO:START"

  /// Classes of video i: labels[label_offsets[i] .. label_offsets[i + 1]), sorted, none twice.
  std::vector<std::int32_t> labels;
  std::vector<std::int64_t> label_offsets;  ///< [B + 1]

  /// With format "segment" the classes that segment i is rated for, positive ones (its labels)
  /// among them, in the same form; else empty.
  std::vector<std::int32_t> rated;
  std::vector<std::int64_t> rated_offsets;

  // What a cell [video, class] weighs in the loss: its class's weight, times its video's, times
  // `unrated_weight` where nobody rated a segment for the class.
  float unrated_weight = 1;
  std::vector<float> class_weights;  ///< [classes]; empty: 1 each
  std::vector<float> video_weights;  ///< [B]; empty: 1 each

  std::int64_t longest = 1;           ///< T: frames of the longest video; 1 at video level
  std::int64_t width = 0;             ///< W: sum of the features' widths
  std::vector<std::int64_t> lengths;  ///< [B] valid frames, 1..T; all 1 at video level
  /// [B, T, W] codes (quantise.h), features side by side in the recipe's order. The bytes of
  /// padding frames are 0, which is NOT a feature of 0: mask after dequantising.
  std::vector<std::uint8_t> frames;
  /// [B, T, W] in place of `frames` where any feature's frames are no codes; codes beside them are
  /// dequantised. Not normalised; padding is 0.
  std::vector<float> float_frames;
  std::vector<float> features;  ///< [B, W], not normalised

  /// Position in the epoch's order behind this batch (for Batches::Start); counts skipped records
  /// too.
  std::int64_t next_position = 0;

  [[nodiscard]] std::int64_t Size() const { return static_cast<std::int64_t>(ids.size()); }
  [[nodiscard]] std::span<const std::int32_t> LabelsOf(std::int64_t video) const {
    return Part(labels, label_offsets, video);
  }
  /// Empty where the data are not of format "segment".
  [[nodiscard]] std::span<const std::int32_t> RatedOf(std::int64_t video) const {
    if (rated_offsets.empty()) return {};
    return Part(rated, rated_offsets, video);
  }

 private:
  static std::span<const std::int32_t> Part(const std::vector<std::int32_t>& values,
                                            const std::vector<std::int64_t>& offsets,
                                            std::int64_t video) {
    const auto begin = static_cast<std::size_t>(offsets[static_cast<std::size_t>(video)]);
    const auto end = static_cast<std::size_t>(offsets[static_cast<std::size_t>(video) + 1]);
    return std::span(values).subspan(begin, end - begin);
  }
};

}  // namespace beamgrid
