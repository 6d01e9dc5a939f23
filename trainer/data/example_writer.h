#pragma once
// A writer of tf.Example and tf.SequenceExample (example.h has the field numbers).

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "registry/frame_type.h"
#include "trainer/data/random.h"

namespace beamgrid {

/// FrameFeature is a frame-level feature: `bytes` holds the frames one after the other, `width`
/// numbers of the type each (frame_values.h).
struct FrameFeature {
  std::string name;
  std::size_t width = 0;
  std::string bytes;
  FrameType type = FrameType::kUint8;
};

/// FloatFeature is a video-level feature.
struct FloatFeature {
  std::string name;
  std::vector<float> values;
};

/// TextFeature is a text of a record's context.
struct TextFeature {
  std::string name, text;
};

/// SegmentRating is one human rating of a segment (YouTube-8M 2019).
struct SegmentRating {
  std::int64_t label = 0;
  std::int64_t start = 0;  ///< first frame
  std::int64_t end = 0;    ///< frame behind the last
  float score = 0;         ///< 1: the class is there, 0: it is not
};

/// ExampleContent is everything that a record of the dataset may hold.
struct ExampleContent {
  std::string id;
  std::vector<std::int64_t> labels;
  std::vector<FloatFeature> values;
  std::vector<FrameFeature> frames;  ///< empty makes a tf.Example, else it is a tf.SequenceExample
  std::vector<SegmentRating> ratings;
  std::vector<TextFeature> texts;
};

/// Encodes a record's payload. Map entries come in an order drawn from `random`: in the released
/// files it is arbitrary too, and readers must not come to depend on one.
[[nodiscard]] std::string EncodeExample(const ExampleContent& content, Random& random);

}  // namespace beamgrid
