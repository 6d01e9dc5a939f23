// The power fails.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/fault/outage.h"
#include "tests/fault/processes.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Power : public testing::TestWithParam<Unsynced> {};

TEST_P(Power, ComesBackToTheUndisturbedResult) {
  FaultyStudy study(FourTrials());
  for (const std::size_t events : {1U, 3U, 6U}) {
    SCOPED_TRACE("after " + std::to_string(events) + " begins and ends");
    CutThePower(study, GetParam(), [&] { return study.Executions().size() >= events; });
  }
}

INSTANTIATE_TEST_SUITE_P(Unsynced, Power, testing::Values(Unsynced::kKept, Unsynced::kLost),
                         [](const auto& info) {
                           return info.param == Unsynced::kKept ? "Kept" : "Lost";
                         });

/// Same size, other content: what a file may be like whose data were lost and whose length was not.
void Wipe(const std::filesystem::path& file) {
  WriteText(file, std::string(std::filesystem::file_size(file), '\0'));
}

TEST(Damage, AnArtifactWithoutItsContentIsMadeAgain) {
  RecipeText recipe = TwoTrials();
  recipe.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n";
  recipe.train = "epochs = 30\nbatch = 16\nlearning_rate = 0.01";
  recipe.rest = "";
  FaultyStudy study(recipe);
  Process run(study.RunCommand(FaultyStudy::With::kNoFaults), study.path());
  WaitUntil("the trial begins", [&] { return AuditOf(study.Executions()).begun == 1; });
  Freeze(run.pid());  // so that it does not see the end
  WaitUntil("the trial has its result", [&] { return AuditOf(study.Executions()).ended == 1; });
  run.Signal(SIGKILL);
  (void)run.Wait();
  const Execution damaged = study.Executions().back();
  Wipe(std::filesystem::path(damaged.directory) / kModelFile);
  study.ExpectUndisturbedEnd();
  EXPECT_THAT(study.Query("SELECT message FROM attempt WHERE outcome = 'crashed'"),
              HasSubstr("model.pt is damaged"));
  const Audit audit = AuditOf(study.Executions());
  EXPECT_THAT(audit.executed_twice, ElementsAre(damaged.fingerprint, damaged.fingerprint));
  EXPECT_EQ(audit.begun, 2);
}

}  // namespace
}  // namespace beamgrid
