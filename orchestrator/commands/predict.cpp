// `beamgrid predict`: a trained model or an ensemble at work on record files, as the competition's
// CSV.

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <memory>
#include <set>
#include <unordered_set>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/class_names.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/named_models.h"
#include "orchestrator/commands/output_file.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "orchestrator/data_places.h"
#include "orchestrator/inputs/class_list.h"
#include "orchestrator/interrupts.h"
#include "orchestrator/study/attempt_starter.h"
#include "orchestrator/workers/process.h"
#include "orchestrator/workers/trainer_client.h"
#include "orchestrator/workers/trainer_predictions.h"
#include "registry/scoring/segments.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "reports/sheet.h"
#include "search/ensemble/combine.h"
#include "search/recipe.h"

namespace beamgrid {
namespace {

/// Combining is how the members' lists become one.
struct Combining {
  std::vector<std::string> names;
  std::vector<double> weights;
  ScoreDomain domain = ScoreDomain::kLogits;
};

Combining CombiningOf(const NamedModels& models) {
  if (!models.ensemble) return {.names = {MemberName(models.trials.front())}, .weights = {1}};
  const JsonReader answer(models.ensemble->answer, "ensemble");
  Combining combining{.names = {},
                      .weights = {},
                      .domain = ValueOf(kScoreDomains, "combine", answer.Text("combine"))};
  for (const boost::json::value& member : models.ensemble->members()) {
    const JsonReader reader(member, "member");
    combining.names.push_back(reader.Text("name"));
    combining.weights.push_back(reader.Number("weight"));
  }
  return combining;
}

/// Where the trial ran: "cpu" of "cpu Intel(R) Xeon(R)", "cuda:0" of "cuda:0 NVIDIA H200".
std::string DeviceOf(const TrialRecord& trial) {
  const std::string& device = trial.result->device;
  return device.substr(0, device.find(' '));
}

/// Predictor is the members' predictions side by side: each reads the files in the same order, so
/// that one video of each is enough to have the ensemble's.
class Predictor {
 public:
  Predictor(Combining combining, int top_k)
      : combining_(std::move(combining)),
        combination_(combining_.domain),
        // As a trial's own lists are read (a recipe's [ensemble]).
        missing_(combining_.names.size(), Missing::kLastOfList),
        top_k_(top_k),
        videos_(combining_.names.size()) {
    for (const VideoPrediction& video : videos_) row_.push_back(&video);
  }

  void Start(const std::filesystem::path& trainer, const PredictingModel& model) {
    streams_.push_back(std::make_unique<TrainerPredictions>(trainer, model));
  }

  /// Replaces `video` by the next one; false behind the last.
  bool Next(VideoPrediction& video) {
    std::size_t ended = 0;
    for (std::size_t m = 0; m < streams_.size(); ++m)
      ended += streams_[m]->Next(videos_[m]) ? 0 : 1;
    if (ended == streams_.size()) return false;
    for (std::size_t m = 0; m < streams_.size(); ++m) {
      if (ended == 0 && videos_[m].id == videos_[0].id) continue;
      throw Error("the members' predictions are not of the same videos (" + combining_.names[0] +
                  ": '" + videos_[0].id + "', " + combining_.names[m] + ": '" + videos_[m].id +
                  "'): the files were changed while they were read; predict again");
    }
    video = CombineVideo(row_, combining_.weights, combination_, missing_, top_k_);
    return true;
  }

  /// Ends the trainers. May be called from a signal handler while Next waits.
  void Stop() const {
    for (const auto& stream : streams_) stream->Stop();
  }

  [[nodiscard]] std::int64_t skipped() const { return streams_.front()->skipped(); }

