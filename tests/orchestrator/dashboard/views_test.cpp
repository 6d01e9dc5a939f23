// Pages and JSON of a record, without a server.

#include "orchestrator/dashboard/views.h"

#include <gmock/gmock.h>

#include "registry/util/json.h"
#include "registry/util/text.h"
#include "tests/reports/page/page_support.h"
#include "tests/support/page_check.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace views_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kMarkup[] = "<b>bold</b> \x1b[31mred";

class ViewsTest : public testing::Test {
 protected:
  ViewsTest() {
    FillPageStudy(store_, "s", kMarkup);
    FillPageStudy(store_, "t");
  }

  ViewParts Parts() {
    return {.report =
                [this](const Store& store, const StudyRecord& study, const KeepTrial& keep) {
                  ++reports_;
                  return ReadStudyFacts(
                      store, TestCatalogue(), study,
                      [](const std::string&) { return PaperTable(); }, keep);
                },
            .choices = [](const Store&, const StudyRecord&) -> Choices {
              return {{"temporal", {"netvlad", "blstm"}}};
            },
            .machine = [this] { return machine_; },
            .now =
                [] {
                  return std::chrono::system_clock::time_point(std::chrono::seconds(1'000'000'000));
                }};
  }
  View Make(const std::string& target) {
    return views_.Make(std::get<Target>(ParseTarget(target)), store_, running_, version_);
  }
  /// Returns the page, which must be a sound one.
  std::string Page(const std::string& target) {
    const View view = Make(target);
    EXPECT_EQ(view.status, 200) << view.trouble;
    EXPECT_THAT(ProblemsOfPage(view.body, PageLinks::kIntoItsServer), IsEmpty()) << target;
    for (const ViewSection& section : view.sections) {
      EXPECT_THAT(view.body, HasSubstr(section.html));
      EXPECT_THAT(view.body,
                  HasSubstr("id=\"" + section.id + "\" data-digest=\"" + section.digest + "\""));
    }
    return view.body;
  }

  const TemporaryFolder folder_;
  Store store_{folder_ / "r.db", OpenMode::kReadWrite};
  RunningStudies running_{folder_ / "r.db"};
  std::vector<StudyNote> machine_;
  int reports_ = 0;
  std::uint64_t version_ = 1;
  Views views_{Parts()};
};

TEST_F(ViewsTest, ListsStudiesAndWhatTheMachineDoes) {
  machine_ = {{.study = "<i>x</i>",
               .pid = 7,
               .devices = {{"cpu", {.capacity = 4, .held = 2, .wanted = 1}}}}};
  const std::string page = Page("/");
  EXPECT_THAT(page,
              AllOf(HasSubstr("<a href=\"/studies/s\">s</a>"), HasSubstr(">ended<"),
                    HasSubstr("&lt;i&gt;x&lt;/i&gt;"),
                    HasSubstr("As read</span> at <time id=\"live-time\">2001-09-09T01:46:40Z")));
  EXPECT_THAT(page, Not(HasSubstr("<b>bold")));
}

TEST_F(ViewsTest, AStudysPageHasItsNumbersAndSaysWhatItIsOf) {
  const std::string page = Page("/studies/s");
  EXPECT_THAT(page, AllOf(HasSubstr("<p>24 trials: 23 complete, 1 failed.</p>"),
                          HasSubstr("<p>No trial of it waits.</p>"),
                          HasSubstr("&lt;b&gt;bold&lt;/b&gt; \\x1b[31mred"),
                          HasSubstr("href=\"/studies/s?sort=-size\""), HasSubstr("Curves")));
}

TEST_F(ViewsTest, AFilterIsSaidAndHoldsInEachView) {
  for (const char* target : {"/studies/s?temporal=netvlad", "/studies/s/report?temporal=netvlad",
                             "/studies/s/report/leaderboard?temporal=netvlad"}) {
    const std::string page = Page(target);
    EXPECT_THAT(page, AllOf(HasSubstr("Only of trials with temporal = netvlad"),
                            HasSubstr("<option value=\"netvlad\" selected=\"selected\">"),
                            Not(HasSubstr("BLSTM"))))
        << target;
  }
  EXPECT_THAT(Page("/studies/s/report/leaderboard"), HasSubstr("BLSTM"));
  EXPECT_THAT(Page("/studies/s/report"), HasSubstr("No ensemble is recorded"));
  EXPECT_THAT(Page("/studies/s/report?temporal=netvlad"),
              AllOf(Not(HasSubstr("No ensemble is recorded")), Not(HasSubstr("ensemble-section"))))
      << "one is of the study as a whole";
  EXPECT_THAT(Page("/studies/s?name=%3Cb%3E"),
              AllOf(HasSubstr("name with '&lt;b&gt;'"), HasSubstr("0 trials")));
  EXPECT_THAT(Page("/studies/s/report?name=nothing"), HasSubstr("Leaderboard"));
}

TEST_F(ViewsTest, TheReportIsThatOfTheCommand) {
  const std::string page = Page("/studies/s/report");
  const StudyFacts facts = FactsOf(store_, "s");
  for (const PageSection& section : SectionsOf(facts)) {
    EXPECT_THAT(page, HasSubstr(SectionMarkup(section, "", "h2").text()));
    EXPECT_THAT(page, HasSubstr("href=\"/studies/s/report/" + section.name + "\""));
    const std::string alone = Page("/studies/s/report/" + section.name);
    EXPECT_THAT(alone, HasSubstr(SectionMarkup(section, "", "h2").text()));
  }
}

TEST_F(ViewsTest, ReadsAReportOnceForAllItsSections) {
  Page("/studies/s/report");
  Page("/studies/s/report/tables");
  Page("/studies/s/report/effects");
  EXPECT_EQ(reports_, 1);
  Page("/studies/s/report/effects?temporal=netvlad");
  EXPECT_EQ(reports_, 2);
  ++version_;
  Page("/studies/s/report/effects?temporal=netvlad");
  EXPECT_EQ(reports_, 3) << "the record is another one";
}

TEST_F(ViewsTest, WhatIsNotThereIsToldWithWhatIs) {
  const View study = Make("/studies/%3Cx%3E");
  EXPECT_EQ(study.status, 404);
  EXPECT_THAT(study.body, HasSubstr("no study '&lt;x&gt;' in the record; studies: s, t."));
  EXPECT_THAT(ProblemsOfPage(study.body, PageLinks::kIntoItsServer), IsEmpty());
  const View section = Make("/studies/s/report/nothing");
  EXPECT_EQ(section.status, 404);
  EXPECT_THAT(section.trouble, HasSubstr("answer, asked, leaderboard"));
  const View json = Make("/api/studies/x");
  EXPECT_EQ(json.status, 404);
  EXPECT_THAT(ParseJson(json.body).at("error").as_string(), HasSubstr("no study 'x'"));
}

TEST_F(ViewsTest, ProgramsGetTheSameAsJson) {
  const auto list = ParseJson(Make("/api/studies").body);
  ASSERT_THAT(list.as_array(), SizeIs(2));
  EXPECT_EQ(list.at(0).at("name"), "s");
  EXPECT_EQ(list.at(0).at("trials").at("complete"), 23);
  EXPECT_EQ(list.at(0).at("run"), "ended");
  const auto study = ParseJson(Make("/api/studies/s?sort=size").body);
  EXPECT_EQ(study.at("models"), 12);
  EXPECT_THAT(study.at("leaderboard").as_array(), SizeIs(12));
  EXPECT_EQ(study.at("best").at("place"), 1);
  EXPECT_EQ(study.at("best"), list.at(0).at("best"));
  EXPECT_NE(study.at("leaderboard").at(0).at("place"), 1) << "the smallest comes first";
  EXPECT_THAT(study.at("ended").as_array(), SizeIs(10));
  EXPECT_EQ(Make("/api/studies").type, "application/json");
}

TEST_F(ViewsTest, ThePolicyNamesNoOtherPlace) {
  EXPECT_THAT(PagePolicy(), AllOf(HasSubstr("default-src 'none'"), HasSubstr("connect-src 'self'"),
                                  HasSubstr("frame-ancestors 'none'"), Not(HasSubstr("unsafe")),
                                  Not(HasSubstr("http")), Not(HasSubstr("*"))));
}

}  // namespace views_test
}  // namespace beamgrid
