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
  EXPECT_THAT(text, testing::HasSubstr("hidden=256 | 0.5200 ± 0.0283 (2 seeds) |"));
  EXPECT_THAT(text, testing::HasSubstr("hidden=512 | 0.6000 (1 of 2 seeds) |"));
  EXPECT_EQ(markdown(), text);
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
