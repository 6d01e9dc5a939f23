#include "trainer/data/example_writer.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>
#include <string_view>

#include "trainer/data/example_tags.h"
#include "trainer/data/frame_values.h"

namespace beamgrid {
namespace {

using protozero::pbf_writer;

constexpr protozero::pbf_tag_type kBytesList = 1, kFloatList = 2, kInt64List = 3;

std::string BytesFeature(std::string_view bytes) {
  std::string feature;
  pbf_writer writer(feature);
  pbf_writer(writer, kBytesList).add_bytes(kListValue, bytes.data(), bytes.size());
  return feature;
}

std::string FloatsFeature(const std::vector<float>& values) {
  std::string feature;
  pbf_writer writer(feature);
  // Packed, as TensorFlow writes: repeated numbers of proto3 are packed by default.
  pbf_writer(writer, kFloatList).add_packed_float(kListValue, values.begin(), values.end());
  return feature;
}

std::string IntegersFeature(const std::vector<std::int64_t>& values) {
  std::string feature;
  pbf_writer writer(feature);
  pbf_writer(writer, kInt64List).add_packed_int64(kListValue, values.begin(), values.end());
  return feature;
}

/// All frames are equally long, so what precedes each of them is the same: the tags and lengths of
/// the Feature, of its list and of the list's value (packed floats have the same tag as a string).
std::string FrameList(const FrameFeature& feature) {
  const std::string_view frames = feature.bytes;
  const std::size_t size = FrameBytes(feature.type, feature.width);
  const auto kind = feature.type == FrameType::kFloat32 ? kFloatList : kBytesList;
  const auto wrap = [](protozero::pbf_tag_type tag, const std::string& inner) {
    std::string outer;
    pbf_writer(outer).add_bytes(tag, inner);
    return outer;
  };
  const std::string frame(size, '\0');
  std::string before = wrap(1, wrap(kind, wrap(kListValue, frame)));
  before.resize(before.size() - frame.size());
  std::string list;
  list.reserve(frames.size() / std::max<std::size_t>(size, 1) * (before.size() + size));
  for (std::size_t begin = 0; begin < frames.size(); begin += size) {
    list += before;
    list += frames.substr(begin, size);
  }
  return list;
}

/// The tags and lengths of an entry have no more bytes.
constexpr std::size_t kEntryOverhead = 18;

/// Map is a protobuf map<string, message>: a repeated field of entries {key = 1, value = 2}.
struct Map {
  std::vector<std::pair<std::string, std::string>> entries;

  [[nodiscard]] std::string Encode(Random& random) {
    Shuffle(entries, random);
    std::size_t bytes = 0;
    for (const auto& [key, value] : entries) bytes += key.size() + value.size() + kEntryOverhead;
    std::string map;
    map.reserve(bytes);  // a string that grows copies what it holds
    pbf_writer writer(map);
    for (const auto& [key, value] : entries) {
      pbf_writer entry(writer, kEntry);
      entry.add_string(kKey, key);
      entry.add_message(kValue, value);
    }
    return map;
  }
};

void AddRatings(const std::vector<SegmentRating>& ratings, Map& context) {
  std::vector<std::int64_t> labels, starts, ends;
  std::vector<float> scores;
  for (const SegmentRating& rating : ratings) {
    labels.push_back(rating.label);
    starts.push_back(rating.start);
    ends.push_back(rating.end);
    scores.push_back(rating.score);
  }
  context.entries.emplace_back("segment_labels", IntegersFeature(labels));
  context.entries.emplace_back("segment_start_times", IntegersFeature(starts));
  context.entries.emplace_back("segment_end_times", IntegersFeature(ends));
  context.entries.emplace_back("segment_scores", FloatsFeature(scores));
}

}  // namespace

std::string EncodeExample(const ExampleContent& content, Random& random) {
  Map context, lists;
  context.entries.emplace_back("id", BytesFeature(content.id));
  context.entries.emplace_back("labels", IntegersFeature(content.labels));
  for (const FloatFeature& feature : content.values) {
    context.entries.emplace_back(feature.name, FloatsFeature(feature.values));
  }
  for (const TextFeature& feature : content.texts) {
    context.entries.emplace_back(feature.name, BytesFeature(feature.text));
  }
  if (!content.ratings.empty()) AddRatings(content.ratings, context);
  for (const FrameFeature& feature : content.frames) {
    lists.entries.emplace_back(feature.name, FrameList(feature));
  }
  std::string message;
  pbf_writer writer(message);
  writer.add_message(kContext, context.Encode(random));
  // Without lists the bytes are a tf.Example, whose one field has the same number as the context.
  if (!lists.entries.empty()) writer.add_message(kFeatureLists, lists.Encode(random));
  return message;
}

}  // namespace beamgrid
