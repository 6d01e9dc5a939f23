#pragma once
// Predictions of a set of videos: sparse top-K lists with the true labels beside them, as a binary
// file of ours (trials) or the competition's CSV (people).

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/scoring/metrics.h"
#include "registry/util/files.h"

namespace beamgrid {

/// The order of a list of labels: best first, equal scores by label.
template <typename Scored>
[[nodiscard]] bool RanksBefore(const Scored& a, const Scored& b) {
  return a.score > b.score || (a.score == b.score && a.label < b.label);
}

/// One video's K best labels, by descending score then label.
struct VideoPrediction {
  std::string id;
  std::vector<ScoredLabelDouble> top;
  std::vector<std::int32_t> labels;  ///< the truth; sorted
};

/// Predictions of one model, videos sorted by id.
struct Predictions {
  std::int64_t classes = 0;  ///< 0: unknown (CSV)
  int top_k =
      0;  ///< the longest list a video may have; a shorter list means there were no more classes
  std::vector<VideoPrediction> videos;
};

/// Binary form, written to a temporary name and renamed; ends in a hash that reading checks.
/// Throws Error on a damaged or cut-off file, with path and reason.
void WritePredictions(const std::filesystem::path& path, const Predictions& predictions);
/// What WritePredictions writes.
[[nodiscard]] std::string PredictionsBytes(const Predictions& predictions);
[[nodiscard]] Predictions ReadPredictions(const std::filesystem::path& path);

/// `VideoId,LabelConfidencePairs`. Throws InputError with file and line, also for repeated videos
/// or labels; Error where the file cannot be read. So do the other readers of CSV files.
[[nodiscard]] Predictions ReadPredictionsCsv(const std::filesystem::path& path);
/// The first line of such a file, without its end.
inline constexpr std::string_view kPredictionsCsvHeader = "VideoId,LabelConfidencePairs";
/// Appends the video's line with its end. Throws InputError, with `where` before it, for an id that
/// would end its column or line.
void AppendCsvRow(std::string& text, const VideoPrediction& video, int top_k,
                  const std::string& where);
/// Writes header and rows; throws as AppendCsvRow.
void WritePredictionsCsv(const std::filesystem::path& path, const Predictions& predictions,
                         int top_k = 20);

/// `VideoId,Labels`.
using Truth = std::map<std::string, std::vector<std::int32_t>>;
[[nodiscard]] Truth ReadTruthCsv(const std::filesystem::path& path);

/// Score(ReadPredictionsCsv(predictions), ReadTruthCsv(truth), threads), in half the time and less
/// memory: each list is scored as it is read. Nothing where anything is wrong or missing: those say
/// what.
[[nodiscard]] std::optional<Metrics> ScoreCsv(const std::filesystem::path& predictions,
                                              const std::filesystem::path& truth, int threads);

/// GAP and the rest over exactly the videos of `truth`. Throws InputError if a video is missing,
/// with the count. The number of threads changes no bit.
[[nodiscard]] Metrics Score(const Predictions& predictions, const Truth& truth, int threads = 1);

}  // namespace beamgrid
