#include "registry/store/store.h"
#include "registry/store/upkeep.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreTest : public testing::Test {
 protected:
  TrialId Add(std::int64_t hidden = 512, std::int64_t seed = 1) {
    return store_.AddTrials(study_, {ExampleNewTrial(hidden, seed)})[0];
  }
  std::int64_t Begin(TrialId trial) { return store_.BeginAttempt(trial, "runs/1", "cpu", 2); }
  void Complete(TrialId trial, double gap = 0.5) {
    store_.FinishAttempt(trial, Begin(trial), ExampleSuccess(gap), TrialState::kComplete);
  }

  Store store_{":memory:", OpenMode::kReadWrite};
  StudyId study_ = store_.OpenStudy(ExampleStudy());
};

TEST_F(StoreTest, AStudyIsFoundAgain) {
  EXPECT_EQ(store_.OpenStudy(ExampleStudy()), study_);
  const auto found = store_.FindStudy("study");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, study_);
  EXPECT_EQ(found->description, "what it is for");
  EXPECT_EQ(found->objective, "gap");
  EXPECT_EQ(found->recipe_text, "beamgrid = 1");
  EXPECT_EQ(found->recipe_digest, "digest of study");
  EXPECT_THAT(found->created_at, testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
  EXPECT_FALSE(store_.FindStudy("nothing"));
}

TEST_F(StoreTest, TheSameRecipeInOtherWordsIsKeptAsLastWritten) {
  StudyRecord again = ExampleStudy();
  again.recipe_text = "beamgrid = 1 # with a comment";
  again.description = "said better";
  EXPECT_EQ(store_.OpenStudy(again), study_);
  EXPECT_EQ(store_.FindStudy("study")->recipe_text, again.recipe_text);
  EXPECT_EQ(store_.FindStudy("study")->description, "said better");
  EXPECT_EQ(store_.Studies().size(), 1U);
}

TEST_F(StoreTest, ARecipeThatChangesIsTheStudysAndInItsHistory) {
  StudyRecord other = ExampleStudy();
  other.recipe_digest = "another";
  other.recipe_text = "beamgrid = 1 # another";
  other.objective = "map";
  EXPECT_EQ(store_.OpenStudy(other, {"seeds: 3 is new", "a"}), study_);
  EXPECT_EQ(store_.FindStudy("study")->recipe_text, other.recipe_text);
  EXPECT_EQ(store_.FindStudy("study")->recipe_digest, "another");
  EXPECT_EQ(store_.FindStudy("study")->objective, "map");
  // Without words nothing has changed in it.
  other.recipe_text = "beamgrid = 1 # the same in other words";
  (void)store_.OpenStudy(other);
  const std::vector<RecipeEntry> history = store_.RecipeHistory(study_);
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0].position, 1);
  EXPECT_EQ(history[0].recipe_text, "beamgrid = 1");
  EXPECT_EQ(history[0].recipe_digest, "digest of study");
  EXPECT_THAT(history[0].changes, IsEmpty());
  EXPECT_EQ(history[1].position, 2);
  EXPECT_EQ(history[1].recipe_text, "beamgrid = 1 # another");
  EXPECT_EQ(history[1].recipe_digest, "another");
  EXPECT_EQ(history[1].program_version, BEAMGRID_VERSION);
  EXPECT_THAT(history[1].changes, testing::ElementsAre("seeds: 3 is new", "a"));
  EXPECT_THAT(history[1].begun_at, testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
  RecordUpkeep(store_).RemoveStudy(study_);
  EXPECT_THAT(store_.RecipeHistory(study_), IsEmpty());
}

TEST_F(StoreTest, KeepsWhatClassesAreCalledByTheData) {
  using Noted = std::map<std::string, std::vector<std::string>>;
  EXPECT_EQ(store_.NotedClassNames(study_), Noted());
  store_.SetClassNames(study_, "d1", {"cat", "", "a \"b\""});
  store_.SetClassNames(study_, "d2", {"ant"});
  store_.SetClassNames(study_, "d1", {});
  EXPECT_EQ(store_.NotedClassNames(study_),
            (Noted{{"d1", {"cat", "", "a \"b\""}}, {"d2", {"ant"}}}));
  store_.SetClassNames(study_, "d2", {"bee"});
  EXPECT_EQ(store_.NotedClassNames(study_).at("d2"), std::vector<std::string>{"bee"});
  RecordUpkeep(store_).RemoveStudy(study_);
  EXPECT_EQ(store_.NotedClassNames(study_), Noted());
}

