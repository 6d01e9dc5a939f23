#include "orchestrator/dashboard/target.h"

#include <gmock/gmock.h>

namespace beamgrid {
namespace target_test {

using testing::AllOf;
using testing::HasSubstr;

Target Read(const std::string& text) {
  const auto parsed = ParseTarget(text);
  const auto* refusal = std::get_if<Refusal>(&parsed);
  EXPECT_EQ(refusal, nullptr) << text << ": " << refusal->why;
  return refusal == nullptr ? std::get<Target>(parsed) : Target{};
}

Refusal Refused(const std::string& text) {
  const auto parsed = ParseTarget(text);
  const auto* refusal = std::get_if<Refusal>(&parsed);
  EXPECT_NE(refusal, nullptr) << text;
  return refusal == nullptr ? Refusal{0, ""} : *refusal;
}

TEST(DashboardTarget, NamesEachView) {
  EXPECT_EQ(Read("/").kind, ViewKind::kStudies);
  EXPECT_EQ(Read("/studies").kind, ViewKind::kStudies);
  EXPECT_EQ(Read("/studies/a").kind, ViewKind::kStudy);
  EXPECT_EQ(Read("/studies/a/").study, "a");
  EXPECT_EQ(Read("/studies/a/report").kind, ViewKind::kReport);
  EXPECT_EQ(Read("/studies/a/report/effects").section, "effects");
  EXPECT_EQ(Read("/studies/a/trials/17").kind, ViewKind::kTrial);
  EXPECT_EQ(Read("/studies/a/trials/17").trial, 17);
  EXPECT_EQ(Read("/api/studies/a/trials/17").form, ViewForm::kJson);
  EXPECT_EQ(Read("/api/studies").form, ViewForm::kJson);
  EXPECT_EQ(Read("/api/studies/a").kind, ViewKind::kStudy);
  for (const char* text : {"/study/a", "/studies/a/b", "/studies/a/report/b/c", "/studies//report",
                           "/api", "/api/studies/a/report", "/favicon.ico", "/studies//", "/api/x",
                           "/studies/a/trials", "/studies/a/trials/", "/studies/a/trials/x",
                           "/studies/a/trials/0", "/studies/a/trials/-1", "/studies/a/trials/07",
                           "/studies/a/trials/1/2", "/studies/a/trials/99999999999999999999"}) {
    EXPECT_EQ(Refused(text).status, 404) << text;
  }
}

TEST(DashboardTarget, ReadsFiltersAndOrder) {
  const Target target =
      Read("/studies/a?name=MC+%c3%a9&temporal=lstm&extras=dropout&sort=-size&page=3&loss=");
  EXPECT_EQ(target.filter.name, "MC \xc3\xa9");
  EXPECT_THAT(target.filter.parts, testing::ElementsAre(testing::Pair("extras", "dropout"),
                                                        testing::Pair("temporal", "lstm")));
  EXPECT_EQ(target.sort, "size");
  EXPECT_TRUE(target.descending);
  EXPECT_EQ(target.page, 3);
}

TEST(DashboardTarget, OneQuestionHasOneText) {
  const std::string text = "/studies/a%2Fb?name=x%20y%26&temporal=lstm&sort=-size&page=2";
  EXPECT_EQ(Read(text).Text(), text);
  EXPECT_EQ(Read("/studies/a%2fb/?page=2&temporal=lstm&sort=-size&name=x+y%26&loss=").Text(), text);
  for (const char* same : {"/", "/studies/a", "/studies/a/report/tables", "/api/studies",
                           "/api/studies/a?extras=dropout&sort=name", "/studies/a/trials/17",
                           "/api/studies/a/trials/17"}) {
    EXPECT_EQ(Read(same).Text(), same);
  }
}

TEST(DashboardTarget, KnowsForWhomARefusalIs) {
  for (const char* text : {"/api", "/api/nosuch", "/api?x", "/api/studies/a/report"}) {
    EXPECT_EQ(FormOf(text), ViewForm::kJson) << text;
  }
  for (const char* text : {"/", "/apis", "/studies/api", "", "api"}) {
    EXPECT_EQ(FormOf(text), ViewForm::kPage) << text;
  }
}

TEST(DashboardTarget, RefusesWhatWouldBePassedOver) {
  EXPECT_THAT(Refused("/studies/a?temporl=lstm").why,
              AllOf(HasSubstr("'temporl'"), HasSubstr("temporal")));
  EXPECT_THAT(Refused("/?name=x").why, HasSubstr("takes nothing"));
  EXPECT_THAT(Refused("/studies/a/trials/1?name=x").why, HasSubstr("takes nothing"));
  EXPECT_THAT(Refused("/studies/a/report?sort=size").why, HasSubstr("'sort'"));
  EXPECT_THAT(Refused("/studies/a?train=x").why, HasSubstr("'train'"));
  EXPECT_THAT(Refused("/studies/a?sort=bytes").why, HasSubstr("objective"));
  EXPECT_THAT(Refused("/studies/a?name=x&name=y").why, HasSubstr("twice"));
  EXPECT_EQ(Refused("/studies/a?temporal=gru+lstm").why,
            "temporal = 'gru lstm' is no component, with options or without, as in 'moe' or 'moe "
            "experts=2'");
  for (const char* text :
       {"/studies/a?page=0", "/studies/a?page=1.5", "/studies/a?page=99999999999999999999",
        "/studies/a?temporal=a%22b", "/studies/a?temporal=gru+lstm", "/studies/a?temporal=a=1",
        "/studies/a?temporal=a+x=", "/studies/a?temporal=a+x=1+x=2", "/studies/%ff", "/studies/%0a",
        "/studies/%4", "/studies/%zz", "/studies/a?name=%00", "", "studies", "http://127.0.0.1/",
        "/#x", "*"}) {
    EXPECT_EQ(Refused(text).status, 400) << text;
  }
  EXPECT_EQ(Refused("/" + std::string(kTargetBytesMax, 'a')).status, 414);
}

TEST(DashboardTarget, APartMayHaveOptionsInAnyOrder) {
  const Target target = Read("/studies/a?classifier=moe+hidden=8++experts=2");
  EXPECT_THAT(target.filter.parts,
              testing::ElementsAre(testing::Pair("classifier", "moe experts=2 hidden=8")));
  EXPECT_EQ(target.Text(), "/studies/a?classifier=moe%20experts%3D2%20hidden%3D8");
  EXPECT_EQ(Read(target.Text()).Text(), target.Text());
}

}  // namespace target_test
}  // namespace beamgrid
