#include "trainer/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct AllKinds {
  bool gating = true;
  std::int64_t clusters = 64;
  double rate = 0.5;
  std::string pool = "mean";
  OptionValue window = 5;
};

void Describe(Fields& f, AllKinds& o) {
  f("gating", o.gating, "gate the output");
  f("clusters", o.clusters, Range{1, 4096}, "codebook size").Tag("C").AlwaysNamed();
  f("rate", o.rate, Range{0, 0.9}, "share dropped");
  f("pool", o.pool, Choices{{"mean", "last"}}, "over time");
  f("window", o.window, Range{1, 999}, Choices{{"all"}}, "frames");
}

Options Complete() {
  return {{"gating", false}, {"clusters", 8}, {"rate", 1}, {"pool", "last"}, {"window", "all"}};
}

TEST(Fields, ListsTheDefaultsInOrder) {
  const std::vector<OptionInfo> infos = ListOptions<AllKinds>();
  ASSERT_EQ(infos.size(), 5u);
  EXPECT_EQ(infos[0].name, "gating");
  EXPECT_EQ(infos[0].type, OptionType::kBool);
  EXPECT_EQ(infos[0].default_value, OptionValue(true));
  EXPECT_EQ(infos[0].help, "gate the output");
  EXPECT_FALSE(infos[0].always_named);

  EXPECT_EQ(infos[1].name, "clusters");
  EXPECT_EQ(infos[1].type, OptionType::kInteger);
  EXPECT_EQ(infos[1].default_value, OptionValue(64));
  EXPECT_EQ(infos[1].minimum, 1);
  EXPECT_EQ(infos[1].maximum, 4096);
  EXPECT_EQ(infos[1].tag, "C");
  EXPECT_TRUE(infos[1].always_named);

  EXPECT_EQ(infos[2].type, OptionType::kNumber);
  EXPECT_EQ(infos[2].default_value, OptionValue(0.5));
  EXPECT_EQ(infos[3].type, OptionType::kString);
  EXPECT_THAT(infos[3].choices, ElementsAre(OptionValue("mean"), OptionValue("last")));
  EXPECT_FALSE(infos[3].minimum.has_value());

  EXPECT_EQ(infos[4].type, OptionType::kInteger);
  EXPECT_EQ(infos[4].default_value, OptionValue(5));
  EXPECT_EQ(infos[4].maximum, 999);
  EXPECT_THAT(infos[4].choices, ElementsAre(OptionValue("all")));
}

TEST(Fields, ReadsEveryKind) {
  const auto read = ReadOptions<AllKinds>(Complete());
  EXPECT_FALSE(read.gating);
  EXPECT_EQ(read.clusters, 8);
  EXPECT_EQ(read.rate, 1.0);
  EXPECT_EQ(read.pool, "last");
  EXPECT_EQ(read.window, OptionValue("all"));
}

std::string WhyNotRead(const Options& options) {
  try {
    std::ignore = ReadOptions<AllKinds>(options);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Fields, NamesTheMissingOption) {
  Options options = Complete();
  options.erase("pool");
  EXPECT_EQ(WhyNotRead(options), "option 'pool' is missing");
}

TEST(Fields, NamesTheOptionOfAnotherType) {
  const std::vector<std::pair<std::string, OptionValue>> wrong = {
      {"gating", 1}, {"clusters", 2.5}, {"rate", "x"}, {"pool", 3}, {"window", true}};
  for (const auto& [name, value] : wrong) {
    Options options = Complete();
    options[name] = value;
    EXPECT_THAT(WhyNotRead(options), HasSubstr("option '" + name + "' = ")) << name;
  }
}

TEST(CriterionOf, FollowsTheBaseClass) {
  EXPECT_EQ(CriterionOf("Multimodal"), "multimodal");
  EXPECT_EQ(CriterionOf("LabelProcessing"), "label_processing");
  EXPECT_EQ(CriterionOf("Extra"), "extras");
  EXPECT_EQ(CriterionOf("Loss"), "loss");
}

Registration Registered(std::string criterion, std::string name, std::string file) {
  return {.info = {.criterion = std::move(criterion), .name = std::move(name)},
          .file = std::move(file)};
}

TEST(Registrations, AreSortedByPipelineThenName) {
  const auto sorted =
      SortedComponents({Registered("loss", "a", "1"), Registered("temporal", "b", "2"),
                        Registered("temporal", "a", "3"), Registered("multimodal", "z", "4"),
                        Registered("extras", "d", "5"), Registered("classifier", "c", "6")});
  std::vector<std::string> names;
  for (const ComponentInfo& info : sorted) names.push_back(info.criterion + "/" + info.name);
  EXPECT_THAT(names, ElementsAre("multimodal/z", "temporal/a", "temporal/b", "classifier/c",
                                 "extras/d", "loss/a"));
}

TEST(Registrations, TwoOfOneNameAreAnErrorWithBothFiles) {
  EXPECT_THAT(ErrorsOf({Registered("temporal", "x", "a.cpp"), Registered("loss", "x", "c.cpp"),
                        Registered("temporal", "x", "b.cpp")}),
              ElementsAre("temporal 'x' is registered by a.cpp and b.cpp"));
}

TEST(Registrations, BadNamesAndRepeatedOptionsAreErrors) {
  Registration twice = Registered("loss", "y", "y.cpp");
  twice.info.options = {{.name = "rate"}, {.name = "rate"}, {.name = "no spaces"}};
  EXPECT_THAT(ErrorsOf({Registered("temporal", "Net-VLAD", "x.cpp"), twice,
                        Registered("time", "z", "z.cpp")}),
              ElementsAre("loss 'y' (y.cpp): option 'no spaces': a name is made of a-z, 0-9 and _",
                          "loss 'y' (y.cpp): option 'rate' is described twice",
                          "temporal 'Net-VLAD' (x.cpp): a name is made of a-z, 0-9 and _",
                          "time 'z' (z.cpp): there is no criterion 'time'"));
}

TEST(Registrations, TheProgramHasNone) { EXPECT_THAT(RegistrationErrors(), IsEmpty()); }

}  // namespace
}  // namespace beamgrid::trainer
