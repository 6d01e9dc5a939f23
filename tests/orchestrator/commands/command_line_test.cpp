#include "orchestrator/commands/command_line.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "orchestrator/commands/command.h"
#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CommandLineTest : public CommandTest {};

TEST_F(CommandLineTest, VersionGoesToStdout) {
  const Called called = Call({"--version"});
  EXPECT_EQ(called.exit_code, 0);
  EXPECT_EQ(called.out, "beamgrid " BEAMGRID_VERSION "\n");
  EXPECT_THAT(called.err, IsEmpty());
}

TEST_F(CommandLineTest, HelpListsEveryCommandOfTheDesignAndNoOther) {
  const Called called = Call({"--help"});
  EXPECT_EQ(called.exit_code, 0);
  for (const char* name :
       {"run",     "plan",   "check", "components", "studies", "trials",   "show",
        "explain", "query",  "dump",  "verify",     "table",   "ensemble", "score",
        "data",    "doctor", "du",    "prune",      "rm",      "rename",   "merge"}) {
    EXPECT_THAT(called.out, HasSubstr(std::string("\n  ") + name + " ")) << name;
  }
  for (const char* later : {"\n  predict", "\n  export", "\n  serve"}) {
    EXPECT_THAT(called.out, Not(HasSubstr(later)));
  }
}

TEST_F(CommandLineTest, EveryCommandHasHelp) {
  for (const CommandInfo& info : Commands()) {
    std::vector<std::string> arguments;
    std::istringstream words(info.name);
    for (std::string word; words >> word;) arguments.push_back(word);
    arguments.push_back("--help");
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 0) << info.name;
    EXPECT_THAT(called.out, HasSubstr(info.help)) << info.name;
  }
}

TEST_F(CommandLineTest, AMisspeltCommandIsRefusedWithTheNearest) {
  const Called called = Call({"tabel", "x"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.out, IsEmpty());
  EXPECT_THAT(called.err, HasSubstr("unknown command `tabel`; did you mean `table`?"));
}

TEST_F(CommandLineTest, AMisspeltCommandOfAGroupIsRefusedWithTheNearest) {
  const Called called = Call({"data", "inspekt"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("beamgrid data: unknown command `inspekt`; did you mean "
                                    "`inspect`?"));
}

TEST_F(CommandLineTest, AMisspeltOptionIsRefusedWithTheNearest) {
  const Called called = Call({"table", "x", "--vayr", "temporal"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err,
              HasSubstr("beamgrid table: unknown option --vayr; did you mean `--vary`?"));
}

TEST_F(CommandLineTest, NoCommandAndMissingArgumentsAreUsageErrors) {
  EXPECT_EQ(Call({}).exit_code, 2);
  EXPECT_EQ(Call({"data"}).exit_code, 2);
  const Called called = Call({"score", "--predictions", "p.csv"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("--truth"));
}

TEST_F(CommandLineTest, AValueOfTheWrongTypeIsAUsageError) {
  const Called called = Call({"ensemble", "x", "--members", "six"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("--members"));
  EXPECT_EQ(Call({"ensemble", "x", "--weights", "best"}).exit_code, 2);
}

TEST_F(CommandLineTest, QuietAndVerboseExcludeEachOther) {
  EXPECT_EQ(Call({"--quiet", "--verbose", "studies"}).exit_code, 2);
}

TEST_F(CommandLineTest, AStreamThatCannotBeWrittenIsAnError) {
  std::ostringstream out, err;
  out.setstate(std::ios::failbit);
  EXPECT_EQ(RunCommandLine({"query", "--list"}, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr("standard output: cannot write"));
}

TEST_F(CommandLineTest, CompletionKnowsCommandsAndTheirOptions) {
  const Called bash = Call({"completion", "bash"});
  EXPECT_EQ(bash.exit_code, 0);
  EXPECT_THAT(bash.out, HasSubstr("complete -o default -F _beamgrid beamgrid"));
  EXPECT_THAT(bash.out, HasSubstr("' data verify') words='"));
  const std::string script =
      Write("completion.bash", bash.out +
                                   "COMP_WORDS=(beamgrid data synth --vid); COMP_CWORD=3\n"
                                   "_beamgrid\necho \"${COMPREPLY[@]}\"\n"
                                   "COMP_WORDS=(beamgrid stu); COMP_CWORD=1\n"
                                   "_beamgrid\necho \"${COMPREPLY[@]}\"\n");
  const std::string answers = Path("answers");
  ASSERT_EQ(std::system(("bash '" + script + "' > '" + answers + "'").c_str()), 0);
  std::ifstream in(answers);
  std::string first, second;
  std::getline(in, first);
  std::getline(in, second);
  EXPECT_EQ(first, "--videos");
  EXPECT_EQ(second, "studies");
  EXPECT_EQ(Call({"completion", "tcsh"}).exit_code, 2);
}

}  // namespace
}  // namespace beamgrid
