// The page of a study that was really run, as it is written and as a browser shows it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "registry/util/json.h"
#include "registry/util/text.h"
#include "tests/end_to_end/study_folder.h"
#include "tests/support/page_check.h"

namespace beamgrid {
namespace report_page_test {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ReportPage : public ::testing::Test {
 protected:
  ReportPage() {
    folder_.WriteRecipe({});
    const Ended run = folder_.Run({"run", "recipe.toml"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    const Ended report = folder_.Run({"report", "small", "--out", "page.html"});
    EXPECT_EQ(report.exit_code, 0) << report.err;
    page_ = ReadText(folder_.path() / "page.html");
  }

  const StudyFolder folder_;
  std::string page_;
};

TEST_F(ReportPage, HasTheNumbersOfTheOtherCommands) {
  EXPECT_THAT(ProblemsOfPage(page_), IsEmpty());
  const auto leaderboard =
      ParseJson(folder_.Run({"query", "leaderboard", "--study", "small", "--json"}).out);
  EXPECT_EQ(leaderboard.as_array().size(), 4U);
  for (const auto& model : leaderboard.as_array()) {
    EXPECT_THAT(page_, HasSubstr(">" + FixedText(model.at("objective").as_double(), 5) + "<"));
  }
  // The same weights and holdout as the recorded one, so that its members are compared here too.
  const auto why =
      ParseJson(folder_.Run({"ensemble", "small", "--why", "--json", "--db", "beamgrid.db"}).out);
  for (const auto& member : why.at("members").as_array()) {
    EXPECT_THAT(page_,
                HasSubstr(">" + FixedText(member.at("weight").to_number<double>(), 4) + "<"));
  }
  for (const auto& pair : why.at("why").at("pairs").as_array()) {
    EXPECT_THAT(page_,
                HasSubstr(">" + FixedText(pair.at("correlation").to_number<double>(), 3) + "<"));
  }
}

TEST_F(ReportPage, IsTheSameAsLongAsTheRecordIs) {
  ASSERT_EQ(folder_.Run({"report", "small", "--out", "again.html"}).exit_code, 0);
  EXPECT_EQ(ReadText(folder_.path() / "again.html"), page_);
}

TEST_F(ReportPage, ABrowserShowsItWithoutAMessage) {
  if (std::system("command -v chromium >/dev/null 2>&1") != 0) GTEST_SKIP() << "no chromium here";
  const std::string page = (folder_.path() / "page.html").string();
  const Ended shown =
      Process({"/usr/bin/env", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
               "--user-data-dir=" + (folder_.path() / "browser").string(),
               "--enable-logging=stderr", "--dump-dom", "file://" + page},
              folder_.path())
          .Wait();
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.err, Not(HasSubstr("CONSOLE")));
  EXPECT_THAT(shown.out, HasSubstr("Sort by this column")) << "the script was not allowed to run";
}

}  // namespace report_page_test
}  // namespace beamgrid
