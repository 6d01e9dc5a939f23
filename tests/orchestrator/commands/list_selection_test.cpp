// What --where, --sort, --columns and --limit choose, the same for every list, and how lists look
// on a terminal.

#include "orchestrator/commands/list_selection.h"

#include <gmock/gmock.h>

#include <sstream>

#include "orchestrator/commands/command_line.h"
#include "orchestrator/commands/terminal.h"
#include "registry/util/error.h"
#include "tests/orchestrator/commands/record_commands_fixture.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace list_selection_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A selection as the command line makes it.
ListSelection Selection(const std::vector<std::string>& arguments) {
  static std::vector<std::unique_ptr<ListSelection>> kept;
  kept.push_back(std::make_unique<ListSelection>());
  CLI::App app;
  kept.back()->AddTo(app, "a > 1", "a,b");
  app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  return *kept.back();
}

ListRows Fruits() {
  return {.columns = {"name", "size", "default"},
          .rows = {{{"name", "pear"}, {"size", 3}, {"default", true}},
                   {{"name", "fig's"}, {"size", 1.5}, {"default", nullptr}},
                   {{"name", "apple"}, {"size", nullptr}, {"default", false}}}};
}

class OptionColumnsTest : public RecordCommandsTest {};

TEST_F(OptionColumnsTest, OptionsOfPartsAreColumnsAsRecipesNameThem) {
  const auto names = [this](const std::string& where) {
    const Called called = OnRecord({"trials", "small", "--where", where, "--columns", "name,seed"});
    EXPECT_EQ(called.exit_code, 0) << called.err;
    return called.out;
  };
  EXPECT_THAT(names("temporal.hidden = 256"),
              AllOf(HasSubstr("h256"), Not(HasSubstr("MC-BLSTM-MoE2"))));
  EXPECT_EQ(names("temporal.hidden = '256'"), names("temporal.hidden = 256"));
  EXPECT_EQ(names("temporal.hidden>'256'"), names("temporal.hidden > 256"));
  EXPECT_THAT(names("temporal.blstm.hidden=512 and seed = 2"), HasSubstr("MC-BLSTM-MoE2     2"));
  EXPECT_THAT(names("name <> 'temporal.hidden' and size > 0"), HasSubstr("h256"))
      << "a text is none; size is size_bytes";
  const Called columns = OnRecord({"trials", "small", "--columns", "temporal.hidden,size", "--sort",
                                   "temporal.hidden:desc", "--json"});
  ASSERT_EQ(columns.exit_code, 0) << columns.err;
  EXPECT_EQ(columns.Json().at(0).at("temporal.hidden"), 512);
  EXPECT_TRUE(columns.Json().at(0).as_object().contains("size_bytes"));
  EXPECT_EQ(columns.Json().at(2).at("temporal.hidden"), 256);
}

TEST_F(OptionColumnsTest, AnOptionThatNoModelHasIsRefused) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"--where", "temporal.hiden = 256"},
                                             {"--columns", "temporal.hiden"},
                                             {"--sort", "temporal.hiden"}}) {
    std::vector<std::string> all = {"trials", "small"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Called called = OnRecord(all);
    EXPECT_EQ(called.exit_code, 2);
    EXPECT_THAT(called.err, AllOf(HasSubstr(arguments[0] + ": no model of the list has "
                                                           "'temporal.hiden'; did you mean "
                                                           "'temporal.hidden'?"),
                                  HasSubstr("train.")));
  }
  EXPECT_THAT(OnRecord({"trials", "small", "--where", "extras.nothing"}).err,
              HasSubstr("no model of the list has 'extras.nothing'"));
}

TEST(ListSelection, ChoosesOfAListInMemory) {
  const auto places = [](const std::vector<std::string>& arguments) {
    return Selection(arguments).Places(Fruits());
  };
  EXPECT_THAT(places({}), ElementsAre(0, 1, 2));
  EXPECT_THAT(places({"--sort", "size"}), ElementsAre(1, 0, 2)) << "what has none stands last";
  EXPECT_THAT(places({"--sort", "size:desc"}), ElementsAre(0, 1, 2));
  EXPECT_THAT(places({"--sort", "default:desc,name"}), ElementsAre(0, 2, 1)) << "a word of SQL";
  EXPECT_THAT(places({"--where", "size > 2 or name like '%''s'"}), ElementsAre(0, 1));
  EXPECT_THAT(places({"--where", "\"default\" = 1"}), ElementsAre(0));
  EXPECT_THAT(places({"--sort", "name", "--limit", "2"}), ElementsAre(2, 1));
  const Store::Table table =
      Selection({"--columns", "size,name", "--where", "size > 2"}).Columns(Fruits());
  EXPECT_THAT(table.columns, ElementsAre("size", "name"));
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0][0], 3);
  EXPECT_EQ(table.rows[0][1], "pear");
}

