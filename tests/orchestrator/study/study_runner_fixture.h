#pragma once
// Studies from recipe to record with fake workers, for the tests of the study runner by subject.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/study/study_runner.h"
#include "registry/store/store.h"
#include "registry/store/study_lock.h"
#include "search/recipe.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/fake_executor.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {

inline constexpr char kFourModels[] =
    "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n"
    "[resources]\ndevices = [\"cpu\"]\nretries = 1\n";

inline AttemptOutcome Complete(double gap) {
  return {TrialResult{.metrics = {.gap = gap}, .parameters = 1, .size_bytes = 4, .device = "cpu"}};
}

inline std::string ComponentOf(const TrialFile& trial, const std::string& criterion) {
  return trial.spec.model.parts.at(criterion).component;
}

/// A machine that others use until they are said to have left.
class FakeResources : public Resources {
 public:
  TrialNeeds Needs(const ModelSpec& model, std::int64_t) override {
    return {.seconds = seconds_of ? seconds_of(model) : 0,
            .measured = measured_after && learnt >= *measured_after,
            .seconds_before = seconds_before};
  }
  void Learn(const ModelSpec&, const TrialResult&) override { ++learnt; }
  bool Take(TrialId trial, const Slot&, const TrialNeeds&) override {
    ++asked;
    if (in_use > 0) {
      --in_use;
      return false;
    }
    return taken.insert(trial).second;
  }
  std::string RefusalText() const override {
    return refusal ? refusal() : Resources::RefusalText();
  }
  void GiveBack(TrialId trial) override { taken.erase(trial); }

  std::function<double(const ModelSpec&)> seconds_of;
  std::function<std::string()> refusal;
  double seconds_before = 0;
  std::optional<int> measured_after;  ///< the seconds are times once so many trials were learnt
  std::set<TrialId> taken;
  int in_use = 0;  ///< so many times a device is refused
  int asked = 0, learnt = 0;
};

class StudyRunnerTest : public ::testing::Test {
 protected:
  /// The seeds stand before [data], in [study].
  static std::string RecipeText(const std::string& name, const std::string& rest,
                                const std::string& seeds = "[1, 2]") {
    std::string head = RecipeHead();
    const std::string study = "name = \"test\"\n";
    head.replace(head.find(study), study.size(),
                 "name = \"" + name + "\"\nseeds = " + seeds + "\n");
    return head + rest;
  }

  DataSpec Data() const {
    return {.format = "frame",
            .train = train_files_,
            .validate = {"/data/validate.tfrecord"},
            .classes = 10,
            .features = {{"rgb", 1024}, {"audio", 128}},
            .digest = digest_};
  }

  StudyResult Run(const std::string& recipe_text, FakeExecutor& executor, Fuse* fuse = nullptr) {
    const Recipe recipe = ParseRecipe(recipe_text, "r.toml", catalogue_);
    DataSpec data = Data();
    data.on_error = recipe.data.on_error;
    const StudyLock lock(database_, recipe.name);
    Store store(database_, OpenMode::kReadWrite);
    FakeCounter counter(size_of_, fuse);
    RecordingDisplay display(fuse);
    display.watch = watch_state_;
    resources_.taken.clear();  // died with the orchestrator
    StudyRunner runner(recipe, catalogue_, data,
                       {.is_run = [&lock](const std::string& study) { return lock.IsHeld(study); },
                        .lost = lost_,
                        .slots = std::vector<Slot>(slots_, {"cpu", 1}),
                        .retry = retry_,
                        .accept_changes = accept_changes_,
                        .on_change = [this](const StudyChange& change) { change_ = change; }},
                       {.store = &store,
                        .executor = &executor,
                        .counter = &counter,
                        .display = &display,
                        .clock = [this] { return now_ += tick_; },
                        .resources = &resources_,
                        .watch = watch_});
    runner_ = &runner;
    const std::int64_t before = store.statements();
    const StudyResult result = runner.Run();
    statements_ = store.statements() - before;
    events_ = display.events;
    state_ = display.last;
    counted_ = counter.counted;
    return result;
  }
  StudyResult Run(const std::string& recipe_text) {
    FakeExecutor executor(world_, outcome_of_);
    return Run(recipe_text, executor);
  }

  std::vector<TrialRecord> Trials(const std::string& study,
                                  Counting counting = Counting::kOnly) const {
    const Store store(database_, OpenMode::kReadOnly);
    return store.Trials(store.FindStudy(study)->id, counting);
  }
  std::vector<std::string> Notes(const std::string& study, const std::string& name,
                                 std::int64_t seed) const {
    const Store store(database_, OpenMode::kReadOnly);
    return store.Notes(store.FindStudy(study)->id, name, seed);
  }
  void ExpectAllComplete(const std::string& study, std::size_t count) const {
    const std::vector<TrialRecord> trials = Trials(study);
    EXPECT_EQ(trials.size(), count);
    for (const TrialRecord& trial : trials) {
      EXPECT_EQ(trial.state, TrialState::kComplete) << trial.name << " " << trial.seed;
    }
  }

  TemporaryFolder folder_;
  std::filesystem::path database_ = folder_ / "test.db";
  Catalogue catalogue_ = TestCatalogue();
  FakeWorld world_;
  FakeExecutor::OutcomeOf outcome_of_ = [](const TrialFile&) { return Complete(0.5); };
  FakeCounter::SizeOf size_of_;
  std::size_t slots_ = 2;
  std::string digest_ = "d1";  ///< of the data as they are
  std::vector<std::string> train_files_ = {"/data/train.tfrecord"};
  ContentWatch* watch_ = nullptr;
  std::vector<std::string> retry_;
  bool accept_changes_ = false;
  StudyChange change_;  ///< of the last run
  FakeResources resources_;
  std::chrono::milliseconds now_{0}, tick_{10};  ///< the clock, and what each look at it takes
  std::function<std::string()> lost_;            ///< see RunnerSettings
  StudyRunner* runner_ = nullptr;                ///< valid while one runs
  std::vector<std::string> events_;
  ProgressState state_;
  std::function<void(const ProgressState&)> watch_state_;
  int counted_ = 0;
  std::int64_t statements_ = 0;  ///< that the last run executed
};

}  // namespace beamgrid
