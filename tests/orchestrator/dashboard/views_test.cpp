// Pages and JSON of a record, without a server.

#include "orchestrator/dashboard/views.h"

#include <gmock/gmock.h>

#include <regex>
#include <set>

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
                },
            .class_names = [this](const Store&, StudyId, const DataSpec&) { return class_names_; },
            .options = " --db x"};
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
  std::vector<std::string> class_names_;
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

TEST_F(ViewsTest, ATrialsClassesHaveTheirNames) {
  EXPECT_THAT(Page("/studies/s/trials/1"), Not(HasSubstr("Its classes")));
  class_names_ = {"cat", "", "<b>dog</b> \x1b[31m"};
  EXPECT_THAT(Page("/studies/s/trials/1"),
              HasSubstr("Its classes: 0 cat, 2 &lt;b&gt;dog&lt;/b&gt; \\x1b[31m."));
  const View json = Make("/api/studies/s/trials/1");
  EXPECT_EQ(ParseJson(json.body).at("class_names").at(0).as_string(), "cat");
}

TEST_F(ViewsTest, TheReportIsThatOfTheCommand) {
  const std::string page = Page("/studies/s/report");
  StudyFacts facts = FactsOf(store_, "s");
  facts.address = [](TrialId trial) {
    return "/studies/s/trials/" + std::to_string(static_cast<std::int64_t>(trial));
  };
  for (const PageSection& section : SectionsOf(facts)) {
    EXPECT_THAT(page, HasSubstr(SectionMarkup(section, "", "h2").text()));
    EXPECT_THAT(page, HasSubstr("href=\"/studies/s/report/" + section.name + "\""));
    const std::string alone = Page("/studies/s/report/" + section.name);
    EXPECT_THAT(alone, HasSubstr(SectionMarkup(section, "", "h2").text()));
  }
}

/// Returns the addresses of the trials of study s that a page leads to.
std::set<std::string> TrialsLinkedBy(const std::string& page) {
  const std::regex link("href=\"(/studies/s/trials/[0-9]+)\"");
  std::set<std::string> links;
  for (std::sregex_iterator at(page.begin(), page.end(), link), end; at != end; ++at) {
    links.insert((*at)[1]);
  }
  return links;
}

TEST_F(ViewsTest, EveryPlaceThatNamesATrialLeadsToItsPage) {
  EXPECT_THAT(TrialsLinkedBy(Page("/")), SizeIs(1)) << "the best one";
  for (const char* target :
       {"/studies/s", "/studies/s/report/leaderboard", "/studies/s/report/seeds",
        "/studies/s/report/curves", "/studies/s/report/failures", "/studies/s/report/path",
        "/studies/s/report/best-so-far", "/studies/s/report/cost"}) {
    const View view = Make(target);
    if (view.status != 200) continue;
    const std::set<std::string> links = TrialsLinkedBy(view.body);
    EXPECT_THAT(links, Not(IsEmpty())) << target;
    for (const std::string& link : links) EXPECT_EQ(Make(link).status, 200) << link;
  }
}

TEST_F(ViewsTest, ATrialsPageHasAllThatTheRecordHoldsOfIt) {
  // The first model's seed 2 is complete, the second one's seed 1 failed once.
  const std::vector<TrialRecord> trials = store_.Trials(store_.FindStudy("s")->id);
  const auto address = [](const TrialRecord& trial) {
    return "/studies/s/trials/" + std::to_string(static_cast<std::int64_t>(trial.id));
  };
  store_.AddEnsemble(store_.FindStudy("s")->id,
                     {.json = R"({"members": [{"name": "x", "weight": 0.25, "fingerprint": ")" +
                              trials[2].fingerprint + R"("}], "holdout": {"gap": 0.625}})"});
  const std::string page = Page(address(trials[2]));
  EXPECT_THAT(page, AllOf(HasSubstr(trials[2].name + " seed 1"), HasSubstr("It is complete"),
                          HasSubstr("out_of_memory"), HasSubstr("no room&lt;b&gt;bold"),
                          HasSubstr("last &lt;line&gt;"), HasSubstr("asked for: stage 0"),
                          HasSubstr("s:1"), HasSubstr("0.62500"), HasSubstr("0.250"),
                          HasSubstr(trials[2].directory), HasSubstr(trials[2].fingerprint)));
  EXPECT_THAT(page,
              AllOf(HasSubstr("<code>"), HasSubstr("beamgrid export 3 --out model --db x"),
                    HasSubstr("href=\"" + address(trials[3]) + "\""), HasSubstr("clusters=64")));
  const std::string failed = Page(address(trials[23]));
  EXPECT_THAT(failed, AllOf(HasSubstr("It is failed"), HasSubstr("--retry failed --db x"),
                            HasSubstr("It is in no recorded ensemble"), Not(HasSubstr("export"))));
  const auto json = ParseJson(Make("/api" + address(trials[2])).body);
  EXPECT_EQ(json.at("name").as_string(), trials[2].name);
  EXPECT_EQ(json.at("attempts").as_array().size(), 2U);
  EXPECT_EQ(json.at("ensembles").at(0).at("id"), 1);
  EXPECT_EQ(json.at("state"), "complete");
}

TEST_F(ViewsTest, ATrialOfAnotherStudyIsNotThere) {
  const std::int64_t of_t =
      static_cast<std::int64_t>(store_.Trials(store_.FindStudy("t")->id)[0].id);
  const View view = Make("/studies/s/trials/" + std::to_string(of_t));
  EXPECT_EQ(view.status, 404);
  EXPECT_THAT(view.trouble, HasSubstr("study 's' has no trial " + std::to_string(of_t)));
  EXPECT_EQ(Make("/studies/none/trials/1").status, 404);
}

TEST_F(ViewsTest, APageOfNothingYetIsSoundAndFillsItself) {
  for (const char* target : {"/", "/studies/%3Cb%3E", "/studies/s/report", "/studies/s/trials/1"}) {
    const View view = EmptyView(std::get<Target>(ParseTarget(target)));
    EXPECT_THAT(ProblemsOfPage(view.body, PageLinks::kIntoItsServer), IsEmpty()) << target;
    EXPECT_THAT(view.body, AllOf(HasSubstr("The record is being read"), HasSubstr("EventSource"),
                                 HasSubstr("id=\"live-sections\""), Not(HasSubstr("<b>"))));
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
