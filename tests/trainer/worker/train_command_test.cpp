// `beamgrid-trainer train` as the orchestrator sees it: messages, exit codes, signals, files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "tests/trainer/worker/trainer_program.h"
#include "trainer/training/checkpoint.h"
#include "trainer/training/device.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace train_command_test {

using ::testing::AllOf;
using ::testing::HasSubstr;

int Code(TrainerExit exit) { return static_cast<int>(exit); }

class TrainCommandTest : public ::testing::Test {
 protected:
  TrainCommandTest()
      : data_(WriteData(folder_ / "data", {.videos = 60, .classes = 4, .max_frames = 5})) {}

  TrialFile Trial(std::int64_t epochs = 2) const {
    return MakeTrial(data_, {.extras = {{"dropout", {{"rate", 0.2}}}},
                             .train = {{"epochs", epochs}, {"batch", 16}}});
  }

  std::filesystem::path Attempt(const std::string& name, const TrialFile& trial) const {
    const std::filesystem::path path = folder_ / name;
    WriteFileAtomically(path / kTrialFile, boost::json::serialize(ToJson(trial)));
    return path;
  }

  /// Runs an attempt that must fail, here and in a copy of a worker; its one Failed message.
  Failed ExpectFailure(const std::filesystem::path& attempt, TrainerExit exit,
                       const std::string& before = ":") {
    const Failed forked = FailureIn(RunForked(attempt, before), attempt, exit);
    const Failed failed = FailureIn(RunTrainer({"train", attempt.string()}, before), attempt, exit);
    EXPECT_EQ(forked.kind, failed.kind);
    // But for times and epochs, which may be others.
    EXPECT_EQ(WithoutDigits(forked.message), WithoutDigits(failed.message));
    return failed;
  }

  static std::string WithoutDigits(std::string text) {
    std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
    return text;
  }

  static Failed FailureIn(const TrainerRun& run, const std::filesystem::path& attempt,
                          TrainerExit exit) {
    EXPECT_EQ(run.exit, Code(exit));
    EXPECT_FALSE(std::filesystem::is_regular_file(attempt / kResultFile));
    const std::optional<Message> last =
        run.lines.empty() ? std::nullopt : MessageFromLine(run.lines.back());
    if (!last || !std::holds_alternative<Failed>(*last)) {
      ADD_FAILURE() << "the last line is no failure";
      return {};
    }
    return std::get<Failed>(*last);
  }

  TemporaryFolder folder_;
  DataSpec data_;
};

TEST_F(TrainCommandTest, SaysWhatItDoesAndNothingElse) {
  const std::filesystem::path attempt = Attempt("a", Trial());
  const TrainerRun run = RunTrainer({"train", attempt.string()});
  EXPECT_EQ(run.exit, Code(TrainerExit::kDone));
  std::vector<Message> messages;
  for (const std::string& line : run.lines) {
    const std::optional<Message> message = MessageFromLine(line);
    ASSERT_TRUE(message) << line;
    if (!std::holds_alternative<Heartbeat>(*message)) messages.push_back(*message);
  }
  ASSERT_GE(messages.size(), 4U);
  const auto* started = std::get_if<Started>(&messages.front());
  ASSERT_NE(started, nullptr);
  EXPECT_EQ(started->train_examples, 48);
  EXPECT_EQ(started->epochs, 2);
  EXPECT_EQ(started->parameters, 4 * 25);
  EXPECT_TRUE(std::holds_alternative<Finished>(messages.back()));
  const auto evaluated = std::ranges::count_if(
      messages, [](const Message& message) { return std::holds_alternative<Evaluated>(message); });
  EXPECT_EQ(evaluated, 2);
  EXPECT_TRUE(std::filesystem::exists(attempt / kResultFile));
}

