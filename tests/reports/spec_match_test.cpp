#include "reports/spec_match.h"

#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "tests/reports/table_support.h"

namespace beamgrid {
namespace {

bool AllHold(const std::string& text, const ModelSpec& model) {
  bool all = true;
  for (const SpecCondition& condition : ParseConditions(text)) all = all && Holds(condition, model);
  return all;
}

TEST(SpecMatch, HoldsWhereEveryConditionDoes) {
  ModelSpec model = SmallModel(Blstm(2), Moe(4));
  model.extras = {{"dropout", {{"rate", 0.5}}}};
  for (const char* text :
       {"classifier=moe", "classifier=moe(experts=4)", "classifier=moe(experts=4.0)",
        " temporal = blstm( layers=2 , hidden=512 ) ; multimodal=concat", "temporal.layers=2",
        "extras=dropout", "extras=dropout(rate=0.5)", "train.batch=128", ""}) {
    EXPECT_TRUE(AllHold(text, model)) << text;
  }
  for (const char* text :
       {"classifier=logistic", "classifier=moe(experts=2)", "classifier=moe(steps=4)",
        "classifier=moe;temporal=mean", "temporal.layers=1", "extras=none", "extras=layer_norm",
        "extras=dropout(rate=0.2)", "train.batch=64"}) {
    EXPECT_FALSE(AllHold(text, model)) << text;
  }
  EXPECT_TRUE(AllHold("extras=none", SmallModel(MeanPool(), Logistic())));
}

TEST(SpecMatch, ComparesWordsAndTruthValues) {
  const ModelSpec model = SmallModel({"blstm", {{"pool", "last"}, {"residual", true}}}, Logistic());
  EXPECT_TRUE(AllHold("temporal=blstm(pool=last,residual=true)", model));
  EXPECT_FALSE(AllHold("temporal=blstm(pool=mean)", model));
  EXPECT_FALSE(AllHold("temporal=blstm(residual=false)", model));
}

TEST(SpecMatch, RefusesWhatIsNotACondition) {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      (void)ParseConditions(text);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "not refused";
  };
  EXPECT_EQ(refusal("classifier"), "condition 'classifier': must be criterion=component");
  EXPECT_EQ(refusal("model=moe"),
            "condition 'model': 'model' is not a criterion; they are multimodal, temporal, "
            "classifier, label_processing, loss, extras, train");
  EXPECT_EQ(refusal("classifier=moe(experts)"),
            "condition 'moe(experts)': 'experts' must be option=value");
  EXPECT_EQ(refusal("classifier=moe(experts=2"), "condition 'moe(experts=2': the ')' is missing");
  EXPECT_EQ(refusal("classifier=(experts=2)"), "condition '(experts=2)': no component is named");
  EXPECT_EQ(refusal("train=5"), "condition 'train': name a setting: train.batch=128");
  EXPECT_EQ(refusal("extras.dropout=true"),
            "condition 'extras.dropout': write extras=name(option=value) or extras=none");
}

}  // namespace
}  // namespace beamgrid