TEST_F(StoreTest, KeepsWhichVideosBelongTogether) {
  EXPECT_FALSE(store_.VideoGroupsOf(study_));
  const VideoGroups groups("subject", {{"a", "s1"}, {"b \"c\"", "s2"}});
  store_.SetVideoGroups(study_, &groups);
  ASSERT_TRUE(store_.VideoGroupsOf(study_));
  EXPECT_EQ(store_.VideoGroupsOf(study_)->by(), "subject");
  EXPECT_EQ(store_.VideoGroupsOf(study_)->groups(), groups.groups());
  const VideoGroups others("day", {{"a", "Monday"}});
  store_.SetVideoGroups(study_, &others);
  EXPECT_EQ(store_.VideoGroupsOf(study_)->groups(), others.groups());
  store_.SetVideoGroups(study_, nullptr);
  EXPECT_FALSE(store_.VideoGroupsOf(study_));
  store_.SetVideoGroups(study_, &groups);
  RecordUpkeep(store_).RemoveStudy(study_);
  EXPECT_FALSE(store_.VideoGroupsOf(study_));
}

TEST_F(StoreTest, KeepsHowManyGroupsAreInTrainingToo) {
  EXPECT_EQ(store_.SeenGroupsOf(study_), "") << "no groups at all";
  const VideoGroups apart("subject", {{"a", "s1"}, {"b", "s2"}});
  store_.SetVideoGroups(study_, &apart);
  EXPECT_EQ(store_.SeenGroupsOf(study_), "");
  EXPECT_EQ(store_.VideoGroupsOf(study_)->in_training(), 0);
  const VideoGroups seen("subject", apart.groups(), 2);
  store_.SetVideoGroups(study_, &seen);
  EXPECT_EQ(store_.VideoGroupsOf(study_)->in_training(), 2);
  EXPECT_EQ(store_.VideoGroupsOf(study_)->groups(), apart.groups()) << "it is no video";
  EXPECT_THAT(store_.SeenGroupsOf(study_),
              testing::StartsWith("2 groups (subject) of the validation videos are in training"));
  store_.SetVideoGroups(study_, &apart);
  EXPECT_EQ(store_.SeenGroupsOf(study_), "") << "other data may have them apart";
}

TEST_F(StoreTest, NamesAreDataNotSql) {
  StudyRecord study = ExampleStudy("x'); DROP TABLE trial; --");
  (void)store_.OpenStudy(study);
  EXPECT_TRUE(store_.FindStudy(study.name));
  EXPECT_EQ(store_.Studies().back().name, study.name);
  EXPECT_THAT(store_.Trials(study_), IsEmpty());
}

