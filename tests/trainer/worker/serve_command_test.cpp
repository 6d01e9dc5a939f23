// `beamgrid-trainer serve`: many trials in one process, each as in a process of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "tests/trainer/worker/trainer_program.h"

namespace beamgrid::trainer {
namespace {

using ::testing::HasSubstr;

int Code(TrainerExit exit) { return static_cast<int>(exit); }

class ServeCommandTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    frames_ = new DataSpec(
        WriteData(*folder_ / "frames", {.videos = 120, .classes = 6, .max_frames = 6}));
    videos_ = new DataSpec(WriteData(*folder_ / "videos", {.videos = 200,
                                                           .classes = 5,
                                                           .seed = 9,
                                                           .format = "video",
                                                           .features = {{"mean_rgb", 16}}}));
  }
  static void TearDownTestSuite() {
    delete videos_;
    delete frames_;
    delete folder_;
  }

  static TrialFile Small(std::int64_t epochs = 2) {
    return MakeTrial(*frames_, {.train = {{"epochs", epochs}, {"batch", 16}}});
  }

  static std::filesystem::path Attempt(const TrialFile& trial) {
    static int count = 0;
    const std::filesystem::path path = *folder_ / ("attempt" + std::to_string(++count));
    WriteFileAtomically(path / kTrialFile, boost::json::serialize(ToJson(trial)));
    return path;
  }

  static TrialResult ResultIn(const std::filesystem::path& attempt) {
    return TrialResultFromJson(boost::json::parse(ReadFile(attempt / kResultFile)));
  }

  /// All that a trial leaves but what its course took.
  static std::string CanonicalFiles(const std::filesystem::path& attempt) {
    TrialResult result = ResultIn(attempt);
    result.examples_per_second = result.wall_seconds = 0;
    result.peak_memory_bytes = 0;
    std::string text = boost::json::serialize(ToJson(result));
    for (const char* file : {kModelFile, kPredictionsFile}) {
      text += "\n" + std::string(file) + " " + HashFile(attempt / file);
    }
    return text;
  }

  inline static TemporaryFolder* folder_ = nullptr;
  inline static DataSpec *frames_ = nullptr, *videos_ = nullptr;
};

/// Different in everything that a process could remember: layers, random numbers, threads, data,
/// precision.
std::vector<TrialFile> DifferentTrials(const DataSpec& frames, const DataSpec& videos) {
  std::vector<TrialFile> trials;
  trials.push_back(MakeTrial(
      frames, {.parts = {{"temporal", {"lstm", {{"hidden", 8}}}}, {"classifier", {"moe", {}}}},
               .extras = {{"dropout", {{"rate", 0.3}}}, {"context_gating", {{"batch_norm", true}}}},
               .train = {{"epochs", 2}, {"batch", 16}}}));
  trials.push_back(MakeTrial(
      frames, {.parts = {{"temporal",
                          {"netvlad", {{"clusters", 4}, {"hidden", 16}, {"frame_projection", 8}}}}},
               .extras = {{"gradient_clip", {{"norm", 1.0}}}},
               .train = {{"epochs", 1}, {"batch", 32}}}));
  trials.back().threads = 2;
  trials.push_back(MakeTrial(videos, {.parts = {{"classifier", {"moe", {}}}},
                                      .train = {{"epochs", 2}, {"precision", "fp16"}}}));
  trials.back().spec.seed = 3;
  trials.push_back(MakeTrial(frames, {.parts = {{"multimodal", {"attention", {}}}},
                                      .extras = {{"layer_norm", {}}, {"dropout", {{"rate", 0.5}}}},
                                      .train = {{"epochs", 1}}}));
  for (TrialFile& trial : trials) trial.fingerprint = Fingerprint(trial.spec);
  return trials;
}

TEST_F(ServeCommandTest, EachTrialEndsInTheBitsOfAProcessOfItsOwn) {
  const std::vector<TrialFile> trials = DifferentTrials(*frames_, *videos_);
  std::vector<std::string> fresh;
  for (const TrialFile& trial : trials) {
    const std::filesystem::path attempt = Attempt(trial);
    ASSERT_EQ(RunTrainer({"train", attempt.string()}).exit, 0);
    fresh.push_back(CanonicalFiles(attempt));
  }
  struct Worker {
    std::vector<std::string> arguments;
    std::vector<std::size_t> order;
  };
  for (const auto& [arguments, order] :
       {Worker{{"serve"}, {0, 1, 2, 3, 0}}, Worker{{"serve"}, {3, 2, 0, 1, 3, 2}},
        Worker{{"serve", "--fork"}, {0, 1, 2, 3, 0}}}) {
    TrainerProgram worker(arguments);
    for (const std::size_t index : order) {
      const std::filesystem::path attempt = Attempt(trials[index]);
      worker.Say(attempt.string());
      ASSERT_TRUE(worker.AwaitMessage<Finished>());
      EXPECT_EQ(CanonicalFiles(attempt), fresh[index]) << "trial " << index;
      ASSERT_TRUE(worker.AwaitMessage<Ready>());
    }
    worker.CloseInput();
    std::string line;
    EXPECT_FALSE(worker.NextLine(line)) << line;
    EXPECT_EQ(worker.Wait(), 0);
  }
}

