#pragma once
// What the targets of the record readers share: specs of small examples, and files whose CRCs are
// right.

#include <cstring>
#include <string>
#include <string_view>

#include "registry/model_spec.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid::fuzz {

/// Of the corpus: rgb of 4 and audio of 2, ten classes.
inline DataSpec SmallSpec(const std::string& format, const std::string& on_error = "stop") {
  DataSpec spec{.format = format, .classes = 10, .max_frames = 6, .on_error = on_error};
  spec.features = {{"rgb", 4}, {"audio", 2}};
  return spec;
}

/// The same with rgb as floats and audio as halves, each of 2 that the bytes of codes can be too,
/// one label a video and a weight.
inline DataSpec SmallFloatSpec(const std::string& format, const std::string& on_error = "stop") {
  DataSpec spec = SmallSpec(format, on_error);
  if (format == "video") return spec;
  spec.features = {{"rgb", 4}, {"audio", 1}};
  spec.frame_types = {{"rgb", FrameType::kFloat32}, {"audio", FrameType::kFloat16}};
  if (format == "frame") spec.multi_class = true;
  if (format == "frame") spec.video_weight = "weight";
  return spec;
}

/// The bytes cut into records, whose CRCs are made right; a length that promises more than there is
/// becomes what is there.
inline std::string WithTrueCrcs(std::string_view bytes) {
  std::string file(bytes);
  const auto put_crc = [&file](std::size_t at, std::size_t begin, std::size_t count) {
    const std::uint32_t crc = MaskedCrc32c(std::string_view(file).substr(begin, count));
    std::memcpy(file.data() + at, &crc, sizeof crc);
  };
  for (std::size_t offset = 0; file.size() - offset >= kRecordOverhead;) {
    const std::uint64_t left = file.size() - offset - kRecordOverhead;
    std::uint64_t length = 0;
    std::memcpy(&length, file.data() + offset, sizeof length);
    length = std::min(length, left);
    std::memcpy(file.data() + offset, &length, sizeof length);
    put_crc(offset + 8, offset, 8);
    put_crc(offset + 12 + length, offset + 12, length);
    offset += kRecordOverhead + length;
  }
  return file;
}

}  // namespace beamgrid::fuzz