TEST_F(TrainCommandTest, BeatsWhileItWorks) {
  TrialFile trial = Trial(300);
  trial.heartbeat_seconds = 0.001;
  const TrainerRun run = RunTrainer({"train", Attempt("a", trial).string()});
  const auto beats = std::ranges::count_if(run.lines, [](const std::string& line) {
    const std::optional<Message> message = MessageFromLine(line);
    return message && std::holds_alternative<Heartbeat>(*message);
  });
  EXPECT_GE(beats, 2);
}

TEST_F(TrainCommandTest, TerminatedItStopsAndThenEndsInTheSameBits) {
  const TrialFile trial = Trial(150);
  const std::filesystem::path whole = Attempt("whole", trial), stopped = Attempt("stopped", trial);
  EXPECT_EQ(RunTrainer({"train", whole.string()}).exit, Code(TrainerExit::kDone));
  {
    TrainerProgram program({"train", stopped.string()});
    std::string line;
    while (program.NextLine(line)) {
      const std::optional<Message> message = MessageFromLine(line);
      if (message && std::holds_alternative<Evaluated>(*message)) break;
    }
    ::kill(program.pid(), SIGTERM);
    while (program.NextLine(line)) {
    }
    EXPECT_EQ(program.Wait(), Code(TrainerExit::kInterrupted));
  }
  EXPECT_FALSE(std::filesystem::exists(stopped / kResultFile));
  EXPECT_EQ(RunTrainer({"train", stopped.string()}).exit, Code(TrainerExit::kDone));
  EXPECT_EQ(HashFile(whole / kModelFile), HashFile(stopped / kModelFile));
  EXPECT_EQ(HashFile(whole / kPredictionsFile), HashFile(stopped / kPredictionsFile));
}

TEST_F(TrainCommandTest, KilledItEndsInTheSameBits) {
  const TrialFile trial = Trial(60);
  const std::filesystem::path whole = Attempt("whole", trial), killed = Attempt("killed", trial);
  EXPECT_EQ(RunTrainer({"train", whole.string()}).exit, Code(TrainerExit::kDone));
  {
    TrainerProgram program({"train", killed.string()});
    int evaluated = 0;
    for (std::string line; evaluated < 3 && program.NextLine(line);) {
      const std::optional<Message> message = MessageFromLine(line);
      evaluated += message && std::holds_alternative<Evaluated>(*message) ? 1 : 0;
    }
    ::kill(program.pid(), SIGKILL);
    EXPECT_EQ(program.Wait(), -SIGKILL);
  }
  EXPECT_EQ(RunTrainer({"train", killed.string()}).exit, Code(TrainerExit::kDone));
  EXPECT_EQ(HashFile(whole / kModelFile), HashFile(killed / kModelFile));
}

TEST_F(TrainCommandTest, StopsWhenNobodyListens) {
  const std::filesystem::path attempt = Attempt("a", Trial(100000));
  TrainerProgram program({"train", attempt.string()});
  std::string line;
  ASSERT_TRUE(program.NextLine(line));
  program.CloseOutput();
  EXPECT_EQ(program.Wait(), Code(TrainerExit::kInterrupted));
  EXPECT_TRUE(std::filesystem::exists(attempt / kLastCheckpoint));
}

TEST_F(TrainCommandTest, ABadSpecExitsWith2) {
  TrialFile trial = Trial();
  trial.spec.model.parts["classifier"].component = "mop";
  const Failed failed = ExpectFailure(Attempt("a", trial), TrainerExit::kBadSpec);
  EXPECT_EQ(failed.kind, FailureKind::kBadSpec);
  EXPECT_THAT(failed.message, HasSubstr("classifier = mop"));
}

TEST_F(TrainCommandTest, ADamagedTrialFileExitsWith2) {
  WriteFileAtomically(folder_ / "a" / kTrialFile, "{\"study\": \"x\"");
  ExpectFailure(folder_ / "a", TrainerExit::kBadSpec);
  WriteFileAtomically(folder_ / "a" / kTrialFile, "{\"study\": \"x\"}");
  EXPECT_THAT(ExpectFailure(folder_ / "a", TrainerExit::kBadSpec).message, HasSubstr("name"));
}