TEST(ListSelection, OfAnEmptyListIsRefusedWhatIsNotThere) {
  ListRows none = Fruits();
  none.rows.clear();
  EXPECT_TRUE(Selection({"--sort", "size"}).Places(none).empty());
  EXPECT_THROW(static_cast<void>(Selection({"--sort", "siz"}).Places(none)), UsageError);
}

TEST(ListSelection, AConditionStaysInItsBrackets) {
  const auto why = [](const std::string& where) {
    return ErrorText<UsageError>(
        [&] { static_cast<void>(Selection({"--where", where}).Places(Fruits())); });
  };
  EXPECT_THAT(why("1) OR (1"), StartsWith("--where: this bracket closes none\n"));
  EXPECT_THAT(why("(size > 1"), StartsWith("--where: this bracket is not closed\n"));
  for (const char* where :
       {"size IN (1.5, (3))", "name != ')'", "1 -- )", "1 /* ) */", "(1) OR (1)"}) {
    EXPECT_NO_THROW(static_cast<void>(Selection({"--where", where}).Places(Fruits()))) << where;
  }
}

TEST(ListSelection, ColumnsNameOne) {
  for (const char* none : {",", " "}) {
    EXPECT_THAT(ErrorText<UsageError>(
                    [&] { static_cast<void>(Selection({"--columns", none}).Columns(Fruits())); }),
                HasSubstr("--columns: names no column; there are: name, size, default"));
  }
}

using ListsTest = RecordCommandsTest;

TEST_F(ListsTest, StudiesAreChosenAsTrialsAre) {
  EXPECT_EQ(OnRecord({"studies", "--columns", "name,complete,trials", "--sort", "trials:desc"}).out,
            "name   complete  trials\nsmall         1       3\nother         1       1\n");
  const auto json = OnRecord({"studies", "--where", "failed > 0", "--json"}).Json();
  ASSERT_EQ(json.as_array().size(), 1U);
  EXPECT_EQ(json.at(0).at("name"), "small");
  EXPECT_EQ(json.at(0).at("trials").at("failed"), 1);
  EXPECT_EQ(
      OnRecord({"studies", "--sort", "name", "--limit", "1", "--json"}).Json().at(0).at("name"),
      "other");
  EXPECT_THAT(OnRecord({"studies", "--where", "0"}).out, StartsWith("study  objective"));
}

TEST_F(ListsTest, TheEpochsOfATrialAreChosenAsTrialsAre) {
  const auto shown = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"show", "small/MC-BLSTM-MoE2/1"});
    return OnRecord(options);
  };
  const auto json = shown({"--sort", "epoch:desc", "--json"}).Json();
  ASSERT_EQ(json.at("epochs").as_array().size(), 2U);
  EXPECT_EQ(json.at("epochs").at(0).at("epoch"), 2);
  EXPECT_EQ(json.at("name"), "MC-BLSTM-MoE2") << "the rest stays";
  EXPECT_THAT(shown({"--where", "train_loss > 2.5", "--columns", "epoch,train_loss"}).out,
              HasSubstr("epochs:\n  epoch  train_loss\n      1     3.00000\n"));
  EXPECT_EQ(shown({"--limit", "1", "--json"}).Json().at("epochs").as_array().size(), 1U);
  EXPECT_EQ(OnRecord({"show", "small", "--recipe-history", "--limit", "1"}).exit_code, 2);
}

TEST_F(ListsTest, ComponentsAreChosenAsTrialsAre) {
  UseFakeTrainer();
  const Called temporal =
      Call({"components", "--where", "criterion = 'temporal'", "--columns", "name,options"});
  ASSERT_EQ(temporal.exit_code, 0) << temporal.err;
  EXPECT_THAT(temporal.out, AllOf(StartsWith("name"), HasSubstr("\nlstm"), Not(HasSubstr("moe"))));
  const auto json = Call({"components", "--sort", "name:desc", "--limit", "2", "--json"}).Json();
  ASSERT_EQ(json.as_array().size(), 2U);
  EXPECT_GT(json.at(0).at("name").as_string(), json.at(1).at("name").as_string());
  EXPECT_THAT(Call({"components", "--where", "name = 'lstm'"}).out, StartsWith("temporal: lstm\n"));
  EXPECT_EQ(Call({"components", "--test", "lstm", "--limit", "2"}).exit_code, 2);
}

