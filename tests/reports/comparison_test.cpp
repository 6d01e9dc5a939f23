#include "reports/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "reports/statistics.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ComparisonTest : public testing::Test {
 protected:
  StudyRecord Open(const std::string& name, const std::string& objective = "gap") {
    StudyRecord study = ExampleStudy(name);
    study.objective = objective;
    study.id = store_.OpenStudy(study);
    return study;
  }
  /// Adds a complete trial that measured `gap`; `batch` and `digest` make it another one.
  void Add(const StudyRecord& study, const std::string& name, std::int64_t seed, double gap,
           std::int64_t batch = 128, const std::string& digest = "0123456789abcdef") {
    NewTrial trial = ExampleNewTrial(512, seed);
    trial.name = name;
    trial.spec.model.train["batch"] = batch;
    trial.spec.data.digest = digest;
    trial.fingerprint = Fingerprint(trial.spec);
    const TrialId id = store_.AddTrials(study.id, {trial}).front();
    if (store_.Trial(id).state == TrialState::kComplete) return;
    store_.FinishAttempt(id, store_.BeginAttempt(id, "runs", "cpu", 1), ExampleSuccess(gap),
                         TrialState::kComplete);
  }
  /// Reads predictions of the one video, whose id is the trial's data where `videos_differ_`.
  Comparison Compare(const StudyRecord& a, const StudyRecord& b,
                     const std::string& metric = "gap") const {
    TableResampling resampling;
    resampling.read = [this](const TrialRecord& trial) {
      const std::string digest = videos_differ_ ? store_.Spec(trial.id).data.digest : "";
      return Predictions{.videos = {{.id = "v" + digest}}};
    };
    return CompareStudies(store_, a, b, metric, &resampling);
  }

  bool videos_differ_ = false;
  TemporaryFolder folder_;
  Store store_{folder_ / "r.db", OpenMode::kReadWrite};
};

TEST_F(ComparisonTest, PairsSeedsWhereBothHaveTheSame) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  const std::vector<double> before = {0.5, 0.6, 0.7};
  const std::vector<double> after = {0.55, 0.66, 0.74};
  for (std::int64_t seed = 1; seed <= 3; ++seed) {
    Add(a, "m", seed, before[static_cast<std::size_t>(seed - 1)]);
    Add(b, "m", seed, after[static_cast<std::size_t>(seed - 1)], 64);
  }
  const Comparison comparison = Compare(a, b);
  ASSERT_EQ(comparison.models.size(), 1U);
  const ComparedModel& model = comparison.models[0];
  EXPECT_THAT(model.first.seeds, ElementsAre(1, 2, 3));
  EXPECT_NEAR(*model.difference, 0.05, 1e-12);
  EXPECT_TRUE(model.paired);
  EXPECT_NEAR(*model.p_value, PairedTTest(after, before), 1e-12);
  EXPECT_NEAR(*model.first.std, 0.1, 1e-12);
  EXPECT_THAT(model.differs, ElementsAre("model.train.batch: 128, 64"));
  EXPECT_THAT(comparison.notes, IsEmpty());
}

TEST_F(ComparisonTest, OtherSeedsAreNotPaired) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  Add(a, "m", 1, 0.5);
  Add(a, "m", 2, 0.6);
  Add(b, "m", 2, 0.7, 64);
  Add(b, "m", 3, 0.8, 64);
  Add(b, "m", 4, 0.81, 64);
  const ComparedModel model = Compare(a, b).models.at(0);
  EXPECT_FALSE(model.paired);
  EXPECT_NEAR(*model.p_value, WelchTTest({0.7, 0.8, 0.81}, {0.5, 0.6}), 1e-12);
}

TEST_F(ComparisonTest, SaysThatSeedsWereRacedFor) {
  const StudyRecord a = Open("a");
  StudyRecord b = ExampleStudy("b");
  b.recipe_text = "beamgrid = 1\n[study]\nname = \"b\"\nseeds = { min = 1, max = 2 }\n";
  b.id = store_.OpenStudy(b);
  const auto add = [&](std::int64_t seed) {
    Add(a, "m", seed, 0.5 + 0.01 * static_cast<double>(seed));
    Add(b, "m", seed, 0.6 + 0.02 * static_cast<double>(seed), 64);
  };
  add(1);
  EXPECT_THAT(Compare(a, b).notes, Not(Contains(HasSubstr("raced")))) << "there is no p";
  add(2);
  EXPECT_THAT(Compare(a, b).notes,
              ElementsAre("p is to be read with care: seeds were raced for in b, so how many a "
                          "model has was not fixed beforehand"));
}

