// `beamgrid report` on records: the page, its charts, and what it refuses.

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <sstream>

#include "registry/scoring/predictions.h"
#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/reports/page/page_support.h"
#include "tests/reports/planted_tables.h"
#include "tests/support/page_check.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class ReportCommandTest : public CommandTest {
 protected:
  ReportCommandTest() {
    UseFakeTrainer();
    Store store(database_, OpenMode::kReadWrite);
    FillPageStudy(store, "s", "<b>bold</b> \x1b[31mred");
    FillPageStudy(store, "t");
  }
  [[nodiscard]] Called Report(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "report");
    arguments.insert(arguments.end(), {"--db", database_});
    return Call(arguments);
  }

  /// Records twelve models with two seeds each and their predictions, by which they may be equal.
  void FillStudyWithPredictions(Store& store, const std::string& name) const {
    const Catalogue catalogue = TestCatalogue();
    const Recipe recipe = ParseRecipe(PageRecipe(), "r.toml", catalogue);
    const SearchSpace space(recipe, catalogue);
    StudyRecord study = ExampleStudy(name);
    study.recipe_text = recipe.text;
    study.id = store.OpenStudy(study);
    const auto rows = planted::Tables({.rows = 12, .seeds = 2, .videos = 60}).Draw(0);
    for (std::int64_t point = 0; point < space.size(); ++point) {
      for (const std::int64_t seed : {1, 2}) {
        const Predictions& predictions =
            rows.at(static_cast<std::size_t>(point)).at(static_cast<std::size_t>(seed - 1));
        TrialSpec spec = ExampleTrial();
        spec.model = *space.At(point);
        spec.seed = seed;
        spec.data.digest = "data of " + name;
        const std::string folder =
            Path("runs/" + std::to_string(point) + "-" + std::to_string(seed));
        std::filesystem::create_directories(folder);
        const std::string file = folder + "/predictions.bin";
        WritePredictions(file, predictions);
        AttemptOutcome outcome =
            ExampleSuccess(ResampleVideos(predictions, *FindMetric("gap"), 0).value);
        outcome.result().artifacts = {
            {.name = "predictions",
             .path = "predictions.bin",
             .bytes = static_cast<std::int64_t>(std::filesystem::file_size(file)),
             .hash = HashFile(file)}};
        const NewTrial trial{.name = space.Name(spec.model),
                             .fingerprint = Fingerprint(spec),
                             .spec = spec,
                             .parameters = 1000,
                             .size_bytes = 4000};
        const TrialId id = store.AddTrials(study.id, {trial})[0];
        store.FinishAttempt(id, store.BeginAttempt(id, folder, "cpu", 1), outcome,
                            TrialState::kComplete);
      }
    }
  }

  const std::string database_ = Path("record.db");
  const std::string page_ = Path("page.html");
};

TEST_F(ReportCommandTest, WritesOneSoundPageTheSameEachTime) {
  const Called called = Report({"s", "--out", page_});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_EQ(called.out, "") << "data goes to the file";
  EXPECT_THAT(called.err, HasSubstr(page_ + ": "));
  const std::string page = ReadFile(page_);
  EXPECT_THAT(ProblemsOfPage(page), IsEmpty());
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;b&gt;bold&lt;/b&gt; \\x1b[31mred"),
                          HasSubstr("<h1>Study s</h1>"), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(Report({"s", "--out", page_}).exit_code, 0);
  EXPECT_EQ(ReadFile(page_), page);
}

TEST_F(ReportCommandTest, ItsNumbersAreThoseOfTheOtherCommands) {
  ASSERT_EQ(Report({"s", "--out", page_}).exit_code, 0);
  const std::string page = ReadFile(page_);
  const auto effects = Call({"effects", "s", "--db", database_, "--json"}).Json();
  for (const auto& factor : effects.at("factors").as_array()) {
    for (const auto& level : factor.at("levels").as_array()) {
      EXPECT_THAT(page, HasSubstr(">" + std::string(level.at("label").as_string()) + "<"));
    }
  }
  const auto table = Call({"table", "s", "--db", database_, "--vary", "temporal"});
  EXPECT_THAT(table.out, HasSubstr("0.6260 ± 0.0028 (2 seeds)"));
  EXPECT_THAT(page, HasSubstr(">0.6260 ± 0.0028 (2 seeds)<"));
}

/// Returns the commands for tables that a page names, each as its words.
std::vector<std::vector<std::string>> TableCommandsOf(const std::string& page) {
  std::vector<std::vector<std::string>> commands;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("beamgrid table ")) continue;
    std::istringstream words(line);
    words >> line;  // the program
    std::vector<std::string>& command = commands.emplace_back();
    while (words >> line) command.push_back(line);
  }
  return commands;
}