TEST_F(StoreTest, ANewTrialWaits) {
  const TrialId id = Add();
  const TrialRecord trial = store_.Trial(id);
  EXPECT_EQ(trial.id, id);
  EXPECT_EQ(trial.name, "MC-BLSTM512");
  EXPECT_EQ(trial.fingerprint, ExampleNewTrial().fingerprint);
  EXPECT_EQ(trial.seed, 1);
  EXPECT_EQ(trial.state, TrialState::kWaiting);
  EXPECT_EQ(trial.parameters, 512'000);
  EXPECT_EQ(trial.size_bytes, 2'048'000);
  EXPECT_EQ(trial.attempts, 0);
  EXPECT_FALSE(trial.result);
  EXPECT_THAT(trial.failure, IsEmpty());
  EXPECT_THAT(trial.directory, IsEmpty());
  EXPECT_EQ(ModelSpecFromJson(ParseJson(trial.model_json)), ExampleModel());
  EXPECT_EQ(store_.Spec(id), ExampleTrial());
}

TEST_F(StoreTest, TheTrialsOfAStudyAreThoseThatAreReadAlone) {
  const StudyId study = store_.OpenStudy(ExampleStudy());
  std::vector<NewTrial> wanted;
  for (std::int64_t hidden = 1; hidden <= 4; ++hidden) wanted.push_back(ExampleNewTrial(hidden));
  // What a spec is cut apart by, in texts of its own.
  wanted[1].spec.model.parts["temporal"].options["text"] = ",\"model\":{\"objective\":\"";
  wanted[2].spec.data.features = {{",\"model\":", 3}, {",\"objective\":\"", 4}};
  wanted[2].spec.data.train = {"/a,\"model\":{/},\"objective\":\"gap"};
  wanted[3].spec.model.extras["objective"] = {{"objective", "gap"}};
  for (NewTrial& trial : wanted) trial.fingerprint = Fingerprint(trial.spec);
  const std::vector<TrialId> ids = store_.AddTrials(study, wanted);
  for (const std::size_t i : {0U, 2U}) {
    store_.FinishAttempt(ids[i], store_.BeginAttempt(ids[i], "a" + std::to_string(i), "cpu", 1),
                         ExampleSuccess(), TrialState::kComplete);
  }
  store_.FinishAttempt(ids[1], store_.BeginAttempt(ids[1], "b", "cpu", 1), ExampleFailure(),
                       TrialState::kFailed);
  const std::int64_t before = store_.statements();
  const std::vector<TrialRecord> trials = store_.Trials(study);
  EXPECT_EQ(store_.statements() - before, 2) << "however many trials there are";
  ASSERT_EQ(trials.size(), wanted.size());
  for (std::size_t i = 0; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].model_json, CanonicalJson(ToJson(wanted[i].spec.model)));
    const TrialRecord alone = store_.Trial(ids[i]);
    EXPECT_EQ(trials[i].model_json, alone.model_json);
    EXPECT_EQ(trials[i].id, alone.id);
    EXPECT_EQ(trials[i].fingerprint, alone.fingerprint);
    EXPECT_EQ(trials[i].seed, alone.seed);
    EXPECT_EQ(trials[i].state, alone.state);
    EXPECT_EQ(trials[i].parameters, alone.parameters);
    EXPECT_EQ(trials[i].size_bytes, alone.size_bytes);
    EXPECT_EQ(trials[i].attempts, alone.attempts);
    EXPECT_EQ(trials[i].failed_attempts, alone.failed_attempts);
    EXPECT_EQ(trials[i].failure, alone.failure);
    EXPECT_EQ(trials[i].failure_log, alone.failure_log);
    EXPECT_EQ(trials[i].device, alone.device);
    EXPECT_EQ(trials[i].directory, alone.directory);
    ASSERT_EQ(trials[i].result.has_value(), alone.result.has_value());
    if (!alone.result) continue;
    const TrialResult &together = *trials[i].result, &result = *alone.result;
    for (const Metric& metric : kMetrics) {
      const double value = result.metrics.*metric.value;
      if (!std::isfinite(value)) continue;
      EXPECT_EQ(together.metrics.*metric.value, value) << metric.name;
    }
    EXPECT_EQ(together.metrics.videos, result.metrics.videos);
    EXPECT_EQ(together.examples, result.examples);
    EXPECT_EQ(together.peak_memory_bytes, result.peak_memory_bytes);
    EXPECT_EQ(together.device, result.device);
    EXPECT_EQ(together.threads, result.threads);
    EXPECT_EQ(together.libtorch_version, result.libtorch_version);
    ASSERT_EQ(together.artifacts.size(), result.artifacts.size());
    for (std::size_t a = 0; a < result.artifacts.size(); ++a) {
      EXPECT_EQ(together.artifacts[a].name, result.artifacts[a].name);
      EXPECT_EQ(together.artifacts[a].hash, result.artifacts[a].hash);
    }
  }
}

TEST_F(StoreTest, TheTrialsMeasuredLastAreToldFirst) {
  const StudyId study = store_.OpenStudy(ExampleStudy());
  std::vector<TrialId> ids;
  for (std::int64_t hidden = 1; hidden <= 4; ++hidden) {
    ids.push_back(store_.AddTrials(study, {ExampleNewTrial(hidden)})[0]);
  }
  for (const std::size_t i : {3U, 0U, 1U}) {
    AttemptOutcome outcome = ExampleSuccess();
    if (i == 1) outcome.result().examples = 0;  // shipped again, not trained
    store_.FinishAttempt(ids[i], store_.BeginAttempt(ids[i], "a" + std::to_string(i), "cpu", 1),
                         outcome, TrialState::kComplete);
  }
  EXPECT_THAT(store_.Measured(9), testing::ElementsAre(ids[3], ids[0]));
  EXPECT_THAT(store_.Measured(1), testing::ElementsAre(ids[3]));
}

TEST_F(StoreTest, TrialsComeBackInTheOrderAskedFor) {
  const auto ids =
      store_.AddTrials(study_, {ExampleNewTrial(3), ExampleNewTrial(1), ExampleNewTrial(2)});
  const TrialId last = Add(0);
  std::vector<TrialId> listed;
  for (const TrialRecord& trial : store_.Trials(study_)) listed.push_back(trial.id);
  EXPECT_THAT(listed, ElementsAre(ids[0], ids[1], ids[2], last));
}

