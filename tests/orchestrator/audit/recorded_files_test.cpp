// Files that are not what was recorded: cut off, damaged, gone, exchanged.

#include "orchestrator/audit/recorded_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class RecordedFilesTest : public ::testing::Test {
 protected:
  RecordedFilesTest() {
    WriteFileAtomically(folder_ / "model.pt", "the weights");
    WriteFileAtomically(folder_ / "predictions.bin", "predictions");
    trial_.name = "MC-MoE2";
    trial_.seed = 2;
    trial_.directory = folder_.path().string();
    trial_.result = TrialResult{};
    trial_.result->artifacts = {Recorded("model", "model.pt"),
                                Recorded("predictions", "predictions.bin")};
  }
  [[nodiscard]] Artifact Recorded(const std::string& name, const std::string& file) const {
    const std::string content = ReadFile(folder_ / file);
    return {.name = name,
            .path = file,
            .bytes = static_cast<std::int64_t>(content.size()),
            .hash = HashBytes(content)};
  }
  [[nodiscard]] std::string DamageOfModel() const {
    return RecordedDamage(folder_ / "model.pt", trial_.result->artifacts[0]);
  }
  [[nodiscard]] std::string Refusal() const {
    return ErrorText<Error>([this] { (void)CheckedArtifact(trial_, "model", "small"); });
  }

  const TemporaryFolder folder_;
  TrialRecord trial_;
};

TEST_F(RecordedFilesTest, WhatWasRecordedIsGiven) {
  EXPECT_EQ(DamageOfModel(), "");
  EXPECT_EQ(CheckedArtifact(trial_, "model", "small"), folder_ / "model.pt");
}

TEST_F(RecordedFilesTest, WithACacheTheSameIsSaid) {
  HashCache cache(std::nullopt);
  const auto damage = [&] {
    return RecordedDamage(folder_ / "model.pt", trial_.result->artifacts[0], &cache);
  };
  EXPECT_EQ(damage(), "");
  EXPECT_EQ(damage(), "");
  WriteFileAtomically(folder_ / "model.pt", "the weighty");
  EXPECT_THAT(damage(), HasSubstr("has the hash "));
  WriteFileAtomically(folder_ / "model.pt", "the wei");
  EXPECT_EQ(damage(), "has 7 bytes, the record says 11");
  std::filesystem::remove(folder_ / "model.pt");
  EXPECT_EQ(damage(), "is gone");
}

TEST_F(RecordedFilesTest, ACutOffFile) {
  WriteFileAtomically(folder_ / "model.pt", "the wei");
  EXPECT_EQ(DamageOfModel(), "has 7 bytes, the record says 11");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr((folder_ / "model.pt").string()),
                               HasSubstr("not the model that the record holds of MC-MoE2 seed 2"),
                               HasSubstr("has 7 bytes, the record says 11"),
                               HasSubstr("beamgrid verify small --repair"),
                               HasSubstr("beamgrid verify small --files")));
}

TEST_F(RecordedFilesTest, AFlippedBit) {
  WriteFileAtomically(folder_ / "model.pt", "the weighus");
  EXPECT_EQ(DamageOfModel(), "has the hash " + HashBytes("the weighus") + ", the record says " +
                                 HashBytes("the weights"));
  EXPECT_THAT(Refusal(), HasSubstr(HashBytes("the weights")));
}

TEST_F(RecordedFilesTest, AFileThatIsGone) {
  std::filesystem::remove(folder_ / "model.pt");
  EXPECT_EQ(DamageOfModel(), "is gone");
  EXPECT_THAT(Refusal(), HasSubstr("is gone"));
}

TEST_F(RecordedFilesTest, AFolderThatIsGoneMayLieElsewhere) {
  trial_.directory = (folder_ / "moved").string();
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("is gone with its folder"), HasSubstr("--runs")));
}

TEST_F(RecordedFilesTest, FilesOfOneSizeThatChangedPlaces) {
  std::filesystem::rename(folder_ / "model.pt", folder_ / "aside");
  std::filesystem::rename(folder_ / "predictions.bin", folder_ / "model.pt");
  std::filesystem::rename(folder_ / "aside", folder_ / "predictions.bin");
  EXPECT_THAT(DamageOfModel(), HasSubstr(HashBytes("predictions")));
  EXPECT_THAT(Refusal(), HasSubstr("has the hash"));
}

TEST_F(RecordedFilesTest, AFolderInItsPlace) {
  std::filesystem::remove(folder_ / "model.pt");
  std::filesystem::create_directory(folder_ / "model.pt");
  EXPECT_EQ(DamageOfModel(), "is no file");
}

TEST_F(RecordedFilesTest, AnArtifactThatTheRecordDoesNotName) {
  trial_.result->artifacts.clear();
  EXPECT_EQ(Refusal(), "MC-MoE2 seed 2: the record names no model");
  trial_.result.reset();
  EXPECT_EQ(Refusal(), "MC-MoE2 seed 2: the record names no model");
}

}  // namespace
}  // namespace beamgrid
