// What `beamgrid distil` refuses before anything is predicted; tests/end_to_end/distil_test.cpp has
// it at work.

#include <gmock/gmock.h>

#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {
namespace distil_command_test {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DistilCommandTest : public CommandTest {
 protected:
  DistilCommandTest() { FillStore(database_); }
  [[nodiscard]] Called Distil(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"distil", "--db", database_, "--out", Path("out")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  }
  /// The words of a refusal that leaves nothing behind.
  [[nodiscard]] std::string Refusal(const std::vector<std::string>& more) const {
    const Called called = Distil(more);
    EXPECT_EQ(called.exit_code, 2) << called.err;
    EXPECT_FALSE(std::filesystem::exists(Path("out")));
    return called.err;
  }

  const std::string database_ = Path("s.db");
  const std::string trial_ = "small/MC-BLSTM-MoE2/1";
};

TEST_F(DistilCommandTest, RefusesATeacherThatIsNotThere) {
  EXPECT_THAT(Refusal({"nobody:ensemble"}), HasSubstr("no study 'nobody'"));
  EXPECT_THAT(Refusal({"small:ensemble"}),
              HasSubstr("study 'small' has no recorded ensemble; `beamgrid ensemble small` makes "
                        "one"));
  EXPECT_THAT(Refusal({"small/MC-BLSTM-MoE2/2"}), HasSubstr("is failed, not complete"));
}

TEST_F(DistilCommandTest, RefusesAStudentThatIsNotThereOrTooLarge) {
  EXPECT_THAT(Refusal({trial_, "--size-limit", "3999"}),
              HasSubstr("study 'small' has no complete trial of at most 3.9 KiB"));
  EXPECT_THAT(Refusal({trial_, "--size-limit", "3999", "--model", trial_}),
              HasSubstr("--model: " + trial_ + " has 3.9 KiB, more than"));
  EXPECT_THAT(Refusal({trial_, "--size-limit", "large"}), HasSubstr("must be a size as in 1GiB"));
  EXPECT_THAT(Refusal({trial_, "--model", "small/MC-BLSTM-MoE2/2"}),
              HasSubstr("--model: small/MC-BLSTM-MoE2/2 is failed, not complete"));
  EXPECT_THAT(Refusal({trial_, "--model", "small/nobody"}), HasSubstr("nobody"));
}

TEST_F(DistilCommandTest, RefusesNamesAndWeightsThatCannotBe) {
  EXPECT_THAT(Refusal({trial_, "--name", "a b"}),
              HasSubstr("--name: 'a b' must be 1..100 letters, digits, - and _"));
  EXPECT_THAT(Refusal({trial_, "--name", "small"}), HasSubstr("is the teacher's study"));
  EXPECT_THAT(Refusal({trial_, "--weight", "1.5"}), HasSubstr("--weight"));
  EXPECT_THAT(Refusal({trial_, "--weight", "0.5,-1"}), HasSubstr("--weight"));
  EXPECT_THAT(Refusal({trial_, "--no-run", "--json"}), HasSubstr("--no-run"));
}

}  // namespace distil_command_test
}  // namespace beamgrid