 private:
  Combining combining_;
  Combination combination_;
  std::vector<Missing> missing_;
  int top_k_;
  std::vector<std::unique_ptr<TrainerPredictions>> streams_;
  std::vector<VideoPrediction> videos_;  ///< [members] the one at hand
  std::vector<const VideoPrediction*> row_;
};

class Predict : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("MODEL", model_, kNamedModelsHelp)->required()->type_name("");
    app.add_option("DATA", data_,
                   "Record files, or folders of *.tfrecord; labels are not looked at")
        ->required()
        ->type_name("FILE");
    app.add_option(
           "--out", out_,
           "The file to write: VideoId,LabelConfidencePairs, or Class,Segments for segments")
        ->required()
        ->type_name("FILE");
    app.add_option(
           "--names", names_,
           "Write what classes are called, for people: VideoId,Label,Name,Confidence with a "
           "line for each label. The names are those of a file (columns Index and Name), or "
           "of the vocabulary that `data import` wrote: auto")
        ->type_name("FILE|auto");
    app.add_option("--top-k", asked_top_k_,
                   "Labels a video; none: 20, the competition's, or 100 a segment: a class's list "
                   "has room for them")
        ->check(CLI::Range(1, kMostLabels));
    app.add_option("--classes", classes_,
                   "Only these classes in a file of segments: a file with a column Index, as "
                   "segment_label_ids.csv")
        ->type_name("FILE");
    app.add_option("--device", device_,
                   "cpu or cuda:N; none: where each trial was trained, which gives its recorded "
                   "numbers to the last bit")
        ->type_name("DEVICE");
    app.add_option("--threads", threads_, "Threads a model; none: as many as its trial had")
        ->check(CLI::Range(1, 4096));
    database_.AddTo(app);
    database_.AddRunsTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const std::vector<std::string> files = Files();
    if (!classes_.empty()) class_list_ = ReadClassList(classes_, kMaxClasses);
    const auto store = database_.OpenForReading();
    out_file_ = OutputFile(out_, files, database_, store.get(), kPredictionMarks);
    const NamedModels models = FindModels(*store, database_, model_);
    const Combining combining = CombiningOf(models);
    const TrialRecord& first = models.trials.front();
    const bool segments = store->Spec(first.id).data.format == "segment";
    top_k_ = asked_top_k_.value_or(segments ? kMostLabels : kGapTop);
    predictor_ = std::make_unique<Predictor>(combining, top_k_);
    // Before the trainers: whoever is interrupted while they start ends them too.
    const InterruptSignals interrupts([this] {
      interrupted_ = true;
      if (started_) predictor_->Stop();
    });
    const DataSpec data = names_.empty() ? store->Spec(first.id).data
                                         : DataPlaces(*store, models.study).AsNamed(first);
    if (!names_.empty() && segments) {
      throw UsageError("--names: " + model_ +
                       " predicts segments, whose file is Class,Segments; leave the option out");
    }
    const KnownNames known = NamesOf(*store, models.study.id, data);
    if (names_.empty()) RequireSameClasses(known, files);
    const KnownNames shown = ClassNamesOf(names_, data, known);
    if (!shown.note.empty()) context.Remark("note: " + shown.note);
    class_names_ = shown.names;
    StartMembers(*store, models, files);
    started_ = true;
    std::int64_t videos = 0;
    try {
      if (interrupted_) throw Error("interrupted");
      videos = segments ? WriteSegments() : WriteVideos();
    } catch (const std::exception&) {
      // A trainer that was stopped ends its predictions before their end.
      if (!interrupted_) throw;
      context.Remark("interrupted; " + out_ + " is not written");
      return kExitInterrupted;
    }
    Report(context, combining.names, videos, segments);
    return kExitDone;
  }

 private:
  /// A trial's own list is no longer.
  static constexpr int kMostLabels = 100;
  static constexpr std::string_view kNamedHeader = "VideoId,Label,Name,Confidence";

  /// Absolute, by file name, as a recipe's files are: in other batches the last bits may differ.
  [[nodiscard]] std::vector<std::string> Files() const {
    const std::vector<std::string> names = ListedFiles(data_);
    for (const std::string& name : names) {
      const std::filesystem::file_status status = std::filesystem::status(name);
      if (!std::filesystem::is_fifo(status) && !std::filesystem::is_socket(status)) continue;
      throw UsageError(name +
                       ": is a pipe; records are read by the trainer, a process of its own: "
                       "name a file");
    }
    std::vector<std::filesystem::path> paths = RecordFiles(names);
    for (std::filesystem::path& path : paths) path = std::filesystem::absolute(path);
    std::ranges::stable_sort(paths, {}, [](const auto& path) { return path.filename(); });
    std::vector<std::string> files;
    for (const std::filesystem::path& path : paths) files.push_back(path.string());
    return files;
  }

  /// Throws where numbers in the file would be read as other classes. With names there are none.
  void RequireSameClasses(const KnownNames& known, const std::vector<std::string>& files) const {
    std::set<std::filesystem::path> folders;
    for (const std::string& file : files) {
      const std::filesystem::path folder = std::filesystem::path(file).parent_path();
      if (!folders.insert(folder).second) continue;
      const std::string contradiction = Contradiction(
          {"the data of " + model_, known.names}, {folder.string(), ClassNamesInFolder(folder)});
      if (contradiction.empty()) continue;
      throw UsageError("DATA: " + contradiction +
                       ": the numbers that would be written mean the classes of the model; --names "
                       "auto writes their names");
    }
  }