TEST_F(TrainCommandTest, AFolderWithoutATrialExitsWith2) {
  // A worker that serves writes its log there first.
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_THAT(ExpectFailure(folder_ / "empty", TrainerExit::kBadSpec).message,
              HasSubstr("trial.json: not found"));
}

TEST_F(TrainCommandTest, ExhaustedMemoryExitsWith3) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer needs more address space than the limit leaves";
#endif
  TrialFile trial = MakeTrial(data_, {.parts = {{"classifier", {"moe", {{"experts", 64}}}}}});
  trial.spec.data.classes = 1'000'000;  // 6 GB of experts
  const Failed failed =
      ExpectFailure(Attempt("a", trial), TrainerExit::kOutOfMemory, "ulimit -v 4000000");
  EXPECT_EQ(failed.kind, FailureKind::kOutOfMemory);
  EXPECT_THAT(failed.message,
              AllOf(HasSubstr("out of memory"), HasSubstr("try a smaller train.batch")));
}

TEST_F(TrainCommandTest, ATrainingThatStandsStillGivesItselfUp) {
  TrialFile trial = Trial();
  trial.spec.model = MakeModel({.parts = {{"classifier", {"logistic", {}}}}});
  const std::string plugin = std::string(BEAMGRID_BINARY_DIR) + "/plugins/standstill.so";
  trial.spec.model.parts["temporal"] = {"standstill", {{"batches", 2}}};
  trial.spec.model.plugins = {{.name = "standstill.so", .path = plugin, .hash = HashFile(plugin)}};
  trial.heartbeat_seconds = 0.02;
  trial.stall_seconds = 0.5;
  const Failed failed = ExpectFailure(Attempt("a", trial), TrainerExit::kBroken);
  EXPECT_EQ(failed.kind, FailureKind::kHung);
  EXPECT_THAT(failed.message,
              AllOf(HasSubstr("stood still for 0."), HasSubstr("resources.stall_timeout")));
}

TEST_F(TrainCommandTest, AnAttemptThatAnotherWorkerCarriesOutIsLeftAlone) {
  const std::filesystem::path attempt = Attempt("a", Trial(100000));
  TrainerProgram first({"train", attempt.string()});
  ASSERT_TRUE(first.AwaitMessage<Started>());
  EXPECT_THAT(ExpectFailure(attempt, TrainerExit::kBroken).message,
              HasSubstr("process " + std::to_string(first.pid()) + " works on this attempt"));
  EXPECT_TRUE(first.AwaitMessage<Progress>());
}

TEST_F(TrainCommandTest, ADivergedModelExitsWith4) {
  const TrialFile trial = Trial(50);
  const std::filesystem::path attempt = Attempt("a", trial);
  {
    // A trial that was stopped just after its weights went wrong.
    TrainingLoop loop(trial, attempt, {.stop_requested = [] { return true; }});
    EXPECT_THROW(loop.Run(), Interrupted);
    TrainingLoop again(trial, attempt, {});
    const torch::NoGradGuard no_gradient;
    again.model().parameters()[0].fill_(std::numeric_limits<float>::infinity());
    again.SaveLast();
  }
  const Failed failed = ExpectFailure(attempt, TrainerExit::kDiverged);
  EXPECT_EQ(failed.kind, FailureKind::kDiverged);
  EXPECT_THAT(failed.message, HasSubstr("learning_rate"));
}

TEST_F(TrainCommandTest, BadDataExitsWith5) {
  TrialFile trial = Trial();
  trial.spec.data.classes = 2;
  const Failed failed = ExpectFailure(Attempt("a", trial), TrainerExit::kBadData);
  EXPECT_EQ(failed.kind, FailureKind::kBadData);
  EXPECT_THAT(failed.message, HasSubstr(".tfrecord"));
}

