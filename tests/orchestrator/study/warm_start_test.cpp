// Which finished trial a recipe's `from` means, and what is said where it means none.

#include "orchestrator/study/warm_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Study "phase1": BLSTM-512 seeds 1 and 2 complete, seed 3 failed; BLSTM-256 seed 1 waiting.
class StartTrialsTest : public testing::Test {
 protected:
  StartTrialsTest() {
    const StudyId study = store_.OpenStudy(ExampleStudy("phase1"));
    for (const std::int64_t seed : {1, 2, 3}) trials_.push_back(ExampleNewTrial(512, seed));
    trials_.push_back(ExampleNewTrial(256, 1));
    const std::vector<TrialId> ids = store_.AddTrials(study, trials_);
    for (std::size_t i = 0; i < 3; ++i) {
      const std::int64_t attempt = store_.BeginAttempt(ids[i], "/runs/a", "cpu", 1);
      store_.FinishAttempt(ids[i], attempt, i < 2 ? ExampleSuccess() : ExampleFailure(),
                           i < 2 ? TrialState::kComplete : TrialState::kFailed);
    }
  }

  static Recipe RecipeWith(const std::string& from, const std::string& seeds) {
    std::string head = RecipeHead();
    const std::string study = "name = \"test\"\n";
    head.replace(head.find(study), study.size(), study + "seeds = " + seeds + "\n");
    return ParseRecipe(head + "[train]\nfrom = \"" + from + "\"\n", "r.toml", CatalogueWithFrom());
  }
  std::vector<std::string> Resolved(const std::string& from, const std::string& seeds) const {
    const Recipe recipe = RecipeWith(from, seeds);
    const WarmStarts starts(recipe, &store_);
    ModelSpec model;
    model.train = recipe.train;
    std::vector<std::string> fingerprints;
    for (const std::int64_t seed : recipe.seeds)
      fingerprints.push_back(starts.For(model, seed).fingerprint);
    return fingerprints;
  }
  std::string Refusal(const std::string& from, const std::string& seeds = "[1, 2]") const {
    try {
      (void)Resolved(from, seeds);
    } catch (const RecipeError& error) {
      EXPECT_EQ(error.diagnostics().size(), 1U);
      return ToString(error.diagnostics()[0]);
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }
  const std::string& Fingerprint(std::size_t trial) const { return trials_[trial].fingerprint; }

  Store store_{":memory:", OpenMode::kReadWrite};
  std::vector<NewTrial> trials_;
};

TEST_F(StartTrialsTest, WeightsOfOtherNormalisedFeaturesAreRefused) {
  TrialSpec spec = ExampleNewTrial(512, 1).spec;
  spec.data.normalise.clear();
  for (const Feature& feature : spec.data.features) {
    spec.data.normalise[feature.first] = Normalisation::kNone;
  }
  NewTrial trial = ExampleNewTrial(512, 1);
  trial.spec = spec;
  trial.fingerprint = "plain";
  const TrialId id = store_.AddTrials(store_.OpenStudy(ExampleStudy("plain")), {trial})[0];
  store_.FinishAttempt(id, store_.BeginAttempt(id, "/runs/b", "cpu", 1), ExampleSuccess(),
                       TrialState::kComplete);
  for (const std::string& from : {"plain/" + trial.name, std::string("plain/*")}) {
    EXPECT_THAT(Refusal(from, "[1]"),
                testing::AllOf(HasSubstr("train.from: is \"" + from + "\": the features of "),
                               HasSubstr("are normalised as { "),
                               HasSubstr(", here as l2_joint: give both the same data.normalise")));
  }
}

TEST_F(StartTrialsTest, OfAStudyThatIsGoneTheNewNameOfWhatItMeantIsSaid) {
  EXPECT_THAT(Refusal("gone/MC-BLSTM512"), testing::Not(HasSubstr("so far")));
  NewTrial second = ExampleNewTrial(64, 1);
  second.spec.warm_start = Fingerprint(1);
  second.fingerprint = "second";
  store_.AddTrials(store_.OpenStudy(ExampleStudy("test")), {second});
  EXPECT_THAT(Refusal("gone/MC-BLSTM512"),
              testing::EndsWith("; so far trials of 'test' started from phase1/MC-BLSTM512/2"));
}

TEST_F(StartTrialsTest, EachSeedStartsFromTheSameSeed) {
  EXPECT_THAT(Resolved("phase1/MC-BLSTM512", "[2, 1]"),
              ElementsAre(Fingerprint(1), Fingerprint(0)));
}

TEST_F(StartTrialsTest, OneNamedTrialServesAllSeeds) {
  EXPECT_THAT(Resolved("phase1/MC-BLSTM512/2", "[1, 7]"),
              ElementsAre(Fingerprint(1), Fingerprint(1)));
  EXPECT_THAT(Resolved(Fingerprint(0), "[7]"), ElementsAre(Fingerprint(0)));
  EXPECT_THAT(Resolved(Fingerprint(0).substr(0, 8), "[7]"), ElementsAre(Fingerprint(0)));
}

TEST_F(StartTrialsTest, ATwinIsTheTrialThatDiffersInTheFewestOptions) {
  const Recipe recipe = RecipeWith("phase1/*", "[1]");
  const WarmStarts starts(recipe, &store_);
  ModelSpec model = trials_[0].spec.model;
  model.train = recipe.train;
  EXPECT_EQ(starts.For(model, 1).fingerprint, Fingerprint(0));
  EXPECT_EQ(starts.For(model, 2).fingerprint, Fingerprint(1));
  EXPECT_THAT(starts.For(model, 3).problem, HasSubstr("no complete trial there is of these "
                                                      "components and seed 3"));
  model.extras["noise"] = {};
  model.parts["temporal"].options["hidden"] = 300;
  EXPECT_EQ(starts.For(model, 1).fingerprint, Fingerprint(0)) << "the only complete one";
  model.parts["temporal"].component = "gru";
  EXPECT_THAT(starts.For(model, 1).problem, HasSubstr("phase1/*"));
}

TEST_F(StartTrialsTest, EquallyNearTrialsHaveToBeNamed) {
  const std::vector<TrialId> ids =
      store_.AddTrials(store_.OpenStudy(ExampleStudy("phase1")), {trials_[3]});
  const std::int64_t attempt = store_.BeginAttempt(ids[0], "/runs/a", "cpu", 1);
  store_.FinishAttempt(ids[0], attempt, ExampleSuccess(), TrialState::kComplete);
  const Recipe recipe = RecipeWith("phase1/*", "[1]");
  const WarmStarts starts(recipe, &store_);
  ModelSpec model = trials_[0].spec.model;
  model.train = recipe.train;
  EXPECT_EQ(starts.For(model, 1).fingerprint, Fingerprint(0));
  model.parts["temporal"].options["hidden"] = 300;
  EXPECT_THAT(starts.For(model, 1).problem, HasSubstr("equally near"));
}

TEST_F(StartTrialsTest, ATwinInAnUnknownStudyIsAMistake) {
  EXPECT_THAT(Refusal("nothing/*"),
              HasSubstr("the database has no complete trial of a study 'nothing'"));
}

TEST_F(StartTrialsTest, AModelWithoutAReferenceStartsFromNone) {
  EXPECT_THAT(Resolved("", "[1]"), ElementsAre(""));
}

TEST_F(StartTrialsTest, SaysWithItsPlaceWhatThereIsInstead) {
  EXPECT_EQ(Refusal("phase/MC-BLSTM512"),
            "r.toml:11:8: train.from: is \"phase/MC-BLSTM512\": the database has no study 'phase'; "
            "did you mean 'phase1'?; it has phase1");
  EXPECT_EQ(Refusal("phase1/MC-BLSTM51"),
            "r.toml:11:8: train.from: is \"phase1/MC-BLSTM51\": study 'phase1' has no complete "
            "trial 'MC-BLSTM51'; did you mean 'MC-BLSTM512'?; it has MC-BLSTM512");
  EXPECT_EQ(Refusal("phase1/MC-BLSTM512", "[1, 4]"),
            "r.toml:11:8: train.from: is \"phase1/MC-BLSTM512\": study 'phase1' has no trial "
            "'MC-BLSTM512' of seed 4; complete seeds of it: 1, 2");
  EXPECT_THAT(Refusal("phase1/MC-BLSTM512", "[3]"),
              HasSubstr("'MC-BLSTM512' of seed 3 is failed, must be complete"));
  EXPECT_THAT(Refusal("phase1/MC-BLSTM256"),
              HasSubstr("'MC-BLSTM256' of seed 1 is waiting, must be complete"));
  EXPECT_THAT(Refusal(Fingerprint(2)), HasSubstr("that trial is failed, must be complete"));
  EXPECT_THAT(Refusal("00000000"), HasSubstr("no trial of that fingerprint"));
}

TEST_F(StartTrialsTest, OfTwoTrialsOfOneNameTheOneThatCountsIsMeant) {
  NewTrial twin = ExampleNewTrial(512, 1);
  twin.spec.data.digest = "other data";
  twin.fingerprint = beamgrid::Fingerprint(twin.spec);
  const TrialId id = store_.AddTrials(store_.FindStudy("phase1")->id, {twin})[0];
  store_.FinishAttempt(id, store_.BeginAttempt(id, "/runs/b", "cpu", 1), ExampleSuccess(),
                       TrialState::kComplete);
  EXPECT_THAT(Resolved("phase1/MC-BLSTM512", "[1]"), ElementsAre(twin.fingerprint));
  EXPECT_THAT(Resolved(Fingerprint(0), "[1]"), ElementsAre(Fingerprint(0)));
}

TEST_F(StartTrialsTest, WithoutADatabaseNothingIsFound) {
  const Recipe recipe = RecipeWith("phase1/A", "[1, 2]");
  EXPECT_THROW(WarmStarts(recipe, nullptr), RecipeError);
  EXPECT_NO_THROW(WarmStarts(RecipeWith("", "[1]"), nullptr));
}

TEST_F(StartTrialsTest, TheWeightsAreTheModelThatTheRecordNames) {
  const WarmStartModel model = FindWarmStartModel(store_, Fingerprint(0));
  EXPECT_EQ(model.path, "/runs/a/model.pt");
  EXPECT_EQ(model.hash, "aa");
  EXPECT_THAT(ErrorText<Error>([&] { (void)FindWarmStartModel(store_, Fingerprint(2)); }),
              HasSubstr("is not complete"));
}

TEST_F(StartTrialsTest, WeightsThatWerePrunedAreNamed) {
  const TrialRecord trial = store_.FindByFingerprint(Fingerprint(0)).value();
  RecordUpkeep(store_).GiveUpFile(trial, trial.result->artifacts.at(0));
  EXPECT_THAT(ErrorText<Error>([&] { (void)FindWarmStartModel(store_, Fingerprint(0)); }),
              HasSubstr("were given up by `prune`, "));
}

}  // namespace
}  // namespace beamgrid
