// `beamgrid ensemble`: the best set of finished models under a size limit, from a study or from
// prediction files.

#include <algorithm>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "orchestrator/commands/class_names.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/ensemble_text.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/output_file.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "orchestrator/commands/search_watch.h"
#include "orchestrator/commands/study_ensemble.h"
#include "orchestrator/commands/study_forms.h"
#include "orchestrator/inputs/class_list.h"
#include "orchestrator/inputs/csv_table.h"
#include "registry/scoring/predictions.h"
#include "registry/scoring/probabilities_csv.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/scratch_memory.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"
#include "registry/video_groups.h"
#include "search/recipe.h"

namespace beamgrid {
namespace {

/// Overrides is the options that replace the recipe's [ensemble] section where they are given.
struct Overrides {
  std::string size_limit;
  std::optional<std::int64_t> members, beam_width;
  std::optional<std::string> combine, weights, search;
  std::optional<double> holdout;
  std::vector<std::string> take, take_weights;
  bool certify = false, frontier = false, why = false;
};

std::int64_t SizeOrRefuse(const std::string& option, const std::string& text) {
  if (const auto size = ParseSize(text)) return *size;
  throw UsageError(option + ": '" + text + "' must be a size as in 1GiB, 500MB, 1e9 or 1073741824");
}

bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code unknown;
  return a == b || std::filesystem::equivalent(a, b, unknown);
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
  for (const std::string& text : ListItems(overrides.take_weights)) {
    const auto weight = ParseNumber<double>(text);
    if (!weight) throw UsageError("--take-weights: '" + text + "' must be a number");
    question.given_weights.push_back(*weight);
  }
  question.certify = overrides.certify;
  question.frontier = overrides.frontier;
  question.why = overrides.why;
}

/// Refuses a file that is named twice: it would be a model twice.
void RefuseRepeated(const std::string& option, const std::vector<std::string>& files) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (IsSameFile(files[i], files[j])) {
        throw UsageError(option + ": " + files[i] + " is named twice");
      }
    }
  }
}

/// Throws where a file beside the trials lists what is no class of theirs: its numbers mean others.
void RequireClassesBelow(std::int64_t classes, const std::string& file,
                         const Predictions& predictions) {
  if (classes == 0) return;  // unknown
  for (const VideoPrediction& video : predictions.videos) {
    for (const ScoredLabelDouble& entry : video.top) {
      if (entry.label < classes) continue;
      throw InputError(file + ": video '" + video.id + "' lists the label " +
                       std::to_string(entry.label) + "; the studies' data have " +
                       std::to_string(classes) + " classes, 0 to " + std::to_string(classes - 1) +
                       ": the file numbers others");
    }
  }
}

