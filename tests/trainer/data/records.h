#pragma once
// Small record files for tests of the data library.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "registry/util/files.h"
#include "trainer/data/example_writer.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {

inline void WriteRecords(const std::filesystem::path& path,
                         const std::vector<std::string>& payloads) {
  TfRecordWriter writer(path);
  for (const std::string& payload : payloads) writer.Write(payload);
  writer.Close();
}

inline void WriteBytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string Encode(const ExampleContent& content, std::uint64_t seed = 1) {
  Random random(seed);
  return EncodeExample(content, random);
}

/// `frames` frames of `width` bytes: `first`, first + 1, ... all over.
inline FrameFeature CountingFrames(const std::string& name, std::size_t width, std::size_t frames,
                                   int first = 0) {
  FrameFeature feature{.name = name, .width = width};
  for (std::size_t i = 0; i < width * frames; ++i) {
    feature.bytes.push_back(static_cast<char>(first + static_cast<int>(i)));
  }
  return feature;
}

/// A frame-level video with rgb of width 4 and audio of width 2.
inline ExampleContent SmallVideo(const std::string& id, std::size_t frames = 3,
                                 std::vector<std::int64_t> labels = {1}) {
  return {.id = id,
          .labels = std::move(labels),
          .frames = {CountingFrames("rgb", 4, frames), CountingFrames("audio", 2, frames, 100)}};
}

/// What reads SmallVideo.
inline DataSpec SmallSpec() {
  return {.format = "frame",
          .classes = 5,
          .features = {{"rgb", 4}, {"audio", 2}},
          .max_frames = 300,
          .on_error = "stop"};
}

}  // namespace beamgrid
