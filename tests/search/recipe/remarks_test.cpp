// What a recipe is told that is no mistake, but hardly meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "search/recipe.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace remarks_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> RemarksOf(const std::string& added) {
  std::vector<std::string> remarks;
  for (const Diagnostic& remark :
       ParseRecipe(RecipeHead() + added, "r.toml", TestCatalogue()).remarks) {
    remarks.push_back(ToString(remark));
  }
  return remarks;
}

TEST(RecipeRemarks, ACriterionWithOneCandidateLeavesNothingToChoose) {
  const std::string grid = "[[grid.temporal]]\nuse = \"lstm\"\n[grid.extras]\nlayer_norm = true\n";
  EXPECT_THAT(
      RemarksOf(grid + "[search]\nstrategy = \"beam\"\norder = [\"temporal\", \"extras\"]\n"),
      ElementsAre("r.toml:15:10: search.order[0]: temporal has one candidate: there is nothing to "
                  "choose; give it more under [[grid.temporal]], or take it out here",
                  "r.toml:15:22: search.order[1]: extras has one candidate: there is nothing to "
                  "choose; give it more under [grid.extras], or take it out here"));
  EXPECT_THAT(RemarksOf(grid + "[search]\nstrategy = \"greedy\"\n[[search.stage]]\nvary = "
                               "\"classifier\"\n"),
              ElementsAre(HasSubstr("r.toml:16:8: search.stage[0].vary: classifier has one")));
  EXPECT_THAT(
      RemarksOf("[[grid.temporal]]\nuse = \"lstm\"\nhidden = [1, 2]\n[grid.extras]\nlayer_norm "
                "= [false, true]\n[search]\nstrategy = \"beam\"\norder = [\"temporal\", "
                "\"extras\"]\n"),
      IsEmpty());
}

TEST(RecipeRemarks, ASeedNeedsWhatIsDrawn) {
  const std::string halving = "[search]\nstrategy = \"halving\"\nseed = 3\n";
  EXPECT_THAT(RemarksOf(halving),
              ElementsAre("r.toml:11:8: search.seed: is of no effect without "
                          "candidates: write candidates, or take the line out"));
  EXPECT_THAT(RemarksOf(halving + "candidates = 5\n"), IsEmpty());
  EXPECT_THAT(RemarksOf("[search]\nstrategy = \"random\"\nseed = 3\n"), IsEmpty());
}

TEST(RecipeRemarks, StagesTakeThePlaceOfAnOrder) {
  EXPECT_THAT(RemarksOf("[[grid.temporal]]\nuse = \"lstm\"\nhidden = [1, 2]\n[search]\nstrategy = "
                        "\"greedy\"\norder = [\"loss\"]\n[[search.stage]]\nvary = \"temporal\"\n"),
              ElementsAre("r.toml:14:9: search.order: is of no effect beside [[search.stage]]: "
                          "take one of them out"));
}

TEST(RecipeRemarks, WhatIsOfThisMachineHasNoEffectOnACluster) {
  const std::string local =
      "[resources]\ndevices = [\"cpu\"]\nslots_per_device = 2\npriority = 2\n";
  EXPECT_THAT(RemarksOf(local), IsEmpty());
  EXPECT_THAT(RemarksOf(local + "executor = \"slurm\"\n"),
              ElementsAre("r.toml:10:11: resources.devices: is of no effect where executor = "
                          "\"slurm\": gres in [resources.slurm] says whether trials get a GPU",
                          HasSubstr("r.toml:11:20: resources.slots_per_device: is of no effect"),
                          HasSubstr("r.toml:12:12: resources.priority: is of no effect")));
  EXPECT_THAT(RemarksOf("[resources]\nexecutor = \"slurm\"\n[resources.slurm]\njobs = 2\n"),
              IsEmpty());
}

}  // namespace remarks_test
}  // namespace beamgrid
