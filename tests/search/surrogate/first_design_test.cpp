#include "search/surrogate/first_design.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bool IsAny(const Levels& /*model*/) { return true; }

TEST(FirstDesign, HasEveryLevelOfEveryPartAboutEquallyOften) {
  FirstDesign design({PlainPart("a", 12), PlainPart("b", 5), PlainPart("c", 2)});
  EXPECT_EQ(design.size(), 12);
  Dice dice(1);
  std::vector<std::vector<int>> uses = {std::vector<int>(12), std::vector<int>(5),
                                        std::vector<int>(2)};
  for (int i = 0; i < 12; ++i) {
    const std::optional<Levels> model = design.Draw(dice, IsAny);
    ASSERT_TRUE(model);
    design.Use(*model);
    for (std::size_t p = 0; p < 3; ++p) ++uses[p][static_cast<std::size_t>((*model)[p])];
  }
  EXPECT_THAT(uses[0], testing::Each(1));
  for (const int count : uses[1]) EXPECT_TRUE(count == 2 || count == 3) << count;
  EXPECT_THAT(uses[2], ElementsAre(6, 6));
}

TEST(FirstDesign, SaysWhichLevelsAreNew) {
  FirstDesign design({PlainPart("a", 3), PlainPart("b", 3), PlainPart("c", 2)});
  EXPECT_THAT(design.Use({0, 0, 0}), ElementsAre(0, 1, 2));
  EXPECT_THAT(design.Use({0, 1, 0}), ElementsAre(1));
  EXPECT_THAT(design.Use({0, 1, 0}), IsEmpty());
}

TEST(FirstDesign, DrawCountsNothing) {
  const FirstDesign design({PlainPart("a", 30)});
  Dice dice(1);
  Dice again(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(design.Draw(dice, IsAny), FirstDesign({PlainPart("a", 30)}).Draw(again, IsAny));
  }
}

TEST(FirstDesign, DrawsOnlyWhatIsOpenEvenWhereThatUsesLevelsAgain) {
  // Level 1 of the first part goes with level 0 of the second only.
  const auto is_open = [](const Levels& model) { return model[0] == 0 || model[1] == 0; };
  FirstDesign design({PlainPart("a", 2), PlainPart("b", 20)});
  Dice dice(3);
  std::set<std::int64_t> first;
  std::set<std::int64_t> second;
  for (int i = 0; i < 40; ++i) {
    const std::optional<Levels> model = design.Draw(dice, is_open);
    ASSERT_TRUE(model);
    ASSERT_TRUE(is_open(*model));
    design.Use(*model);
    first.insert((*model)[0]);
    second.insert((*model)[1]);
  }
  EXPECT_EQ(first.size(), 2);
  EXPECT_EQ(second.size(), 20);
  EXPECT_FALSE(design.Draw(dice, [](const Levels&) { return false; }));
}

TEST(FirstDesign, IsNoLargerThanItsLimitAndNoPartThatCannotBeListed) {
  FirstDesign design({PlainPart("a", 2), PlainPart("b", 1'000'000'000'000)});
  EXPECT_EQ(design.size(), 8);
  design.Limit(100);
  EXPECT_EQ(design.size(), 8);
  design.Limit(3);
  EXPECT_EQ(design.size(), 3);
  Dice dice(1);
  const std::optional<Levels> model = design.Draw(dice, IsAny);
  ASSERT_TRUE(model);
  EXPECT_THAT(design.Use(*model), ElementsAre(0));
}

}  // namespace
}  // namespace beamgrid
