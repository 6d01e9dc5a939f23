#include "search/varied.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace varied_test {

using testing::ElementsAre;
using testing::IsEmpty;

ModelSpec Model() {
  return {.parts = {{"temporal", {"lstm", {{"hidden", 512}, {"layers", 2}}}},
                    {"classifier", {"moe", {{"experts", 2}}}}},
          .extras = {{"dropout", {{"rate", 0.2}, {"on", "input"}}}, {"layer_norm", {}}},
          .train = {{"batch", 64}, {"epochs", 5}}};
}

std::string Of(const char* vary) { return CanonicalJson(ParseVaried(vary).Of(Model())); }

TEST(Varied, TakesItsWordsApart) {
  const Varied option = SplitVaried("temporal.hidden+layers");
  EXPECT_EQ(option.criterion, "temporal");
  EXPECT_THAT(option.names, ElementsAre("hidden", "layers"));
  EXPECT_TRUE(option.of_options());
  const Varied rate = SplitVaried("extras.dropout.rate+on");
  EXPECT_EQ(rate.extra, "dropout");
  EXPECT_THAT(rate.names, ElementsAre("rate", "on"));
  EXPECT_TRUE(rate.of_options());
  EXPECT_THAT(SplitVaried("extras.dropout+zoneout").names, ElementsAre("dropout", "zoneout"));
  for (const char* whole : {"temporal", "extras", "train"}) {
    EXPECT_THAT(SplitVaried(whole).names, IsEmpty());
  }
  for (const char* none : {"temporal", "extras.dropout", "train.batch"}) {
    EXPECT_FALSE(SplitVaried(none).of_options()) << none;
  }
  EXPECT_EQ(
      ErrorText<UsageError>([] { static_cast<void>(ParseVaried("temporl.hidden")); }),
      "vary = 'temporl.hidden': 'temporl' is not a criterion; did you mean 'temporal'?; a table "
      "varies a criterion (multimodal, temporal, classifier, label_processing, loss, extras, "
      "train), options of its component as in temporal.hidden, extras or training settings as "
      "in extras.dropout, or options of an extra as in extras.dropout.rate");
}

TEST(Varied, IsWhatTheModelHasOfIt) {
  EXPECT_EQ(Of("temporal"), R"({"lstm":{"hidden":512,"layers":2}})");
  EXPECT_EQ(Of("temporal.hidden"), R"({"hidden":512})");
  EXPECT_EQ(Of("extras.dropout"), R"({"dropout":{"on":"input","rate":0.2}})");
  EXPECT_EQ(Of("extras.dropout.rate"), R"({"rate":0.2})");
  EXPECT_EQ(Of("extras.zoneout.rate"), "{}");
  EXPECT_EQ(Of("loss.delta"), "{}");
  EXPECT_EQ(Of("train.batch"), R"({"train":{"batch":64}})");
}

TEST(Varied, IsInModelsThatHaveOneOfItsNames) {
  for (const char* vary : {"temporal", "temporal.hidden", "temporal.x+layers", "extras.dropout",
                           "extras.dropout.rate", "train.batch", "loss"}) {
    EXPECT_TRUE(ParseVaried(vary).IsIn(Model())) << vary;
  }
  for (const char* vary : {"temporal.x", "extras.zoneout", "extras.dropout.x", "temporal.",
                           "extras.zoneout.rate", "train.x", "loss.delta"}) {
    EXPECT_FALSE(ParseVaried(vary).IsIn(Model())) << vary;
  }
}

TEST(Varied, ASettingThatChangesNothingIsNotInTheModel) {
  ModelSpec model = Model();
  model.train["teacher"] = "";
  model.train["teacher_weight"] = 0.5;
  model.train["l2"] = 0.0;
  model.train["l2_clipped"] = true;
  for (const char* vary : {"train.teacher_weight", "train.l2_clipped"}) {
    EXPECT_FALSE(ParseVaried(vary).IsIn(model)) << vary;
  }
  EXPECT_TRUE(ParseVaried("train.teacher").IsIn(model)) << "there is none, which is something";
  EXPECT_TRUE(ParseVaried("train.teacher+teacher_weight").IsIn(model));
  model.train["teacher"] = {{"file", "t.csv"}, {"hash", "1"}, {"path", "/t.csv"}};
  EXPECT_TRUE(ParseVaried("train.teacher_weight").IsIn(model));
  model.train["l2"] = 1e-6;
  EXPECT_FALSE(ParseVaried("train.l2_clipped").IsIn(model)) << "nothing clips";
  model.extras["gradient_clip"] = {{"norm", 1.0}};
  EXPECT_TRUE(ParseVaried("train.l2_clipped").IsIn(model));
}

TEST(Varied, TheRestIsTheSameWhateverIsVaried) {
  const auto rest = [](const ModelSpec& model, const char* vary) {
    return RestText(model, {ParseVaried(vary)});
  };
  for (const char* vary :
       {"temporal", "temporal.hidden", "extras.dropout", "extras.dropout.rate", "train.batch"}) {
    ModelSpec other = Model();
    other.parts["temporal"].options["hidden"] = 256;
    other.extras["dropout"]["rate"] = 0.5;
    other.train["batch"] = 32;
    EXPECT_NE(rest(other, vary), rest(Model(), vary)) << "two others differ: " << vary;
    ModelSpec mine = Model();
    if (std::string(vary).starts_with("temporal")) mine.parts = other.parts;
    if (std::string(vary).starts_with("extras")) mine.extras = other.extras;
    if (std::string(vary).starts_with("train")) mine.train = other.train;
    EXPECT_EQ(rest(mine, vary), rest(Model(), vary)) << vary;
  }
  ModelSpec gru = Model();
  gru.parts["temporal"].component = "gru";
  EXPECT_NE(rest(gru, "temporal.hidden"), rest(Model(), "temporal.hidden"))
      << "the component is held fixed";
}

TEST(Varied, OverlapsWhereSomethingIsVariedTwice) {
  const auto overlap = [](const char* a, const char* b) {
    EXPECT_EQ(ParseVaried(a).Overlaps(ParseVaried(b)), ParseVaried(b).Overlaps(ParseVaried(a)));
    return ParseVaried(a).Overlaps(ParseVaried(b));
  };
  EXPECT_TRUE(overlap("temporal", "temporal.hidden"));
  EXPECT_TRUE(overlap("temporal.hidden", "temporal.layers+hidden"));
  EXPECT_TRUE(overlap("extras", "extras.dropout.rate"));
  EXPECT_TRUE(overlap("extras.dropout+zoneout", "extras.dropout.rate"));
  EXPECT_FALSE(overlap("temporal.hidden", "temporal.layers"));
  EXPECT_FALSE(overlap("extras.zoneout", "extras.dropout.rate"));
  EXPECT_FALSE(overlap("extras.dropout.rate", "extras.dropout.on"));
  EXPECT_FALSE(overlap("temporal", "classifier"));
}

}  // namespace varied_test
}  // namespace beamgrid