/// Reads by what videos belong together: a column of ids, and `group` or the only other one.
VideoGroups ReadGroups(const std::string& path) {
  RequireFile(path);
  CsvTable table(path);
  const std::size_t id = table.RequireId("", /*option=*/"");
  std::optional<std::size_t> group = table.Find({"group"});
  if (!group && table.columns().size() == 2) group = 1 - id;
  if (!group) throw InputError(path + ": no column is called group (beside the videos' ids)");
  struct Told {
    std::string group;
    std::uint64_t line = 0;
  };
  std::map<std::string, Told> groups;
  while (table.Next()) {
    const std::string video(table.Cell(id)), name(table.Cell(*group));
    if (name.empty()) {
      throw InputError(table.Place() + ": to which group does the video '" + video + "' belong?");
    }
    const auto [first, is_new] = groups.try_emplace(video, Told{name, table.line()});
    if (is_new || first->second.group == name) continue;
    throw InputError(table.Place() + ": the video '" + video + "' is of group '" + name +
                     "', in line " + std::to_string(first->second.line) + " of '" +
                     first->second.group + "'");
  }
  std::map<std::string, std::string, std::less<>> of_videos;
  for (auto& [video, told] : groups) of_videos.emplace(video, std::move(told.group));
  return {table.columns()[*group], std::move(of_videos)};
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
    app.add_option("--groups", groups_,
                   "By what the videos of --predictions belong together, as by subject: a CSV with "
                   "the columns id and group; whole groups are held out and resampled")
        ->type_name("FILE")
        ->needs(files);
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
    app.add_option(
           "--forms", form_words_,
           "fp16, bf16, int8: each trial in these precisions is a model too, NAME@int8; the "
           "trainer makes and measures those that are not there yet")
        ->type_name("PRECISION ...")
        ->needs(study);
    app.add_option("--seeds", seeds_,
                   "all: each seed is a model; best: one per name, that with the best objective on "
                   "all validation videos, those held out among them")
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
    sizes_ = SizeItems(sizes_);
    RefuseRepeated("--predictions", predictions_);
    RefuseRepeated("--with", with_);
    CheckOut();
    TakeListedNames();
    if (studies_.empty() && predictions_.empty()) {
      throw UsageError("beamgrid ensemble: name a study, or files with --predictions and --truth");
    }
    if (!sizes_.empty() && predictions_.empty()) RequireSizes(with_);
    if (overrides_.frontier && studies_.empty() && sizes_.empty()) {
      throw UsageError("--frontier needs the sizes of the files: give --sizes");
    }
    const std::vector<std::int32_t> classes = Classes();
    forms_ = FormsOf(ListItems(form_words_));
    EnsembleQuestion question;
    std::optional<ScratchMemory> scratch;
    if (!scratch_.empty()) memory_ = &scratch.emplace(scratch_);
    if (!forms_.empty() && !MakeForms(context, database_, Studies(), forms_)) {
      context.err
          << "interrupted; what is made of the forms stays, and the rest is made next time\n";
      return kExitInterrupted;
    }
    const EnsembleModels models = studies_.empty() ? AskOfFiles(question) : AskOfStudies(question);
    std::optional<EnsembleAnswer> found = Search(context, question, models);
    if (!found) return kExitInterrupted;
    NoteUnknownSizes(*found);
    NoteBestSeeds(*found);
    const EnsembleAnswer& answer = *found;
    boost::json::object json = AnswerJson(answer, left_out_);
    // Written before the record says anything, named after it: where the disk is full nothing is
    // stored. Whoever is killed in between asks again, gets the same answer, and has the file.
    std::optional<GrowingFile> file;
    if (!out_.empty()) {
      file.emplace(out_file_).Add(EnsemblePredictionsCsv(out_, question, models, answer, classes));
    }
    try {
      if (!studies_.empty()) Keep(context, json);
      if (file) {
        file->Finish();
        context.Remark("predictions in " + out_);
      }
    } catch (const std::exception&) {
      // The search may have taken hours: what it found is told, though nothing could keep it.
      Print(context, json, answer);
      throw;
    }
    Print(context, json, answer);
    WarnOfLeftOut(context.err, left_out_);
    TellOfMissingForms(context);
    return kExitDone;
  }

 private:
  void Print(const CommandContext& context, boost::json::object json,
             const EnsembleAnswer& answer) const {
    if (!json_) return PrintEnsemble(context.out, answer);
    for (auto& [key, value] : FindingsJson(answer)) json[key] = value;
    PrintJson(context.out, json);
  }

  /// What nobody said is no size of 0 that fits anywhere.
  void NoteUnknownSizes(EnsembleAnswer& answer) const {
    if (!sizes_.empty() || (with_.empty() && predictions_.empty())) return;
    answer.notes.emplace_back(
        "the sizes of the files are not known (--sizes) and count as 0: the limit says nothing of "
        "them");
  }

  /// A trial's objective is of all validation videos: it knows those that are held out.
  void NoteBestSeeds(EnsembleAnswer& answer) const {
    if (seeds_ != "best" || !answer.holdout) return;
    answer.notes.emplace_back(
        "--seeds best: the seed of each name was chosen on all validation videos, those held out "
        "among them, so the holdout GAP is a little too high");
  }

  /// Returns nothing, and says so, where somebody interrupts.
  std::optional<EnsembleAnswer> Search(const CommandContext& context,
                                       const EnsembleQuestion& question,
                                       const EnsembleModels& models) const {
    try {
      SearchWatch watch(context);
      return FindEnsemble(question, models, watch.OnThreads(threads_), OnGpu(context.err),
                          watch.told());
    } catch (const SearchWatch::SearchInterrupted&) {
      context.err << "interrupted; nothing is stored\n";
      return std::nullopt;
    }
  }

  void AddSearchOptions(CLI::App& app) {
    app.add_option("--size-limit", overrides_.size_limit, "Size of all members together")
        ->type_name("SIZE");
    app.add_option("--members", overrides_.members, "At most so many")->check(AtLeastOne());
    app.add_option("--beam-width", overrides_.beam_width, "States kept per step")
        ->check(AtLeastOne());
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
        ->check(AtLeastOne())
        ->capture_default_str();
    app.add_option("--scratch", scratch_,
                   "A folder for the pool's lists while it works, where memory is too small for "
                   "them: 6 bytes for each label that a model lists")
        ->type_name("DIR")
        ->check(CLI::ExistingDirectory);
    app.add_flag("--certify", overrides_.certify,
                 "How far the answer is from the best set that fits; the better one is taken")
        ->excludes(take);
    app.add_flag("--frontier", overrides_.frontier,
                 "The best set of every size limit up to this one")
        ->excludes(take);
    app.add_flag("--why", overrides_.why,
                 "What is lost without each member, how alike they are, how often each is chosen");
    app.add_option("--holdout", overrides_.holdout, "Share of the videos kept from selection")
        ->check(Between(0, 0.99));
  }

  [[nodiscard]] VideoSet Videos() const {
    return common_videos_ ? VideoSet::kCommon : VideoSet::kTruth;
  }

  [[nodiscard]] std::vector<StudyRecord> Studies() const {
    const auto store = database_.OpenForReading();
    std::vector<StudyRecord> studies;
    for (const std::string& name : studies_) {
      studies.push_back(FindStudy(*store, database_, name));
      if (std::ranges::count(studies_, name) > 1) {
        throw UsageError("STUDY: '" + name + "' is named twice");
      }
    }
    return studies;
  }

  EnsembleModels AskOfStudies(EnsembleQuestion& question) {
    const std::vector<StudyRecord> studies = Studies();
    const auto store = database_.OpenForReading();
    question = EnsembleOfRecipe(studies.front().recipe_text, studies.front().name);
    Apply(overrides_, question);
    EnsembleModels models(Videos());
    models.set_memory(memory_);
    StudyModels pool =
        StudiesPool(*store, studies, seeds_ == "best" ? SeedChoice::kBest : SeedChoice::kAll,
                    std::move(models), forms_);
    left_out_ = std::move(pool.left_out);
    fingerprints_ = std::move(pool.fingerprints);
    std::vector<NamedClasses> known;
    for (const StudyRecord& study : studies) {
      for (auto& [digest, names] : store->NotedClassNames(study.id)) {
        known.push_back({.where = "the data of " + study.name, .names = std::move(names)});
      }
    }
    RequireSameClasses(with_, std::move(known));
    // The truth of their videos is the studies'.
    const std::vector<std::int64_t> sizes = SizesOf(with_);
    const std::int64_t classes = pool.models.classes();
    ReadInOrder(with_, [&](std::size_t i, const Predictions& predictions) {
      RequireClassesBelow(classes, with_[i], predictions);
      pool.models.AddFile(NameOf(with_[i], with_), sizes[i], predictions, Missing::kZero);
    });
    return std::move(pool.models);
  }

  /// Of several studies nobody asks which model has which form.
  void TellOfMissingForms(const CommandContext& context) const {
    if (fingerprints_.empty()) return;
    for (const std::string& form : forms_) {
      const bool is_there = std::ranges::any_of(fingerprints_, [&](const auto& model) {
        return model.first.find("@" + form) != std::string::npos;
      });
      if (!is_there) context.Remark("--forms: no trial has a smaller " + form + " form");
    }
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
    context.Remark("stored with study " + study.name + "; " + study.name +
                   ":ensemble names it now (`beamgrid ensembles` has the earlier ones)");
  }

  EnsembleModels AskOfFiles(EnsembleQuestion& question) const {
    Apply(overrides_, question);
    std::vector<std::string> truth_files;
    for (const std::filesystem::path& file : RecordFiles(truth_)) {
      truth_files.push_back(file.string());
    }
    RequireSameClasses(predictions_, {NamesBesideFiles(truth_files)});
    const std::vector<std::int64_t> sizes = SizesOf(predictions_);
    std::optional<EnsembleModels> models;
    ReadInOrder(predictions_, [&](std::size_t i, const Predictions& predictions) {
      if (!models) {
        models.emplace(ReadTruthFor(predictions, truth_), Videos());
        models->set_memory(memory_);
        if (!groups_.empty()) {
          models->set_groups(std::make_shared<const VideoGroups>(ReadGroups(groups_)));
        }
      }
      models->AddFile(NameOf(predictions_[i], predictions_), sizes[i], predictions);
    });
    return std::move(*models);
  }

  /// Passes the predictions of the files on, one after the other, while the next ones are read.
  void ReadInOrder(const std::vector<std::string>& files,
                   const std::function<void(std::size_t, const Predictions&)>& take) const {
    // Parsing is what takes the time; a million videos take a gigabyte until they are taken.
    constexpr int kMostAhead = 4;
    TakeInOrder(
        std::min(threads_, kMostAhead), files.size(),
        [&](std::size_t i) { return ReadProbabilitiesCsv(files[i]); }, take);
  }

  void RequireSizes(const std::vector<std::string>& files) const {
    if (sizes_.size() == files.size()) return;
    throw UsageError("--sizes names " + CountText(sizes_.size(), "size") + " for " +
                     CountText(files.size(), "prediction file") +
                     "; there must be one for each, in their order");
  }

  /// Refuses what --out would destroy, and what it could not write after a long search.
  void CheckOut() {
    if (out_.empty()) return;
    std::vector<std::string> inputs = {classes_, groups_};
    for (const auto& read : {predictions_, with_, truth_}) {
      inputs.insert(inputs.end(), read.begin(), read.end());
    }
    const auto store = studies_.empty() ? nullptr : database_.OpenForReading();
    out_file_ = OutputFile(out_, inputs, database_, store.get(), kPredictionMarks);
    const GrowingFile probe(out_file_);  // goes again at once
  }

  /// Takes the names of --take apart at commas, but for those of files with commas in their names.
  void TakeListedNames() {
    std::vector<std::string> names;
    for (const std::string& given : overrides_.take) {
      const auto is_given = [&](const std::vector<std::string>& files) {
        return std::ranges::any_of(
            files, [&](const std::string& file) { return NameOf(file, files) == given; });
      };
      if (is_given(predictions_) || is_given(with_)) {
        names.push_back(given);
      } else {
        std::ranges::move(ListItems({given}), std::back_inserter(names));
      }
    }
    overrides_.take = std::move(names);
  }

  /// Returns what --sizes says of each file, which must be there; 0 where it says nothing.
  [[nodiscard]] std::vector<std::int64_t> SizesOf(const std::vector<std::string>& files) const {
    if (!sizes_.empty()) RequireSizes(files);
    std::vector<std::int64_t> sizes;
    for (std::size_t i = 0; i < files.size(); ++i) {
      RequireFile(files[i]);
      sizes.push_back(SizeOf(i, files[i]));
    }
    return sizes;
  }

  [[nodiscard]] std::int64_t SizeOf(std::size_t place, const std::string& file) const {
    if (sizes_.empty()) return 0;
    const std::string option = "--sizes, of " + file;
    const std::int64_t size = SizeOrRefuse(option, sizes_[place]);
    // So that the sizes of any thousand members can be added up.
    constexpr std::int64_t kLargest = std::int64_t{1} << 50;
    if (size > kLargest) {
      throw UsageError(option + ": '" + sizes_[place] + "' is too much, must be at most 1 PiB");
    }
    return size;
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

  std::vector<std::string> form_words_;
  Forms forms_;
  std::vector<std::string> studies_, with_, predictions_, sizes_, truth_;
  std::string out_, classes_, groups_;
  std::filesystem::path out_file_;
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
