// `beamgrid distil`: what an ensemble knows, in one model. Predictions of the teacher for the
// training videos and a recipe of one model that learns from them go into a folder, and the recipe
// is run: all that is trained is a trial like any other.

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/command_line.h"
#include "orchestrator/commands/named_models.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/data_places.h"
#include "orchestrator/inputs/recipe_files.h"
#include "registry/added_options.h"
#include "registry/scoring/metrics.h"
#include "registry/scoring/predictions.h"
#include "registry/store/form.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "search/ensemble/models.h"
#include "search/recipe.h"
#include "search/trial_recipe.h"
#include "trainer/data/teacher.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kTeacherFile[] = "teacher.csv";
constexpr char kRecipeFile[] = "recipe.toml";
constexpr char kTeacherWeight[] = "teacher_weight";
/// A trial's own lists are no longer, so more of a member nobody knows.
constexpr int kLabels = 100;

/// Returns the trial whose model the student has: the best of those that are small enough.
TrialRecord BestWithin(const Store& store, const StudyRecord& study, std::int64_t size_limit) {
  const Metric* objective = FindMetric(study.objective);
  std::vector<TrialRecord> trials = store.Trials(study.id);
  std::erase_if(trials, [&](const TrialRecord& trial) {
    return trial.state != TrialState::kComplete || !trial.result || trial.size_bytes > size_limit;
  });
  if (trials.empty()) {
    throw UsageError("study '" + study.name + "' has no complete trial of at most " +
                     SizeText(size_limit) +
                     "; allow more (--size-limit), or name a model (--model)");
  }
  return *std::ranges::max_element(trials, {}, [objective](const TrialRecord& trial) {
    return ObjectiveOf(trial.result->metrics, objective);
  });
}

std::int64_t SizeLimit(const std::string& text) {
  if (const auto size = ParseSize(text)) return *size;
  throw UsageError("--size-limit: '" + text +
                   "' must be a size as in 1GiB, 500MB, 1e9 or 1073741824");
}

/// Returns how many videos of an ensemble's study this share leaves to choose on; nothing where no
/// member's predictions are there to count them.
std::optional<std::int64_t> VideosToChooseOn(const Store& store, const NamedModels& teacher,
                                             double holdout) {
  const auto groups = store.VideoGroupsOf(teacher.study.id);
  for (const TrialRecord& member : teacher.trials) {
    try {
      const Predictions predictions =
          ReadPredictions(CheckedArtifact(member, "predictions", teacher.study.name));
      return std::ranges::count_if(predictions.videos, [&](const VideoPrediction& video) {
        return !InHoldout(groups ? groups->Of(video.id) : video.id, holdout);
      });
    } catch (const Error&) {
      continue;  // given up or damaged: another member has the same videos
    }
  }
  return std::nullopt;
}

/// Throws where the student's holdout would have videos that chose the teacher: the ensemble was
/// made with another share or other groups than the recipe says.
void RequireHeldOutVideos(const Store& store, const NamedModels& teacher,
                          const std::string& recipe) {
  if (!teacher.ensemble) return;
  const double holdout = EnsembleOfRecipe(recipe, kRecipeFile).holdout;
  const auto chosen_on =
      teacher.ensemble->answer.at("selection").at("videos").to_number<std::int64_t>();
  const auto now = VideosToChooseOn(store, teacher, holdout);
  if (!now || *now >= chosen_on) return;
  throw UsageError("the teacher was chosen on " + std::to_string(chosen_on) +
                   " videos, of which data.holdout = " + CanonicalJson(holdout) + " leaves " +
                   std::to_string(*now) +
                   ": the student's holdout would have videos that chose its teacher; give the "
                   "share that the ensemble was made with (--set data.holdout=SHARE), or make it "
                   "again (`beamgrid ensemble " +
                   teacher.study.name + "`)");
}

