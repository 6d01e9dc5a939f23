// The page as a whole: well-formed, usable, the same each time, small.

#include "reports/page/page.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <regex>
#include <set>

#include "reports/page/assets.h"
#include "reports/page/drawing.h"
#include "tests/reports/page/page_support.h"
#include "tests/support/page_check.h"

namespace beamgrid {
namespace page_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Page, IsWellFormedAndTheSameEachTime) {
  Store store(":memory:", OpenMode::kReadWrite);
  FillPageStudy(store, "s");
  const std::string page = WritePage({FactsOf(store, "s")});
  EXPECT_THAT(ProblemsOfPage(page), IsEmpty());
  EXPECT_EQ(WritePage({FactsOf(store, "s")}), page);
}

TEST(Page, HoldsSeveralStudiesWithoutAnIdTwice) {
  Store store(":memory:", OpenMode::kReadWrite);
  FillPageStudy(store, "one");
  FillPageStudy(store, "two");
  const std::string page = WritePage({FactsOf(store, "one"), FactsOf(store, "two")});
  EXPECT_THAT(ProblemsOfPage(page), IsEmpty());
  EXPECT_THAT(page, HasSubstr("<h1>Studies one, two</h1>"));
  EXPECT_THAT(page, HasSubstr("<h2>two</h2>"));
  const auto files = FigureFiles({FactsOf(store, "one"), FactsOf(store, "two")});
  EXPECT_EQ(files.front().name, "one-effects");
}

TEST(Page, LongWordsOfCellsBreakBehindSignsAndNumbersDoNot) {
  EXPECT_EQ(BreakableText("extras.context_gating").text(), "extras.<wbr/>context_<wbr/>gating");
  EXPECT_EQ(BreakableText("frame_projection=32 hidden=64").text(),
            "frame_<wbr/>projection=<wbr/>32 hidden=64");
  EXPECT_EQ(BreakableText("train.learning_rate=0.25").text(),
            "train.<wbr/>learning_<wbr/>rate=<wbr/>0.25");
  EXPECT_EQ(BreakableText("clusters=64").text(), "clusters=64") << "short enough for any line";
  EXPECT_EQ(BreakableText("<b>&").text(), "&lt;b&gt;&amp;");
  EXPECT_EQ(BreakableText("averyveryverylongword= x").text(), "averyveryverylongword= x");
  EXPECT_EQ(BreakableText("").text(), "");
}