TEST_F(StoreTest, AKnownFingerprintIsSharedNotCopied) {
  const TrialId mine = Add();
  Complete(mine, 0.75);
  const StudyId other = store_.OpenStudy(ExampleStudy("other"));
  NewTrial same = ExampleNewTrial();
  same.name = "named otherwise";
  const auto ids = store_.AddTrials(other, {same, ExampleNewTrial(7), same});
  EXPECT_EQ(ids[0], mine);
  EXPECT_EQ(ids[2], mine);
  EXPECT_NE(ids[1], mine);
  const auto trials = store_.Trials(other);
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].name, "named otherwise");
  EXPECT_EQ(trials[0].state, TrialState::kComplete);
  EXPECT_EQ(trials[0].result->metrics.gap, 0.75);
  EXPECT_EQ(store_.Trials(study_)[0].name, "MC-BLSTM512");
  EXPECT_EQ(store_.FindByFingerprint(same.fingerprint)->id, mine);
  EXPECT_FALSE(store_.FindByFingerprint("unknown"));
}

TEST_F(StoreTest, AddingAgainChangesNothing) {
  const TrialId id = Add();
  Complete(id);
  EXPECT_EQ(Add(), id);
  EXPECT_EQ(store_.Trials(study_).size(), 1U);
  EXPECT_EQ(store_.Trial(id).state, TrialState::kComplete);
}

TEST_F(StoreTest, AStudyCountsOneTrialForANameAndSeed) {
  const TrialId first = Add();
  NewTrial other = ExampleNewTrial();
  other.spec.data.digest = "other data";
  other.fingerprint = Fingerprint(other.spec);
  const TrialId second = store_.AddTrials(study_, {other})[0];
  ASSERT_NE(first, second);
  const auto counted = [this] {
    std::vector<TrialId> ids;
    for (const TrialRecord& trial : store_.Trials(study_)) ids.push_back(trial.id);
    return ids;
  };
  EXPECT_THAT(counted(), ElementsAre(second));
  const std::vector<TrialRecord> all = store_.Trials(study_, Counting::kAll);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_FALSE(all[0].counts());
  EXPECT_EQ(all[0].not_counted, "another trial of this model and seed took its place");
  EXPECT_TRUE(all[1].counts());

  EXPECT_EQ(Add(), first) << "the first content is back";
  EXPECT_THAT(counted(), ElementsAre(first));
  store_.StopCounting(study_, {first}, "it was trained on other data");
  EXPECT_THAT(counted(), IsEmpty());
  EXPECT_EQ(store_.Trials(study_, Counting::kAll)[0].not_counted, "it was trained on other data");
  EXPECT_EQ(Add(), first);
  EXPECT_THAT(counted(), ElementsAre(first));
}

TEST_F(StoreTest, WhatCountsInOneStudyMayNotInAnother) {
  const TrialId id = Add();
  const StudyId other = store_.OpenStudy(ExampleStudy("other"));
  ASSERT_EQ(store_.AddTrials(other, {ExampleNewTrial()})[0], id);
  store_.StopCounting(study_, {id}, "it is old");
  EXPECT_THAT(store_.Trials(study_), IsEmpty());
  EXPECT_EQ(store_.Trials(other).size(), 1U);
}

TEST_F(StoreTest, ATrialThatIsAskedForUnderAnotherNameHasThat) {
  const TrialId id = Add();
  NewTrial renamed = ExampleNewTrial();
  renamed.name = "new";
  NewTrial heir = ExampleNewTrial(7);
  heir.name = ExampleNewTrial().name;
  // In either order: names change places when another version of a component names otherwise.
  const auto ids = store_.AddTrials(study_, {heir, renamed});
  EXPECT_EQ(ids[1], id);
  const std::vector<TrialRecord> trials = store_.Trials(study_);
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].id, id);
  EXPECT_EQ(trials[0].name, "new");
  EXPECT_EQ(trials[1].name, heir.name);
}

TEST_F(StoreTest, TheCanonicalTextIsTheFingerprints) {
  EXPECT_EQ(store_.Canonical(Add()), CanonicalText(ExampleTrial()));
  EXPECT_THROW((void)store_.Canonical(TrialId{99}), UsageError);
}

TEST_F(StoreTest, AnAttemptKeepsTheStampOfItsData) {
  const TrialId id = Add();
  (void)store_.BeginAttempt(id, "runs/a/1", "cpu", 1, "stamp");
  EXPECT_EQ(store_.OpenAttempts().at(0).data_stamp, "stamp");
}