TEST_F(ServeCommandTest, EachTrialHasItsOwnLogAndAFailureEndsTheProcess) {
  TrialFile bad = Small();
  bad.spec.model.parts["classifier"].component = "mop";
  const std::filesystem::path good = Attempt(Small()), failing = Attempt(bad),
                              never = Attempt(Small());
  TrainerProgram worker({"serve"});
  for (const auto& attempt : {good, failing, never}) worker.Say(attempt.string());
  EXPECT_TRUE(worker.AwaitMessage<Ready>());
  EXPECT_TRUE(worker.AwaitMessage<Failed>());
  std::string line;
  EXPECT_FALSE(worker.NextLine(line)) << line;
  EXPECT_EQ(worker.Wait(), Code(TrainerExit::kBadSpec));
  EXPECT_THAT(ReadFile(failing / kWorkerLog), HasSubstr("classifier = mop"));
  EXPECT_EQ(ReadFile(good / kWorkerLog), "");
  EXPECT_FALSE(std::filesystem::exists(never / kWorkerLog));
}

TEST_F(ServeCommandTest, WithoutDescriptorsItIsTheMachineThatIsAtFault) {
  int started = 0;
  for (const int limit : {4, 5, 6}) {  // none for the stop, the directories, what replaces stdin
    const TrainerRun run = RunTrainer({"serve"}, "ulimit -n " + std::to_string(limit));
    if (run.exit == 127) continue;  // not even for its libraries
    ++started;
    EXPECT_EQ(run.exit, Code(TrainerExit::kBroken)) << limit;
    ASSERT_EQ(run.lines.size(), 1U) << limit;
    const std::optional<Message> message = MessageFromLine(run.lines[0]);
    ASSERT_TRUE(message && std::holds_alternative<Failed>(*message)) << run.lines[0];
    EXPECT_EQ(std::get<Failed>(*message).kind, FailureKind::kEnvironment) << run.lines[0];
  }
  EXPECT_GE(started, 2);
}

TEST_F(ServeCommandTest, ADirectoryThatIsNotThereIsAFailure) {
  TrainerProgram worker({"serve"});
  worker.Say((*folder_ / "gone").string());
  EXPECT_TRUE(worker.AwaitMessage<Failed>());
  EXPECT_EQ(worker.Wait(), Code(TrainerExit::kBroken));
}

TEST_F(ServeCommandTest, TerminatedInATrialItStopsAndThenEndsInTheSameBits) {
  const TrialFile trial = Small(150);
  const std::filesystem::path whole = Attempt(trial), stopped = Attempt(trial);
  ASSERT_EQ(RunTrainer({"train", whole.string()}).exit, 0);
  TrainerProgram worker({"serve"});
  worker.Say(Attempt(Small()).string());
  ASSERT_TRUE(worker.AwaitMessage<Ready>());
  worker.Say(stopped.string());
  ASSERT_TRUE(worker.AwaitMessage<Evaluated>());
  ::kill(worker.pid(), SIGTERM);
  EXPECT_TRUE(worker.AwaitMessage<Failed>());
  EXPECT_EQ(worker.Wait(), Code(TrainerExit::kInterrupted));
  ASSERT_FALSE(std::filesystem::exists(stopped / kResultFile));
  ASSERT_EQ(RunTrainer({"train", stopped.string()}).exit, 0);
  EXPECT_EQ(CanonicalFiles(whole), CanonicalFiles(stopped));
}

TEST_F(ServeCommandTest, APausedTrialLeavesAProcessThatTakesMore) {
  const TrialFile trial = Small(3);
  const std::filesystem::path whole = Attempt(trial);
  ASSERT_EQ(RunTrainer({"train", whole.string()}).exit, 0);
  TrialFile paused = trial;
  paused.until_epoch = 1;
  const std::filesystem::path first = Attempt(paused);
  TrainerProgram worker({"serve"});
  worker.Say(first.string());
  ASSERT_TRUE(worker.AwaitMessage<Failed>());
  ASSERT_TRUE(worker.AwaitMessage<Ready>());
  EXPECT_FALSE(std::filesystem::exists(first / kResultFile));
  EXPECT_THAT(ReadFile(first / kWorkerLog), HasSubstr("paused after epoch 1 of 3"));
  TrialFile rest = trial;
  rest.resume_from = (first / kLastCheckpoint).string();
  const std::filesystem::path second = Attempt(rest);
  worker.Say(second.string());
  ASSERT_TRUE(worker.AwaitMessage<Finished>());
  EXPECT_EQ(CanonicalFiles(second), CanonicalFiles(whole));
  worker.CloseInput();
  EXPECT_EQ(worker.Wait(), 0);
}

