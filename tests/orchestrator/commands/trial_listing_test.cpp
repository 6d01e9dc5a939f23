#include "orchestrator/commands/trial_listing.h"

#include <gmock/gmock.h>

#include <sstream>

#include "orchestrator/commands/terminal.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

/// A study whose recipe says `seeds`, with one model of two complete seeds.
class LeaderboardTest : public testing::Test {
 protected:
  StudyRecord StudyOf(const std::string& recipe_text) {
    StudyRecord study = ExampleStudy();
    study.recipe_text = recipe_text;
    study.id = store_.OpenStudy(study);
    for (const std::int64_t seed : {1, 2}) {
      const TrialId id = store_.AddTrials(study.id, {ExampleNewTrial(512, seed)})[0];
      if (store_.Trial(id).state == TrialState::kComplete) continue;
      store_.FinishAttempt(id, store_.BeginAttempt(id, "d", "cpu", 1), ExampleSuccess(),
                           TrialState::kComplete);
    }
    return study;
  }
  static std::string Recipe(const std::string& seeds) {
    return "beamgrid = 1\n[study]\nname = \"study\"\nseeds = " + seeds + "\n";
  }
  std::string Printed(const StudyRecord& study) {
    std::ostringstream out;
    PrintLeaderboard(out, store_, study);
    return out.str();
  }

  Store store_{":memory:", OpenMode::kReadWrite};
};

TEST_F(LeaderboardTest, SaysHowManySeedsARaceAllows) {
  const StudyRecord study = StudyOf(Recipe("{ min = 1, max = 5 }"));
  EXPECT_THAT(Printed(study),
              EndsWith("   2/2  2.0 MiB  MC-BLSTM512\nseeds: complete of those begun; the race "
                       "gives each model 1 to 5, further ones only while it may be the best\n"));
  const auto json = LeaderboardJson(store_, study);
  EXPECT_EQ(json.at(0).at("seeds"), 2);
  EXPECT_EQ(json.at(0).at("least_seeds"), 1);
  EXPECT_EQ(json.at(0).at("most_seeds"), 5);
  std::ostringstream narrow;
  SetTerminalWidth(narrow, 40);
  PrintLeaderboard(narrow, store_, study);
  EXPECT_LE(WidestLine(narrow.str()), 40U) << narrow.str();
}

TEST_F(LeaderboardTest, SaysNothingOfARaceWhereThereIsNone) {
  const StudyRecord study = StudyOf(Recipe("[1, 2]"));
  EXPECT_THAT(Printed(study), Not(HasSubstr("race")));
  EXPECT_EQ(LeaderboardJson(store_, study).at(0).at("most_seeds"), 2);
}

TEST_F(LeaderboardTest, DoesWithoutARecipeThatCanBeRead) {
  for (const char* text : {"", "no recipe", "[study]\nname = \"a b\"\n"}) {
    const StudyRecord study = StudyOf(text);
    EXPECT_THAT(Printed(study), EndsWith("MC-BLSTM512\n")) << text;
    EXPECT_TRUE(LeaderboardJson(store_, study).at(0).at("most_seeds").is_null()) << text;
  }
}

}  // namespace
}  // namespace beamgrid
