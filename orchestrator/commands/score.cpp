// `beamgrid score`: the metrics of a predictions file in one of the competition's formats.

#include <algorithm>
#include <cmath>
#include <future>
#include <iomanip>
#include <optional>
#include <utility>

#include "orchestrator/commands/class_names.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "orchestrator/commands/trial_listing.h"
#include "orchestrator/inputs/named_predictions.h"
#include "orchestrator/inputs/vocabulary_files.h"
#include "registry/scoring/metrics.h"
#include "registry/scoring/segments.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"

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

/// Common is how many videos there were before --common-videos left those that both have.
struct Common {
  std::size_t truth = 0, predicted = 0;
};

/// Takes from the truth what is not predicted. Throws UsageError where nothing is left.
template <typename TruthById>
Common KeepCommon(const Predictions& predictions, TruthById& truth) {
  const Common before{.truth = truth.size(), .predicted = predictions.videos.size()};
  std::erase_if(truth, [&](const auto& of_video) {
    return !std::ranges::binary_search(predictions.videos, of_video.first, {},
                                       &VideoPrediction::id);
  });
  if (!truth.empty()) return before;
  throw UsageError("--common-videos: predictions and truth have no video in common");
}

class ScoreCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("--predictions", predictions_,
                   "CSV with VideoId,LabelConfidencePairs (segments: ids VIDEO:START), with "
                   "Class,Segments, or with VideoId,Label,Name,Confidence as `predict --names` "
                   "writes it: its names are then compared with those beside the truth's records")
        ->required()
        ->type_name("FILE");
    app.add_option("--truth", truth_, "CSV with VideoId,Labels, or record files or their folder")
        ->required()
        ->type_name("FILE");
    app.add_option("--names", names_,
                   "What the predictions call their classes (as `predict --names` takes it): "
                   "refused where the vocabulary beside the truth's records says otherwise")
        ->type_name("FILE");
    app.add_flag("--common-videos", common_videos_,
                 "Only the videos of the truth that are predicted");
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    truth_ = ListedFiles(truth_);
    RequireFile(predictions_);
    const Metrics metrics = ScoreFile();
    if (!note_.empty()) context.Remark(note_);
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
  /// Throws where the truth's numbers mean other classes than those of the predictions, as far as
  /// files say what they mean. `written`: the names in the predictions themselves.
  void RequireClassesOfTruth(const NamedClasses& written) {
    std::vector<std::string> files;
    for (const std::filesystem::path& file : RecordFiles(truth_)) files.push_back(file.string());
    const NamedClasses truth = NamesBesideFiles(files);
    if (!names_.empty() && truth.names.empty()) {
      throw UsageError("--names: no vocabulary lies beside the truth to compare with");
    }
    const NamedClasses given =
        names_.empty() ? NamedClasses{} : NamedClasses{names_, ReadClassNames(names_, kMaxClasses)};
    for (const NamedClasses& one : {given, written}) {
      const std::string contradiction = Contradiction(one, truth);
      if (contradiction.empty()) continue;
      throw UsageError(one.where == names_ ? "--names: " + contradiction
                                           : "--predictions: " + contradiction);
    }
    if (!names_.empty() || !written.names.empty()) return;
    RequireSameClasses({predictions_}, {truth});
    if (!truth.names.empty() && NamesBesidePredictions(predictions_).names.empty()) {
      note_ =
          "note: the predictions number their classes and do not name them: the numbers are "
          "taken for those of " +
          truth.where + " (--names FILE compares)";
    }
  }

  Metrics ScoreFile() {
    if (IsNamedPredictions(predictions_)) {
      const NamedPredictions named = ReadNamedPredictions(predictions_);
      RequireClassesOfTruth(named.classes);
      return ScoreVideos(RequirePredictions(predictions_, named.predictions),
                         ReadTruthMeanwhile(truth_));
    }
    RequireClassesOfTruth({});
    if (IsSegmentsCsv(predictions_)) {
      // What it does not list it may have ranked lower or not have seen: nobody can tell.
      if (common_videos_) {
        throw UsageError("--common-videos: " + predictions_ +
                         " ranks segments (Class,Segments) and does not say which ones it was "
                         "made of; leave the option out");
      }
      return ScoreRanking(predictions_, truth_);
    }
    if (truth_.size() == 1 && !common_videos_) {
      const auto metrics = ScoreCsv(predictions_, truth_.front(), UsableThreads());
      if (metrics) return *metrics;
    }
    std::future<Truth> truth = ReadTruthMeanwhile(truth_);
    const Predictions predictions =
        RequirePredictions(predictions_, ReadPredictionsCsv(predictions_));
    if (AreSegments(predictions)) {
      if (auto ratings = ReadRatings(truth_)) {
        if (common_videos_) common_ = KeepCommon(predictions, *ratings);
        return ScoreSegments(predictions, *ratings);
      }
    }
    return ScoreVideos(predictions, std::move(truth));
  }

  Metrics ScoreVideos(const Predictions& predictions, std::future<Truth> being_read) {
    Truth truth = being_read.get();
    if (common_videos_) common_ = KeepCommon(predictions, truth);
    return Score(predictions, truth, UsableThreads());
  }

  void Print(std::ostream& out, const Metrics& metrics) const {
    for (const Metric& metric : kMetrics) {
      const double value = metrics.*metric.value;
      if (!std::isfinite(value)) continue;
      out << std::left << std::setw(kTitleWidth) << metric.title << "  "
          << FixedText(value, kMetricDigits) << "\n";
    }
    out << (std::isfinite(metrics.segment_map) ? "segments  " : "videos  ") << metrics.videos;
    if (common_) {
      out << ", of " << common_->truth << " in the truth and " << common_->predicted
          << " that are predicted";
    }
    out << "\n";
  }

  [[nodiscard]] boost::json::object ToJson(const Metrics& metrics) const {
    boost::json::object json{{"videos", metrics.videos}};
    if (common_) {
      json["truth_videos"] = common_->truth;
      json["predicted_videos"] = common_->predicted;
    }
    for (const Metric& metric : kMetrics) json[metric.name] = NumberOrNull(metrics.*metric.value);
    return json;
  }

  std::string predictions_, names_;
  std::string note_;  ///< what is not known of the classes; empty: nothing
  std::vector<std::string> truth_;
  bool common_videos_ = false;
  std::optional<Common> common_;
  bool json_ = false;
};

REGISTER_COMMAND("score", kResults, "GAP, Hit@1, PERR and mAP of a predictions file", ScoreCommand);

}  // namespace
}  // namespace beamgrid
