// Trials that start from the weights of others.

#include "tests/orchestrator/study/study_runner_fixture.h"

#include "search/diagnostics.h"

namespace beamgrid {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StudyStartTest : public StudyRunnerTest {
 protected:
  StudyStartTest() {
    catalogue_ = CatalogueWithFrom();
    outcome_of_ = [](const TrialFile& trial) {
      AttemptOutcome outcome = Complete(0.5);
      outcome.result().artifacts = {{.name = "model",
                                     .path = "model.pt",
                                     .bytes = 1,
                                     .hash = "hash of " + trial.fingerprint}};
      return outcome;
    };
  }
  static constexpr char kOneModel[] = "[resources]\ndevices = [\"cpu\"]\n";
};

TEST_F(StudyStartTest, EachSeedGetsTheWeightsOfItsOwnSeed) {
  ASSERT_EQ(Run(RecipeText("one", kOneModel)).exit_code, 0);
  const std::string name = Trials("one")[0].name;
  const std::string second =
      RecipeText("two", "[train]\nfrom = \"one/" + name + "\"\n" + kOneModel);
  world_.trial_files.clear();
  ASSERT_EQ(Run(second).exit_code, 0);
  ASSERT_EQ(world_.trial_files.size(), 2U);
  for (const TrialFile& file : world_.trial_files) {
    const TrialRecord source = Trials("one").at(static_cast<std::size_t>(file.spec.seed - 1));
    EXPECT_EQ(source.seed, file.spec.seed);
    EXPECT_EQ(file.spec.warm_start, source.fingerprint);
    EXPECT_EQ(file.warm_start_model, source.directory + "/model.pt");
    EXPECT_EQ(file.warm_start_hash, "hash of " + source.fingerprint);
    EXPECT_EQ(file.fingerprint, Fingerprint(file.spec));
    EXPECT_NE(file.fingerprint, source.fingerprint);
  }
  EXPECT_THAT(Notes("two", Trials("two")[0].name, 1), Contains(HasSubstr("starts from one/")));

  const StudyResult again = Run(second);
  EXPECT_EQ(again.reused, 2);
  EXPECT_EQ(again.attempts, 0);
}

TEST_F(StudyStartTest, AnotherNameOfTheSameStartIsTheSameTrial) {
  ASSERT_EQ(Run(RecipeText("one", kOneModel, "[1]")).exit_code, 0);
  const TrialRecord source = Trials("one")[0];
  const auto recipe = [&](const std::string& study, const std::string& from) {
    return RecipeText(study, "[train]\nfrom = \"" + from + "\"\n" + kOneModel, "[1]");
  };
  EXPECT_EQ(Run(recipe("two", "one/" + source.name)).complete, 1);
  EXPECT_EQ(Run(recipe("three", source.fingerprint)).reused, 1);
}

TEST_F(StudyStartTest, AStartThatIsNotThereStopsTheStudyBeforeItBegins) {
  const std::string recipe =
      RecipeText("two", std::string("[train]\nfrom = \"one/A\"\n") + kOneModel);
  EXPECT_THROW((void)Run(recipe), RecipeError);
  EXPECT_THAT(world_.started, IsEmpty());
  const Store store(folder_ / "test.db", OpenMode::kReadOnly);
  EXPECT_FALSE(store.FindStudy("two"));
}

}  // namespace
}  // namespace beamgrid
