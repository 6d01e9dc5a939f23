// `beamgrid score`: the metrics of a predictions file in one of the competition's formats.

#include <cmath>
#include <iomanip>
#include <optional>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "orchestrator/commands/trial_listing.h"
#include "registry/scoring/segments.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr int kTitleWidth = 6;  // of GAP@20

Predictions RequirePredictions(const std::string& file, Predictions predictions) {
  if (predictions.videos.empty()) throw UsageError(file + ": predicts nothing: no video is listed");
  return predictions;
}

/// Scores a ranking of segments for each class, which says nothing of a segment's best classes:
/// there is only the one metric.
Metrics ScoreRanking(const std::string& file, const std::vector<std::string>& truth_files) {
  const std::optional<SegmentTruth> truth = ReadRatings(truth_files);
  if (!truth) {
    throw UsageError(file +
                     " ranks segments (Class,Segments): --truth must be record files with "
                     "their ratings");
  }
  Metrics metrics = NotMeasured(std::ssize(*truth));
  metrics.segment_map = SegmentMap(RequirePredictions(file, ReadSegmentsCsv(file)), *truth);
  return metrics;
}

Metrics ScoreFile(const std::string& file, const std::vector<std::string>& truth_files) {
  if (IsSegmentsCsv(file)) return ScoreRanking(file, truth_files);
  const Predictions predictions = RequirePredictions(file, ReadPredictionsCsv(file));
  if (AreSegments(predictions)) {
    if (const auto ratings = ReadRatings(truth_files)) return ScoreSegments(predictions, *ratings);
  }
  return Score(predictions, ReadTruth(truth_files));
}

class ScoreCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("--predictions", predictions_,
                   "CSV with VideoId,LabelConfidencePairs (segments: ids VIDEO:START), or with "
                   "Class,Segments")
        ->required()
        ->type_name("FILE");
    app.add_option("--truth", truth_, "CSV with VideoId,Labels, or record files or their folder")
        ->required()
        ->type_name("FILE");
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    truth_ = ListedFiles(truth_);
    RequireFile(predictions_);
    const Metrics metrics = ScoreFile(predictions_, truth_);
    // Nothing measured is no measurement.
    if (!IsMeasured(metrics)) {
      throw UsageError("--truth: " + Join(truth_) + " holds " +
                       (metrics.videos == 0
                            ? std::string("no video")
                            : CountText(static_cast<std::size_t>(metrics.videos), "video") +
                                  " without any label") +
                       ": there is nothing to score");
    }
    if (json_) {
      PrintJson(context.out, ToJson(metrics));
    } else {
      Print(context.out, metrics);
    }
    return kExitDone;
  }

 private:
  static void Print(std::ostream& out, const Metrics& metrics) {
    for (const Metric& metric : kMetrics) {
      const double value = metrics.*metric.value;
      if (!std::isfinite(value)) continue;
      out << std::left << std::setw(kTitleWidth) << metric.title << "  "
          << FixedText(value, kMetricDigits) << "\n";
    }
    out << (std::isfinite(metrics.segment_map) ? "segments  " : "videos  ") << metrics.videos
        << "\n";
  }

  static boost::json::object ToJson(const Metrics& metrics) {
    boost::json::object json{{"videos", metrics.videos}};
    for (const Metric& metric : kMetrics) json[metric.name] = NumberOrNull(metrics.*metric.value);
    return json;
  }

  std::string predictions_;
  std::vector<std::string> truth_;
  bool json_ = false;
};

REGISTER_COMMAND("score", kResults, "GAP, Hit@1, PERR and mAP of a predictions file", ScoreCommand);

}  // namespace
}  // namespace beamgrid
