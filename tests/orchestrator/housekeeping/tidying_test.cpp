#include "orchestrator/housekeeping/tidying.h"

#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "tests/orchestrator/housekeeping/housekeeping_fixture.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TidyingTest : public HousekeepingTest {};

TEST_F(TidyingTest, OneProcessAtATime) {
  const Tidying tidying(record_.path, "");
  EXPECT_THAT(ErrorText<UsageError>([&] { Tidying(record_.path, ""); }),
              HasSubstr(record_.path.string() + " is being tidied up by pid "));
}

TEST_F(TidyingTest, ADatabaseThatIsNotThereIsNotMade) {
  const auto missing = folder_ / "missing.db";
  EXPECT_THAT(ErrorText<UsageError>([&] { Tidying(missing, ""); }),
              HasSubstr("no database " + missing.string()));
  EXPECT_FALSE(std::filesystem::exists(missing));
}

TEST_F(TidyingTest, AStudyThatRunsIsNamedAndOneThatIsHeldOffCannotRun) {
  record_.Study("a");
  record_.Study("b");
  Tidying tidying(record_.path, "");
  {
    const StudyLock run(record_.path, "a");
    EXPECT_THAT(tidying.Running(), ElementsAre("a"));
    EXPECT_THAT(ErrorText<UsageError>([&] { tidying.HoldOff("a"); }), HasSubstr("pid "));
  }
  tidying.HoldOff("a");
  tidying.HoldOff("a");  // twice is fine
  EXPECT_THROW(StudyLock(record_.path, "a"), UsageError);
  EXPECT_THAT(tidying.Running(), IsEmpty());
}

TEST_F(TidyingTest, WhatAKilledCommandLeftIsDeletedByTheNext) {
  const TrialId trial = record_.Complete(record_.Study("a"), 1, 0.5);
  const auto directory = record_.FileOf(trial, "").parent_path();
  RecordUpkeep(record_.store).AddTrash(directory);
  RecordUpkeep(record_.store).AddTrash(directory / kModelFile);
  EXPECT_TRUE(record_.store.IsTrash(directory));
  std::filesystem::remove(directory / kModelFile);  // it had got that far
  Tidying tidying(record_.path, "");
  EXPECT_GT(tidying.EmptyTrash().files, 0);
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_THAT(record_.store.Trash(), IsEmpty());
  EXPECT_EQ(tidying.EmptyTrash().files, 0);
}

TEST_F(TidyingTest, WhatLiesOutsideStaysAndIsNamed) {
  WriteFileAtomically(folder_ / "elsewhere/model.pt", "precious");
  RecordUpkeep(record_.store).AddTrash(folder_ / "elsewhere");
  Tidying tidying(record_.path, "");
  const Freed freed = tidying.EmptyTrash();
  EXPECT_THAT(freed.problems, ElementsAre(HasSubstr("does not lie below the runs folder")));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "elsewhere/model.pt"));
  EXPECT_THAT(record_.store.Trash(), SizeIs(1)) << "still to be done";
}

}  // namespace
}  // namespace beamgrid
