#include "search/condition.h"

#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/support/specs.h"

namespace beamgrid {
namespace {

ModelSpec SmallModel(Variant temporal, Variant classifier) {
  ModelSpec model = ExampleModel();
  model.parts["temporal"] = std::move(temporal);
  model.parts["classifier"] = std::move(classifier);
  return model;
}

const Variant kBlstm{"blstm", {{"layers", 2}, {"hidden", 512}}};
const Variant kMoe{"moe", {{"experts", 4}}};
const Variant kLogistic{"logistic", {}};

bool AllHold(const std::string& text, const ModelSpec& model) {
  return AllHold(ParseConditions(text), model);
}

TEST(Condition, HoldsWhereEveryConditionDoes) {
  ModelSpec model = SmallModel(kBlstm, kMoe);
  model.extras = {{"dropout", {{"rate", 0.5}}}};
  for (const char* text :
       {"classifier=moe", "classifier=moe(experts=4)", "classifier=moe(experts=4.0)",
        " temporal = blstm( layers=2 , hidden=512 ) ; multimodal=concat", "temporal.layers=2",
        "temporal.use=blstm", "extras=dropout", "extras=dropout(rate=0.5)",
        "extras.dropout.rate=0.5", "train.batch=128", ""}) {
    EXPECT_TRUE(AllHold(text, model)) << text;
  }
  for (const char* text :
       {"classifier=logistic", "classifier=moe(experts=2)", "classifier=moe(steps=4)",
        "classifier=moe;temporal=mean", "temporal.layers=1", "extras=none", "extras=layer_norm",
        "extras=dropout(rate=0.2)", "extras.dropout.rate=0.2", "temporal.use=mean",
        "train.batch=64"}) {
    EXPECT_FALSE(AllHold(text, model)) << text;
  }
  EXPECT_TRUE(AllHold("extras=none", SmallModel({"mean", {}}, kLogistic)));
}

TEST(Condition, ComparesWordsAndTruthValues) {
  const ModelSpec model = SmallModel({"blstm", {{"pool", "last"}, {"residual", true}}}, kLogistic);
  EXPECT_TRUE(AllHold("temporal=blstm(pool=last,residual=true)", model));
  EXPECT_FALSE(AllHold("temporal=blstm(pool=mean)", model));
  EXPECT_FALSE(AllHold("temporal=blstm(residual=false)", model));
}

TEST(Condition, RefusesWhatIsNotACondition) {
  const auto refusal = [](const std::string& text) {
    return ErrorText<UsageError>([&] { (void)ParseConditions(text); });
  };
  EXPECT_EQ(refusal("classifier"), "condition 'classifier': must be criterion=component");
  EXPECT_EQ(refusal("model=moe"),
            "condition 'model': 'model' is not a criterion; they are multimodal, temporal, "
            "classifier, label_processing, loss, extras, train");
  EXPECT_EQ(refusal("classifier=moe(experts)"),
            "condition 'moe(experts)': 'experts' must be option=value");
  EXPECT_EQ(refusal("classifier=moe(experts=2"), "condition 'moe(experts=2': the ')' is missing");
  EXPECT_EQ(refusal("classifier=(experts=2)"), "condition '(experts=2)': no component is named");
  EXPECT_EQ(refusal("classifier=moe(=2)"), "condition 'moe(=2)': no option is named");
  EXPECT_EQ(refusal("temporal.=2"), "condition 'temporal.': no option is named");
  EXPECT_EQ(refusal("train=5"), "condition 'train': name a setting: train.batch=128");
  EXPECT_EQ(refusal("extras.dropout=true"),
            "condition 'extras.dropout': write extras=name(option=value) or extras=none");
}

}  // namespace
}  // namespace beamgrid
