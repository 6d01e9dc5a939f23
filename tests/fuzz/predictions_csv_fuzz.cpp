// A competition's submission file.
#include "tests/fuzz/csv_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  fuzz::Accepts<Error>(
      [&] { fuzz::ScoreThemselves(ReadPredictionsCsv(file.Holding(fuzz::TextOf(data, size)))); });
  return 0;
}
