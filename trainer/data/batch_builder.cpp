#include "trainer/data/batch_builder.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace beamgrid {
namespace {

/// The length of a protobuf varint: 7 bits of the value a byte.
std::uint64_t VarintBytes(std::uint64_t value) {
  std::uint64_t bytes = 1;
  while (value >>= 7) ++bytes;
  return bytes;
}

/// The bytes of a length-delimited field of `bytes`: its tag (one byte below field number 16), its
/// length and itself.
std::uint64_t FieldBytes(std::uint64_t bytes) { return 1 + VarintBytes(bytes) + bytes; }

/// The weight of each class in the loss; empty where all weigh the same.
std::vector<float> ClassWeights(const DataSpec& spec) {
  if (spec.weighted_classes.empty()) return {};
  std::vector<float> weights(static_cast<std::size_t>(spec.classes), 1.0F);
  for (const std::int32_t label : spec.weighted_classes) {
    weights.at(static_cast<std::size_t>(label)) = static_cast<float>(spec.class_weight);
  }
  return weights;
}

}  // namespace

std::int64_t MostFrames(const DataSpec& spec, std::uint64_t payload_bytes) {
  if (spec.format == "video") return 1;
  std::uint64_t frame_bytes = 0;
  for (const Feature& feature : spec.features) {
    const auto width = static_cast<std::uint64_t>(feature.second);
    // FeatureList.feature { Feature.bytes_list { BytesList.value { the codes } } }
    frame_bytes += FieldBytes(FieldBytes(FieldBytes(width)));
  }
  // Whole payload by bytes of a frame. What the record holds beside its frames only makes this
  // larger, so no record has more frames; a few unknown fields more are a few rows too many, cut by
  // Finish.
  const std::uint64_t most = frame_bytes == 0 ? 1 : payload_bytes / frame_bytes;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(most), 1, spec.max_frames);
}

BatchBuilder::BatchBuilder(const DataSpec& spec, std::int64_t capacity, std::int64_t most_frames,
                           Batch& batch)
    : spec_(spec), batch_(batch), row_frames_(most_frames) {
  // clear and resize keep the memory: a batch of the same size allocates nothing.
  batch_.ids.clear();
  batch_.labels.clear();
  batch_.label_offsets.assign(1, 0);
  batch_.rated.clear();
  batch_.rated_offsets.assign(spec.format == "segment" ? 1 : 0, 0);
  batch_.unrated_weight = spec.format == "segment" && spec.unrated == "ignore" ? 0 : 1;
  batch_.class_weights = ClassWeights(spec);
  batch_.lengths.clear();
  batch_.longest = 1;
  batch_.width = 0;
  for (const Feature& feature : spec.features) batch_.width += feature.second;
  const bool video_level = spec.format == "video";
  batch_.features.resize(static_cast<std::size_t>(video_level ? capacity * batch_.width : 0));
  // For the longest video there can be; how long the longest is shows only when all are decoded.
  batch_.frames.resize(
      static_cast<std::size_t>(video_level ? 0 : capacity * row_frames_ * batch_.width));
}

void BatchBuilder::Add(std::string_view id, const DecodedVideo& video) {
  if (spec_.format == "video") {
    AddFeatures(video);
  } else {
    AddFrames(video);
  }
  batch_.ids.emplace_back(id);
  batch_.labels.insert(batch_.labels.end(), video.labels.begin(), video.labels.end());
  batch_.label_offsets.push_back(std::ssize(batch_.labels));
  if (!batch_.rated_offsets.empty()) {
    batch_.rated.insert(batch_.rated.end(), video.rated.begin(), video.rated.end());
    batch_.rated_offsets.push_back(std::ssize(batch_.rated));
  }
  batch_.lengths.push_back(video.length);
  batch_.longest = std::max(batch_.longest, video.length);
}

void BatchBuilder::AddFeatures(const DecodedVideo& video) {
  std::span<float> rest =
      std::span(batch_.features).subspan(static_cast<std::size_t>(batch_.Size() * batch_.width));
  for (std::size_t i = 0; i < spec_.features.size(); ++i) {
    const auto width = static_cast<std::size_t>(spec_.features[i].second);
    ReadFloats(video.values[i], rest.first(width));
    rest = rest.subspan(width);
  }
}

void BatchBuilder::AddFrames(const DecodedVideo& video) {
  const std::int64_t row_bytes = row_frames_ * batch_.width;
  std::uint8_t* const row = batch_.frames.data() + batch_.Size() * row_bytes;
  std::uint8_t* out = row;
  for (std::size_t t = 0; t < static_cast<std::size_t>(video.length); ++t) {
    for (std::size_t i = 0; i < spec_.features.size(); ++i) {
      const auto width = static_cast<std::size_t>(spec_.features[i].second);
      // Features side by side in each frame: the concatenation that fusion begins with costs
      // nothing.
      std::memcpy(out, video.frames[i][t], width);
      out += width;
    }
  }
  // The memory is recycled from other batches, so the padding must be written too.
  std::fill(out, row + row_bytes, std::uint8_t{0});
}

void BatchBuilder::Finish() {
  const auto width = static_cast<std::size_t>(batch_.width);
  const auto count = static_cast<std::size_t>(batch_.Size());
  if (spec_.format == "video") {
    batch_.features.resize(count * width);
    return;
  }
  const std::size_t built = static_cast<std::size_t>(row_frames_) * width;
  const std::size_t wanted = static_cast<std::size_t>(batch_.longest) * width;
  // From the first row on: each row moves towards the front, over rows that have moved already.
  for (std::size_t i = 1; i < count && wanted < built; ++i) {
    std::memmove(batch_.frames.data() + i * wanted, batch_.frames.data() + i * built, wanted);
  }
  batch_.frames.resize(count * wanted);
}

}  // namespace beamgrid
