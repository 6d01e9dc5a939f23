// The database as commands name it, and copies that `backup` makes.

#include <gmock/gmock.h>

#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DatabaseFileTest : public CommandTest {
 protected:
  DatabaseFileTest() { FillStore(database_); }
  const std::string database_ = Path("filled.db");
};

TEST_F(DatabaseFileTest, WhatIsNoFileIsAMistakeOfTheCommandLine) {
  const std::string folder = Path("folder");
  fs::create_directory(folder);
  for (const std::string& name :
       {std::string(), std::string(":memory:"), std::string("file:x.db?mode=memory"), folder,
        std::string("/dev/null"), Path("missing.db")}) {
    SCOPED_TRACE(name);
    for (const auto& command : {std::vector<std::string>{"studies"},
                                {"trials", "small"},
                                {"ensemble", "small"},
                                {"backup", Path("copy.db")}}) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {"--db", name});
      const Called called = Call(arguments);
      EXPECT_EQ(called.exit_code, 2) << command[0];
      EXPECT_THAT(called.err, HasSubstr(name));
    }
  }
  EXPECT_FALSE(fs::exists("file:x.db?mode=memory"));
}

TEST_F(DatabaseFileTest, ALogWithoutItsDatabaseIsToldAsThat) {
  WriteFileAtomically(Path("lost.db-wal"), "a record");
  const Called called = Call({"studies", "--db", Path("lost.db")});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("is not there, but its log"));
}

TEST_F(DatabaseFileTest, ABackupIsARecordOfItsOwn) {
  const std::string copy = Path("copy.db");
  const Called made = Call({"backup", copy, "--db", database_});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("3 trials in " + copy));
  for (const auto& question : {std::vector<std::string>{"studies", "--json"},
                               {"dump", "small"},
                               {"trials", "small", "--json"}}) {
    std::vector<std::string> of_copy = question, of_original = question;
    of_copy.insert(of_copy.end(), {"--db", copy});
    of_original.insert(of_original.end(), {"--db", database_});
    EXPECT_EQ(Call(of_copy).out, Call(of_original).out) << question[0];
  }
  const Called again = Call({"backup", copy, "--db", database_});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
}

TEST_F(DatabaseFileTest, ABackupThatLacksFilesSaysWhichAndFails) {
  const Called called = Call({"backup", Path("copy.db"), "--files", "--db", database_});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr("left out: " + Path("runs/a/predictions.bin") + ": is gone"));
  EXPECT_EQ(Call({"studies", "--db", Path("copy.db")}).exit_code, 0);
}

}  // namespace
}  // namespace beamgrid
