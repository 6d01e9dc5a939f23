// export, with a trainer that is a script: names, refusals, and that a folder is there whole or
// not.

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "registry/store/upkeep.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class ExportCommandTest : public CommandTest {
 protected:
  ExportCommandTest() {
    UseTrainer(
        "echo weights > \"$2/model.safetensors\"\n"
        "for bytes in $(grep -o '\"size_bytes\":[0-9]*' \"$2/export.json\" | cut -d: -f2); do\n"
        "  answer=\"$answer,{\\\"weight_bytes\\\":$bytes,\\\"sample\\\":[[[3,0.5],[1,0.25]]]}\"\n"
        "done\n"
        "echo \"[${answer#,}]\"\n");
  }

  /// Makes the trainer a script that carries these lines out when it is asked for an export.
  void UseTrainer(const std::string& lines) const {
    const std::string trainer =
        Write("trainer", "#!/bin/sh\n[ \"$1\" = export ] || exit 9\n" + lines);
    fs::permissions(trainer, fs::perms::owner_all);
    setenv("BEAMGRID_TRAINER", trainer.c_str(), 1);
  }

  /// Adds a trial to study "one"; complete with its model.pt unless `complete` is false.
  TrialRecord Add(std::int64_t hidden, std::int64_t seed = 1, bool complete = true) const {
    Store store(Path("b.db"), OpenMode::kReadWrite);
    const StudyId study = store.OpenStudy(ExampleStudy("one"));
    const TrialId trial = store.AddTrials(study, {ExampleNewTrial(hidden, seed)}).front();
    if (!complete) return store.Trial(trial);
    const std::string folder = Path("runs/" + std::to_string(hidden) + "-" + std::to_string(seed));
    WriteFileAtomically(folder + "/model.pt", "the weights");
    AttemptOutcome outcome = ExampleSuccess();
    outcome.result().artifacts = {
        {.name = "model", .path = "model.pt", .bytes = 11, .hash = HashFile(folder + "/model.pt")}};
    store.FinishAttempt(trial, store.BeginAttempt(trial, folder, "cpu", 1), outcome,
                        TrialState::kComplete);
    return store.Trial(trial);
  }

  /// Records an ensemble of these trials.
  void AddEnsemble(const std::vector<TrialRecord>& trials, std::int64_t extra_bytes = 0) const {
    boost::json::array members;
    std::int64_t bytes = 0;
    for (const TrialRecord& trial : trials) {
      bytes += trial.size_bytes + extra_bytes;
      members.push_back({{"name", trial.name + "/s" + std::to_string(trial.seed)},
                         {"fingerprint", trial.fingerprint},
                         {"size_bytes", trial.size_bytes + extra_bytes},
                         {"weight", 1.0 / static_cast<double>(trials.size())}});
    }
    const boost::json::object answer = {{"members", members},
                                        {"size_bytes", bytes},
                                        {"size_limit", 1 << 30},
                                        {"combine", "probabilities"},
                                        {"selection", {{"gap", 0.75}, {"videos", 20}}},
                                        {"holdout", {{"gap", 0.625}, {"videos", 10}}}};
    Store store(Path("b.db"), OpenMode::kReadWrite);
    store.AddEnsemble(store.FindStudy("one")->id,
                      {.created_at = "2026-01-01T00:00:00Z", .json = CanonicalJson(answer)});
  }

  [[nodiscard]] Called Export(const std::string& name, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"export",    name,   "--out",
                                          Path("out"), "--db", Path("b.db")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  }

  /// Expects the refusal with this exit code and these words, and nothing beside what was there.
  void ExpectRefused(const std::string& name, int exit_code, const std::string& words) const {
    const bool was_there = fs::exists(Path("out"));
    const Called called = Export(name);
    EXPECT_EQ(called.exit_code, exit_code) << called.err;
    EXPECT_THAT(called.err, HasSubstr(words));
    EXPECT_EQ(called.out, "");
    EXPECT_EQ(fs::exists(Path("out")), was_there);
    EXPECT_EQ(PartsLeft(), 0);
  }

  /// The folders of unfinished exports.
  [[nodiscard]] int PartsLeft() const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(Path("out")).parent_path())) {
      if (entry.path().filename().string().starts_with("out.part")) ++count;
    }
    return count;
  }
};

TEST_F(ExportCommandTest, AModelIsAFolderWithItsCard) {
  const TrialRecord trial = Add(512);
  const Called called = Export("one/MC-BLSTM512");
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, HasSubstr("MC-BLSTM512, 2.0 MiB of weights"));
  EXPECT_TRUE(fs::exists(Path("out/model.safetensors")));
  EXPECT_FALSE(fs::exists(Path("out/export.json"))) << "the question is no part of the export";
  EXPECT_EQ(PartsLeft(), 0);
  const std::string card = ReadFile(Path("out/README.md"));
  EXPECT_THAT(card, HasSubstr("# MC-BLSTM512\n"));
  EXPECT_THAT(card, HasSubstr("| MC-BLSTM512 | 0.50000 | 0.25000 |"));
  EXPECT_THAT(card, HasSubstr("`" + trial.fingerprint + "`"));
  EXPECT_THAT(card, HasSubstr("2048000 bytes of weights, shipped as fp32"));
}