TEST_F(TrainCommandTest, AFlippedByteExitsWith5) {
  std::string bytes = ReadFile(data_.train[0]);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  TrialFile trial = Trial();
  WriteFileAtomically(data_.train[0], bytes);
  trial.spec.data.digest = DataDigest(trial.spec.data);
  const Failed failed = ExpectFailure(Attempt("a", trial), TrainerExit::kBadData);
  EXPECT_THAT(failed.message, HasSubstr(data_.train[0]));
}

TEST_F(TrainCommandTest, DataThatChangedSincePlanningExitWith5) {
  const std::filesystem::path attempt = Attempt("a", Trial());
  std::filesystem::copy_file(data_.validate[0], data_.train[0],
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(ExpectFailure(attempt, TrainerExit::kBadData).message, HasSubstr("have changed"));
}

TEST_F(TrainCommandTest, AResultThatCannotBeWrittenExitsWith1) {
  const std::filesystem::path attempt = Attempt("a", Trial());
  std::filesystem::create_directories(attempt / kResultFile / "in the way");
  EXPECT_THAT(ExpectFailure(attempt, TrainerExit::kBroken).message, HasSubstr(kResultFile));
}

TEST_F(TrainCommandTest, DeviceAndThreadsCanBeGivenByHand) {
  const std::filesystem::path attempt = Attempt("a", Trial());
  EXPECT_EQ(RunTrainer({"train", attempt.string(), "--device", "cuda:99"}).exit,
            Code(TrainerExit::kBroken));
  EXPECT_EQ(RunTrainer({"train", attempt.string(), "--device", "gpu"}).exit,
            Code(TrainerExit::kBadSpec));
  EXPECT_EQ(RunTrainer({"train", attempt.string(), "--threads", "0"}).exit,
            Code(TrainerExit::kBadSpec));
  EXPECT_EQ(RunTrainer({"train", attempt.string(), "--device", "cpu", "--threads", "2"}).exit,
            Code(TrainerExit::kDone));
  const auto result = TrialResultFromJson(boost::json::parse(ReadFile(attempt / kResultFile)));
  EXPECT_EQ(result.threads, 2);
  EXPECT_THAT(result.device, ::testing::StartsWith("cpu"));
  const std::string core = Blas().core;
  if (!core.empty()) {
    EXPECT_THAT(result.device, HasSubstr("OpenBLAS"));
  }
}

TEST_F(TrainCommandTest, TheDeviceSaysWhoMultipliedBf16) {
  const auto device_of = [&](const std::string& arithmetic) {
    TrialFile trial = Trial(1);
    trial.spec.model.train["arithmetic"] = arithmetic;
    const std::filesystem::path attempt = Attempt(arithmetic, trial);
    EXPECT_EQ(RunTrainer({"train", attempt.string()}).exit, Code(TrainerExit::kDone));
    return TrialResultFromJson(boost::json::parse(ReadFile(attempt / kResultFile))).device;
  };
  EXPECT_EQ(device_of("fp32"), DeviceName(torch::kCPU));
  // Elsewhere the rounded operands are multiplied by what multiplies fp32.
  EXPECT_EQ(device_of("bf16"),
            DeviceName(torch::kCPU) + (MultipliesBf16(torch::kCPU) ? ", oneDNN bf16" : ""));
}

TEST(TrainerProgramTest, AWrongCommandLineExitsWith2) {
  EXPECT_EQ(RunTrainer({}).exit, 2);
  EXPECT_EQ(RunTrainer({"trian"}).exit, 2);
  EXPECT_EQ(RunTrainer({"train"}).exit, 2);
  EXPECT_EQ(RunTrainer({"--help"}).exit, 0);
}

TEST(TrainerProgramTest, SaysItsVersion) {
  const TrainerRun run = RunTrainer({"--version"});
  EXPECT_EQ(run.exit, 0);
  ASSERT_EQ(run.lines.size(), 1U);
  EXPECT_THAT(run.lines[0], HasSubstr("beamgrid-trainer " BEAMGRID_VERSION));
}

}  // namespace train_command_test
}  // namespace beamgrid::trainer