TEST_F(ComparisonTest, OneSeedHasNoP) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  Add(a, "m", 1, 0.5);
  Add(b, "m", 1, 0.7, 64);
  const Comparison comparison = Compare(a, b);
  EXPECT_FALSE(comparison.models.at(0).p_value);
  EXPECT_FALSE(comparison.models.at(0).first.std);
  EXPECT_NEAR(*comparison.models.at(0).difference, 0.2, 1e-12);
  EXPECT_THAT(
      comparison.notes,
      ElementsAre("no p for 1 model with fewer than 2 complete seeds in one of the studies"));
}

TEST_F(ComparisonTest, SharedTrialsAreOneMeasurement) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  for (std::int64_t seed = 1; seed <= 2; ++seed) {
    Add(a, "m", seed, 0.5 + 0.1 * static_cast<double>(seed));
    Add(b, "m", seed, 0);
  }
  const Comparison comparison = Compare(a, b);
  EXPECT_EQ(comparison.models.at(0).shared, 2);
  EXPECT_EQ(*comparison.models.at(0).difference, 0);
  EXPECT_FALSE(comparison.models.at(0).p_value);
  EXPECT_THAT(comparison.models.at(0).differs, IsEmpty());
  EXPECT_THAT(comparison.notes,
              ElementsAre("no p for 1 model: both studies refer to the same trials of it, which is "
                          "one measurement and not two"));
}

TEST_F(ComparisonTest, TrialsThatAreSharedInPartAreTheReason) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  for (const char* model : {"m", "n"}) {
    for (std::int64_t seed = 1; seed <= 3; ++seed) {
      const std::int64_t batch = model[0];
      Add(a, model, seed, 0.5 + 0.1 * static_cast<double>(seed), batch);
      if (seed < 3) Add(b, model, seed, 0, batch);
    }
  }
  EXPECT_THAT(Compare(a, b).notes,
              ElementsAre("no p for 2 models: both studies refer to some of the same trials of "
                          "each, so the two sides are not independent"));
}

TEST_F(ComparisonTest, EachReasonForNoPIsSaidWithItsModels) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  Add(a, "one", 1, 0.5);
  Add(b, "one", 1, 0, 64);
  Add(a, "same", 1, 0.5, 32);
  Add(b, "same", 1, 0.5, 32);
  EXPECT_THAT(Compare(a, b).notes,
              ElementsAre(HasSubstr("no p for 1 model: both studies refer to the same trials"),
                          HasSubstr("no p for 1 model with fewer than 2 complete seeds")));
}

TEST_F(ComparisonTest, ATrialThatIsSharedAndWaitsKeepsNobodyFromAP) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  for (std::int64_t seed = 1; seed <= 2; ++seed) {
    Add(a, "m", seed, 0.5 + 0.1 * static_cast<double>(seed));
    Add(b, "m", seed, 0.6 + 0.1 * static_cast<double>(seed), 64);
  }
  NewTrial waiting = ExampleNewTrial(256, 3);
  waiting.name = "m";
  store_.AddTrials(a.id, {waiting});
  store_.AddTrials(b.id, {waiting});
  const Comparison comparison = Compare(a, b);
  EXPECT_TRUE(comparison.models.at(0).p_value);
  EXPECT_EQ(comparison.models.at(0).shared, 0);
  EXPECT_THAT(comparison.notes, IsEmpty());
}

TEST_F(ComparisonTest, SaysWhereDataOrObjectiveDiffer) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b", "map");
  Add(a, "m", 1, 0.5);
  Add(b, "m", 1, 0.6, 128, "another");
  const Comparison comparison = Compare(a, b);
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("data are not the same")));
  EXPECT_THAT(comparison.notes,
              Contains("the best epochs were chosen by gap in a and by map in b"));
  EXPECT_THAT(comparison.models.at(0).differs, Contains(HasSubstr("data.digest: ")));
  EXPECT_NEAR(*Compare(a, b, "map").models.at(0).difference, 0.025, 1e-12);
}