TEST_F(ServeCommandTest, TerminatedBetweenTrialsItEnds) {
  TrainerProgram worker({"serve"});
  worker.Say(Attempt(Small()).string());
  ASSERT_TRUE(worker.AwaitMessage<Ready>());
  ::kill(worker.pid(), SIGTERM);
  EXPECT_FALSE(worker.AwaitMessage<Ready>());
  EXPECT_EQ(worker.Wait(), Code(TrainerExit::kInterrupted));
}

/// A trial with code that is not ours.
TrialFile WithPlugin(TrialFile trial) {
  const std::string plugin = std::string(BEAMGRID_BINARY_DIR) + "/plugins/peak.so";
  trial.spec.model.parts["temporal"] = {"peak", {{"power", 2.0}}};
  trial.spec.model.plugins = {{.name = "peak.so", .path = plugin, .hash = HashFile(plugin)}};
  return trial;
}

TEST_F(ServeCommandTest, AProcessThatRanAUsersCodeTakesNoOtherTrial) {
  const std::filesystem::path first = Attempt(Small()), second = Attempt(WithPlugin(Small())),
                              never = Attempt(Small());
  TrainerProgram worker({"serve"});
  for (const auto& attempt : {first, second, never}) worker.Say(attempt.string());
  EXPECT_TRUE(worker.AwaitMessage<Ready>());
  EXPECT_TRUE(worker.AwaitMessage<Finished>());
  EXPECT_FALSE(worker.AwaitMessage<Ready>());
  EXPECT_EQ(worker.Wait(), 0);
  EXPECT_TRUE(std::filesystem::exists(second / kResultFile));
  EXPECT_FALSE(std::filesystem::exists(never / kWorkerLog));
}

TEST_F(ServeCommandTest, BeforeItHasComputedAUsersCodeRunsInCopies) {
  const std::filesystem::path alone = Attempt(WithPlugin(Small()));
  ASSERT_EQ(RunTrainer({"train", alone.string()}).exit, 0);
  TrainerProgram worker({"serve"});
  std::set<std::int64_t> copies;
  for (int trial = 0; trial < 2; ++trial) {
    const std::filesystem::path attempt = Attempt(WithPlugin(Small()));
    worker.Say(attempt.string());
    const std::optional<Started> started = worker.AwaitMessage<Started>();
    ASSERT_TRUE(started);
    copies.insert(started->pid);
    ASSERT_TRUE(worker.AwaitMessage<Ready>());
    EXPECT_EQ(CanonicalFiles(attempt), CanonicalFiles(alone));
  }
  EXPECT_EQ(copies.size(), 2U);
  EXPECT_FALSE(copies.contains(worker.pid()));
  worker.Say(Attempt(Small()).string());
  EXPECT_EQ(worker.AwaitMessage<Started>().value_or(Started{}).pid, worker.pid());
  EXPECT_TRUE(worker.AwaitMessage<Ready>());
}

TEST_F(ServeCommandTest, AfterManyTrialsItMakesRoomForANewProcess) {
  const std::filesystem::path attempt = Attempt(Small(1));  // complete after the first time
  TrainerProgram worker({"serve"});
  int ready = 0;
  do {
    worker.Say(attempt.string());
  } while (worker.AwaitMessage<Ready>() && ++ready < 1000);
  EXPECT_EQ(ready, 299);
  EXPECT_EQ(worker.Wait(), 0);
}

TEST_F(ServeCommandTest, ASmallTrialDoesNotReportTheMemoryOfALargeOneBefore) {
  TrialFile large = Small(1);
  large.spec.data.classes = 300'000;
  const std::filesystem::path first = Attempt(large), second = Attempt(Small(1));
  TrainerProgram worker({"serve"});
  worker.Say(first.string());
  ASSERT_TRUE(worker.AwaitMessage<Ready>());
  worker.Say(second.string());
  ASSERT_TRUE(worker.AwaitMessage<Ready>());
  constexpr std::int64_t kLayer = 300'000 * 25 * 4;  // one copy of its weights; Adam has two more
  EXPECT_GT(ResultIn(first).peak_memory_bytes, ResultIn(second).peak_memory_bytes + 2 * kLayer);
}

}  // namespace
}  // namespace beamgrid::trainer
