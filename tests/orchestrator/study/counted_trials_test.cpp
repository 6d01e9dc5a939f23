#include "orchestrator/study/counted_trials.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "tests/support/record.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A study of three trials that wait: two seeds of one model, one of another.
class CountedTrialsTest : public testing::Test {
 protected:
  CountedTrialsTest()
      : study_(store_.OpenStudy(ExampleStudy())),
        ids_(store_.AddTrials(
            study_, {ExampleNewTrial(512, 1), ExampleNewTrial(512, 2), ExampleNewTrial(256, 1)})) {
    for (const TrialRecord& trial : store_.Trials(study_)) counted_.Add(trial);
  }
  static StudyTrial Asked(TrialId id, const std::string& name, std::int64_t seed) {
    StudyTrial trial;
    trial.id = id;
    trial.name = name;
    trial.spec = ExampleTrial(512, seed);
    return trial;
  }
  void Ask(std::size_t trial, const std::string& name, std::int64_t seed) {
    counted_.NoteAsked(Asked(ids_[trial], name, seed));
  }

  Store store_{":memory:", OpenMode::kReadWrite};
  StudyId study_;
  std::vector<TrialId> ids_;
  CountedTrials counted_;
};

TEST_F(CountedTrialsTest, WhatNobodyAskedForIsKnown) {
  Ask(0, "MC-BLSTM512", 1);
  EXPECT_EQ(counted_.Asked({"MC-BLSTM512", 1}), ids_[0]);
  EXPECT_EQ(counted_.Asked({"MC-BLSTM512", 2}), std::nullopt);
  EXPECT_THAT(counted_.Unasked(), ElementsAre(ids_[2], ids_[1])) << "by name";
}

TEST_F(CountedTrialsTest, ATrialThatGotAnotherNameIsAskedFor) {
  for (std::size_t i = 0; i < 2; ++i) {
    Ask(i, "MC-BLSTM512", static_cast<std::int64_t>(i + 1));
  }
  Ask(2, "MC-renamed", 1);
  EXPECT_THAT(counted_.Unasked(), IsEmpty());
}

TEST_F(CountedTrialsTest, TwoModelsOfOneNameAreAMistakeOfOurs) {
  Ask(0, "MC-BLSTM512", 1);
  Ask(0, "MC-BLSTM512", 1);  // the same one again
  EXPECT_THROW(Ask(2, "MC-BLSTM512", 1), std::logic_error);
}

TEST_F(CountedTrialsTest, WhatIsLetGoIsPrunedUnlessItIsTrainedElsewhere) {
  Ask(0, "MC-BLSTM512", 1);
  Ask(1, "MC-BLSTM512", 2);
  Ask(2, "MC-BLSTM256", 1);
  store_.FinishAttempt(ids_[2], store_.BeginAttempt(ids_[2], "d", "cpu", 1), ExampleSuccess(),
                       TrialState::kComplete);
  const std::string line =
      GiveUp(store_, study_, {1, 2}, counted_,
             {{"MC-BLSTM512", "it was let go"}, {"MC-BLSTM256", "it was let go, too"}});
  EXPECT_EQ(line,
            "let go: 1 model before the end of the training (state pruned; checkpoints are kept), "
            "and 1 that earlier runs trained further");
  EXPECT_EQ(store_.Trial(ids_[0]).state, TrialState::kPruned);
  EXPECT_EQ(store_.Trial(ids_[1]).state, TrialState::kPruned);
  EXPECT_EQ(store_.Trial(ids_[2]).state, TrialState::kComplete);
  EXPECT_THAT(store_.Notes(study_, "MC-BLSTM256", 1), ElementsAre(HasSubstr("let go, too")));
}

}  // namespace
}  // namespace beamgrid