TEST_F(StoreTest, ABegunAttemptIsOnRecordBeforeItsWorker) {
  const TrialId id = Add();
  EXPECT_EQ(store_.BeginAttempt(id, "runs/a/1", "cuda:1", 3), 1);
  EXPECT_EQ(store_.Trial(id).state, TrialState::kRunning);
  EXPECT_EQ(store_.Trial(id).attempts, 1);
  EXPECT_EQ(store_.Trial(id).device, "cuda:1");
  ASSERT_EQ(store_.OpenAttempts().size(), 1U);
  EXPECT_EQ(store_.OpenAttempts()[0].pid, 0);
  store_.SetAttemptProcess(id, 1, 4242);
  const Store::OpenAttempt open = store_.OpenAttempts()[0];
  EXPECT_EQ(open.trial, id);
  EXPECT_EQ(open.attempt, 1);
  EXPECT_EQ(open.directory, "runs/a/1");
  EXPECT_EQ(open.pid, 4242);
  EXPECT_EQ(store_.Attempts(id)[0].outcome, "running");
  EXPECT_THAT(store_.Attempts(id)[0].finished_at, IsEmpty());
}

TEST_F(StoreTest, ACompleteTrialHasAllThatItMeasured) {
  const TrialId id = Add();
  AttemptOutcome outcome = ExampleSuccess(0.25);
  outcome.result().metrics.segment_map = 0.0625;
  outcome.result().epochs[1].metrics.segment_map = 0.03125;
  store_.FinishAttempt(id, Begin(id), outcome, TrialState::kComplete);
  const TrialRecord trial = store_.Trial(id);
  EXPECT_EQ(trial.state, TrialState::kComplete);
  EXPECT_EQ(trial.directory, "runs/1");
  ASSERT_TRUE(trial.result);
  const TrialResult& read = *trial.result;
  const TrialResult& wrote = outcome.result();
  EXPECT_EQ(read.metrics.gap, wrote.metrics.gap);
  EXPECT_EQ(read.metrics.hit_at_1, wrote.metrics.hit_at_1);
  EXPECT_EQ(read.metrics.perr, wrote.metrics.perr);
  EXPECT_EQ(read.metrics.map, wrote.metrics.map);
  EXPECT_EQ(read.metrics.segment_map, 0.0625);
  EXPECT_EQ(store_.Epochs(id)[1].metrics.segment_map, 0.03125);
  EXPECT_TRUE(std::isnan(store_.Epochs(id)[0].metrics.segment_map)) << "not measured";
  EXPECT_EQ(read.metrics.videos, wrote.metrics.videos);
  EXPECT_EQ(read.validate_loss, wrote.validate_loss);
  EXPECT_EQ(read.best_epoch, wrote.best_epoch);
  EXPECT_EQ(read.parameters, wrote.parameters);
  EXPECT_EQ(read.size_bytes, wrote.size_bytes);
  EXPECT_EQ(read.examples, wrote.examples);
  EXPECT_EQ(read.examples_per_second, wrote.examples_per_second);
  EXPECT_EQ(read.wall_seconds, wrote.wall_seconds);
  EXPECT_EQ(read.peak_memory_bytes, wrote.peak_memory_bytes);
  EXPECT_EQ(read.skipped_records, wrote.skipped_records);
  EXPECT_EQ(read.device, wrote.device);
  EXPECT_EQ(read.threads, wrote.threads);
  EXPECT_EQ(read.program_version, wrote.program_version);
  EXPECT_EQ(read.libtorch_version, wrote.libtorch_version);
  EXPECT_THAT(read.epochs, IsEmpty());
  ASSERT_EQ(read.artifacts.size(), 2U);
  EXPECT_EQ(store_.Artifacts(id)[1].path, "predictions.bin");
  EXPECT_EQ(store_.Artifacts(id)[1].bytes, 70);
  EXPECT_EQ(store_.Artifacts(id)[1].hash, "bb");
  const std::vector<EpochResult> epochs = store_.Epochs(id);
  ASSERT_EQ(epochs.size(), 3U);
  EXPECT_EQ(epochs[2].epoch, 3);
  EXPECT_EQ(epochs[2].train_loss, wrote.epochs[2].train_loss);
  EXPECT_EQ(epochs[2].validate_loss, wrote.epochs[2].validate_loss);
  EXPECT_EQ(epochs[2].metrics.gap, 0.25);
}