// The same rule as of tables with a column for each study.
TEST_F(ComparisonTest, OfOtherVideosOrLabelsHasNoDifference) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  for (std::int64_t seed = 1; seed <= 2; ++seed) {
    Add(a, "m", seed, 0.5 + 0.1 * static_cast<double>(seed));
    Add(b, "m", seed, 0.6 + 0.1 * static_cast<double>(seed), 128, "another");
  }
  EXPECT_TRUE(Compare(a, b).models.at(0).p_value);
  videos_differ_ = true;
  const Comparison comparison = Compare(a, b);
  EXPECT_FALSE(comparison.models.at(0).difference);
  EXPECT_FALSE(comparison.models.at(0).p_value);
  EXPECT_NEAR(*comparison.models.at(0).second.mean, 0.75, 1e-12);
  EXPECT_THAT(comparison.notes, ElementsAre("b is not to be compared with a: they were validated "
                                            "on other videos or true labels"));
  EXPECT_THAT(CompareStudies(store_, a, b, "gap").notes,
              ElementsAre("b is not to be compared with a: their data differ, and whether they "
                          "were validated on the same videos is not known: no predictions of a "
                          "are read"));
}

TEST_F(ComparisonTest, SaysWhatIsDoneToTheSameData) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  Add(a, "m", 1, 0.5);
  NewTrial trial = ExampleNewTrial(512, 1);
  trial.name = "m";
  trial.spec.data.digest = "0123456789abcdef";
  trial.spec.data.features = {{"rgb", 1024}};
  trial.spec.data.normalise = {{"rgb", Normalisation::kNone}};
  trial.spec.data.multi_class = true;
  trial.fingerprint = Fingerprint(trial.spec);
  const TrialId id = store_.AddTrials(b.id, {trial}).front();
  store_.FinishAttempt(id, store_.BeginAttempt(id, "runs", "cpu", 1), ExampleSuccess(0.6),
                       TrialState::kComplete);
  const Comparison comparison = Compare(a, b);
  // The usual normalisation is not in a trial's text, and "none" is another one.
  EXPECT_THAT(comparison.models.at(0).differs,
              AllOf(Contains(HasSubstr(R"(data.normalise: "l2_joint", {"rgb":"none"})")),
                    Contains(R"(data.labels: "multi_label", "multi_class")"),
                    Not(Contains(HasSubstr("frame_types")))));
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("take the same files in different ways")));
}

TEST_F(ComparisonTest, SaysWhatOnlyOneHas) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  Add(a, "m", 1, 0.5);
  Add(a, "n", 1, 0.5, 32);
  Add(b, "m", 1, 0.5, 64);
  Add(b, "o", 1, 0.5, 16);
  const Comparison comparison = Compare(a, b);
  EXPECT_THAT(comparison.only_first, ElementsAre("n"));
  EXPECT_THAT(comparison.only_second, ElementsAre("o"));
  const StudyRecord c = Open("c");
  Add(c, "p", 1, 0.5, 8);
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)Compare(a, c); }),
              HasSubstr("no model is in both studies; a has m, n; c has p"));
}

TEST_F(ComparisonTest, AModelThatIsNotCompleteHasNoNumber) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  Add(a, "m", 1, 0.5);
  NewTrial waiting = ExampleNewTrial(256);
  waiting.name = "m";
  store_.AddTrials(b.id, {waiting});
  const ComparedModel model = Compare(a, b).models.at(0);
  EXPECT_FALSE(model.difference);
  EXPECT_FALSE(model.second.mean);
  EXPECT_EQ(*model.first.mean, 0.5);
}

TEST_F(ComparisonTest, ManyModelsMakeSmallPLikely) {
  const StudyRecord a = Open("a");
  const StudyRecord b = Open("b");
  for (std::int64_t m = 0; m < 5; ++m) {
    for (std::int64_t seed = 1; seed <= 2; ++seed) {
      const double gap = 0.5 + 0.01 * static_cast<double>(seed * seed + m);
      Add(a, "m" + std::to_string(m), seed, gap, 10 + m);
      Add(b, "m" + std::to_string(m), seed, gap + 0.01, 20 + m);
    }
  }
  EXPECT_THAT(Compare(a, b).notes, Contains(HasSubstr("of 5 equal models one in 20")));
  EXPECT_EQ(ToJson(Compare(a, b)).at("models").at(0).at("test"), "paired");
}

}  // namespace
}  // namespace beamgrid
