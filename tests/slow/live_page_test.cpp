// `beamgrid serve` beside a study that is really run, as a browser shows it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"
#include "tests/support/await.h"
#include "tests/support/browser.h"

namespace beamgrid {
namespace live_page_test {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class LivePage : public ::testing::Test {
 protected:
  LivePage() {
    if (!Browser::IsThere()) return;
    RecipeText recipe;
    recipe.train = "epochs = 6\nbatch = 16\nlearning_rate = 0.01";
    folder_.WriteRecipe(recipe);
    // The first trials are recorded before anybody looks.
    run_ = std::make_unique<Process>(BeamgridCommand({"run", "recipe.toml"}), folder_.path());
    EXPECT_TRUE(run_->WaitForLine("complete"));
    server_ = std::make_unique<Process>(
        std::vector<std::string>{"/bin/sh", "-c",
                                 "exec '" + Binary("beamgrid") + "' serve --port 0 >url"},
        folder_.path());
    // It writes the line once it listens.
    Await("the page's address", [this] {
      url_ = UrlSoFar();
      return url_.ends_with('\n');
    });
    url_.pop_back();
    browser_ = std::make_unique<Browser>(folder_.path() / "browser");
  }

  [[nodiscard]] std::string UrlSoFar() const {
    std::error_code not_yet;
    return std::filesystem::exists(folder_.path() / "url", not_yet)
               ? ReadText(folder_.path() / "url")
               : "";
  }
  /// Returns the text of what a selector finds.
  std::string TextOf(const std::string& selector) {
    const auto text = browser_->Evaluate("document.querySelector('" + selector + "').textContent");
    return text.is_string() ? std::string(text.get_string()) : "";
  }

  const StudyFolder folder_;
  std::unique_ptr<Process> run_, server_;
  std::unique_ptr<Browser> browser_;
  std::string url_;
};

TEST_F(LivePage, FollowsAStudySortsFiltersAndAsksNobodyElse) {
  if (!Browser::IsThere()) GTEST_SKIP() << "no chromium here";
  browser_->Open(url_);
  browser_->WaitUntil("document.getElementById('live-state').textContent.startsWith('Live')");
  browser_->Open(url_ + "studies/small");
  // Nobody loads the page again, once it has come: the server says what is new.
  browser_->WaitUntil("document.getElementById('live-now') !== null");
  browser_->Evaluate("window.same = true");
  browser_->WaitUntil(
      "document.getElementById('live-now').textContent.includes('8 trials: 8 complete')");
  browser_->WaitUntil("document.getElementById('live-now').textContent.includes('Ended at')");
  EXPECT_EQ(browser_->Evaluate("window.same"), true);
  EXPECT_EQ(run_->Wait().exit_code, 0);

  const auto leaderboard =
      ParseJson(folder_.Run({"query", "leaderboard", "--study", "small", "--json"}).out);
  EXPECT_THAT(TextOf("#live-leaderboard tbody tr"),
              HasSubstr(std::string(leaderboard.at(0).at("name").as_string())));
  browser_->Evaluate("document.querySelector('#live-leaderboard a[href*=size]').click()");
  browser_->WaitUntil(
      "location.search.includes('sort=-size') && "
      "document.querySelector('[aria-sort=descending]') !== null");
  EXPECT_THAT(TextOf("#live-leaderboard [aria-sort=descending]"), HasSubstr("size"));
  browser_->Evaluate(
      "document.querySelector('select[name=temporal]').value = 'lstm';"
      "document.querySelector('form').submit()");
  browser_->WaitUntil("location.search.includes('temporal=lstm')");
  browser_->WaitUntil("document.querySelector('.only') !== null");
  EXPECT_EQ(browser_->Evaluate("document.querySelectorAll('#live-leaderboard tbody tr').length"),
            2);

  browser_->Open(url_ + "studies/small/report");
  // A browser is shown an empty page first where the view is not made yet.
  browser_->WaitUntil("document.querySelectorAll('h2').length > 10");
  browser_->Evaluate("document.querySelector('#live-leaderboard th button').click()");
  EXPECT_EQ(browser_->Evaluate("document.querySelector('#live-leaderboard [aria-sort]') !== null"),
            true);

  browser_->Evaluate("document.querySelector('#live-leaderboard tbody a').click()");
  browser_->WaitUntil("location.pathname.includes('/trials/')");
  browser_->WaitUntil("document.getElementById('live-attempts') !== null");
  EXPECT_THAT(TextOf("#live-folder pre"), HasSubstr("beamgrid show "));

  for (const std::string& request : browser_->requests()) EXPECT_THAT(request, StartsWith(url_));
  EXPECT_THAT(browser_->complaints(), IsEmpty());
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait().exit_code, 0);
}

}  // namespace live_page_test
}  // namespace beamgrid
