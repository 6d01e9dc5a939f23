// The submission file of the segments' challenge.
#include "registry/scoring/segments.h"
#include "tests/fuzz/csv_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  const std::string& path = file.Holding(fuzz::TextOf(data, size));
  const bool looks_right = IsSegmentsCsv(path);
  fuzz::Accepts<Error>([&] {
    const Predictions predictions = ReadSegmentsCsv(path);
    fuzz::Require(looks_right, "what is read looks like a file of segments");
    fuzz::Require(predictions.videos.empty() || AreSegments(predictions), "all are segments");
    fuzz::ScoreThemselves(predictions);
  });
  return 0;
}
