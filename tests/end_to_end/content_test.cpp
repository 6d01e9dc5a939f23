// A recipe whose data change between its runs, and while it runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Content : public ::testing::Test {
 protected:
  Content() {
    Synthesise("data", "3");
    RecipeText recipe;
    recipe.study = "name = \"small\"";
    recipe.train = "epochs = 1\nbatch = 16\nlearning_rate = 0.01";
    folder_.WriteRecipe(recipe);
  }
  void Synthesise(const std::string& out, const std::string& seed) const {
    fs::remove_all(folder_.path() / out);
    const Ended synth = folder_.Run({"data",         "synth",
                                     "--out",        out,
                                     "--videos",     "120",
                                     "--classes",    "12",
                                     "--seed",       seed,
                                     "--format",     "frame",
                                     "--features",   "rgb=16,audio=8",
                                     "--max-frames", "12",
                                     "--min-frames", "12",
                                     "--shards",     "2"});
    ASSERT_EQ(synth.exit_code, 0) << synth.err;
  }
  [[nodiscard]] Ended Run() const { return folder_.Run({"run", "recipe.toml"}); }
  [[nodiscard]] fs::path Data(const std::string& name) const {
    return folder_.path() / "data" / name;
  }

  const StudyFolder folder_;
};

TEST_F(Content, ADataFileThatGoesAndComesBackMakesNoFurtherSeed) {
  const Ended whole = Run();
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  fs::rename(Data("train0001.tfrecord"), folder_.path() / "away");
  EXPECT_EQ(Run().exit_code, 2);
  const Ended part = folder_.Run({"run", "recipe.toml", "--accept-changes"});
  ASSERT_EQ(part.exit_code, 0) << part.err;
  EXPECT_THAT(part.err, HasSubstr("data: train lacks train0001.tfrecord (1 file, were 2); 4 trials "
                                  "that were trained on other data no longer count"));
  EXPECT_THAT(part.out, Not(HasSubstr("seeds)")));
  EXPECT_NE(part.out, whole.out);
  EXPECT_EQ(ParseJson(folder_.Run({"trials", "small", "--json"}).out).as_array().size(), 4U);
  EXPECT_EQ(ParseJson(folder_.Run({"trials", "small", "--all", "--json"}).out).as_array().size(),
            8U);
  EXPECT_EQ(folder_.Run({"ensemble", "small"}).exit_code, 0);
  fs::rename(folder_.path() / "away", Data("train0001.tfrecord"));
  const Ended back = folder_.Run({"run", "recipe.toml", "--accept-changes"});
  EXPECT_THAT(back.err, HasSubstr("nothing to do: all 4 trials are complete"));
  EXPECT_EQ(back.out, whole.out);
}

TEST_F(Content, ARecipeThatIsEditedGoesOn) {
  const Ended first = Run();
  ASSERT_EQ(first.exit_code, 0) << first.err;
  RecipeText recipe;
  recipe.study = "name = \"small\"\nseeds = [1, 2]";
  recipe.train = "epochs = 1\nbatch = 16\nlearning_rate = 0.01";
  folder_.WriteRecipe(recipe, "more.toml");
  const Ended more = folder_.Run({"run", "more.toml"});
  ASSERT_EQ(more.exit_code, 0) << more.err;
  EXPECT_THAT(more.err, AllOf(HasSubstr("  seeds: 2 is new\n"),
                              HasSubstr("4 trials stay, 4 are new, 0 are no longer asked for\n")));
  const Ended refused = Run();
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("  seeds: 2 is gone\n"), HasSubstr("--accept-changes")));
  const Ended back = folder_.Run({"run", "recipe.toml", "--accept-changes"});
  EXPECT_THAT(back.err, HasSubstr("nothing to do: all 4 trials are complete"));
  EXPECT_EQ(back.out, first.out);
  EXPECT_EQ(folder_.Run({"run", "more.toml"}).out, more.out);
  EXPECT_EQ(
      ParseJson(folder_.Run({"show", "small", "--recipe-history", "--json"}).out).as_array().size(),
      4U);
}

TEST_F(Content, ADataFileThatIsOverwrittenWhileTheStudyRunsStopsIt) {
  RecipeText recipe;
  recipe.study = "name = \"small\"";
  recipe.train = "batch = 16\nlearning_rate = 0.01";
  recipe.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n[grid.train]\nepochs = [150, 1]\n";
  folder_.WriteRecipe(recipe);
  Synthesise("other", "4");
  Process process(BeamgridCommand({"run", "recipe.toml"}), folder_.path());
  ASSERT_TRUE(process.WaitForLine(": complete")) << process.Wait().err;
  // Under another name first, as rsync does: the worker's mapped file must not shrink.
  fs::copy_file(folder_.path() / "other/train0001.tfrecord", Data("new"));
  fs::rename(Data("new"), Data("train0001.tfrecord"));
  const Ended stopped = process.Wait();
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("train0001.tfrecord: has changed while the study ran"),
                                 HasSubstr("Run the recipe again")));
  const std::string states = "SELECT state FROM trials ORDER BY state";
  EXPECT_EQ(folder_.Run({"query", states, "--csv"}).out, "state\ncomplete\nwaiting\n");
  EXPECT_EQ(
      folder_.Run({"query", "SELECT count(*) AS n FROM curves WHERE state = 'waiting'", "--csv"})
          .out,
      "n\n0\n");
}

}  // namespace
}  // namespace beamgrid
