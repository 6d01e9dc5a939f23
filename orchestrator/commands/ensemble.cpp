// `beamgrid ensemble`: the best set of finished models under a size limit, from a study or from
// prediction files.

#include <algorithm>
#include <optional>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "orchestrator/commands/study_ensemble.h"
#include "orchestrator/inputs/class_list.h"
#include "registry/util/error.h"
#include "registry/util/scratch_memory.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"
#include "search/recipe.h"

namespace beamgrid {
namespace {

/// Overrides is the options that replace the recipe's [ensemble] section where they are given.
struct Overrides {
  std::string size_limit;
  std::optional<std::int64_t> members, beam_width;
  std::optional<std::string> combine, weights, search;
  std::optional<double> holdout;
  std::vector<std::string> take;
  std::vector<double> take_weights;
};

std::int64_t SizeOrRefuse(const std::string& option, const std::string& text) {
  if (const auto size = ParseSize(text)) return *size;
  throw UsageError(option + ": '" + text + "' must be a size as in 1GiB, 500MB, 1e9 or 1073741824");
}

void Apply(const Overrides& overrides, EnsembleQuestion& question) {
  if (!overrides.size_limit.empty()) {
    question.size_limit = SizeOrRefuse("--size-limit", overrides.size_limit);
  }
  question.members = overrides.members.value_or(question.members);
  question.beam_width = overrides.beam_width.value_or(question.beam_width);
  if (overrides.combine) question.combine = ValueOf(kScoreDomains, "--combine", *overrides.combine);
  if (overrides.weights) question.weights = ValueOf(kWeightings, "--weights", *overrides.weights);
  if (overrides.search) question.search = ValueOf(kEnsembleSearches, "--search", *overrides.search);
  question.holdout = overrides.holdout.value_or(question.holdout);
  question.given = overrides.take;
  question.given_weights = overrides.take_weights;
}

class Ensemble : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    auto* study = app.add_option("STUDY", studies_,
                                 "Studies whose finished trials are the pool; the first one's "
                                 "[ensemble] counts");
    auto* files = app.add_option("--predictions", predictions_,
                                 "A pool of competition CSV files alone, without a study")
                      ->type_name("FILE ...")
                      ->excludes(study);
    auto* truth = app.add_option("--truth", truth_, "CSV with VideoId,Labels, or record files")
                      ->type_name("FILE ...")
                      ->needs(files);
    files->needs(truth);
    app.add_option("--with", with_,
                   "Competition CSV files in the pool beside the studies' trials, over the same "
                   "videos")
        ->type_name("FILE ...")
        ->needs(study);
    app.add_option("--sizes", sizes_,
                   "Size of each file of --predictions or --with, as in 1GiB; none: 0")
        ->type_name("SIZE ...");
    app.add_flag("--common-videos", common_videos_, "Only the videos that all have");
    AddSearchOptions(app);
    app.add_option("--seeds", seeds_, "all: each seed is a model; best: one per name")
        ->check(CLI::IsMember({"all", "best"}))
        ->capture_default_str()
        ->excludes(files);
    database_.AddTo(app);
    database_.AddRunsTo(app);
    AddJsonFlag(app, &json_);
    auto* out = app.add_option("--out", out_,
                               "Write the ensemble's own predictions: VideoId,"
                               "LabelConfidencePairs, or Class,Segments for segments")
                    ->type_name("FILE");
    app.add_option("--classes", classes_,
                   "Only these classes in a file of segments: a file with a column Index, as "
                   "segment_label_ids.csv")
        ->type_name("FILE")
        ->needs(out);
  }

  int Run(CommandContext& context) override {
    predictions_ = ListedFiles(predictions_);
    with_ = ListedFiles(with_);
    truth_ = ListedFiles(truth_);
    sizes_ = ListItems(sizes_);
    if (studies_.empty() && predictions_.empty()) {
      throw UsageError("beamgrid ensemble: name a study, or files with --predictions and --truth");
    }
    if (!sizes_.empty() && predictions_.empty()) RequireSizes(with_);
    const std::vector<std::int32_t> classes = Classes();
    EnsembleQuestion question;
    std::optional<ScratchMemory> scratch;
    if (!scratch_.empty()) memory_ = &scratch.emplace(scratch_);
    const EnsembleModels models = studies_.empty() ? AskOfFiles(question) : AskOfStudies(question);
    const EnsembleAnswer answer = FindEnsemble(question, models, OnThreads(threads_));
    const boost::json::object json = AnswerJson(answer, left_out_);
    if (!studies_.empty()) Keep(context, json);
    if (!out_.empty()) {
      WriteEnsemblePredictions(out_, question, models, answer, classes);
      context.Remark("predictions in " + out_);
    }
    if (json_) {
      PrintJson(context.out, json);
    } else {
      PrintEnsemble(context.out, answer);
    }
    WarnOfLeftOut(context.err, left_out_);
    return kExitDone;
  }

