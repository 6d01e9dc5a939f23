// Trials trained again by workers that are not real.

#include "orchestrator/audit/verify_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/store/upkeep.h"
#include "registry/util/files.h"
#include "tests/support/fake_executor.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Fingerprints tell trials apart where names are equal.
std::vector<std::string> Fingerprints(const std::vector<TrialRecord>& trials) {
  std::vector<std::string> fingerprints;
  for (const TrialRecord& trial : trials) fingerprints.push_back(trial.fingerprint);
  return fingerprints;
}

class VerifyStudyTest : public ::testing::Test {
 protected:
  /// A complete trial of one thread on the CPU whose files are there.
  TrialId Add(std::int64_t hidden, std::int64_t threads = 1) {
    const TrialId id = store_.AddTrials(study_, {ExampleNewTrial(hidden)}).at(0);
    const std::filesystem::path directory = folder_ / std::to_string(hidden);
    store_.FinishAttempt(id, store_.BeginAttempt(id, directory.string(), "cpu", threads),
                         Train(directory, threads), TrialState::kComplete);
    return id;
  }
  /// What a worker leaves and reports.
  static AttemptOutcome Train(const std::filesystem::path& directory, std::int64_t threads) {
    WriteFileAtomically(directory / "model.pt", "weights");
    AttemptOutcome outcome = ExampleSuccess();
    outcome.result().device = "cpu";
    outcome.result().threads = threads;
    outcome.result().artifacts = {
        {.name = "model", .path = "model.pt", .bytes = 7, .hash = HashBytes("weights")}};
    return outcome;
  }
  [[nodiscard]] std::vector<TrialRecord> Complete() const {
    return CompleteTrials(store_, store_.FindStudy("study").value());
  }
  [[nodiscard]] std::filesystem::path VerifyFolder() const {
    return folder_ / "runs/study/.verify";
  }

  StudyVerifier& Verifier(FakeExecutor::OutcomeOf outcome_of = {}, Repair repair = Repair::kNo) {
    if (!outcome_of) {
      outcome_of = [this](const TrialFile& file) { return TrainHere(file); };
    }
    executor_ = std::make_unique<FakeExecutor>(world_, outcome_of);
    verifier_ = std::make_unique<StudyVerifier>(
        store_, *executor_,
        VerifySettings{.study = "study",
                       .folder = VerifyFolder(),
                       .machine = {.cores = 2, .cuda_devices = 0},
                       .repair = repair,
                       .remark = [this](const std::string& line) { remarks_.push_back(line); }});
    return *verifier_;
  }
  AttemptOutcome TrainHere(const TrialFile& file) const {
    for (const auto& entry : std::filesystem::directory_iterator(VerifyFolder())) {
      const std::string text = ReadFile(entry.path() / kTrialFile);
      if (text.find(file.fingerprint) != std::string::npos) {
        return Train(entry.path(), file.threads);
      }
    }
    throw std::logic_error("no folder of trial " + file.name);
  }
  bool Run(const std::vector<TrialRecord>& trials) {
    return verifier_->Run(trials,
                          [this](const VerifiedTrial& verified) { verified_.push_back(verified); });
  }

  const TemporaryFolder folder_;
  Store store_{":memory:", OpenMode::kReadWrite};
  StudyId study_ = store_.OpenStudy(ExampleStudy());
  FakeWorld world_;
  std::unique_ptr<FakeExecutor> executor_;
  std::unique_ptr<StudyVerifier> verifier_;
  std::vector<VerifiedTrial> verified_;
  std::vector<std::string> remarks_;
};

TEST_F(VerifyStudyTest, ADrawDependsOnItsSeedAlone) {
  for (std::int64_t hidden = 1; hidden <= 20; ++hidden) Add(hidden);
  std::vector<TrialRecord> trials = Complete();
  const auto drawn = Fingerprints(DrawTrials(trials, 5, 1));
  EXPECT_THAT(drawn, SizeIs(5));
  EXPECT_NE(Fingerprints(DrawTrials(trials, 5, 2)), drawn);
  EXPECT_THAT(DrawTrials(trials, 20, 1), SizeIs(20));
  EXPECT_THAT(DrawTrials(trials, 1000, 1), SizeIs(20));
  std::reverse(trials.begin(), trials.end());
  auto again = Fingerprints(DrawTrials(trials, 5, 1));
  std::reverse(again.begin(), again.end());
  EXPECT_EQ(again, drawn);
}