/// Returns the cells of a Markdown table's rows but for the first column, which are no headings.
std::vector<std::string> NumbersOfMarkdown(const std::string& table) {
  std::vector<std::string> cells;
  std::istringstream lines(table);
  int row = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ") || ++row == 1) continue;
    line = std::regex_replace(line, std::regex("\\*\\*"), "");
    std::istringstream columns(line.substr(2));
    int column = 0;
    for (std::string cell; std::getline(columns, cell, '|'); ++column) {
      cell.erase(0, cell.find_first_not_of(' '));
      cell.erase(cell.find_last_not_of(' ') + 1);
      if (column > 0 && !cell.empty()) cells.push_back(cell);
    }
  }
  return cells;
}

TEST_F(ReportCommandTest, ItsTablesAreThoseOfTheCommandsThatItNames) {
  {
    Store store(database_, OpenMode::kReadWrite);
    FillStudyWithPredictions(store, "p");
  }
  for (const std::string study : {"p", "s"}) {
    ASSERT_EQ(Report({study, "--out", page_, "--runs", Path("runs")}).exit_code, 0);
    const std::string page = ReadFile(page_);
    const auto commands = TableCommandsOf(page);
    ASSERT_GE(commands.size(), 3U);
    for (std::vector<std::string> command : commands) {
      const bool seeds_alone = std::ranges::count(command, "--resamples") > 0;
      EXPECT_EQ(seeds_alone, study == "s") << "the predictions of s are gone";
      command.insert(command.end(), {"--db", database_, "--runs", Path("runs")});
      const Called table = Call(command);
      ASSERT_EQ(table.exit_code, 0) << table.err;
      const std::vector<std::string> numbers = NumbersOfMarkdown(table.out);
      ASSERT_GT(numbers.size(), 6U) << table.out;
      const bool on_page = std::ranges::count(command, "--vary") > 0;
      for (const std::string& cell : numbers) {
        if (on_page) {
          EXPECT_THAT(page, HasSubstr(">" + cell + "<")) << table.out;
        }
      }
    }
    const auto has = [&page](const char* text) { return page.find(text) != std::string::npos; };
    EXPECT_EQ(has("other videos were not asked: "), study == "s");
    EXPECT_EQ(has("by 1000 resamples of the 60 videos and of the seeds"), study == "p");
  }
}

TEST_F(ReportCommandTest, OnATerminalATableIsColumnsThatFitIt) {
  const std::vector<std::string> table = {"table",  "s",        "--db",        database_,
                                          "--vary", "temporal", "--resamples", "0"};
  for (const std::size_t width : {60U, 120U}) {
    const Called called = CallAtTerminal(width, table);
    ASSERT_EQ(called.exit_code, 0) << called.err;
    EXPECT_LE(WidestLine(called.out), width);
    EXPECT_THAT(called.out,
                AllOf(HasSubstr("s: temporal\n"), HasSubstr("netvlad clusters=64"),
                      HasSubstr("0.6260 ± 0.0028"), HasSubstr("Bold:"), Not(HasSubstr("| "))));
  }
  std::vector<std::string> crossed = table;
  crossed.insert(crossed.end(), {"--by", "classifier"});
  const Called narrow = CallAtTerminal(70, crossed);
  EXPECT_LE(WidestLine(narrow.out), 70U);
  EXPECT_THAT(narrow.out, HasSubstr("(for want of width without moe experts=2: difference"))
      << "values before differences";
  std::vector<std::string> markdown = table;
  markdown.insert(markdown.end(), {"--format", "markdown"});
  EXPECT_EQ(Call(markdown).out, Call(table).out) << "elsewhere it is Markdown";
  EXPECT_THAT(CallAtTerminal(60, markdown).out, HasSubstr("| netvlad clusters=128 | "));
}

TEST_F(ReportCommandTest, ALatexTableThatIsMadeSmallerSaysHowSmall) {
  const auto latex = [this](const std::string& columns) {
    return Call({"table", "s", "--db", database_, "--vary", "temporal", "--resamples", "0",
                 "--format", "latex", "--columns", columns});
  };
  EXPECT_THAT(latex("size").err, Not(HasSubstr("linewidth")));
  EXPECT_THAT(
      latex("size,parameters,speed,time,epochs").err,
      AllOf(HasSubstr("pt wide and \\resizebox of graphicx makes it fit: with letters of "),
            HasSubstr(" pt in article (\\linewidth of 345 pt), of 7.0 pt over both columns"),
            HasSubstr("Fewer --columns")));
  EXPECT_EQ(latex("size_bytes").out, latex("size").out) << "one column, as lists call it";
}

