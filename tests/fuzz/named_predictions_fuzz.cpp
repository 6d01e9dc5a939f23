// A file of predictions with the names of their classes.
#include "orchestrator/inputs/named_predictions.h"
#include "tests/fuzz/csv_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  const auto& path = file.Holding(fuzz::TextOf(data, size));
  static_cast<void>(IsNamedPredictions(path));
  fuzz::Accepts<Error>([&] { fuzz::ScoreThemselves(ReadNamedPredictions(path).predictions); });
  return 0;
}
