#include "orchestrator/commands/command_line.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "orchestrator/commands/command.h"
#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CommandLineTest : public CommandTest {};

TEST_F(CommandLineTest, VersionGoesToStdout) {
  const Called called = Call({"--version"});
  EXPECT_EQ(called.exit_code, 0);
  EXPECT_EQ(called.out, "beamgrid " BEAMGRID_VERSION "\n");
  EXPECT_THAT(called.err, IsEmpty());
}

TEST_F(CommandLineTest, HelpListsEveryCommandOfTheDesign) {
  const Called called = Call({"--help"});
  EXPECT_EQ(called.exit_code, 0);
  for (const char* name :
       {"run",     "plan",   "check",  "components", "studies",  "trials", "show",  "explain",
        "query",   "dump",   "verify", "table",      "ensemble", "score",  "data",  "help",
        "compare", "doctor", "du",     "prune",      "rm",       "rename", "merge", "strategies",
        "predict", "export", "distil", "report",     "serve",    "watch"}) {
    EXPECT_THAT(called.out, HasSubstr(std::string("\n  ") + name + " ")) << name;
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

TEST_F(CommandLineTest, WhoeverNamesNoCommandGetsTheHelp) {
  const std::string all = Call({"--help"}).out;
  EXPECT_THAT(all, HasSubstr("beamgrid help COMMAND"));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"help"}, {"-h"}, {"--verbose"}}) {
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 0);
    EXPECT_EQ(called.out, all);
    EXPECT_THAT(called.err, IsEmpty());
  }
  EXPECT_EQ(Call({"data"}).out, Call({"data", "--help"}).out);
  EXPECT_EQ(Call({"data"}).exit_code, 0);
}

TEST_F(CommandLineTest, HelpOfACommandIsTheSameInEitherOrder) {
  for (const CommandInfo& info : Commands()) {
    std::vector<std::string> arguments;
    std::istringstream words(info.name);
    for (std::string word; words >> word;) arguments.push_back(word);
    std::vector<std::string> other = arguments;
    arguments.push_back("--help");
    other.insert(other.begin(), "help");
    EXPECT_EQ(Call(other).exit_code, 0) << info.name;
    EXPECT_EQ(Call(other).out, Call(arguments).out) << info.name;
  }
  EXPECT_EQ(Call({"help", "data"}).out, Call({"data", "--help"}).out);
  const Called unknown = Call({"help", "tabel"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.out, IsEmpty());
  EXPECT_THAT(unknown.err, HasSubstr("unknown command `tabel`; did you mean `table`?"));
}

TEST_F(CommandLineTest, HelpFitsTheTerminalAndIsCompleteElsewhere) {
  std::vector<std::vector<std::string>> all = {{"--help"}, {"help", "recipe"}, {"data"}};
  for (const CommandInfo& info : Commands()) {
    std::vector<std::string>& arguments = all.emplace_back();
    arguments.emplace_back("help");
    std::istringstream words(info.name);
    for (std::string word; words >> word;) arguments.push_back(word);
  }
  const auto words = [](const std::string& text) {
    std::istringstream in(text);
    std::string joined;
    for (std::string word; in >> word;) joined += word + " ";
    return joined;
  };
  for (const std::vector<std::string>& arguments : all) {
    const Called narrow = CallAtTerminal(80, arguments);
    EXPECT_LE(WidestLine(narrow.out), 80U) << narrow.out;
    EXPECT_EQ(words(narrow.out), words(Call(arguments).out)) << "no word is lost";
  }
  EXPECT_GT(WidestLine(Call({"help", "run"}).out), 80U) << "as it is where nobody looks";
  EXPECT_GT(WidestLine(CallAtTerminal(120, {"help", "recipe"}).out), 80U);
  EXPECT_LE(WidestLine(CallAtTerminal(50, {"help", "run"}).out), 50U);
}

TEST_F(CommandLineTest, LinesFitTheTerminalOnBothStreamsButDataStayAsTheyAre) {
  const Called refused = CallAtTerminal(40, {"tabel", "x"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_LE(WidestLine(refused.err), 40U) << refused.err;
  EXPECT_EQ(refused.err.find("error: "), 0U);
  const auto words = [](std::string text) {
    std::istringstream in(text);
    std::string joined;
    for (std::string word; in >> word;) joined += word + " ";
    return joined;
  };
  EXPECT_EQ(words(refused.err), words(Call({"tabel", "x"}).err)) << "no word is lost or cut";
  for (const std::vector<std::string>& data : {std::vector<std::string>{"strategies", "--json"},
                                               {"completion", "bash"},
                                               {"help", "recipe", "--markdown"}}) {
    EXPECT_EQ(CallAtTerminal(40, data).out, Call(data).out) << data[0];
  }
}

TEST_F(CommandLineTest, TheRecipesReferenceIsThatOfTheDocuments) {
  const Called markdown = Call({"help", "recipe", "--markdown"});
  EXPECT_EQ(markdown.exit_code, 0);
  EXPECT_EQ(markdown.out, ReadFile(std::string(BEAMGRID_SOURCE_DIR) + "/docs/recipe.md"))
      << "make it anew: beamgrid help recipe --markdown > docs/recipe.md";
  const Called text = Call({"help", "recipe"});
  EXPECT_EQ(text.exit_code, 0);
  std::istringstream lines(text.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  for (const char* key : {"exclude", "zip", "max_frames", "holdout", "beam_width", "patience"}) {
    EXPECT_THAT(text.out, HasSubstr(key));
    EXPECT_THAT(markdown.out, HasSubstr(key));
  }
  EXPECT_EQ(Call({"help", "--markdown"}).exit_code, 2);
}

TEST_F(CommandLineTest, NamesOfFilesMayHoldHomeAndVariables) {
  FillStore(Path("filled.db"));
  setenv("BEAMGRID_TEST_FOLDER", Path("").c_str(), 1);
  const std::string home = std::getenv("HOME") == nullptr ? "/" : std::getenv("HOME");
  setenv("HOME", Path("").c_str(), 1);
  const std::string expected = Call({"studies", "--db", Path("filled.db")}).out;
  EXPECT_EQ(Call({"studies", "--db=~/filled.db"}).out, expected);
  EXPECT_EQ(Call({"studies", "--db", "$BEAMGRID_TEST_FOLDER/filled.db"}).out, expected);
  setenv("HOME", home.c_str(), 1);
  unsetenv("BEAMGRID_TEST_FOLDER");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"studies", "--db", "$BEAMGRID_TEST_FOLDER/x"},
        {"run", "$BEAMGRID_TEST_FOLDER/r.toml"},
        {"run", "r.toml", "--runs=$BEAMGRID_TEST_FOLDER/runs"},
        {"data", "inspect", "a", "$BEAMGRID_TEST_FOLDER/x"},
        {"data", "synth", "--out", "$BEAMGRID_TEST_FOLDER", "--videos", "9", "--classes", "3"},
        {"score", "--predictions", "$BEAMGRID_TEST_FOLDER/x", "--truth", "t.csv"}}) {
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 2) << arguments[0];
    EXPECT_THAT(called.err, HasSubstr("BEAMGRID_TEST_FOLDER is not set")) << arguments[0];
  }
}

