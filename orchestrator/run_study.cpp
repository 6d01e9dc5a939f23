#include "orchestrator/run_study.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "orchestrator/audit/warm_start_files.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/inputs/recipe_files.h"
#include "orchestrator/inputs/vocabulary_files.h"
#include "orchestrator/interrupts.h"
#include "orchestrator/kept_answer.h"
#include "orchestrator/study/rescue.h"
#include "orchestrator/study/runs_folder.h"
#include "orchestrator/study/warm_start.h"
#include "orchestrator/watched_content.h"
#include "orchestrator/workers/trainer_client.h"
#include "orchestrator/workplace.h"
#include "registry/store/database_file.h"
#include "registry/store/network_file_system.h"
#include "registry/store/place.h"
#include "registry/store/study_lock.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace {

/// HeardDisplay remembers the lines that it passes on. They are few where nothing is trained, and
/// only then are they of use.
class HeardDisplay : public ProgressDisplay {
 public:
  explicit HeardDisplay(ProgressDisplay& display) : display_(display) {}
  void Event(const std::string& line) override {
    constexpr std::size_t kMost = 2000;
    if (lines_.size() < kMost) lines_.push_back(line);
    display_.Event(line);
  }
  void Update(const ProgressState& state) override { display_.Update(state); }
  [[nodiscard]] std::vector<std::string> TakeLines() { return std::move(lines_); }

 private:
  ProgressDisplay& display_;
  std::vector<std::string> lines_;
};

/// LateCounter makes its counter when it is asked: what a trainer has counted before is a large
/// file, and a study whose models are all known asks for none.
class LateCounter : public ModelCounter {
 public:
  explicit LateCounter(std::filesystem::path trainer) : trainer_(std::move(trainer)) {}
  CountAnswer Count(const ModelSpec& model, const DataSpec& data) override {
    return Counter().Count(model, data);
  }
  std::string WhyNoStart(const ModelSpec& model, const DataSpec& data, const TrialSpec& start,
                         const std::string& fingerprint) override {
    return Counter().WhyNoStart(model, data, start, fingerprint);
  }

 private:
  TrainerCounter& Counter() {
    if (!counter_) counter_.emplace(trainer_);
    return *counter_;
  }

  std::filesystem::path trainer_;
  std::optional<TrainerCounter> counter_;
};

std::chrono::milliseconds Now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

/// Returns whether the record has these names for the study's data. Says it where it has others.
bool NamesAreNoted(const Recipe& recipe, const DataSpec& data, const NamedClasses& names,
                   const Store& store, const Warn& warn) {
  const std::optional<StudyRecord> study = store.FindStudy(recipe.name);
  if (!study) return names.names.empty();
  const auto noted = store.NotedClassNames(study->id);
  const auto found = noted.find(data.digest);
  if (names.names.empty()) {
    if (!noted.empty() && found == noted.end()) {
      warn(
          "warning: what the classes of these data are called is not known, as it was of those of "
          "the study before: no vocabulary lies beside the records; pages, cards and predictions "
          "will have numbers");
    }
    return true;
  }
  if (found == noted.end()) return false;
  const std::string contradiction = Contradiction({"the last run", found->second}, names);
  if (!contradiction.empty()) {
    warn("warning: " + contradiction +
         ", although the records are the same: from now on the record has the new names");
  }
  return found->second == names.names;
}

/// Says it where weights to start from were learnt for other classes of the same numbers.
void WarnOfOtherStarts(const Recipe& recipe, const NamedClasses& names, const Store& store,
                       const Warn& warn) {
  if (recipe.warm_starts.empty() || names.names.empty()) return;
  const std::set<std::string> starts = WarmStarts(recipe, &store).Fingerprints(recipe.seeds);
  for (const StudyRecord& study : store.Studies()) {
    const auto noted = store.NotedClassNames(study.id);
    if (noted.empty()) continue;
    for (const TrialRecord& trial : store.Trials(study.id, Counting::kAll)) {
      if (!starts.contains(trial.fingerprint)) continue;
      const auto theirs = noted.find(store.Spec(trial.id).data.digest);
      if (theirs == noted.end()) continue;
      const std::string contradiction =
          Contradiction({"the study '" + study.name + "' to start from", theirs->second}, names);
      if (contradiction.empty()) continue;
      warn("warning: train.from: " + contradiction +
           ": the classifier starts from what was learnt of other classes");
      return;
    }
  }
}

}  // namespace

Recipe LoadRecipe(const RecipeSource& source, const Catalogue& catalogue) {
  return ParseRecipe(source, catalogue, FilesBeside(source.path()));
}