TEST_F(StoreTest, EpochsAreRecordedAsTheyEnd) {
  const TrialId id = Add();
  const std::int64_t attempt = Begin(id);
  EXPECT_THAT(store_.Epochs(id), IsEmpty());
  store_.RecordEpoch(id, {.epoch = 1, .train_loss = 4, .metrics = {.gap = 0.125}}, true);
  store_.RecordEpoch(id, {.epoch = 2, .train_loss = 3, .metrics = {.gap = 0.5}}, true);
  // Said once more: the same epoch, not another one.
  store_.RecordEpoch(id, {.epoch = 2, .train_loss = 2, .metrics = {.gap = 0.25}}, false);
  std::vector<EpochResult> epochs = store_.Epochs(id);
  ASSERT_EQ(epochs.size(), 2U);
  EXPECT_EQ(epochs[1].train_loss, 2);
  EXPECT_EQ(epochs[1].metrics.gap, 0.25);
  const auto times = store_.Query("SELECT count(ended_at), count(*) FROM epoch").rows.at(0);
  EXPECT_EQ(times, (std::vector<boost::json::value>{2, 2})) << "when the second ended is lost";

  // The result has three epochs and decides what each came to.
  const AttemptOutcome outcome = ExampleSuccess();
  store_.FinishAttempt(id, attempt, outcome, TrialState::kComplete);
  epochs = store_.Epochs(id);
  ASSERT_EQ(epochs.size(), 3U);
  EXPECT_EQ(epochs[0].train_loss, outcome.result().epochs[0].train_loss);
  EXPECT_EQ(epochs[1].metrics.gap, outcome.result().metrics.gap);
}

TEST_F(StoreTest, AResultWithFewerEpochsLeavesNoneOfAnEarlierAttempt) {
  const TrialId id = Add();
  const std::int64_t attempt = Begin(id);
  for (std::int64_t epoch = 1; epoch <= 7; ++epoch) {
    store_.RecordEpoch(id, {.epoch = epoch}, true);
  }
  store_.FinishAttempt(id, attempt, ExampleSuccess(), TrialState::kComplete);
  EXPECT_EQ(store_.Epochs(id).size(), 3U);
}

TEST_F(StoreTest, EpochsOfATrialThatBeginsAgainAreForgotten) {
  const TrialId id = Add(), other = Add(256);
  for (const TrialId trial : {id, other}) {
    (void)Begin(trial);
    store_.RecordEpoch(trial, {.epoch = 1}, true);
  }
  store_.ForgetEpochs(id);
  EXPECT_THAT(store_.Epochs(id), IsEmpty());
  EXPECT_EQ(store_.Epochs(other).size(), 1U);
}

TEST_F(StoreTest, WhatIsRunningSaysHowFarItIs) {
  const TrialId id = Add();
  const std::int64_t epochs = 5;
  ASSERT_EQ(store_.Spec(id).model.train.at("epochs").as_int64(), epochs);
  (void)Begin(id);
  const auto now = [this] { return store_.Query("SELECT * FROM running").Objects(); };
  ASSERT_EQ(now().size(), 1U);
  EXPECT_EQ(now()[0].at("epoch"), 0);
  EXPECT_EQ(now()[0].at("epochs"), epochs);
  EXPECT_TRUE(now()[0].at("seconds_left").is_null()) << "nothing is known of its pace";
  store_.RecordEpoch(id, {.epoch = 1, .train_loss = 4, .metrics = {.gap = 0.5}}, false);
  EXPECT_EQ(now()[0].at("epoch"), 1);
  EXPECT_TRUE(now()[0].at("seconds_left").is_null()) << "it ended before this attempt";
  store_.RecordEpoch(id, {.epoch = 2, .train_loss = 3, .metrics = {.gap = 0.25}}, true);
  EXPECT_EQ(now()[0].at("epoch"), 2);
  EXPECT_EQ(now()[0].at("train_loss"), 3.0);
  EXPECT_EQ(now()[0].at("objective"), 0.25);
  EXPECT_EQ(now()[0].at("best_objective"), 0.5);
  EXPECT_GE(now()[0].at("seconds_left").as_double(), 0);
}

TEST_F(StoreTest, ALossThatIsNotFiniteIsKeptAsNan) {
  const TrialId id = Add();
  AttemptOutcome outcome = ExampleSuccess();
  outcome.result().epochs[0].train_loss = std::numeric_limits<double>::infinity();
  outcome.result().epochs[1].train_loss = std::numeric_limits<double>::quiet_NaN();
  store_.FinishAttempt(id, Begin(id), outcome, TrialState::kComplete);
  EXPECT_TRUE(std::isnan(store_.Epochs(id)[0].train_loss));
  EXPECT_TRUE(std::isnan(store_.Epochs(id)[1].train_loss));
}

