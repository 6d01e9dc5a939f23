// Forms of finished trials in other precisions, made by workers that are not real.

#include "orchestrator/audit/precision_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/verify_study.h"
#include "registry/store/upkeep.h"
#include "tests/support/fake_executor.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::string PrecisionIn(const ModelSpec& model) {
  const auto found = model.train.find("precision");
  return found == model.train.end() ? "fp32" : std::string(found->second.as_string());
}

/// A model of so many bytes as ExampleNewTrial has, halved or quartered.
CountAnswer SizeIn(const ModelSpec& model) {
  const std::int64_t parameters = model.parts.at("temporal").options.at("hidden").as_int64() * 1000;
  const std::string precision = PrecisionIn(model);
  return ModelSize{parameters, parameters * (precision == "int8"   ? 1
                                             : precision == "fp32" ? 4
                                                                   : 2)};
}

AttemptOutcome OutcomeOfSize(const ModelSpec& model, double gap) {
  AttemptOutcome outcome = ExampleSuccess(gap);
  const auto size = std::get<ModelSize>(SizeIn(model));
  outcome.result().parameters = size.parameters;
  outcome.result().size_bytes = size.size_bytes;
  outcome.result().device = "cpu";
  return outcome;
}

class PrecisionFormsTest : public ::testing::Test {
 protected:
  PrecisionFormsTest() { Open("study"); }

  StudyRecord Open(const std::string& name) {
    store_.OpenStudy(ExampleStudy(name));
    return store_.FindStudy(name).value();
  }
  StudyRecord Study(const std::string& name = "study") { return store_.FindStudy(name).value(); }

  /// A complete trial of the study on two threads of the CPU.
  TrialId Add(std::int64_t hidden, const std::string& precision = "fp32") {
    NewTrial trial = ExampleNewTrial(hidden);
    if (precision != "fp32") trial.spec.model.train["precision"] = precision;
    trial.fingerprint = Fingerprint(trial.spec);
    const TrialId id = store_.AddTrials(Study().id, {trial}).front();
    const std::string folder = (store_.runs() / "study" / trial.fingerprint / "1").string();
    store_.FinishAttempt(id, store_.BeginAttempt(id, folder, "cpu", 2),
                         OutcomeOfSize(trial.spec.model, 0.5), TrialState::kComplete);
    return id;
  }

  std::vector<FormToMake> Lacking(const std::vector<std::string>& precisions,
                                  const std::string& study = "study") {
    return FormsToMake(store_, Study(study), precisions, counter_);
  }

  /// Makes what the study lacks; the workers answer as `outcome_` says.
  bool Make(const std::vector<std::string>& precisions, const std::string& study = "study",
            Fuse* fuse = nullptr) {
    FakeExecutor executor(world_, outcome_, fuse);
    executor.held = held_;
    FormMaker maker(store_, executor,
                    {.machine = {.cores = 2},
                     .remark = [this](const std::string& line) { remarks_.push_back(line); }});
    executor.on_poll = [&] {
      if (!held_.empty()) maker.Interrupt();
    };
    const bool done = maker.Run(Study(study), Lacking(precisions, study));
    failures_ = maker.failures();
    return done;
  }

  std::vector<std::string> FormNames(const std::string& study = "study") {
    std::vector<std::string> names;
    for (const TrialRecord& form : FormsThatCount(store_, Study(study))) names.push_back(form.name);
    return names;
  }

  const TemporaryFolder folder_;
  Store store_{folder_ / "b.db", OpenMode::kReadWrite};
  FakeWorld world_;
  FakeCounter counter_{SizeIn};
  FakeExecutor::OutcomeOf outcome_ = [](const TrialFile& file) {
    return OutcomeOfSize(file.spec.model, 0.25);
  };
  std::set<std::string> held_;
  std::vector<std::string> remarks_, failures_;
};

