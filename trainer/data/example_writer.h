#pragma once
// tf.Example and tf.SequenceExample as bytes (field numbers: example.h).

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "trainer/data/random.h"

namespace beamgrid {

/// A frame-level feature: `bytes` holds the frames one after the other, `width` bytes each.
struct FrameFeature {
  std::string name;
  std::size_t width = 0;
  std::string bytes;
};

/// A video-level feature.
struct FloatFeature {
  std::string name;
  std::vector<float> values;
};

/// One human rating of a segment (2019).
struct SegmentRating {
  std::int64_t label = 0;
  std::int64_t start = 0;
  std::int64_t end = 0;
  float score = 0;  ///< 1: the class is there, 0: it is not
};

/// Everything a record of the dataset may hold.
struct ExampleContent {
  std::string id;
  std::vector<std::int64_t> labels;
  std::vector<FloatFeature> values;
  std::vector<FrameFeature> frames;  ///< none: a tf.Example
  std::vector<SegmentRating> ratings;
};

/// The message. Map entries come in an order drawn from `random`, as in the released files.
[[nodiscard]] std::string EncodeExample(const ExampleContent& content, Random& random);

}  // namespace beamgrid
