#include "search/surrogate/space_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;

class SpacePartsTest : public testing::Test {
 protected:
  void Read(const std::string& text) {
    recipe_ = ParseRecipe(RecipeHead() + text, "r.toml", catalogue_);
    space_.emplace(recipe_, catalogue_);
    parts_.emplace(*space_);
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const Part& part : parts_->parts()) names.push_back(part.name);
    return names;
  }
  [[nodiscard]] Likeness Compare(std::size_t part, std::int64_t left, std::int64_t right) const {
    return parts_->parts()[part].likeness(left, right);
  }

  Catalogue catalogue_ = TestCatalogue();
  Recipe recipe_;
  std::optional<SearchSpace> space_;
  std::optional<SpaceParts> parts_;
};

TEST_F(SpacePartsTest, AreTheAxesWithMoreThanOneCandidate) {
  Read(
      "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"lstm\"\n"
      "[grid.extras]\nlayer_norm = [false, true]\ndropout = 0.5\n"
      "[grid.train]\nbatch = [64, 128]\n");
  EXPECT_THAT(Names(), ElementsAre("temporal", "extras.layer_norm", "train.batch"));
  EXPECT_EQ(parts_->LevelName(0, 1), "LSTM");
  EXPECT_EQ(parts_->LevelName(1, 0), "no layer_norm");
  EXPECT_EQ(parts_->LevelName(1, 1), "LN");
  EXPECT_EQ(parts_->LevelName(2, 0), "64");
}

TEST_F(SpacePartsTest, ModelAndLevelsGoBothWays) {
  Read(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [64, 128]\nlayers = [1, 2, 3]\n"
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = 256\n[[grid.temporal]]\nuse = \"mean\"\n"
      "[grid.extras]\ndropout = [false, 0.2, 0.4]\n[grid.train]\nbatch = [64, 128]\n");
  for (std::int64_t i = 0; i < space_->size(); ++i) {
    const ModelSpec model = *space_->At(i);
    const auto levels = parts_->LevelsOf(model);
    ASSERT_TRUE(levels) << space_->Name(model);
    EXPECT_EQ(parts_->ModelOf(*levels), model);
  }
  ModelSpec stranger = *space_->At(0);
  stranger.parts["temporal"].options["hidden"] = 99;
  EXPECT_FALSE(parts_->LevelsOf(stranger));
  stranger = *space_->At(0);
  stranger.parts.erase("temporal");
  EXPECT_FALSE(parts_->LevelsOf(stranger));
  stranger = *space_->At(0);
  stranger.train["batch"] = 7;
  EXPECT_FALSE(parts_->LevelsOf(stranger));
}

TEST_F(SpacePartsTest, VariantsOfOneComponentAreAlike) {
  Read(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [64, 128, 256]\nlayers = [1, 2]\n"
      "[[grid.temporal]]\nuse = \"mean\"\n");
  const std::int64_t mean = 6;
  EXPECT_EQ(Compare(0, 0, mean).by_name, 0);
  EXPECT_EQ(Compare(0, 0, 0).by_name, 1);
  // 64 with one layer beside: 64 with two, 128 with one, 256 with one, 256 with two.
  EXPECT_GT(Compare(0, 0, 1).by_name, Compare(0, 0, 5).by_name);
  EXPECT_GT(Compare(0, 0, 5).by_name, 0.4);
  EXPECT_GT(Compare(0, 0, 2).by_place, Compare(0, 0, 4).by_place);
  EXPECT_EQ(Compare(0, 0, 2).by_name, Compare(0, 0, 4).by_name);
}

TEST_F(SpacePartsTest, OptionsThatDifferBetweenEntriesOfOneComponentCount) {
  Read(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [64, 128]\n"
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [64, 128]\nlayers = 2\n");
  // Levels: 64, 128, then 64 and 128 with two layers.
  EXPECT_EQ(Compare(0, 0, 1).by_name, 0.5);
  EXPECT_EQ(Compare(0, 0, 2).by_name, 0.5);
  EXPECT_EQ(Compare(0, 0, 3).by_name, 0);
}

TEST_F(SpacePartsTest, WordsHaveNoPlace) {
  Read("[[grid.temporal]]\nuse = \"blstm\"\npool = [\"mean\", \"last\", \"max\"]\n");
  EXPECT_EQ(Compare(0, 0, 1).by_place, 0);
  EXPECT_EQ(Compare(0, 0, 2).by_place, 0);
}

TEST_F(SpacePartsTest, HugeAxesCostNothing) {
  std::string list;
  for (int i = 1; i <= 1000; ++i) list += std::to_string(i) + ",";
  Read("[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [" + list + "]\nhidden = [" + list +
       "]\nframe_projection = [" + list + "]\n");
  EXPECT_EQ(parts_->parts()[0].levels, 1'000'000'000);
  EXPECT_GT(Compare(0, 0, 1).by_place, Compare(0, 0, 999'999'999).by_place);
  EXPECT_EQ(parts_->LevelsOf(parts_->ModelOf({123'456'789})), Levels{123'456'789});
}

}  // namespace
}  // namespace beamgrid