TEST_F(StoreTest, FailuresAreCountedAndInterruptionsAreNot) {
  const TrialId id = Add();
  store_.FinishAttempt(id, Begin(id), ExampleFailure(FailureKind::kInterrupted),
                       TrialState::kWaiting);
  EXPECT_EQ(store_.Trial(id).failed_attempts, 0);
  EXPECT_THAT(store_.Trial(id).failure, IsEmpty());
  store_.FinishAttempt(id, Begin(id), ExampleFailure(FailureKind::kOutOfMemory),
                       TrialState::kWaiting);
  store_.FinishAttempt(id, Begin(id), ExampleFailure(FailureKind::kHung), TrialState::kFailed);
  const TrialRecord trial = store_.Trial(id);
  EXPECT_EQ(trial.state, TrialState::kFailed);
  EXPECT_EQ(trial.attempts, 3);
  EXPECT_EQ(trial.failed_attempts, 2);
  EXPECT_EQ(trial.failure, "hung: killed by signal 9");
  EXPECT_EQ(trial.failure_log, "last line");
  EXPECT_FALSE(trial.result);
  const auto attempts = store_.Attempts(id);
  ASSERT_EQ(attempts.size(), 3U);
  EXPECT_EQ(attempts[1].outcome, "out_of_memory");
  EXPECT_EQ(attempts[1].exit_code, -9);
  EXPECT_EQ(attempts[1].threads, 2);
  EXPECT_EQ(attempts[1].message, "killed by signal 9");
  EXPECT_THAT(attempts[1].finished_at, HasSubstr("T"));
}

TEST_F(StoreTest, AFailureBeforeSuccessIsForgottenByTheRecordNotByTheAttempts) {
  const TrialId id = Add();
  store_.FinishAttempt(id, Begin(id), ExampleFailure(), TrialState::kWaiting);
  Complete(id);
  EXPECT_THAT(store_.Trial(id).failure, IsEmpty());
  EXPECT_EQ(store_.Trial(id).failed_attempts, 1);
  EXPECT_EQ(store_.Attempts(id)[0].outcome, "crashed");
  EXPECT_EQ(store_.Attempts(id)[1].outcome, "complete");
}

TEST_F(StoreTest, AnAttemptIsFinishedOnce) {
  const TrialId id = Add();
  Complete(id, 0.5);
  EXPECT_THAT(ErrorText<std::logic_error>(
                  [&] { store_.FinishAttempt(id, 1, ExampleSuccess(0.9), TrialState::kComplete); }),
              HasSubstr("attempt 1 of trial 1 is not running"));
  EXPECT_THROW(store_.SetAttemptProcess(id, 1, 5), std::logic_error);
  EXPECT_THROW(store_.SetAttemptProcess(id, 2, 5), std::logic_error);
  EXPECT_EQ(store_.Trial(id).result->metrics.gap, 0.5);
}

TEST_F(StoreTest, ACompleteTrialNeverChanges) {
  const TrialId id = Add();
  Complete(id);
  EXPECT_THROW((void)Begin(id), std::logic_error);
  for (const TrialState state :
       {TrialState::kWaiting, TrialState::kFailed, TrialState::kPruned, TrialState::kRunning}) {
    EXPECT_THROW(store_.SetState(id, state), std::logic_error);
  }
  EXPECT_EQ(store_.Trial(id).state, TrialState::kComplete);
  EXPECT_EQ(store_.Attempts(id).size(), 1U);
}

TEST_F(StoreTest, OutcomeAndNextStateMustAgree) {
  const TrialId id = Add();
  const std::int64_t attempt = Begin(id);
  EXPECT_THROW(store_.FinishAttempt(id, attempt, ExampleSuccess(), TrialState::kFailed),
               std::logic_error);
  EXPECT_THROW(store_.FinishAttempt(id, attempt, ExampleFailure(), TrialState::kComplete),
               std::logic_error);
  EXPECT_THROW(store_.FinishAttempt(id, attempt, ExampleFailure(), TrialState::kRunning),
               std::logic_error);
  EXPECT_EQ(store_.Attempts(id)[0].outcome, "running");
  store_.FinishAttempt(id, attempt, ExampleFailure(FailureKind::kInterrupted), TrialState::kPruned);
  EXPECT_EQ(store_.Trial(id).state, TrialState::kPruned);
}

TEST_F(StoreTest, ARunningTrialHasOneAttempt) {
  const TrialId id = Add();
  (void)Begin(id);
  EXPECT_THROW((void)Begin(id), std::logic_error);
  EXPECT_THROW(store_.SetState(id, TrialState::kWaiting), std::logic_error);
  EXPECT_EQ(store_.OpenAttempts().size(), 1U);
}

