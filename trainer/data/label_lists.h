#pragma once
// The labels of all examples of a set of record files, read without decoding their frames.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// LabelLists holds the labels of many examples. Labels of example i: labels[offsets[i] ..
/// offsets[i + 1]), sorted, none twice. Memory: 4 bytes a label, 8 an example.
struct LabelLists {
  std::vector<std::int32_t> labels;
  std::vector<std::int64_t> offsets = {0};

  [[nodiscard]] std::int64_t Size() const { return std::ssize(offsets) - 1; }
  [[nodiscard]] std::span<const std::int32_t> Of(std::int64_t example) const {
    const auto begin = static_cast<std::size_t>(offsets[static_cast<std::size_t>(example)]);
    const auto end = static_cast<std::size_t>(offsets[static_cast<std::size_t>(example) + 1]);
    return std::span(labels).subspan(begin, end - begin);
  }
};

/// Reads the labels of the examples that a Dataset of `files` has, in its order: videos, or rated
/// segments with format "segment". Damaged records stop the reading or, with spec.on_error =
/// "skip", are missing; records that contradict the spec always do. Features are not looked at (but
/// for segments, whose number depends on the video's length): a video without any frame is in here.
/// Reads the files once. Throws Error and DataError.
[[nodiscard]] LabelLists ReadLabelLists(const DataSpec& spec,
                                        const std::vector<std::string>& files);

}  // namespace beamgrid
