// `beamgrid score`: the metrics of a predictions file in one of the competition's formats.

#include <cmath>
#include <limits>
#include <optional>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "registry/scoring/segments.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr int kMetricDigits = 5;

/// A ranking of segments for each class says nothing of a segment's best classes.
Metrics ScoreRanking(const std::string& file, const std::vector<std::string>& truth_files) {
  const std::optional<SegmentTruth> truth = ReadRatings(truth_files);
  if (!truth) {
    throw UsageError(file +
                     " ranks segments (Class,Segments): --truth must be record files with "
                     "their ratings");
  }
  constexpr double kNot = std::numeric_limits<double>::quiet_NaN();
  return {.gap = kNot,
          .hit_at_1 = kNot,
          .perr = kNot,
          .map = kNot,
          .videos = std::ssize(*truth),
          .segment_map = SegmentMap(ReadSegmentsCsv(file), *truth)};
}

Metrics ScoreFile(const std::string& file, const std::vector<std::string>& truth_files) {
  if (IsSegmentsCsv(file)) return ScoreRanking(file, truth_files);
  const Predictions predictions = ReadPredictionsCsv(file);
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
    RequireFile(predictions_);
    const Metrics metrics = ScoreFile(predictions_, truth_);
    if (json_) {
      PrintJson(context.out, ToJson(metrics));
    } else {
      Print(context.out, metrics);
    }
    return kExitDone;
  }

 private:
  static void Print(std::ostream& out, const Metrics& metrics) {
    const auto line = [&out](const char* name, double value) {
      if (std::isfinite(value)) out << name << FixedText(value, kMetricDigits) << "\n";
    };
    line("GAP@20  ", metrics.gap);
    line("Hit@1   ", metrics.hit_at_1);
    line("PERR    ", metrics.perr);
    line("mAP     ", metrics.map);
    line("MAP@100k  ", metrics.segment_map);
    out << (std::isfinite(metrics.segment_map) ? "segments  " : "videos  ") << metrics.videos
        << "\n";
  }

  static boost::json::object ToJson(const Metrics& metrics) {
    return {{"gap", NumberOrNull(metrics.gap)},
            {"hit_at_1", NumberOrNull(metrics.hit_at_1)},
            {"perr", NumberOrNull(metrics.perr)},
            {"map", NumberOrNull(metrics.map)},
            {"segment_map", NumberOrNull(metrics.segment_map)},
            {"videos", metrics.videos}};
  }

  std::string predictions_;
  std::vector<std::string> truth_;
  bool json_ = false;
};

REGISTER_COMMAND("score", kResults, "GAP, Hit@1, PERR and mAP of a predictions file", ScoreCommand);

}  // namespace
}  // namespace beamgrid
