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
constexpr protozero::pbf_tag_type kFeature = 1;  // of a FeatureList

/// Encoded is a message's bytes.
struct Encoded {
  std::string bytes;
  [[nodiscard]] std::size_t size() const { return bytes.size(); }
  void AppendTo(std::string* message) const { message->append(bytes); }
};

Encoded BytesFeature(std::string_view bytes) {
  Encoded feature;
  pbf_writer writer(feature.bytes);
  pbf_writer(writer, kBytesList).add_bytes(kListValue, bytes.data(), bytes.size());
  return feature;
}

Encoded FloatsFeature(const std::vector<float>& values) {
  Encoded feature;
  pbf_writer writer(feature.bytes);
  // Packed, as TensorFlow writes: repeated numbers of proto3 are packed by default.
  pbf_writer(writer, kFloatList).add_packed_float(kListValue, values.begin(), values.end());
  return feature;
}

Encoded IntegersFeature(const std::vector<std::int64_t>& values) {
  Encoded feature;
  pbf_writer writer(feature.bytes);
  pbf_writer(writer, kInt64List).add_packed_int64(kListValue, values.begin(), values.end());
  return feature;
}

/// Returns what stands before the bytes of a field: its tag and how many they are.
std::string FieldStart(protozero::pbf_tag_type tag, std::size_t bytes) {
  std::string start;
  const auto type = static_cast<std::uint32_t>(protozero::pbf_wire_type::length_delimited);
  protozero::add_varint_to_buffer(&start, tag << 3 | type);
  protozero::add_varint_to_buffer(&start, bytes);
  return start;
}

/// FrameList is a FeatureList of the frames of a feature, whose bytes are copied where they are
/// appended and nowhere else. All frames are equally long, so what stands before each is the same:
/// the starts of the Feature, of its list and of the list's value (packed floats have the same tag
/// as a string).
class FrameList {
 public:
  explicit FrameList(const FrameFeature& feature)
      : frames_(feature.bytes), frame_bytes_(FrameBytes(feature.type, feature.width)) {
    const auto kind = feature.type == FrameType::kFloat32 ? kFloatList : kBytesList;
    for (const auto tag : {kListValue, kind, kFeature}) {
      before_.insert(0, FieldStart(tag, before_.size() + frame_bytes_));
    }
  }

  [[nodiscard]] std::size_t size() const {
    return frames_.size() +
           frames_.size() / std::max<std::size_t>(frame_bytes_, 1) * before_.size();
  }
  void AppendTo(std::string* message) const {
    for (std::size_t begin = 0; begin < frames_.size(); begin += frame_bytes_) {
      message->append(before_).append(frames_.substr(begin, frame_bytes_));
    }
  }

 private:
  std::string_view frames_;
  std::size_t frame_bytes_;
  std::string before_;
};

/// Map is a protobuf map<string, message>: a repeated field of entries {key = 1, value = 2}.
template <typename Value>
class Map {
 public:
  void Add(const std::string& key, Value value) {
    std::string before = FieldStart(kKey, key.size()) + key + FieldStart(kValue, value.size());
    before.insert(0, FieldStart(kEntry, before.size() + value.size()));
    entries_.push_back({std::move(before), std::move(value)});
  }
  void Shuffle(Random& random) { beamgrid::Shuffle(entries_, random); }

  [[nodiscard]] std::size_t size() const {
    std::size_t bytes = 0;
    for (const Entry& entry : entries_) bytes += entry.before.size() + entry.value.size();
    return bytes;
  }
  void AppendTo(std::string* message) const {
    for (const Entry& entry : entries_) {
      message->append(entry.before);
      entry.value.AppendTo(message);
    }
  }

 private:
  struct Entry {
    std::string before;  ///< all but the value's bytes
    Value value;
  };
  std::vector<Entry> entries_;
};

void AddRatings(const std::vector<SegmentRating>& ratings, Map<Encoded>* context) {
  std::vector<std::int64_t> labels, starts, ends;
  std::vector<float> scores;
  for (const SegmentRating& rating : ratings) {
    labels.push_back(rating.label);
    starts.push_back(rating.start);
    ends.push_back(rating.end);
    scores.push_back(rating.score);
  }
  context->Add("segment_labels", IntegersFeature(labels));
  context->Add("segment_start_times", IntegersFeature(starts));
  context->Add("segment_end_times", IntegersFeature(ends));
  context->Add("segment_scores", FloatsFeature(scores));
}

}  // namespace

std::string EncodeExample(const ExampleContent& content, Random& random) {
  Map<Encoded> context;
  context.Add("id", BytesFeature(content.id));
  context.Add("labels", IntegersFeature(content.labels));
  for (const FloatFeature& feature : content.values) {
    context.Add(feature.name, FloatsFeature(feature.values));
  }
  for (const TextFeature& feature : content.texts) {
    context.Add(feature.name, BytesFeature(feature.text));
  }
  if (!content.ratings.empty()) AddRatings(content.ratings, &context);
  Map<FrameList> lists;
  for (const FrameFeature& feature : content.frames) lists.Add(feature.name, FrameList(feature));
  context.Shuffle(random);
  lists.Shuffle(random);
  const std::string context_start = FieldStart(kContext, context.size());
  const std::string lists_start = FieldStart(kFeatureLists, lists.size());
  std::string message;
  // Exactly: a string that grows copies what it holds.
  message.reserve(context_start.size() + context.size() + lists_start.size() + lists.size());
  message += context_start;
  context.AppendTo(&message);
  // Without lists the bytes are a tf.Example, whose one field has the same number as the context.
  if (!content.frames.empty()) {
    message += lists_start;
    lists.AppendTo(&message);
  }
  return message;
}

}  // namespace beamgrid