class Distil : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("TEACHER", teacher_, kNamedModelsHelp)->required()->type_name("");
    app.add_option("--out", out_,
                   "The folder to write: teacher.csv, the teacher's predictions for the training "
                   "videos, and recipe.toml")
        ->required()
        ->type_name("DIR");
    app.add_option("--model", model_,
                   "The trial that has the student's model and training; none: the best of the "
                   "teacher's study within the size limit")
        ->type_name("TRIAL");
    app.add_option("--size-limit", size_limit_, "The most bytes of the student")
        ->capture_default_str();
    app.add_option(
           "--weight", weights_,
           "Share of the teacher in the loss, the rest is the truth's; of several (0.3,0.7) "
           "each is a trial; none: 0.5")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(Between(0, 1))
        ->type_name("W,...");
    app.add_option("--name", name_, "The new study's name; none: the teacher's with _distilled")
        ->type_name("STUDY");
    AddSettings(app, &settings_);
    app.add_option("--device", device_, "cpu or cuda:N for the predictions, as `predict` takes it")
        ->type_name("DEVICE");
    app.add_flag("--no-run", no_run_,
                 "Write the folder only; `beamgrid run DIR/recipe.toml` trains");
    app.add_flag("--json", json_, "Print what `run --json` prints instead of text")
        ->excludes("--no-run");
    database_.AddTo(app);
    database_.AddRunsTo(app);
  }

  int Run(CommandContext& context) override {
    const TrialRecipe recipe = Plan(context);
    // With the values of --set, whose mistakes are told before anything is predicted.
    const RecipeSource source(TextOf(recipe), RecipePath(), settings_);
    RequireSound(context, source);
    const std::string& text = source.text();
    RequireHeldOut(text);
    RequireRoomFor(text);
    const int predicted = Predict(context, recipe.trial.data);
    if (predicted != kExitDone) return predicted;
    WriteFileAtomically(RecipePath(), text);
    if (no_run_) {
      context.out << "beamgrid run " << RecipePath() << "\n";
      return kExitDone;
    }
    std::vector<std::string> run = {"run", RecipePath()};
    if (json_) run.emplace_back("--json");
    return Call(context, std::move(run), context.out);
  }

 private:
  [[nodiscard]] std::string RecipePath() const { return (out_ / kRecipeFile).string(); }
  [[nodiscard]] std::string TeacherPath() const { return (out_ / kTeacherFile).string(); }

  /// Returns what is to be trained.
  [[nodiscard]] TrialRecipe Plan(const CommandContext& context) const {
    const auto store = database_.OpenForReading();
    const NamedModels teacher = FindModels(*store, database_, teacher_);
    const TrialRecord student =
        model_.empty() ? BestWithin(*store, teacher.study, SizeLimit(size_limit_)) : Named(*store);
    TrialRecipe recipe{.comments = {},
                       .study = NameOfStudy(teacher.study),
                       .description = student.name + ", taught by " + teacher_,
                       .trial = store->Spec(student.id),
                       .study_recipe = teacher.study.recipe_text,
                       .threads = student.result->threads,
                       .vary = {}};
    RequireOneData(*store, teacher, recipe.trial.data);
    recipe.trial.data = DataPlaces(*store, teacher.study).WithContent(student);
    // An older trial lacks options that there were not: in a recipe they would have their defaults.
    FillInAsBefore(recipe.trial.model);
    SetTeacher(recipe);
    recipe.comments = {"Made by `beamgrid distil`: " + recipe.description + ".",
                       "Teacher: " + Join(teacher.trials, ", ", [](const TrialRecord& member) {
                         return MemberName(member) + " (" + member.fingerprint + ")";
                       })};
    Say(context, teacher, student);
    return recipe;
  }

  /// Throws where `run` would refuse the recipe. The teacher's file is not there yet.
  static void RequireSound(const CommandContext& context, const RecipeSource& source) {
    const FindFile find = FilesBeside(source.path());
    (void)ParseRecipe(source, OpenTrainerFor(context, source).catalogue,
                      [&find](const std::string& name) {
                        return name == kTeacherFile ? NamedFile{.name = name} : find(name);
                      });
  }

  void RequireHeldOut(const std::string& recipe) const {
    const auto store = database_.OpenForReading();
    RequireHeldOutVideos(*store, FindModels(*store, database_, teacher_), recipe);
  }

  static void Say(const CommandContext& context, const NamedModels& teacher,
                  const TrialRecord& student) {
    context.Remark("student: " + student.name + " of seed " + std::to_string(student.seed) + ", " +
                   SizeText(student.size_bytes) +
                   "; teacher: " + CountText(teacher.trials.size(), "model"));
    if (teacher.trials.size() == 1 && teacher.trials[0].fingerprint == student.fingerprint) {
      context.Remark(
          "note: the teacher is the student's own trial and nothing else; it knows no "
          "more than the student can learn without it");
    }
  }

  [[nodiscard]] std::string NameOfStudy(const StudyRecord& of_teacher) const {
    const std::string name = name_.empty() ? of_teacher.name + "_distilled" : name_;
    if (!IsStudyName(name)) {
      throw UsageError("--name: '" + name + "' must be 1..100 letters, digits, - and _");
    }
    if (name != of_teacher.name) return name;
    throw UsageError("--name: '" + name +
                     "' is the teacher's study, which would become another; take a new name");
  }

  /// Throws where not all models were trained on these data, as they are now.
  static void RequireOneData(const Store& store, const NamedModels& teacher,
                             const DataSpec& of_student) {
    if (of_student.format == "segment") {
      throw UsageError(
          "the study is of segments, for which `predict` writes no lists of their own; a "
          "teacher's file of lists under the ids VIDEO:START can be named as train.teacher");
    }
    for (const TrialRecord& member : teacher.trials) {
      if (store.Spec(member.id).data.digest == of_student.digest) continue;
      throw UsageError("the teacher's model " + MemberName(member) +
                       " and the student's were trained on different data");
    }
  }

  [[nodiscard]] TrialRecord Named(const Store& store) const {
    const TrialInStudy found = FindTrial(store, database_, model_);
    if (IsForm(found.trial)) {
      throw UsageError("--model: " + model_ + " is the " + PrecisionOf(found.trial) +
                       " form of a trial, and was not trained itself; name that trial");
    }
    if (found.trial.result && found.trial.state == TrialState::kComplete) {
      if (found.trial.size_bytes <= SizeLimit(size_limit_)) return found.trial;
      throw UsageError("--model: " + model_ + " has " + SizeText(found.trial.size_bytes) +
                       ", more than the " + SizeText(SizeLimit(size_limit_)) + " of --size-limit");
    }
    throw UsageError("--model: " + model_ + " is " + ToString(found.trial.told_state()) +
                     ", not complete");
  }

  void SetTeacher(TrialRecipe& recipe) const {
    Options& train = recipe.trial.model.train;
    train[kTeacher] = kTeacherFile;
    train[kTeacherWeight] = weights_.front();
    if (weights_.size() == 1) return;
    // So that each trial's name says its own.
    train.erase(kTeacherWeight);
    OptionAxis axis{.names = {kTeacherWeight}, .steps = {}};
    for (const double weight : weights_) axis.steps.push_back({weight});
    recipe.vary.push_back(std::move(axis));
  }

  /// Throws where the folder holds a recipe that is another one: somebody's work.
  void RequireRoomFor(const std::string& text) const {
    std::error_code ignored;
    if (fs::exists(out_, ignored) && !fs::is_directory(out_, ignored)) {
      throw UsageError("--out: " + out_.string() + " is no folder");
    }
    if (!fs::exists(RecipePath(), ignored) || ReadFile(RecipePath()) == text) return;
    throw UsageError("--out: " + RecipePath() +
                     " is another recipe; go on with it by `beamgrid "
                     "run " +
                     RecipePath() + "`, or name another folder");
  }

  [[nodiscard]] int Predict(const CommandContext& context, const DataSpec& data) const {
    fs::create_directories(out_);
    std::vector<std::string> arguments = {"predict",     teacher_,  "--out",
                                          TeacherPath(), "--top-k", std::to_string(kLabels)};
    if (!device_.empty()) arguments.insert(arguments.end(), {"--device", device_});
    arguments.insert(arguments.end(), data.train.begin(), data.train.end());
    std::ostringstream said;
    const int code = Call(context, std::move(arguments), said);
    if (code == kExitDone) context.Remark(FirstLine(said.str()));
    return code;
  }

  /// Carries another command out on the same record.
  [[nodiscard]] int Call(const CommandContext& context, std::vector<std::string> arguments,
                         std::ostream& out) const {
    std::vector<std::string> before = {arguments.front(), "--db", database_.path.string()};
    if (!database_.runs.empty()) before.insert(before.end(), {"--runs", database_.runs.string()});
    if (context.verbosity == Verbosity::kQuiet) before.emplace_back("--quiet");
    if (context.verbosity == Verbosity::kVerbose) before.emplace_back("--verbose");
    before.insert(before.end(), std::next(arguments.begin()), arguments.end());
    return RunCommandLine(before, out, context.err);
  }

  std::string teacher_, model_, name_, device_, size_limit_ = "1GiB";
  fs::path out_;
  std::vector<double> weights_ = {0.5};
  std::vector<std::string> settings_;
  DatabaseOption database_;
  bool no_run_ = false, json_ = false;
};

REGISTER_COMMAND("distil", kSearch, "Train one model on an ensemble's predictions beside the truth",
                 Distil);

}  // namespace
}  // namespace beamgrid
