// Tables from a real database.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "reports/table.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

/// Two sizes of one temporal part, two seeds each; the last trial fails.
void Fill(Store& store) {
  const StudyId study = store.OpenStudy(ExampleStudy());
  const std::vector<TrialId> trials =
      store.AddTrials(study, {ExampleNewTrial(256, 1), ExampleNewTrial(256, 2),
                              ExampleNewTrial(512, 1), ExampleNewTrial(512, 2)});
  const double gaps[] = {0.5, 0.54, 0.6};
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const std::int64_t attempt = store.BeginAttempt(trials[i], "attempt", "cpu", 1);
    const bool failed = i == 3;
    store.FinishAttempt(trials[i], attempt, failed ? ExampleFailure() : ExampleSuccess(gaps[i]),
                        failed ? TrialState::kFailed : TrialState::kComplete);
  }
}

TEST(MakeTableFromStore, ReadsTheRecordAndIsTheSameEachTime) {
  const TemporaryFolder folder;
  {
    Store store(folder / "record.db", OpenMode::kReadWrite);
    Fill(store);
  }
  const TableQuestion question{.study = "study", .vary = "temporal"};
  const auto markdown = [&] {
    const Store store(folder / "record.db", OpenMode::kReadOnly);
    return Render(MakeTable(store, Catalogue{}, question, {}), "md");
  };
  const std::string text = markdown();
  EXPECT_THAT(text, testing::HasSubstr("hidden=256 | 0.520 ± 0.028 (2 seeds) |"));
  EXPECT_THAT(text, testing::HasSubstr("hidden=512 | 0.600 (1 of 2 seeds: 1 failed (crashed)) |"));
  EXPECT_EQ(markdown(), text);
}

/// Adds two sizes, two seeds each, all complete, by a recipe with these seeds.
void FillWhole(Store& store, const std::string& seeds) {
  StudyRecord record = ExampleStudy();
  record.recipe_text = "beamgrid = 1\n[study]\nname = \"study\"\nseeds = " + seeds + "\n";
  const StudyId study = store.OpenStudy(record);
  const std::vector<TrialId> trials =
      store.AddTrials(study, {ExampleNewTrial(256, 1), ExampleNewTrial(256, 2),
                              ExampleNewTrial(512, 1), ExampleNewTrial(512, 2)});
  const double gaps[] = {0.5, 0.54, 0.6, 0.62};
  for (std::size_t i = 0; i < trials.size(); ++i) {
    store.FinishAttempt(trials[i], store.BeginAttempt(trials[i], "attempt", "cpu", 1),
                        ExampleSuccess(gaps[i]), TrialState::kComplete);
  }
}

TEST(MakeTableFromStore, SaysInEveryFormatThatSeedsWereRacedFor) {
  const std::string note =
      "read p with care: seeds were raced for, so how many a row has was not fixed "
      "beforehand";
  const TableQuestion question{.study = "study", .vary = "temporal", .test = TableTest::kT};
  Store raced(":memory:", OpenMode::kReadWrite);
  FillWhole(raced, "{ min = 1, max = 2 }");
  const AblationTable table = MakeTable(raced, Catalogue{}, question, {});
  ASSERT_TRUE(table.rows.at(1).p_value) << "all rows have the same seeds";
  for (const char* format : {"md", "latex", "html", "json"}) {
    EXPECT_THAT(Render(table, format), testing::HasSubstr("R" + note.substr(1))) << format;
  }
  EXPECT_THAT(Render(table, "csv"), testing::HasSubstr(",fingerprints,seeds_raced\n"));
  EXPECT_THAT(Render(table, "csv"), testing::EndsWith(",true\n"));

  Store fixed(":memory:", OpenMode::kReadWrite);
  FillWhole(fixed, "[1, 2]");
  const AblationTable beforehand = MakeTable(fixed, Catalogue{}, question, {});
  ASSERT_TRUE(beforehand.rows.at(1).p_value);
  EXPECT_THAT(Render(beforehand, "md"), testing::Not(testing::HasSubstr("raced")));
  EXPECT_THAT(Render(beforehand, "csv"), testing::Not(testing::HasSubstr("raced")));
  // What was raced for stays so when the recipe lists its seeds from now on.
  StudyRecord record = ExampleStudy();
  record.recipe_text = "beamgrid = 1\n[study]\nname = \"study\"\nseeds = [1, 2]\n";
  (void)raced.OpenStudy(record);
  EXPECT_THAT(MakeTable(raced, Catalogue{}, question, {}).notes, testing::Contains(note));
}

TEST(MakeTableFromStore, RefusesAStudyThatIsNotThereNamingThoseThatAre) {
  Store store(":memory:", OpenMode::kReadWrite);
  const auto refusal = [&] {
    return ErrorText<UsageError>(
        [&] { (void)MakeTable(store, Catalogue{}, {.study = "other", .vary = "temporal"}, {}); });
  };
  EXPECT_EQ(refusal(), "there is no study 'other'; the record has none");
  Fill(store);
  EXPECT_EQ(refusal(), "there is no study 'other'; the record has study");
}

}  // namespace
}  // namespace beamgrid