TEST_F(ExportCommandTest, ClassesHaveTheirNamesInCardAndConfig) {
  AddEnsemble({Add(1), Add(3)});
  const std::string names = Write("names.csv", "Index,Name\n1,\"a|b, <i>\"\n0,`rain\x1b[31m`\n");
  ASSERT_EQ(Export("one:ensemble", {"--names", names}).exit_code, 0);
  for (const std::string file : {"out/README.md", "out/member1/README.md"}) {
    const std::string card = ReadFile(Path(file));
    EXPECT_THAT(card, HasSubstr("## Classes\n\n| class | name |\n|---:|---|\n"
                                R"(| 0 | \`rain\\x1b[31m\` |)"
                                "\n"
                                R"(| 1 | a\|b, \<i> |)"
                                "\n\n"))
        << card;
  }
  const auto config = ParseJson(ReadFile(Path("out/config.json")));
  EXPECT_EQ(config.at("class_names").at(1).as_string(), "a|b, <i>");
}

TEST_F(ExportCommandTest, WithoutAVocabularyNothingIsSaidOfNames) {
  AddEnsemble({Add(1), Add(3)});
  ASSERT_EQ(Export("one:ensemble").exit_code, 0);
  EXPECT_THAT(ReadFile(Path("out/README.md")), Not(HasSubstr("## Classes")));
  EXPECT_FALSE(ParseJson(ReadFile(Path("out/config.json"))).as_object().contains("class_names"));
}

TEST_F(ExportCommandTest, JsonSaysWhatWasWritten) {
  const TrialRecord trial = Add(2);
  const auto json = Export("one", {"--json"}).Json();
  EXPECT_EQ(json.at("weight_bytes").as_int64(), 8000);
  EXPECT_EQ(json.at("models").at(0).at("folder").as_string(), ".");
  EXPECT_EQ(json.at("models").at(0).at("fingerprint").as_string(), trial.fingerprint);
}

TEST_F(ExportCommandTest, AnEnsembleIsOneFolderOfItsMembers) {
  AddEnsemble({Add(1), Add(3)});
  const auto json = Export("one:ensemble", {"--json"}).Json();
  EXPECT_EQ(json.at("weight_bytes").as_int64(), 16000);
  const auto config = ParseJson(ReadFile(Path("out/config.json")));
  EXPECT_EQ(config.at("size_bytes").as_int64(), 16000) << "what the size limit counted";
  EXPECT_EQ(config.at("combine").as_string(), "probabilities");
  EXPECT_EQ(config.at("members").at(1).at("folder").as_string(), "member2");
  // Both members say the same of the one sample video.
  EXPECT_EQ(ReadFile(Path("out/sample.json")), "[[[3,0.5],[1,0.25]]]\n");
  EXPECT_THAT(ReadFile(Path("out/member2/README.md")), HasSubstr("# MC-BLSTM3\n"));
  const std::string card = ReadFile(Path("out/README.md"));
  EXPECT_THAT(card, HasSubstr("| [member1](member1/README.md) | MC-BLSTM1 | 1 | 0.5000 |"));
  EXPECT_THAT(card, HasSubstr("0.62500 on 10 held-out videos"));
}

TEST_F(ExportCommandTest, AnEmptyFolderIsTaken) {
  Add(512);
  fs::create_directory(Path("out"));
  EXPECT_EQ(Export("1").exit_code, 0);
  EXPECT_TRUE(fs::exists(Path("out/README.md")));
}

TEST_F(ExportCommandTest, TheCurrentFolderIsRefused) {
  Add(512);
  fs::create_directory(Path("here"));
  const fs::path before = fs::current_path();
  fs::current_path(Path("here"));
  const Called called = Call({"export", "1", "--out", ".", "--db", Path("b.db")});
  fs::current_path(before);
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("it is the current folder; name one in it, as in ./model"));
}

TEST_F(ExportCommandTest, ASlashBehindTheFoldersNameIsFine) {
  Add(512);
  const Called called = Call({"export", "1", "--out", Path("new") + "/", "--db", Path("b.db")});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_TRUE(fs::exists(Path("new/README.md")));
}

TEST_F(ExportCommandTest, WhatCannotBeWrittenHasTheNameThatWasGiven) {
  Add(512);
  UseTrainer(
      "echo \"beamgrid-trainer: $2/model.safetensors: cannot write: No space left\" >&2\n"
      "exit 1\n");
  ExpectRefused("one/MC-BLSTM512", 1,
                "error: " + Path("out") + "/model.safetensors: cannot write: No space left\n");
}