 private:
  void AddSearchOptions(CLI::App& app) {
    app.add_option("--size-limit", overrides_.size_limit, "Size of all members together")
        ->type_name("SIZE");
    app.add_option("--members", overrides_.members, "At most so many")->check(CLI::PositiveNumber);
    app.add_option("--beam-width", overrides_.beam_width, "States kept per step")
        ->check(CLI::PositiveNumber);
    app.add_option("--weights", overrides_.weights,
                   "auto: the best of the others by cross-fitting on the selection videos")
        ->check(OneOf(WordsOf(kWeightings)));
    app.add_option("--combine", overrides_.combine)->check(OneOf(WordsOf(kScoreDomains)));
    app.add_option("--search", overrides_.search)->check(OneOf(WordsOf(kEnsembleSearches)));
    auto* take =
        app.add_option("--take", overrides_.take, "These members, whatever a search would find")
            ->type_name("NAME ...");
    app.add_option("--take-weights", overrides_.take_weights,
                   "Their weights, in the same order; none: as --weights says")
        ->type_name("WEIGHT ...")
        ->needs(take);
    app.add_option("--threads", threads_, "The answer is the same for any number of them")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--scratch", scratch_,
                   "A folder for the pool's lists while it works, where memory is too small for "
                   "them: 6 bytes for each label that a model lists")
        ->type_name("DIR")
        ->check(CLI::ExistingDirectory);
    app.add_option("--holdout", overrides_.holdout, "Share of the videos kept from selection")
        ->check(CLI::Range(0.0, 0.99));
  }

  [[nodiscard]] VideoSet Videos() const {
    return common_videos_ ? VideoSet::kCommon : VideoSet::kTruth;
  }

  EnsembleModels AskOfStudies(EnsembleQuestion& question) {
    const auto store = database_.OpenForReading();
    std::vector<StudyRecord> studies;
    for (const std::string& name : studies_) {
      studies.push_back(FindStudy(*store, database_, name));
      if (std::ranges::count(studies_, name) > 1) {
        throw UsageError("STUDY: '" + name + "' is named twice");
      }
    }
    question = EnsembleOfRecipe(studies.front().recipe_text, studies.front().name);
    Apply(overrides_, question);
    EnsembleModels models(Videos());
    models.set_memory(memory_);
    StudyModels pool =
        StudiesPool(*store, studies, seeds_ == "best" ? SeedChoice::kBest : SeedChoice::kAll,
                    std::move(models));
    left_out_ = std::move(pool.left_out);
    fingerprints_ = std::move(pool.fingerprints);
    // The truth of their videos is the studies'.
    const std::vector<std::int64_t> sizes = SizesOf(with_);
    for (std::size_t i = 0; i < with_.size(); ++i) {
      pool.models.AddFile(NameOf(with_[i], with_), sizes[i], ReadPredictionsCsv(with_[i]),
                          Missing::kZero);
    }
    return std::move(pool.models);
  }

  void Keep(const CommandContext& context, const boost::json::object& answer) const {
    if (studies_.size() > 1 || !with_.empty()) {
      return context.Remark("not stored: a study keeps ensembles of its own trials only");
    }
    if (!database_.MayBeWritten()) {
      return context.Remark("not stored with the study: " + database_.path.string() +
                            " may only be read");
    }
    const auto store = database_.OpenForWriting();
    const StudyRecord study = FindStudy(*store, database_, studies_.front());
    StoreEnsemble(*store, study.id, answer, fingerprints_);
    context.Remark("stored with study " + study.name);
  }

  EnsembleModels AskOfFiles(EnsembleQuestion& question) const {
    Apply(overrides_, question);
    const std::vector<std::int64_t> sizes = SizesOf(predictions_);
    Predictions predictions = ReadPredictionsCsv(predictions_.front());
    EnsembleModels models(ReadTruthFor(predictions, truth_), Videos());
    models.set_memory(memory_);
    for (std::size_t i = 0; i < predictions_.size(); ++i) {
      if (i > 0) predictions = ReadPredictionsCsv(predictions_[i]);
      models.AddFile(NameOf(predictions_[i], predictions_), sizes[i], predictions);
    }
    return models;
  }

  void RequireSizes(const std::vector<std::string>& files) const {
    if (sizes_.size() == files.size()) return;
    throw UsageError("--sizes names " + CountText(sizes_.size(), "size") + " for " +
                     CountText(files.size(), "prediction file"));
  }

  /// Returns what --sizes says of each file, which must be there; 0 where it says nothing.
  [[nodiscard]] std::vector<std::int64_t> SizesOf(const std::vector<std::string>& files) const {
    if (!sizes_.empty()) RequireSizes(files);
    std::vector<std::int64_t> sizes;
    for (std::size_t i = 0; i < files.size(); ++i) {
      RequireFile(files[i]);
      sizes.push_back(sizes_.empty() ? 0 : SizeOrRefuse("--sizes", sizes_[i]));
    }
    return sizes;
  }

  [[nodiscard]] std::vector<std::int32_t> Classes() const {
    if (classes_.empty()) return {};
    RequireFile(classes_);
    return ReadClassList(classes_, kMaxClasses);
  }

  /// Returns the file's name without its ending; its path where two files share that.
  static std::string NameOf(const std::string& file, const std::vector<std::string>& files) {
    const auto stem = [](const std::string& path) {
      return std::filesystem::path(path).stem().string();
    };
    const auto same = std::count_if(files.begin(), files.end(),
                                    [&](const auto& other) { return stem(other) == stem(file); });
    return same == 1 ? stem(file) : file;
  }

  std::vector<std::string> studies_, with_, predictions_, sizes_, truth_;
  std::string out_, classes_;
  bool common_videos_ = false;
  std::string seeds_ = "all";
  Overrides overrides_;
  int threads_ = UsableThreads();
  std::string scratch_;
  std::pmr::memory_resource* memory_ = std::pmr::get_default_resource();
  std::vector<LeftOut> left_out_;
  Fingerprints fingerprints_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("ensemble", kResults, "The best ensemble under a size limit", Ensemble);

}  // namespace
}  // namespace beamgrid
