// A competition's submission file, to score and to average with others.
#include <bit>

#include "registry/scoring/csv_rows.h"
#include "registry/scoring/probabilities_csv.h"
#include "tests/fuzz/csv_support.h"

namespace beamgrid {
namespace {

/// Scores the file against the best label of each of its lists, both ways.
void ScoreBothWays(const std::string& path) {
  static fuzz::InputFile truth_file;
  const Predictions predictions = ReadPredictionsCsv(path);
  std::string text(kTruthCsvHeader);
  for (const VideoPrediction& video : predictions.videos) {
    text += '\n' + video.id + ',';
    if (!video.top.empty()) text += std::to_string(video.top.front().label);
  }
  const std::string& truth = truth_file.Holding(text);
  const auto metrics = ScoreCsv(path, truth, 2);
  fuzz::Require(metrics.has_value() == !predictions.videos.empty(), "sound files are scored");
  if (!metrics) return;
  const Metrics lists = Score(predictions, ReadTruthCsv(truth));
  for (const Metric& metric : kMetrics) {
    fuzz::Require(std::bit_cast<std::uint64_t>((*metrics).*metric.value) ==
                      std::bit_cast<std::uint64_t>(lists.*metric.value),
                  "both ways say the same");
  }
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  const auto& path = file.Holding(fuzz::TextOf(data, size));
  fuzz::Accepts<Error>([&] { fuzz::ScoreThemselves(ReadPredictionsCsv(path)); });
  fuzz::Accepts<Error>([&] { ScoreBothWays(path); });
  fuzz::Accepts<Error>([&] { fuzz::ScoreThemselves(ReadProbabilitiesCsv(path)); });
  return 0;
}