TEST(Page, EscapesWhatPeopleWrite) {
  Store store(":memory:", OpenMode::kReadWrite);
  FillPageStudy(store, "s", "<script>alert(1)</script>&amp;\x1b[31m\xff\u202e\"'");
  const std::string page = WritePage({FactsOf(store, "s")});
  EXPECT_THAT(ProblemsOfPage(page), IsEmpty());
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;\\x1b[31m"));
}

TEST(Page, OfAStudyOfWhichNothingIsCompleteSaysSo) {
  Store store(":memory:", OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy(ExampleStudy("empty"));
  std::string page = WritePage({FactsOf(store, "empty")});
  EXPECT_THAT(ProblemsOfPage(page), IsEmpty());
  EXPECT_THAT(page, HasSubstr("Nothing is complete yet"));
  const TrialId id = store.AddTrials(study, {ExampleNewTrial()})[0];
  store.FinishAttempt(id, store.BeginAttempt(id, "d", "cpu", 1), ExampleFailure(),
                      TrialState::kFailed);
  page = WritePage({FactsOf(store, "empty")});
  EXPECT_THAT(ProblemsOfPage(page), IsEmpty());
  EXPECT_THAT(page, HasSubstr("1 trial: 1 failed."));
  EXPECT_THAT(page, HasSubstr("1 attempt failed; 1 trial has failed for good"));
}

TEST(Page, OfSomeTrialsIsThatOfAStudyWhichHasNoOthers) {
  Store store(":memory:", OpenMode::kReadWrite);
  FillPageStudy(store, "s");
  const auto no_paper = [](const std::string&) { return PaperTable(); };
  const StudyFacts all = FactsOf(store, "s");
  const StudyFacts some = ReadStudyFacts(store, TestCatalogue(), *store.FindStudy("s"), no_paper,
                                         [](const TrialRecord& trial) { return trial.seed == 1; });
  EXPECT_EQ(some.trials.size(), 12U);
  EXPECT_EQ(all.trials.size(), 24U);
  for (const Standing& standing : some.leaderboard.standings) {
    EXPECT_THAT(standing.seeds, ElementsAre(1));
  }
  for (const AttemptFact& attempt : some.attempts) EXPECT_EQ(attempt.seed, 1);
  EXPECT_THAT(ProblemsOfPage(WritePage({some})), IsEmpty());
  const StudyFacts none = ReadStudyFacts(store, TestCatalogue(), *store.FindStudy("s"), no_paper,
                                         [](const TrialRecord&) { return false; });
  EXPECT_THAT(none.attempts, IsEmpty());
  EXPECT_THAT(none.asked, IsEmpty());
  EXPECT_THAT(ProblemsOfPage(WritePage({none})), IsEmpty());
}

TEST(Page, OfOneTrialHasEverySection) {
  Store store(":memory:", OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy(ExampleStudy("one"));
  const TrialId id = store.AddTrials(study, {ExampleNewTrial()})[0];
  store.FinishAttempt(id, store.BeginAttempt(id, "d", "cpu", 1), ExampleSuccess(),
                      TrialState::kComplete);
  const std::string page = WritePage({FactsOf(store, "one")});
  EXPECT_THAT(ProblemsOfPage(page), IsEmpty());
  EXPECT_THAT(page, HasSubstr("MC-BLSTM512 is the only model that is complete: GAP 0.5000 with "
                              "one seed."));
  EXPECT_THAT(page, HasSubstr("No model has more than one complete seed"));
  EXPECT_THAT(page, HasSubstr("There is nothing to compare"));
}

TEST(Page, ForbidsEveryLoadAndNamesItsOwnStyleAndScript) {
  Store store(":memory:", OpenMode::kReadWrite);
  FillPageStudy(store, "s");
  const std::string page = WritePage({FactsOf(store, "s")});
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; style-src '" + StyleSource() +
                              "'; script-src '" + ScriptSource() + "'; base-uri 'none'"));
  EXPECT_EQ(StyleSource().size(), 7U + 44U);
  EXPECT_NE(StyleSource(), ScriptSource());
  std::vector<std::string> problems;
  for (const PageElement& element : ElementsOf(page, problems)) {
    if (element.tag == "style") {
      EXPECT_EQ(element.text, PageStyle() + ChartStyle());
    }
    if (element.tag == "script") {
      EXPECT_EQ(element.text, PageScript());
    }
  }
  EXPECT_THAT(PageScript(), Not(HasSubstr("innerHTML"))) << "text never becomes an element";
  EXPECT_THAT(PageScript(), Not(HasSubstr("fetch(")));
}

TEST(Page, ItsChartsAreFilesOfTheirOwn) {
  Store store(":memory:", OpenMode::kReadWrite);
  FillPageStudy(store, "s", "<&>");
  std::vector<std::string> names;
  for (const FigureFile& file : FigureFiles({FactsOf(store, "s")})) {
    names.push_back(file.name);
    std::vector<std::string> problems;
    const std::vector<PageElement> elements = ElementsOf(file.svg, problems);
    EXPECT_THAT(problems, IsEmpty()) << file.name;
    EXPECT_EQ(elements.front().tag, "svg");
    EXPECT_EQ(elements.front().attributes.at("xmlns"), "http://www.w3.org/2000/svg");
  }
  EXPECT_THAT(
      names, ElementsAre("effects", "curves", "sizes", "seeds", "path", "best-so-far", "timeline"));
}

/// Returns ten thousand trials of five thousand models, with everything that a page says of them.
StudyFacts ManyTrials() {
  StudyFacts facts{.study = ExampleStudy("many")};
  for (int i = 0; i < 10'000; ++i) {
    TrialRecord trial{.id = TrialId(i + 1),
                      .name = "MC-NetVLAD-C64-H1024-LN-MoE2-lr" + std::to_string(i / 2),
                      .seed = 1 + i % 2,
                      .state = TrialState::kComplete,
                      .parameters = 1'000'000 + i,
                      .size_bytes = 4'000'000 + 1000LL * (i * 7919 % 10'007),
                      .model_json = "{\"model\":" + std::to_string(i / 2) + "}"};
    trial.result = TrialResult{.metrics = {.gap = 0.5 + 1e-5 * (i * 6007 % 9973)}};
    facts.attempts.push_back({.trial = trial.id,
                              .model = trial.name,
                              .seed = trial.seed,
                              .number = 1 + i % 3,
                              .outcome = i % 50 == 0 ? "out_of_memory" : "complete",
                              .device = "cuda:" + std::to_string(i % 8),
                              .begun_at = 60.0 * (i / 8),
                              .ended_at = 60.0 * (i / 8) + 55,
                              .message = "CUDA out of memory",
                              .log_tail = std::string(2000, 'x')});
    facts.asked.push_back({trial.name, "draw " + std::to_string(i)});
    facts.trials.push_back(std::move(trial));
  }
  facts.leaderboard = MakeLeaderboard(facts.study, facts.trials);
  facts.no_effects = "none";
  return facts;
}

TEST(Page, OfTenThousandTrialsIsSmallerThanTwoMegabytes) {
  const std::string page = WritePage({ManyTrials()});
  EXPECT_THAT(ProblemsOfPage(page), IsEmpty());
  EXPECT_LT(page.size(), 2'000'000U);
  EXPECT_THAT(page, HasSubstr("the best 300 of 5000 models"));
}

// ---- Colours --------------------------------------------------------------------------------

double Luminance(const std::string& colour) {
  const auto part = [&](std::size_t at) {
    const double value = std::stoi(colour.substr(at, 2), nullptr, 16) / 255.0;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

/// Returns the contrast of two colours as WCAG 2.1 reckons it.
double Contrast(const std::string& one, const std::string& other) {
  const auto [dark, light] = std::minmax({Luminance(one), Luminance(other)});
  return (light + 0.05) / (dark + 0.05);
}

/// Returns the schemes of a style: the values of its variables, light, dark and in print.
std::vector<std::map<std::string, std::string>> SchemesOf(const std::string& style) {
  static const std::regex variable("(--[a-z0-9]+): (#[0-9a-f]{6})");
  std::vector<std::map<std::string, std::string>> schemes;
  for (std::sregex_iterator found(style.begin(), style.end(), variable), end; found != end;
       ++found) {
    if ((*found)[1] == "--ink") schemes.emplace_back();
    schemes.back()[(*found)[1]] = (*found)[2];
  }
  return schemes;
}

TEST(Page, ItsTextHasContrastInEveryScheme) {
  const auto schemes = SchemesOf(PageStyle());
  ASSERT_GE(schemes.size(), 3U);
  for (auto colours : schemes) {
    for (const char* text : {"--ink", "--soft", "--link"}) {
      if (!colours.contains(text) || !colours.contains("--panel")) continue;
      EXPECT_GE(Contrast(colours[text], colours["--paper"]), 4.5) << text << colours[text];
      EXPECT_GE(Contrast(colours[text], colours["--panel"]), 4.5) << text << colours[text];
    }
  }
}

/// Returns the colours of a style's text, and those of its marks and lines.
std::pair<std::set<std::string>, std::set<std::string>> ChartColoursOf(const std::string& style) {
  static const std::regex rule("([^{}]+)\\{([^{}]*)\\}");
  static const std::regex text("(^|[^a-z-])fill: (#[0-9a-f]{6})");
  static const std::regex mark("(^|[^a-z-])color: (#[0-9a-f]{6})");
  std::set<std::string> texts, marks;
  for (std::sregex_iterator found(style.begin(), style.end(), rule), end; found != end; ++found) {
    const std::string names = (*found)[1], body = (*found)[2];
    std::smatch colour;
    const bool of_text =
        names.find("text") != std::string::npos || names.find(".title") != std::string::npos;
    if (of_text && std::regex_search(body, colour, text)) texts.insert(colour[2]);
    if (std::regex_search(body, colour, mark)) marks.insert(colour[2]);
  }
  return {texts, marks};
}

TEST(Page, ItsChartsHaveContrastInBothSchemes) {
  const std::string& style = ChartStyle();
  const std::size_t dark = style.find("@media screen and (prefers-color-scheme: dark)");
  ASSERT_NE(dark, std::string::npos);
  const std::pair<std::string, std::string> schemes[] = {{style.substr(0, dark), "#ffffff"},
                                                         {style.substr(dark), "#15181d"}};
  for (const auto& [rules, paper] : schemes) {
    EXPECT_THAT(rules, HasSubstr(".chart .paper { fill: " + paper + "; }"));
    const auto [texts, marks] = ChartColoursOf(rules);
    EXPECT_EQ(texts.size(), 2U);
    EXPECT_EQ(marks.size(), kSeriesStyles);
    for (const std::string& colour : texts) EXPECT_GE(Contrast(colour, paper), 4.5) << colour;
    for (const std::string& colour : marks) EXPECT_GE(Contrast(colour, paper), 3) << colour;
  }
}

}  // namespace page_test
}  // namespace beamgrid