TEST_F(ReportCommandTest, PutsItsChartsIntoAFolder) {
  const std::string figures = Path("figures");
  const Called called = Report({"s", "t", "--out", page_, "--figures", figures});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("figures: 14 charts, each as an SVG and a PDF file"));
  EXPECT_THAT(ReadFile(figures + "/t-effects.svg"), HasSubstr("<svg class=\"chart\""));
  EXPECT_THAT(ReadFile(figures + "/t-effects.pdf"), StartsWith("%PDF-1.4\n"));
  EXPECT_THAT(ProblemsOfPage(ReadFile(page_)), IsEmpty());
}

TEST_F(ReportCommandTest, RefusesWhatItCannotReportOrWrite) {
  const auto refusal = [&](const std::vector<std::string>& arguments) {
    const Called called = Report(arguments);
    EXPECT_EQ(called.exit_code, 2) << called.err;
    return called.err;
  };
  EXPECT_THAT(refusal({"u", "--out", page_}), HasSubstr("no study 'u' in "));
  EXPECT_THAT(refusal({"s", "s", "--out", page_}), HasSubstr("'s' is named twice"));
  EXPECT_THAT(refusal({"s"}), HasSubstr("--out"));
  EXPECT_THAT(refusal({"s", "--out", Path("")}), HasSubstr("is a folder"));
  EXPECT_THAT(refusal({"s", "--out", Path("none/page.html")}), HasSubstr("has no folder"));
  EXPECT_THAT(refusal({"s", "--out", database_}), HasSubstr("is the database"));
  const std::string shard = Path("train0001.tfrecord");
  WriteFileAtomically(shard, "a user's file");
  EXPECT_THAT(refusal({"s", "--out", shard}), HasSubstr("is no earlier output of this command"));
  EXPECT_EQ(ReadFile(shard), "a user's file");
  const std::string others = "<!DOCTYPE html>\n<title>of beamgrid report and others</title>\n";
  WriteFileAtomically(Path("lab.html"), others);
  EXPECT_THAT(refusal({"s", "--out", Path("lab.html")}), HasSubstr("is no earlier output of this"));
  EXPECT_EQ(ReadFile(Path("lab.html")), others);
  EXPECT_THAT(refusal({"s", "--out", page_, "--figures", database_}), HasSubstr("is no folder"));
  EXPECT_THAT(refusal({"s", "--out", page_, "--figures", Path("none/figures")}),
              HasSubstr("has no folder to lie in"));
  EXPECT_FALSE(std::filesystem::exists(page_));
  const Called none = Call({"report", "s", "--out", page_, "--db", Path("none.db")});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("no database "));
}

TEST_F(ReportCommandTest, ReplacesThePageItWrote) {
  ASSERT_EQ(Report({"s", "--out", page_}).exit_code, 0);
  const std::string of_one = ReadFile(page_);
  const Called again = Report({"s", "t", "--out", page_});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(ReadFile(page_), HasSubstr("Studies s, t"));
  EXPECT_NE(ReadFile(page_), of_one);
}

TEST_F(ReportCommandTest, TakesAStudyThatSomebodyWritesMeanwhile) {
  Store writing(database_, OpenMode::kReadWrite);
  const StudyId study = writing.FindStudy("s")->id;
  const TrialId id = writing.AddTrials(study, {ExampleNewTrial(77, 1)})[0];
  writing.BeginAttempt(id, "running", "cpu", 1);
  const Called called = Report({"s", "--out", page_});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(ReadFile(page_), HasSubstr("25 trials: 23 complete, 1 running, 1 failed."));
}

TEST_F(ReportCommandTest, TidyFindsNothing) {
  if (std::system("command -v tidy >/dev/null 2>&1") != 0) GTEST_SKIP() << "no tidy here";
  ASSERT_EQ(Report({"s", "t", "--out", page_}).exit_code, 0);
  const std::string command = "tidy -quiet -errors --show-info no --drop-empty-elements no '" +
                              page_ + "' 2> '" + Path("tidy.txt") + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(ReadFile(Path("tidy.txt")), "");
}

}  // namespace
}  // namespace beamgrid
