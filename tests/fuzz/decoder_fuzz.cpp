// One record against a recipe's data, in every format.
#include <algorithm>
#include <cmath>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/record_support.h"
#include "trainer/data/decoder.h"
#include "trainer/data/frame_values.h"

namespace beamgrid {
namespace {

void CheckLabels(const std::vector<std::int32_t>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    fuzz::Require(labels[i] >= 0 && labels[i] < 10, "labels are classes");
    fuzz::Require(i == 0 || labels[i - 1] < labels[i], "sorted, none twice");
  }
}

void CheckVideo(const DataSpec& spec, const DecodedVideo& video) {
  fuzz::Require(!video.id.empty(), "a video has an id");
  fuzz::Require(video.length >= 1 && video.length <= spec.max_frames,
                "frames are as many as asked");
  CheckLabels(video.labels);
  CheckLabels(video.rated);
  for (std::size_t i = 0; i < video.frames.size(); ++i) {
    fuzz::Require(std::ssize(video.frames[i]) >= video.length, "every frame is there");
    const auto width = static_cast<std::size_t>(spec.features[i].second);
    const FrameType type = FrameTypeOf(spec, spec.features[i].first);
    std::vector<float> last(width);
    ReadFrame(type, video.frames[i][static_cast<std::size_t>(video.length) - 1], last);
    const auto is_usable = [](float value) { return std::fabs(value) < kTooLargeFloat; };
    fuzz::Require(std::ranges::all_of(last, is_usable), "the last frame can be used");
  }
}

void Decode(const DataSpec& spec, LabelPolicy labels, const Record& record) {
  RecordDecoder decoder(spec, labels);
  DecodedVideo video;
  if (spec.format != "segment") {
    decoder.Decode(record, "file", video);
    return CheckVideo(spec, video);
  }
  const SegmentsOfRecord segments = decoder.ReadSegments(record, "file");
  CheckLabels(segments.rated);
  for (const std::int64_t start : segments.starts) {
    decoder.DecodeSegment(record, "file", start, video);
    CheckVideo(spec, video);
  }
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  // A copy of exactly this size, so that a read behind its end is seen.
  const std::vector<char> payload(data, data + size);
  const Record record{.payload = {payload.data(), payload.size()}};
  for (const char* format : {"video", "frame", "segment"}) {
    for (const LabelPolicy labels : {LabelPolicy::kRequired, LabelPolicy::kIgnored}) {
      fuzz::Accepts<DataError>([&] { Decode(fuzz::SmallSpec(format), labels, record); });
      fuzz::Accepts<DataError>([&] { Decode(fuzz::SmallFloatSpec(format), labels, record); });
      DataSpec nearest = fuzz::SmallSpec(format);
      nearest.frame_alignment = FrameAlignment::kNearest;
      fuzz::Accepts<DataError>([&] { Decode(nearest, labels, record); });
    }
  }
  return 0;
}