TEST_F(ListsTest, AnUnknownColumnIsRefusedByEveryListWithAllThatThereAre) {
  UseFakeTrainer();
  const std::vector<std::vector<std::string>> lists = {
      {"trials", "small", "--db", database_},
      {"studies", "--db", database_},
      {"show", "small/MC-BLSTM-MoE2/1", "--db", database_},
      {"components"}};
  const std::vector<std::string> columns = {"failure_kind", "description", "validate_loss",
                                            "option_names"};
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const std::string wrong = columns[i] + "x";
    for (const std::vector<std::string>& option :
         {std::vector<std::string>{"--sort", wrong}, {"--columns", wrong}, {"--where", wrong}}) {
      std::vector<std::string> arguments = lists[i];
      arguments.insert(arguments.end(), option.begin(), option.end());
      const Called called = Call(arguments);
      EXPECT_EQ(called.exit_code, 2) << lists[i][0] << " " << option[0];
      EXPECT_EQ(called.out, "");
      EXPECT_THAT(called.err, AllOf(HasSubstr(option[0] + ": no"),
                                    HasSubstr("did you mean '" + columns[i] + "'?"),
                                    HasSubstr(", " + columns[i])))
          << lists[i][0];
    }
    std::vector<std::string> none = lists[i];
    none.insert(none.end(), {"--limit", "0"});
    EXPECT_EQ(Call(none).exit_code, 2);
  }
}

/// What a command prints on a terminal of 100 columns that takes colours.
std::string OnColourTerminal(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  SetTerminalWidth(out, 100);
  AllowColours(out);
  EXPECT_EQ(RunCommandLine(arguments, out, err), 0) << err.str();
  return out.str();
}

TEST_F(ListsTest, StatesAndHeadingsAreColouredWhereATerminalTakesColours) {
  const std::string list =
      OnColourTerminal({"trials", "small", "--columns", "state,seed", "--db", database_});
  EXPECT_EQ(list,
            "\033[1mstate\033[0m     \033[1mseed\033[0m\n"
            "\033[32mcomplete\033[0m     1\n"
            "\033[31mfailed\033[0m       2\n"
            "\033[2mwaiting\033[0m      1\n");
  EXPECT_THAT(CallAtTerminal(100, {"trials", "small", "--db", database_}).out,
              Not(HasSubstr("\033")));
  EXPECT_THAT(OnColourTerminal({"show", "small/MC-BLSTM-MoE2/1", "--db", database_}),
              HasSubstr("\033[1mepochs:\033[0m\n"));
  EXPECT_THAT(OnColourTerminal({"trials", "small", "--json", "--db", database_}),
              Not(HasSubstr("\033")));
}

TEST_F(ListsTest, NamesAreAlignedByTheirColumnsAndCannotSpeakToTheTerminal) {
  {
    Store store(database_, OpenMode::kReadWrite);
    const StudyId study = store.OpenStudy(ExampleStudy("odd"));
    std::int64_t seed = 0;
    for (const char* name : {"\u65e5\u672c", "e\u0301\u0e01\u0e34", "\033[31mred", "plain"}) {
      NewTrial trial = ExampleNewTrial(512, 100 + ++seed);
      trial.name = name;
      store.AddTrials(study, {trial});
    }
  }
  const std::vector<std::string> list = {"trials",    "odd",  "--columns",
                                         "name,seed", "--db", database_};
  EXPECT_EQ(CallAtTerminal(80, list).out,
            "name         seed\n"
            "\u65e5\u672c          101\n"
            "e\u0301\u0e01\u0e34            102\n"
            "\\x1b[31mred   103\n"
            "plain         104\n");
  EXPECT_THAT(OnColourTerminal(list), Not(HasSubstr("\033[31m")));
  EXPECT_THAT(Call(list).out, HasSubstr("\\x1b[31mred"));
}

}  // namespace list_selection_test
}  // namespace beamgrid