  void StartMembers(const Store& store, const NamedModels& models,
                    const std::vector<std::string>& files) {
    const std::filesystem::path trainer = FindTrainer();
    AllowManyOpenFiles();
    // The time that a whole training may take says nothing here: there may be any number of videos.
    const ResourceSettings resources =
        ResourcesOfRecipe(models.study.recipe_text, models.study.name);
    for (const TrialRecord& trial : models.trials) {
      PredictingModel model{.spec = store.Spec(trial.id),
                            .file = CheckedArtifact(trial, "model", models.study.name),
                            .device = device_.empty() ? DeviceOf(trial) : device_,
                            .threads = threads_.value_or(trial.result->threads),
                            .silence = std::chrono::milliseconds(static_cast<std::int64_t>(
                                1000 * resources.heartbeat_timeout_seconds)),
                            .heartbeat_seconds = HeartbeatSeconds(resources),
                            .stall_seconds = resources.stall_timeout_seconds};
      model.spec.data.train.clear();
      model.spec.data.validate = files;
      predictor_->Start(trainer, model);
    }
  }

  bool Next(VideoPrediction& video) {
    if (!predictor_->Next(video)) return false;
    if (interrupted_) throw Error("interrupted");
    if (seen_.insert(video.id).second) return true;
    throw InputError("video '" + video.id +
                     "' is in the files twice; in a file of predictions each has one line");
  }

  std::int64_t WriteVideos() {
    std::int64_t videos = 0;
    GrowingFile file(out_file_);
    std::string text(class_names_.empty() ? kPredictionsCsvHeader : kNamedHeader);
    text += '\n';
    for (VideoPrediction video; Next(video); ++videos) {
      if (class_names_.empty()) {
        AppendCsvRow(text, video, top_k_, out_);
      } else {
        AppendNamedRows(text, video);
      }
      if (text.size() < kPiece) continue;
      file.Add(text);
      text.clear();
    }
    file.Add(text);
    file.Finish();
    return videos;
  }

  /// Appends the video's labels, best first, a line for each.
  void AppendNamedRows(std::string& text, const VideoPrediction& video) const {
    const std::size_t count = std::min(video.top.size(), static_cast<std::size_t>(top_k_));
    for (std::size_t i = 0; i < count; ++i) {
      const auto label = static_cast<std::size_t>(video.top[i].label);
      char digits[32];
      char* const end = std::to_chars(digits, digits + sizeof(digits), video.top[i].score).ptr;
      text += CsvText(video.id) + "," + std::to_string(label) + "," +
              CsvText(class_names_.at(label)) + "," + std::string(digits, end) + "\n";
    }
  }

  /// A class's segments are ranked over all videos, so they are gathered first.
  std::int64_t WriteSegments() {
    Predictions all{.top_k = top_k_};
    for (VideoPrediction video; Next(video);) all.videos.push_back(video);
    std::ranges::sort(all.videos, {}, &VideoPrediction::id);
    WriteFileAtomically(out_file_, SegmentsCsvText(all, class_list_));
    return std::ssize(all.videos);
  }

  void Report(const CommandContext& context, const std::vector<std::string>& members,
              std::int64_t videos, bool segments) const {
    if (json_) {
      PrintJson(context.out, boost::json::object{{"model", model_},
                                                 {"members", JsonList(members)},
                                                 {segments ? "segments" : "videos", videos},
                                                 {"skipped_records", predictor_->skipped()},
                                                 {"file", out_}});
    } else {
      context.out << CountText(static_cast<std::size_t>(videos), segments ? "segment" : "video")
                  << " by " << model_ << " in " << out_ << "\n";
    }
    if (predictor_->skipped() > 0) {
      context.err << "warning: "
                  << CountText(static_cast<std::size_t>(predictor_->skipped()), "damaged record")
                  << " skipped, as the recipe's data.on_error says\n";
    }
  }

  static constexpr std::size_t kPiece = 1 << 20;

  std::string model_, out_, classes_, device_, names_;
  std::vector<std::string> class_names_;  ///< by class; empty: the competition's form
  std::filesystem::path out_file_;
  std::vector<std::string> data_;
  std::vector<std::int32_t> class_list_;
  std::optional<int> asked_top_k_;
  int top_k_ = kGapTop;
  std::optional<std::int64_t> threads_;
  DatabaseOption database_;
  bool json_ = false;
  std::unique_ptr<Predictor> predictor_;
  std::unordered_set<std::string> seen_;
  std::atomic<bool> interrupted_ = false, started_ = false;
};

REGISTER_COMMAND("predict", kResults,
                 "Predictions of a trained model or an ensemble for any videos", Predict);

}  // namespace
}  // namespace beamgrid
