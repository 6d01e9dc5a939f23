#include "registry/criteria.h"

#include <gmock/gmock.h>

namespace beamgrid {
namespace {

using ::testing::ElementsAre;

TEST(Criteria, AreListedInTheOrderOfThePipelineOrTheSingleOnesFirst) {
  EXPECT_THAT(AllCriteria(), ElementsAre("multimodal", "temporal", "extras", "classifier",
                                         "label_processing", "loss", "train"));
  EXPECT_THAT(CriteriaOfTables(), ElementsAre("multimodal", "temporal", "classifier",
                                              "label_processing", "loss", "extras", "train"));
}

TEST(Criteria, HaveADefaultComponentWhereTheyAreSingle) {
  for (const Criterion& criterion : kCriteria) {
    EXPECT_EQ(FindCriterion(criterion.name), &criterion);
    EXPECT_EQ(IsSingle(criterion.name), !DefaultComponent(criterion.name).empty());
  }
  EXPECT_EQ(FindCriterion("model"), nullptr);
  EXPECT_FALSE(IsSingle("model"));
}

}  // namespace
}  // namespace beamgrid