TEST_F(ExportCommandTest, WhatAKilledExportLeftIsRemoved) {
  Add(512);
  // No process has this number: it is beyond the kernel's largest.
  const std::string left = Path("out.part.2147483646"), foreign = Path("out.part.2147483645");
  WriteFileAtomically(left + "/export.json", "{}");
  WriteFileAtomically(foreign + "/novel.txt", "not ours");
  EXPECT_EQ(Export("1").exit_code, 0);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(foreign + "/novel.txt"));
}

TEST_F(ExportCommandTest, AFolderThatIsNotEmptyIsRefused) {
  Add(512);
  WriteFileAtomically(Path("out/mine.txt"), "mine");
  ExpectRefused("1", 2, "the folder is not empty; name a new one");
  EXPECT_EQ(ReadFile(Path("out/mine.txt")), "mine");
}

TEST_F(ExportCommandTest, AFileAndAFolderNowhereAreRefused) {
  Add(512);
  Write("out", "a file");
  ExpectRefused("1", 2, "there is a file of that name");
  const Called nowhere = Call({"export", "1", "--out", Path("no/where"), "--db", Path("b.db")});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("there is no folder"));
}

TEST_F(ExportCommandTest, NamesThatMeanNothingAreRefused) {
  Add(512);
  ExpectRefused("one/MC-BLSTM513", 2, "no trial 'one/MC-BLSTM513'");
  ExpectRefused("two:ensemble", 2, "no study 'two'");
  ExpectRefused(
      "one:ensmble", 2,
      "behind a study's name there may be :ensemble or the number of one, as in one:ensemble");
  ExpectRefused("one:ensemble", 2, "study 'one' has no recorded ensemble; `beamgrid ensemble one`");
}

TEST_F(ExportCommandTest, SeveralModelsAreNamed) {
  Add(512, 1);
  Add(512, 2);
  ExpectRefused("one", 2,
                "study 'one' has 2 complete trials; which one, or one:ensemble?\n"
                "  one/MC-BLSTM512/1\n  one/MC-BLSTM512/2");
  ExpectRefused("one/MC-BLSTM512", 2, "names 2 trials; which one?");
  EXPECT_EQ(Export("one/MC-BLSTM512/2").exit_code, 0);
}

TEST_F(ExportCommandTest, ATrialThatIsNotCompleteIsRefused) {
  Add(512, 1, /*complete=*/false);
  ExpectRefused("1", 2, "trial one/MC-BLSTM512/1 is waiting, not complete");
  ExpectRefused("one", 2, "study 'one' has no complete trial");
}

TEST_F(ExportCommandTest, ADamagedModelFileIsRefused) {
  const TrialRecord trial = Add(512);
  WriteFileAtomically(fs::path(trial.directory) / "model.pt", "the wEights");
  ExpectRefused("1", 1, "model.pt: not the model that the record holds of MC-BLSTM512 seed 1");
  fs::remove(fs::path(trial.directory) / "model.pt");
  ExpectRefused("1", 1, "the file is gone");
}

TEST_F(ExportCommandTest, AModelFileThatWasGivenUpIsRefusedWithTheWayBack) {
  const TrialRecord trial = Add(512);
  {
    Store store(Path("b.db"), OpenMode::kReadWrite);
    RecordUpkeep(store).GiveUpFile(trial, store.Artifacts(trial.id).at(0));
  }
  fs::remove(fs::path(trial.directory) / "model.pt");
  ExpectRefused("1", 1, "`prune` gave the model file of MC-BLSTM512 seed 1 up");
}

TEST_F(ExportCommandTest, WhatTheTrainerRefusesLeavesNothing) {
  Add(512);
  UseTrainer(
      "echo half > \"$2/modeling.py\"\n"
      "echo \"beamgrid-trainer: the model cannot be exported: temporal 'peak' comes from a plugin\""
      " >&2\nexit 2\n");
  ExpectRefused("1", 2, "the model cannot be exported: temporal 'peak' comes from a plugin");
  UseTrainer("echo half > \"$2/modeling.py\"\nkill -9 $$\n");
  ExpectRefused("1", 1, "was killed by signal 9");
}

TEST_F(ExportCommandTest, AnAnswerThatIsNoneIsRefused) {
  Add(512);
  for (const std::string answer :
       {"hello", "{}", "[]", "[{\"weight_bytes\":1}]", "[{\"weight_bytes\":1,\"sample\":[[1]]}]"}) {
    UseTrainer("echo '" + answer + "'\n");
    ExpectRefused("1", 1, "trainer and beamgrid must be of one build");
  }
}

TEST_F(ExportCommandTest, WeightsOfAnotherSizeThanCountedAreRefused) {
  const TrialRecord trial = Add(512);
  AddEnsemble({trial}, /*extra_bytes=*/1);
  ExpectRefused("one:ensemble", 1, "the ensemble counts 2048001 bytes for its member MC-BLSTM512");
  UseTrainer("echo '[{\"weight_bytes\":7,\"sample\":[]}]'\n");
  ExpectRefused("1", 1, "are 7 bytes, and the record counted 2048000");
}

}  // namespace
}  // namespace beamgrid