StudyResult RunStudy(const Recipe& recipe, const Catalogue& catalogue,
                     const RunStudyOptions& options) {
  LateCounter counter(options.trainer);
  const std::unique_ptr<ProgressDisplay> display = MakeProgressDisplay(options.progress);
  const auto warn = [&display](const std::string& line) { display->Event(line); };
  // Before they are read: what is changed from here on is noticed.
  WatchedContent watch(FindDataFiles(recipe));
  // Before anything is made that a mistake would leave behind.
  const DataSpec data = CheckedData(
      recipe, {.warn = warn, .show_progress = options.progress != ProgressMode::kQuiet});
  const auto groups = GroupsOfVideos(
      recipe, data, [&](const std::string& warning) { warn("warning: " + warning); });
  watch.SetDigest(data.digest);
  std::vector<NamedFile> named = NamedFilesOf(recipe, catalogue);
  for (const NamedFile& file : named) watch.Add(file);
  // Before a database is made, as all that may be refused: a mistake leaves no file behind.
  const std::filesystem::path runs =
      options.runs.empty() ? RecordPlace(options.database).runs() : RealPath(options.runs);
  const std::string runs_problem = ProblemOfPath(runs.string());
  if (!runs_problem.empty()) throw UsageError(runs_problem);
  if (recipe.resources.executor == ExecutorKind::kSlurm) RefuseNetworkDatabase(options.database);
  const WorkSlots slots = FindWorkSlots(recipe.resources, options.trainer);
  if (!std::filesystem::exists(options.database)) static_cast<void>(WarmStarts(recipe, nullptr));
  // Before the store: who is refused has neither made nor migrated a database.
  const StudyLock lock(options.database, recipe.name);
  Store store(options.database, OpenMode::kReadWrite);
  if (!lock.IsOn(options.database)) {
    throw Error(options.database.string() + ": was replaced while the study began; run it again");
  }
  const std::string runs_warning = UseRunsFolder(store, options.runs);
  RequireWarmStartFiles({.recipe = &recipe,
                         .catalogue = &catalogue,
                         .data = &data,
                         .store = &store,
                         .counter = &counter});
  const OpenDatabaseFiles files(options.database);
  NamedClasses names = NamesOfData(data);
  names.names.resize(std::min(names.names.size(), static_cast<std::size_t>(data.classes)));
  bool settled = options.retry.empty() && NamesAreNoted(recipe, data, names, store, warn);
  WarnOfOtherStarts(recipe, names, store, warn);
  RunnerSettings settings{
      .is_run = [&lock](const std::string& study) { return lock.IsHeld(study); },
      .lost = [&] { return RescueIfLost(files, store, options.database); },
      .slots = slots.slots,
      .retry = options.retry,
      .accept_changes = options.accept_changes,
      .video_groups = groups,
      .class_names = names.names,
      .on_change =
          [&](const StudyChange& change) {
            settled = settled && !change.any();
            if (options.on_change) options.on_change(change);
          }};
  if (!runs_warning.empty()) warn(runs_warning);
  const std::unique_ptr<Workplace> workplace = MakeWorkplace({.recipe = &recipe,
                                                              .data = &data,
                                                              .store = &store,
                                                              .slots = &slots,
                                                              .trainer = options.trainer,
                                                              .share = options.share,
                                                              .clock = Now,
                                                              .tell = warn});
  settings.memory = workplace->Memory();
  display->Event(workplace->Summary());
  if (options.answer != nullptr) {
    const std::chrono::milliseconds begun = Now();
    options.answer->SetSubject({.recipe = &recipe,
                                .catalogue = &catalogue,
                                .data = data,
                                .files = std::move(named),
                                .slots = settings.slots,
                                .database = options.database,
                                .trainer = options.trainer});
    if (settled && options.answer->Find(store)) {
      const std::string fate = settings.lost();
      if (!fate.empty()) throw Error(fate);
      return options.answer->Repeat(store, *display, Now() - begun);
    }
  }
  HeardDisplay heard(*display);
  StudyRunner runner(recipe, catalogue, data, std::move(settings),
                     {.store = &store,
                      .executor = &workplace->executor(),
                      .counter = &counter,
                      .display = &heard,
                      .clock = Now,
                      .resources = &workplace->resources(),
                      .watch = &watch});
  // Last, so that it is the first to go: no signal may reach a runner that is being destroyed.
  const InterruptSignals signals([&runner] { runner.Interrupt(); });
  StudyResult result = runner.Run();
  if (options.answer != nullptr && settled) options.answer->Offer(result, heard.TakeLines());
  return result;
}

}  // namespace beamgrid
