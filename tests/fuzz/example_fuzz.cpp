// tf.Example and tf.SequenceExample: every way to look at what a record holds.
#include <algorithm>

#include "tests/fuzz/fuzz.h"
#include "trainer/data/example.h"

namespace beamgrid {
namespace {

void ReadFeature(const FeatureView& feature) {
  std::vector<std::int64_t> integers;
  std::vector<float> floats;
  ReadIntegers(feature, integers);
  ReadFloats(feature, floats);
  const std::size_t count = CountValues(feature);
  if (feature.kind == ValueKind::kIntegers)
    fuzz::Require(integers.size() == count, "all integers are read");
  if (feature.kind == ValueKind::kFloats) {
    fuzz::Require(floats.size() == count, "all floats are read");
    std::vector<float> again(count);
    ReadFloats(feature, std::span(again));
  }
  fuzz::Require(count > 0 || FirstBytes(feature).empty(), "bytes are counted");
}

void ReadList(const NamedFeatureList& list) {
  const FeatureListShape shape = ShapeOf(list);
  std::vector<const char*> frames;
  std::optional<FrameProblem> problem;
  for (const std::size_t width : {shape.width, std::size_t{4}}) {
    const std::size_t count = ReadFrames(list, width, 6, frames, problem);
    fuzz::Require(frames.size() == std::min<std::size_t>(count, 6), "as many frames as asked for");
    fuzz::Require(problem.has_value() || count == shape.length, "all frames are counted");
    std::size_t sum = 0;
    for (const char* frame : frames) sum += static_cast<unsigned char>(frame[width / 2]);
    fuzz::Require(width == 0 || sum <= 6 * 255, "frames can be read");
    if (problem) static_cast<void>(CountValues(problem->found));
  }
  std::deque<std::vector<float>> copies;
  for (const std::size_t width : {std::max<std::size_t>(shape.width, 1), std::size_t{4}}) {
    const std::size_t count = ReadFloatFrames(list, width, 6, frames, copies, problem);
    fuzz::Require(frames.size() == std::min<std::size_t>(count, 6), "as many frames as asked for");
    fuzz::Require(problem.has_value() || count == shape.length, "all frames are counted");
    for (const char* frame : frames) {
      const std::string bytes(frame, width * sizeof(float));
      fuzz::Require(bytes.size() == width * sizeof(float), "frames can be read");
    }
  }
  static_cast<void>(FindUnusableFrame(list));
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  ExampleView example;
  const auto parse = [&] { ParseExample(fuzz::TextOf(data, size), example); };
  if (!fuzz::Accepts<ExampleError>(parse)) return 0;
  for (const NamedFeature& feature : example.context) {
    fuzz::Require(example.FindContext(feature.name) == &feature.value, "a name is there once");
    fuzz::Accepts<ExampleError>([&] { ReadFeature(feature.value); });
  }
  for (const NamedFeatureList& list : example.feature_lists) {
    fuzz::Require(example.FindList(list.name) == &list, "a name is there once");
    fuzz::Accepts<ExampleError>([&] { ReadList(list); });
  }
  fuzz::Accepts<ExampleError>([&] { static_cast<void>(IdOf(example)); });
  return 0;
}