TEST_F(CommandLineTest, AnEmptyNameOfAFileIsRefused) {
  FillStore(Path("filled.db"));
  const std::string record = Path("filled.db");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"export", "s", "--out", "", "--db", record},
        {"export", "s", "--tensorboard", "", "--db", record},
        {"distil", "s", "--out", "", "--db", record},
        {"ensemble", "s", "--out", "", "--db", record},
        {"report", "s", "--out", "", "--db", record},
        {"backup", "", "--db", record},
        {"trials", "s", "--db", ""},
        {"run", ""}}) {
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 2) << arguments[0];
    EXPECT_THAT(called.err, HasSubstr("'' must be the path of a f")) << arguments[0];
  }
}

TEST_F(CommandLineTest, NoNumberIsNotWithinARange) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"watch", "s", "--interval", "nan"},
        {"distil", "s", "--out", "x", "--weight", "nan"},
        {"ensemble", "s", "--holdout", "nan"},
        {"watch", "s", "--interval", "0.01"}}) {
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 2) << arguments[0];
    EXPECT_THAT(called.err, HasSubstr("must be a number in [0")) << called.err;
  }
}

TEST_F(CommandLineTest, ADatabaseThatIsALinkToItselfIsTheUsersMistake) {
  std::filesystem::create_symlink("loop.db", Path("loop.db"));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"studies"}, {"watch", "s"}, {"serve", "--port", "0"}}) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"--db", Path("loop.db")});
    const Called called = Call(all);
    EXPECT_EQ(called.exit_code, 2) << arguments[0];
    EXPECT_THAT(called.err, AllOf(HasSubstr("loop.db: cannot be looked at: Too many levels"),
                                  HasSubstr("name another --db")));
  }
}

TEST_F(CommandLineTest, DataThatAreALinkToThemselvesAreTheUsersMistake) {
  std::filesystem::create_symlink("loop", Path("loop"));
  const Called called = Call({"data", "verify", Path("loop")});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("loop: cannot be used: Too many levels of symbolic links"));
}

TEST_F(CommandLineTest, EveryOptionThatIsAFileSaysSo) {
  // By that word its `~` and `$NAME` are replaced.
  for (const CommandInfo& info : Commands()) {
    std::istringstream help(Call({"help", info.name.substr(0, info.name.find(' ')),
                                  info.name.substr(info.name.find(' ') + 1)})
                                .out);
    if (info.name.find(' ') == std::string::npos) help.str(Call({"help", info.name}).out);
    for (std::string line; std::getline(help, line);) {
      const bool file = line.find("older") != std::string::npos ||
                        line.find(" file") != std::string::npos ||
                        line.find("File") != std::string::npos;
      const bool known = line.find(" FILE") != std::string::npos ||
                         line.find(" DIR") != std::string::npos ||
                         line.find(" RECIPE ") != std::string::npos;
      const bool takes_text = line.find(" TEXT") != std::string::npos;
      EXPECT_FALSE(file && takes_text && !known) << info.name << ": " << line;
    }
  }
}

TEST_F(CommandLineTest, MissingArgumentsAreUsageErrors) {
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