TEST_F(VerifyStudyTest, AnEqualTrialLeavesNothing) {
  Add(512);
  Verifier();
  EXPECT_TRUE(Run(Complete()));
  ASSERT_THAT(verified_, SizeIs(1));
  EXPECT_EQ(verified_[0].verdict, Verdict::kEqual);
  EXPECT_THAT(verified_[0].differences, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/study"));
  ASSERT_THAT(world_.trial_files, SizeIs(1));
  EXPECT_EQ(world_.trial_files[0].spec, ExampleTrial(512));
  EXPECT_EQ(world_.trial_files[0].resume_from, "");
}

TEST_F(VerifyStudyTest, ADifferentTrialKeepsItsFolderAndSaysWhatDiffers) {
  Add(512);
  const auto differ = [this](const TrialFile& file) {
    AttemptOutcome outcome = TrainHere(file);
    outcome.result().metrics.gap = 0.75;
    outcome.result().program_version = "9";
    return outcome;
  };
  Verifier(differ);
  EXPECT_TRUE(Run(Complete()));
  ASSERT_THAT(verified_, SizeIs(1));
  EXPECT_EQ(verified_[0].verdict, Verdict::kDifferent);
  EXPECT_THAT(verified_[0].differences, ElementsAre(Difference{"metrics.gap", "0.5", "0.75"}));
  EXPECT_THAT(verified_[0].environment, ElementsAre(Difference{"program", "\"0.1.0\"", "\"9\""}));
  EXPECT_TRUE(std::filesystem::exists(verified_[0].directory / "model.pt"));

  Verifier(differ);  // a second time: beside it
  EXPECT_TRUE(Run(Complete()));
  EXPECT_NE(verified_[1].directory, verified_[0].directory);
  EXPECT_TRUE(std::filesystem::exists(verified_[0].directory));
}

TEST_F(VerifyStudyTest, ATrialThatCannotBeTrainedSaysWhy) {
  Add(512);
  Verifier([](const TrialFile&) { return ExampleFailure(FailureKind::kBadData); });
  EXPECT_TRUE(Run(Complete()));
  EXPECT_EQ(verified_.at(0).verdict, Verdict::kNotTrained);
  EXPECT_EQ(verified_[0].why, "bad_data: killed by signal 9");
}

TEST_F(VerifyStudyTest, ThreadsAreThoseOfTheRecordAndCoresTheLimit) {
  for (std::int64_t hidden = 1; hidden <= 4; ++hidden) Add(hidden);
  Verifier();
  EXPECT_TRUE(Run(Complete()));
  EXPECT_EQ(executor_->most_running(), 2U);
  EXPECT_THAT(verified_, SizeIs(4));

  Add(5, /*threads=*/16);  // more than there are: alone
  Verifier();
  EXPECT_TRUE(Run(Complete()));
  EXPECT_THAT(remarks_, Contains(HasSubstr("trains again on cpu, 16 threads")));
  EXPECT_EQ(world_.trial_files.back().threads, 16);
}

TEST_F(VerifyStudyTest, AnInterruptStopsTheWorkersAndRemovesTheirFolders) {
  for (std::int64_t hidden = 1; hidden <= 4; ++hidden) Add(hidden);
  StudyVerifier& verifier = Verifier();
  for (const TrialRecord& trial : Complete()) executor_->held.insert(trial.name);
  executor_->on_poll = [&verifier] { verifier.Interrupt(); };
  EXPECT_FALSE(Run(Complete()));
  EXPECT_THAT(executor_->cancelled(), SizeIs(2));
  EXPECT_THAT(verified_, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/study"));
}

TEST_F(VerifyStudyTest, DamagedFilesAreFound) {
  Add(1), Add(2), Add(3);
  EXPECT_THAT(DamagedFiles(Complete()), IsEmpty());
  std::filesystem::remove(folder_ / "2/model.pt");
  const std::vector<DamagedFile> damaged = DamagedFiles(Complete());
  ASSERT_THAT(damaged, SizeIs(1));
  EXPECT_EQ(damaged[0].path, folder_ / "2/model.pt");
  EXPECT_EQ(damaged[0].damage, "is gone");
}

TEST_F(VerifyStudyTest, RepairPutsBackWhatComesOutTheSame) {
  Add(1);
  WriteFileAtomically(folder_ / "1/model.pt", "weighty");
  Verifier();
  EXPECT_TRUE(Run(Complete()));
  EXPECT_EQ(ReadFile(folder_ / "1/model.pt"), "weighty") << "nobody asked for a repair";
  Verifier({}, Repair::kDamaged);
  EXPECT_TRUE(Run(Complete()));
  EXPECT_EQ(ReadFile(folder_ / "1/model.pt"), "weights");
  EXPECT_THAT(remarks_, Contains(HasSubstr("1/model.pt: put back")));
}

TEST_F(VerifyStudyTest, RepairDoesNotPutBackWhatDiffers) {
  Add(1);
  std::filesystem::remove(folder_ / "1/model.pt");
  Verifier(
      [this](const TrialFile& file) {
        AttemptOutcome outcome = TrainHere(file);
        outcome.result().artifacts[0].hash = "another";
        return outcome;
      },
      Repair::kDamaged);
  EXPECT_TRUE(Run(Complete()));
  EXPECT_EQ(verified_.at(0).verdict, Verdict::kDifferent);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "1/model.pt"));
}