TEST_F(StoreTest, AFailedTrialIsTakenUpAgain) {
  const TrialId id = Add();
  store_.SetState(id, TrialState::kFailed);
  store_.SetState(id, TrialState::kFailed);
  EXPECT_THROW((void)Begin(id), std::logic_error);
  store_.SetState(id, TrialState::kWaiting);
  Complete(id);
  EXPECT_EQ(store_.Trial(id).state, TrialState::kComplete);
}

TEST_F(StoreTest, UnknownTrialsAreNamed) {
  const TrialId gone{99};
  const auto refusal = [](auto call) { return ErrorText<UsageError>(call); };
  EXPECT_THAT(refusal([&] { (void)store_.Trial(gone); }), HasSubstr("there is no trial 99"));
  EXPECT_THAT(refusal([&] { (void)store_.Spec(gone); }), HasSubstr("99"));
  EXPECT_THAT(refusal([&] { (void)store_.Epochs(gone); }), HasSubstr("99"));
  EXPECT_THAT(refusal([&] { (void)store_.Artifacts(gone); }), HasSubstr("99"));
  EXPECT_THAT(refusal([&] { (void)store_.Attempts(gone); }), HasSubstr("99"));
  EXPECT_THAT(refusal([&] { (void)Begin(gone); }), HasSubstr("99"));
  EXPECT_THAT(refusal([&] { store_.SetState(gone, TrialState::kFailed); }), HasSubstr("99"));
}

TEST_F(StoreTest, NotesAreKeptPerStudyNameAndSeed) {
  store_.AddNote(study_, "m", 1, "reused");
  store_.AddNote(study_, "m", 1, "retried");
  store_.AddNote(study_, "m", 2, "refused");
  EXPECT_THAT(store_.Notes(study_, "m", 1), ElementsAre("reused", "retried"));
  EXPECT_THAT(store_.Notes(study_, "m", 2), ElementsAre("refused"));
  EXPECT_THAT(store_.Notes(study_, "n", 1), IsEmpty());
}

TEST_F(StoreTest, EnsemblesAreKeptInOrder) {
  store_.AddEnsemble(study_, {.created_at = "2026-01-01T00:00:00Z", .json = "{}"});
  store_.AddEnsemble(study_, {.created_at = "", .json = R"({"members":[]})"});
  // By a clock that was put back.
  store_.AddEnsemble(study_, {.created_at = "2025-01-01T00:00:00Z", .json = "[]"});
  const auto ensembles = store_.Ensembles(study_);
  ASSERT_EQ(ensembles.size(), 3U);
  EXPECT_EQ(ensembles[0].created_at, "2026-01-01T00:00:00Z");
  EXPECT_EQ(ensembles[1].json, R"({"members":[]})");
  EXPECT_GT(ensembles[1].created_at, ensembles[0].created_at);
  EXPECT_EQ(ensembles[2].json, "[]");
  EXPECT_EQ(ensembles[2].created_at, ensembles[1].created_at);
  EXPECT_THROW(store_.AddEnsemble(study_, {.created_at = "", .json = "no json"}), Error);
  EXPECT_THROW(store_.AddEnsemble(StudyId{77}, {.created_at = "", .json = "{}"}), Error);
}

TEST_F(StoreTest, ChangesMadeTogetherStandOrFallTogether) {
  const TrialId first = Add(1);
  const TrialId second = Add(2);
  store_.Together([&] {
    Complete(first);
    (void)Begin(second);
  });
  EXPECT_EQ(store_.Trial(first).state, TrialState::kComplete);
  EXPECT_EQ(store_.Trial(second).state, TrialState::kRunning);
  EXPECT_THROW(store_.Together([&] {
    store_.FinishAttempt(second, 1, ExampleSuccess(), TrialState::kComplete);
    (void)Begin(first);
  }),
               std::logic_error);
  EXPECT_EQ(store_.Trial(second).state, TrialState::kRunning);
  EXPECT_FALSE(store_.Trial(second).result);
}

TEST_F(StoreTest, ARefusedChangeInsideTogetherLeavesTheOthers) {
  const TrialId id = Add();
  store_.Together([&] {
    const std::int64_t attempt = Begin(id);
    EXPECT_THROW(store_.FinishAttempt(id, attempt, ExampleFailure(), TrialState::kRunning),
                 std::logic_error);
  });
  EXPECT_EQ(store_.Attempts(id)[0].outcome, "running");
}

}  // namespace
}  // namespace beamgrid