TEST_F(PrecisionFormsTest, AFormIsATrialThatTheStudyDoesNotCount) {
  const TrialRecord base = store_.Trial(Add(512));
  EXPECT_TRUE(Make({"fp16", "int8"}));
  EXPECT_THAT(failures_, IsEmpty());
  EXPECT_THAT(store_.Trials(Study().id), SizeIs(1)) << "tables are of what was trained";
  const std::vector<TrialRecord> forms = FormsThatCount(store_, Study());
  ASSERT_THAT(forms, SizeIs(2));
  EXPECT_EQ(forms[1].name, "MC-BLSTM512@int8");
  EXPECT_EQ(forms[1].not_counted, "it is the int8 form of MC-BLSTM512 seed 1");
  EXPECT_EQ(forms[1].seed, base.seed);
  EXPECT_EQ(forms[1].size_bytes, 512'000);
  EXPECT_EQ(forms[0].size_bytes, 1'024'000);
  EXPECT_EQ(forms[1].result->metrics.gap, 0.25);
  EXPECT_TRUE(IsForm(forms[1]));
  EXPECT_FALSE(IsForm(base));
  EXPECT_EQ(PrecisionOf(forms[1]), "int8");
  EXPECT_EQ(PrecisionOf(base), "fp32");
  EXPECT_EQ(BaseOf(store_, forms[1]), base.fingerprint);
  EXPECT_THAT(store_.Trash(), IsEmpty());
  EXPECT_THAT(remarks_, ::testing::Contains(AllOf(HasSubstr("MC-BLSTM512@int8 seed 1: 500.0 KiB "
                                                            "instead of 2.0 MiB"),
                                                  HasSubstr("GAP 0.25000 instead of 0.50000"))));
}

TEST_F(PrecisionFormsTest, TheWorkerIsToldWhatToShipAndWhere) {
  const TrialRecord base = store_.Trial(Add(512));
  Make({"int8"});
  ASSERT_THAT(world_.trial_files, SizeIs(1));
  const TrialFile& file = world_.trial_files.front();
  EXPECT_EQ(file.spec.warm_start, base.fingerprint);
  EXPECT_EQ(file.warm_start_hash, "aa");
  EXPECT_EQ(file.spec.model.train.at("epochs"), 0);
  EXPECT_EQ(file.spec.model.train.at("precision"), "int8");
  EXPECT_EQ(file.spec.data, store_.Spec(base.id).data);
  EXPECT_EQ(file.fingerprint, Fingerprint(file.spec));
  EXPECT_EQ(file.device, "cpu");
  EXPECT_EQ(file.threads, 2) << "as its trial: other threads may change the last bit";
}

TEST_F(PrecisionFormsTest, WhatIsThereIsNotAskedForAgain) {
  Add(512);
  Make({"int8"});
  const int counted = counter_.counted;
  EXPECT_THAT(Lacking({"int8"}), IsEmpty());
  EXPECT_EQ(counter_.counted, counted) << "the trainer is not started";
  Make({"fp16", "int8"});
  EXPECT_THAT(FormNames(), UnorderedElementsAre("MC-BLSTM512@fp16", "MC-BLSTM512@int8"));
  EXPECT_THAT(world_.started, ElementsAre("MC-BLSTM512@int8", "MC-BLSTM512@fp16"));
}

TEST_F(PrecisionFormsTest, OnlyWhatWasShippedAsTrainedAndGetsSmallerHasForms) {
  Add(512, "fp16");
  EXPECT_THAT(Lacking({"fp16", "bf16", "int8"}), IsEmpty());
  const TrialId small = Add(8);
  counter_ = FakeCounter([&](const ModelSpec& model) -> CountAnswer {
    // As small models are: no tensor has a table.
    if (PrecisionIn(model) == "int8") return ModelSize{8000, store_.Trial(small).size_bytes};
    return SizeIn(model);
  });
  const std::vector<FormToMake> lacking = Lacking({"fp16", "int8"});
  ASSERT_THAT(lacking, SizeIs(1));
  EXPECT_EQ(lacking.front().trial.name, "MC-BLSTM8@fp16");
}

TEST_F(PrecisionFormsTest, ATrialThatCountsNoMoreTakesItsFormsAlong) {
  const TrialId id = Add(512);
  Make({"int8"});
  const std::string form = FormsThatCount(store_, Study()).front().fingerprint;
  store_.AddEnsemble(
      Study().id,
      {.json = R"({"members":[{"name":"MC-BLSTM512@int8/s1","fingerprint":")" + form + "\"}]}"});
  ASSERT_THAT(KeptEnsembles(store_, Study()), SizeIs(1));
  EXPECT_TRUE(KeptEnsembles(store_, Study()).front().counts());
  store_.StopCounting(Study().id, {id}, "it was trained on other data");
  EXPECT_THAT(FormNames(), IsEmpty());
  EXPECT_THAT(Lacking({"int8"}), IsEmpty());
  EXPECT_THAT(KeptEnsembles(store_, Study()).front().not_counted,
              ElementsAre("MC-BLSTM512@int8/s1"));
}

TEST_F(PrecisionFormsTest, AnotherStudyOfTheTrialOnlyRefersToItsForm) {
  const TrialRecord base = store_.Trial(Add(512));
  Make({"int8"});
  const StudyRecord other = Open("other");
  store_.AddTrials(other.id, {ExampleNewTrial(512)});
  EXPECT_THAT(FormNames("other"), IsEmpty());
  EXPECT_TRUE(Make({"int8"}, "other"));
  EXPECT_THAT(FormNames("other"), ElementsAre("MC-BLSTM512@int8"));
  EXPECT_THAT(store_.Trials(other.id), SizeIs(1));
  EXPECT_THAT(world_.started, SizeIs(1));
}

