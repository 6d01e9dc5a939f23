// What only somebody at a terminal meets, on one that `script` makes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace terminal_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Runs `beamgrid ARGUMENTS` in the folder at a terminal of 80 columns, after `before`, and types
/// `typed`.
Ended AtTerminal(const StudyFolder& folder, const std::string& arguments, const std::string& typed,
                 const std::string& before = "export TERM=xterm") {
  const std::string command =
      "stty cols 80 rows 24; " + before + "; " + Binary("beamgrid") + " " + arguments;
  return Process({"/bin/sh", "-c", "printf '%s\\n' \"$1\" | script -qefc \"$0\" /dev/null", command,
                  typed},
                 folder.path())
      .Wait();
}

TEST(TerminalTest, WhoSitsAtOneIsAsked) {
  const StudyFolder folder;
  folder.WriteRecipe({});
  ASSERT_EQ(folder.Run({"run", "recipe.toml"}).exit_code, 0);
  const Ended no = AtTerminal(folder, "rm small", "n");
  EXPECT_THAT(no.out, HasSubstr("[y/N]"));
  EXPECT_THAT(no.out, HasSubstr("nothing was changed"));
  EXPECT_THAT(folder.Run({"studies"}).out, HasSubstr("small"));
  const Ended yes = AtTerminal(folder, "rm small", "y");
  EXPECT_EQ(yes.exit_code, 0) << yes.out;
  EXPECT_EQ(folder.Run({"studies", "--json"}).out, "[]\n");
  const Ended nobody = folder.Run({"rm", "small"});
  EXPECT_EQ(nobody.exit_code, 2);
}

TEST(TerminalTest, ListsAreColouredAndLongOnesPaged) {
  const StudyFolder folder;
  folder.WriteRecipe({});
  ASSERT_EQ(folder.Run({"run", "recipe.toml"}).exit_code, 0);
  const std::string complete = "\033[32mcomplete\033[0m";
  const std::string pager = "export TERM=xterm PAGER='cat > paged'; ";
  const Ended roomy = AtTerminal(folder, "trials small", "", pager + "unset NO_COLOR");
  EXPECT_THAT(roomy.out, HasSubstr(complete));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "paged"));
  const Ended full = AtTerminal(folder, "trials small", "", pager + "stty rows 5; unset NO_COLOR");
  EXPECT_EQ(full.exit_code, 0) << full.out;
  EXPECT_THAT(full.out, Not(HasSubstr("complete")));
  EXPECT_THAT(ReadText(folder.path() / "paged"), HasSubstr(complete));
  for (const char* plain : {"export TERM=xterm NO_COLOR=1", "export TERM=dumb PAGER=false"}) {
    EXPECT_THAT(AtTerminal(folder, "trials small", "", std::string(plain) + "; stty rows 50").out,
                AllOf(HasSubstr("complete"), Not(HasSubstr("\033"))));
  }
}

TEST(TerminalTest, WhatARunShowsIsGoneWithItAndWatchSaysHowItEnded) {
  const StudyFolder folder;
  folder.WriteRecipe({});
  const std::string colours = "export TERM=xterm; unset NO_COLOR";
  const Ended run = AtTerminal(folder, "run recipe.toml", "", colours);
  EXPECT_EQ(run.exit_code, 0) << run.out;
  EXPECT_THAT(run.out, AllOf(HasSubstr("cpu 2/2"), HasSubstr("\033[?25h"), HasSubstr("2 running")));
  EXPECT_THAT(run.out, Not(HasSubstr("\033[?1049")));
  EXPECT_GT(run.out.rfind("\033[?25h"), run.out.rfind("\033[?25l")) << "the cursor is shown again";
  const Ended watch = AtTerminal(folder, "watch small", "", colours);
  EXPECT_EQ(watch.exit_code, 0) << watch.out;
  EXPECT_THAT(watch.out, AllOf(HasSubstr("8 done"), HasSubstr("ended at 2")));
}

}  // namespace terminal_test
}  // namespace beamgrid
