#include "trainer/data/assemble.h"

#include <algorithm>
#include <cstring>

namespace beamgrid {
namespace {

void CopyLabels(std::span<const DecodedVideo> videos, Batch& batch) {
  batch.labels.clear();
  batch.label_offsets.assign(1, 0);
  for (const DecodedVideo& video : videos) {
    batch.labels.insert(batch.labels.end(), video.labels.begin(), video.labels.end());
    batch.label_offsets.push_back(std::ssize(batch.labels));
  }
}

void CopyFeatures(const DataSpec& spec, std::span<const DecodedVideo> videos, Batch& batch) {
  batch.frames.clear();
  batch.features.resize(videos.size() * static_cast<std::size_t>(batch.width));
  std::span<float> rest(batch.features);
  for (const DecodedVideo& video : videos) {
    for (std::size_t i = 0; i < spec.features.size(); ++i) {
      const auto width = static_cast<std::size_t>(spec.features[i].second);
      ReadFloats(video.values[i], rest.first(width));
      rest = rest.subspan(width);
    }
  }
}

/// Writes the video's frames side by side; returns the end.
std::uint8_t* CopyVideo(const DataSpec& spec, const DecodedVideo& video, std::uint8_t* out) {
  for (std::size_t t = 0; t < static_cast<std::size_t>(video.length); ++t) {
    for (std::size_t i = 0; i < spec.features.size(); ++i) {
      const auto width = static_cast<std::size_t>(spec.features[i].second);
      std::memcpy(out, video.frames[i][t], width);
      out += width;
    }
  }
  return out;
}

void CopyFrames(const DataSpec& spec, std::span<const DecodedVideo> videos, Batch& batch) {
  batch.features.clear();
  const auto stride = static_cast<std::size_t>(batch.longest * batch.width);
  batch.frames.resize(videos.size() * stride);
  for (std::size_t i = 0; i < videos.size(); ++i) {
    std::uint8_t* begin = batch.frames.data() + i * stride;
    // The buffer is recycled from other batches, so the padding must be written too.
    std::fill(CopyVideo(spec, videos[i], begin), begin + stride, std::uint8_t{0});
  }
}

}  // namespace

void Assemble(const DataSpec& spec, std::span<const DecodedVideo> videos, Batch& batch) {
  batch.width = 0;
  for (const Feature& feature : spec.features) batch.width += feature.second;
  batch.longest = 1;
  batch.lengths.clear();
  for (const DecodedVideo& video : videos) {
    batch.lengths.push_back(video.length);
    batch.longest = std::max(batch.longest, video.length);
  }
  CopyLabels(videos, batch);
  if (spec.format == "video") {
    CopyFeatures(spec, videos, batch);
  } else {
    CopyFrames(spec, videos, batch);
  }
}

}  // namespace beamgrid