TEST_F(PrecisionFormsTest, OneThatFailsIsToldAndCostsNoOther) {
  Add(512);
  Add(256);
  outcome_ = [](const TrialFile& file) {
    if (file.name == "MC-BLSTM512@int8") return ExampleFailure(FailureKind::kBadData);
    return OutcomeOfSize(file.spec.model, 0.25);
  };
  EXPECT_TRUE(Make({"int8"}));
  EXPECT_THAT(failures_, ElementsAre("MC-BLSTM512@int8 seed 1: bad_data: killed by signal 9"));
  EXPECT_THAT(FormNames(), ElementsAre("MC-BLSTM256@int8"));
  EXPECT_THAT(store_.Trash(), SizeIs(1)) << "what it left is to be deleted";
  outcome_ = [](const TrialFile& file) { return OutcomeOfSize(file.spec.model, 0.25); };
  EXPECT_TRUE(Make({"int8"}));
  EXPECT_THAT(FormNames(), UnorderedElementsAre("MC-BLSTM512@int8", "MC-BLSTM256@int8"));
}

TEST_F(PrecisionFormsTest, AModelOfAnotherSizeThanWasCountedIsNoForm) {
  Add(512);
  outcome_ = [](const TrialFile&) { return ExampleSuccess(); };
  EXPECT_TRUE(Make({"int8"}));
  ASSERT_THAT(failures_, SizeIs(1));
  EXPECT_THAT(failures_.front(), HasSubstr("counted before were 512000 parameters"));
  EXPECT_THAT(FormNames(), IsEmpty());
}

TEST_F(PrecisionFormsTest, WeightsThatWereGivenUpAreSaid) {
  const TrialRecord base = store_.Trial(Add(512));
  const auto give_up = [&] {
    for (const Artifact& artifact : base.result->artifacts) {
      if (artifact.name == "model") RecordUpkeep(store_).GiveUpFile(base, artifact);
    }
  };
  Make({"fp16"});
  const TrialRecord form = FormsThatCount(store_, Study()).front();
  EXPECT_TRUE(CanBeMadeAgain(store_, form));
  give_up();
  EXPECT_FALSE(CanBeMadeAgain(store_, form));
  EXPECT_TRUE(CanBeMadeAgain(store_, base)) << "it is trained from nothing";
  EXPECT_TRUE(Make({"int8"}));
  ASSERT_THAT(failures_, SizeIs(1));
  EXPECT_THAT(failures_.front(), AllOf(HasSubstr("MC-BLSTM512@int8 seed 1: "), HasSubstr("prune")));
  EXPECT_THAT(FormNames(), ElementsAre("MC-BLSTM512@fp16"));
}

TEST_F(PrecisionFormsTest, AnInterruptLeavesNothingHalf) {
  Add(512);
  held_ = {"MC-BLSTM512@int8"};
  EXPECT_FALSE(Make({"int8"}));
  EXPECT_THAT(FormNames(), IsEmpty());
  EXPECT_THAT(store_.Trials(Study().id, Counting::kAll), SizeIs(1));
  EXPECT_THAT(store_.Trash(), SizeIs(1));
}

TEST_F(PrecisionFormsTest, KilledAnywhereItIsAsIfNothingHadBegunOrAsIfItWereDone) {
  for (const std::int64_t hidden : {64, 128, 256}) Add(hidden);
  const std::vector<std::string> all = {"MC-BLSTM128@int8", "MC-BLSTM256@int8", "MC-BLSTM64@int8"};
  for (std::int64_t calls = 1;; ++calls) {
    Fuse fuse(calls);
    try {
      Make({"int8"}, "study", &fuse);
      break;
    } catch (const Killed&) {
      for (const TrialRecord& trial : store_.Trials(Study().id, Counting::kAll)) {
        EXPECT_EQ(trial.state, TrialState::kComplete) << trial.name;
        EXPECT_FALSE(store_.IsTrash(trial.directory)) << trial.name;
      }
      EXPECT_THAT(store_.OpenAttempts(), IsEmpty());
    }
  }
  EXPECT_THAT(FormNames(), UnorderedElementsAre(all[0], all[1], all[2]));
  // Whatever was begun and is not recorded is to be deleted.
  std::set<std::string> recorded;
  for (const TrialRecord& trial : store_.Trials(Study().id, Counting::kAll)) {
    recorded.insert(trial.directory);
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store_.runs())) {
    if (entry.path().filename() != kTrialFile) continue;
    const std::filesystem::path attempt = entry.path().parent_path();
    EXPECT_NE(recorded.contains(attempt.string()), store_.IsTrash(attempt)) << attempt;
  }
}

TEST_F(PrecisionFormsTest, VerifyAndItsFilesKnowThem) {
  Add(512);
  Make({"int8"});
  const std::vector<TrialRecord> complete = CompleteTrials(store_, Study());
  ASSERT_THAT(complete, SizeIs(2));
  EXPECT_EQ(complete[1].name, "MC-BLSTM512@int8");
  EXPECT_THAT(DamagedFiles(complete), SizeIs(4)) << "no file of theirs is there";
}

}  // namespace
}  // namespace beamgrid
