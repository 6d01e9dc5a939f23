// True labels in a CSV file.
#include "tests/fuzz/csv_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  fuzz::Accepts<Error>([&] {
    const Truth truth = ReadTruthCsv(file.Holding(fuzz::TextOf(data, size)));
    Predictions predictions;
    for (const auto& [id, labels] : truth) predictions.videos.push_back({.id = id, .top = {}});
    fuzz::Require(Score(predictions, truth).videos == std::ssize(truth), "every video is scored");
  });
  return 0;
}
