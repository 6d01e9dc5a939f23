// A competition's submission file, to score and to average with others.
#include "registry/scoring/probabilities_csv.h"
#include "tests/fuzz/csv_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  const auto& path = file.Holding(fuzz::TextOf(data, size));
  fuzz::Accepts<Error>([&] { fuzz::ScoreThemselves(ReadPredictionsCsv(path)); });
  fuzz::Accepts<Error>([&] { fuzz::ScoreThemselves(ReadProbabilitiesCsv(path)); });
  return 0;
}