TEST_F(VerifyStudyTest, APrunedFileIsNoDamageAndComesBackWhereItIsAskedFor) {
  const TrialId id = Add(1);
  RecordUpkeep(store_).GiveUpFile(Complete().at(0), Complete().at(0).result->artifacts.at(0));
  std::filesystem::remove(folder_ / "1/model.pt");
  EXPECT_THAT(DamagedFiles(Complete()), IsEmpty());
  ASSERT_THAT(PrunedFiles(Complete()), SizeIs(1));
  Verifier({}, Repair::kDamaged);
  EXPECT_TRUE(Run(Complete()));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "1/model.pt")) << "nobody asked for it";
  Verifier({}, Repair::kPruned);
  EXPECT_TRUE(Run(Complete()));
  EXPECT_EQ(ReadFile(folder_ / "1/model.pt"), "weights");
  WriteFileAtomically(folder_ / "1/model.pt", "another");
  EXPECT_THAT(DamagedFiles(Complete()), SizeIs(1)) << "what is there must be the right one";
  RecordUpkeep(store_).KeepFile(id, "model");
  EXPECT_EQ(Complete().at(0).result->artifacts.at(0).pruned_at, "");
}

TEST_F(VerifyStudyTest, ATrialThatStartsFromAnotherGetsItsWeights) {
  Add(1);
  NewTrial second = ExampleNewTrial(2);
  second.spec.warm_start = Complete().at(0).fingerprint;
  second.spec.model.train["from"] = "study/MC-BLSTM1";
  second.fingerprint = Fingerprint(second.spec);
  const TrialId id = store_.AddTrials(study_, {second}).at(0);
  store_.FinishAttempt(id, store_.BeginAttempt(id, (folder_ / "2").string(), "cpu", 1),
                       Train(folder_ / "2", 1), TrialState::kComplete);
  Verifier();
  EXPECT_TRUE(Run(Complete()));
  ASSERT_THAT(world_.trial_files, SizeIs(2));
  EXPECT_EQ(world_.trial_files[1].warm_start_model, (folder_ / "1/model.pt").string());
  EXPECT_EQ(world_.trial_files[1].warm_start_hash, HashBytes("weights"));
}

TEST(VerifyPlacementTest, TheRecordedDeviceOneOfItsKindOrWhatThereIs) {
  const MachineDevices none{.cores = 4}, two{.cores = 4, .cuda_devices = 2};
  const auto on = [](const std::string& device, const MachineDevices& machine) {
    return PlacementFor({.device = device, .threads = 3}, machine).device;
  };
  EXPECT_EQ(on("cpu", two), "cpu");
  EXPECT_EQ(on("cpu Intel(R) Xeon(R) Processor, OpenBLAS SkylakeX", two), "cpu");
  EXPECT_EQ(on("cpu, OpenBLAS SkylakeX", two), "cpu");
  EXPECT_EQ(on("cuda:1 NVIDIA H200", two), "cuda:1");
  EXPECT_EQ(on("cuda:7 NVIDIA H200", two), "cuda:0");
  EXPECT_EQ(on("cuda:1 NVIDIA H200", none), "cpu");
  EXPECT_EQ(PlacementFor({.device = "cpu", .threads = 3}, two).threads, 3);
}

}  // namespace
}  // namespace beamgrid
