// dump and verify on a database that the test filled; what they train is in tests/end_to_end.

#include <gmock/gmock.h>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RepeatCommandsTest : public CommandTest {
 protected:
  RepeatCommandsTest() { FillStore(database_); }
  [[nodiscard]] Called OnRecord(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--db", database_});
    return Call(arguments);
  }
  const std::string database_ = Path("filled.db");
};

TEST_F(RepeatCommandsTest, DumpHasALineForTheStudyAndEachTrial) {
  const Called canonical = OnRecord({"dump", "small", "--canonical"});
  EXPECT_EQ(canonical.exit_code, 0);
  EXPECT_EQ(std::ranges::count(canonical.out, '\n'), 4);
  EXPECT_THAT(canonical.out, Not(HasSubstr("attempts")));
  EXPECT_EQ(OnRecord({"dump", "small", "--canonical"}).out, canonical.out);
  const Called whole = OnRecord({"dump", "small"});
  EXPECT_THAT(whole.out, HasSubstr("\"attempts\""));
  EXPECT_THAT(whole.out, HasSubstr("retried after attempt 1: diverged"));
}

TEST_F(RepeatCommandsTest, VerifyNamesTheFilesThatAreNotThoseRecorded) {
  const Called called = OnRecord({"verify", "small", "--files"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.out,
              HasSubstr("damaged  MC-BLSTM-MoE2 seed 1: " + Path("runs/a/predictions.bin") +
                        " is gone with its folder (--runs names another runs folder)"));
  const auto json = OnRecord({"verify", "small", "--files", "--json"}).Json();
  EXPECT_EQ(json.at("complete"), 1);
  EXPECT_EQ(json.at("trained"), 0);
  EXPECT_THAT(json.at("trials").as_array(), IsEmpty());
  EXPECT_EQ(json.at("damaged").at(0).at("artifact"), "predictions");
  EXPECT_EQ(std::string(json.at("damaged").at(0).at("path").as_string()),
            Path("runs/a/predictions.bin"));
}

TEST_F(RepeatCommandsTest, VerifyRefusesWhatItCannotDo) {
  EXPECT_EQ(OnRecord({"verify", "smal"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"dump", "smal"}).exit_code, 2);
  const Called sample = OnRecord({"verify", "small", "--sample", "some"});
  EXPECT_EQ(sample.exit_code, 2);
  EXPECT_THAT(sample.err, HasSubstr("--sample: 'some' must be a number of trials, or all"));
  EXPECT_EQ(OnRecord({"verify", "small", "--sample", "-1"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"verify", "small", "--repair", "--files"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"verify", "small", "--repair", "--sample", "2"}).exit_code, 2);
  const std::string missing = Path("missing.db");
  for (const char* command : {"dump", "verify"}) {
    EXPECT_EQ(Call({command, "small", "--db", missing}).exit_code, 2) << command;
    EXPECT_FALSE(std::filesystem::exists(missing));
  }
}

TEST_F(RepeatCommandsTest, AStudyWithoutACompleteTrialHasNothingToVerify) {
  Store store(database_, OpenMode::kReadWrite);
  store.OpenStudy({.name = "empty", .objective = "gap", .recipe_digest = "d3"});
  const Called called = OnRecord({"verify", "empty"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("study 'empty' has no complete trial"));
}

}  // namespace
}  // namespace beamgrid
