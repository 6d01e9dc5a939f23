// predictions.bin, as it is and with its hash made right; what is read can be scored and written.

#include <cmath>
#include <stdexcept>

#include "registry/scoring/segments.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/fuzz/fuzz.h"

namespace beamgrid {
namespace {

std::string WithTrueHash(std::string_view bytes) {
  const std::string_view body = bytes.substr(0, bytes.size() - std::min(bytes.size(), kHashDigits));
  return std::string(body) + HashBytes(body);
}

/// Its own labels as the truth.
void Use(const Predictions& predictions) {
  Truth truth;
  SegmentTruth ratings;
  for (const VideoPrediction& video : predictions.videos) {
    truth.emplace(video.id, video.labels);
    ratings.emplace(video.id, RatedSegment{video.labels, video.labels});
  }
  const Metrics metrics = Score(predictions, truth);
  fuzz::Require(metrics.videos == std::ssize(predictions.videos), "every video is scored");
  fuzz::Require(std::isnan(metrics.gap) || (metrics.gap >= 0 && metrics.gap <= 1 + 1e-9),
                "GAP is a share where something is measured");
  static_cast<void>(AreSegments(predictions));
  const double map = SegmentMap(predictions, ratings);
  fuzz::Require(std::isnan(map) || (map >= 0 && map <= 1 + 1e-9),
                "MAP is a share where something is measured");
}

void Read(std::string_view bytes) {
  static fuzz::InputFile file;
  fuzz::Accepts<Error>([&] {
    const Predictions predictions = ReadPredictions(file.Holding(bytes));
    Use(predictions);
  });
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = beamgrid::fuzz::TextOf(data, size);
  beamgrid::Read(bytes);
  beamgrid::Read(beamgrid::WithTrueHash(bytes));
  return 0;
}
