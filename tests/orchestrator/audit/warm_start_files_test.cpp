#include "orchestrator/audit/warm_start_files.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CountsEverything : public ModelCounter {
 public:
  CountAnswer Count(const ModelSpec& /*model*/, const DataSpec& /*data*/) override {
    return ModelSize{.parameters = 1000, .size_bytes = 4000};
  }
};

/// Study "phase1" has MC-BLSTM512 of seeds 1 and 2, complete; study "test" starts from them.
class WarmStartFilesTest : public ::testing::Test {
 protected:
  WarmStartFilesTest() {
    setenv("BEAMGRID_CACHE_DIR", (folder_ / "cache").c_str(), 1);
    const StudyId study = store_.OpenStudy(ExampleStudy("phase1"));
    for (const std::int64_t seed : {1, 2}) {
      const std::filesystem::path directory = folder_ / std::to_string(seed);
      const std::string weights = "weights of seed " + std::to_string(seed);
      WriteFileAtomically(directory / "model.pt", weights);
      const TrialId id = store_.AddTrials(study, {ExampleNewTrial(512, seed)})[0];
      AttemptOutcome outcome = ExampleSuccess();
      outcome.result().artifacts = {{.name = "model",
                                     .path = "model.pt",
                                     .bytes = static_cast<std::int64_t>(weights.size()),
                                     .hash = HashBytes(weights)}};
      store_.FinishAttempt(id, store_.BeginAttempt(id, directory.string(), "cpu", 1), outcome,
                           TrialState::kComplete);
    }
  }
  ~WarmStartFilesTest() override { unsetenv("BEAMGRID_CACHE_DIR"); }

  [[nodiscard]] static Recipe RecipeFrom(const std::string& from) {
    std::string head = RecipeHead();
    const std::string study = "name = \"test\"\n";
    head.replace(head.find(study), study.size(), study + "seeds = [1, 2]\n");
    return ParseRecipe(
        head + "[[grid.temporal]]\nuse = \"blstm\"\n[train]\nfrom = \"" + from + "\"\n", "r.toml",
        CatalogueWithFrom());
  }
  void Require(const std::string& from) {
    const Recipe recipe = RecipeFrom(from);
    RequireWarmStartFiles(Parts(recipe));
  }
  [[nodiscard]] std::string Refusal(const std::string& from = "phase1/MC-BLSTM512") {
    return ErrorText<Error>([&] { Require(from); });
  }
  [[nodiscard]] PlanParts Parts(const Recipe& recipe) {
    return {.recipe = &recipe,
            .catalogue = &catalogue_,
            .data = &data_,
            .store = &store_,
            .counter = &counter_};
  }
  [[nodiscard]] std::filesystem::path Weights(int seed) const {
    return folder_ / std::to_string(seed) / "model.pt";
  }

  const TemporaryFolder folder_;
  const Catalogue catalogue_ = CatalogueWithFrom();
  const DataSpec data_{.format = "frame", .classes = 10, .digest = "abc"};
  Store store_{":memory:", OpenMode::kReadWrite};
  CountsEverything counter_;
};

TEST_F(WarmStartFilesTest, WhatIsAsRecordedIsFine) {
  Require("phase1/MC-BLSTM512");
  Require("phase1/MC-BLSTM512/2");
}

TEST_F(WarmStartFilesTest, AFileThatIsGoneIsNamedWithTrialAndWayOut) {
  std::filesystem::remove(Weights(2));
  EXPECT_THAT(
      Refusal(),
      AllOf(HasSubstr(" seed 2 cannot start from train.from = \"phase1/MC-BLSTM512\": "),
            HasSubstr(Weights(2).string()), HasSubstr("MC-BLSTM512 seed 2: the file is gone"),
            HasSubstr("`beamgrid verify phase1 --repair`")));
  Require("phase1/MC-BLSTM512/1");
}

TEST_F(WarmStartFilesTest, ACutOffAndAnExchangedFileAreFound) {
  WriteFileAtomically(Weights(1), "weigh");
  EXPECT_THAT(Refusal(), HasSubstr("has 5 bytes, the record says 17"));
  WriteFileAtomically(Weights(1), "weights of seed 9");
  EXPECT_THAT(Refusal(), HasSubstr("has the hash "));
  EXPECT_THAT(Refusal("phase1/MC-BLSTM512/1"), HasSubstr(Weights(1).string()));
}

TEST_F(WarmStartFilesTest, TrialsThatAreCompleteNeedNoWeights) {
  const Recipe recipe = RecipeFrom("phase1/MC-BLSTM512");
  std::vector<NewTrial> planned;
  static_cast<void>(PlanStudy(
      Parts(recipe), {.on_trial = [&](const StudyTrial& trial) { planned.push_back(trial); },
                      .on_refused = [](const std::string&, const std::string&) {}}));
  ASSERT_EQ(planned.size(), 2U);
  std::filesystem::remove(Weights(1));
  EXPECT_THAT(Refusal(), HasSubstr("is gone"));
  const StudyId study = store_.OpenStudy({.name = "test", .recipe_digest = "d"});
  const TrialId first = store_.AddTrials(study, planned)[0];
  store_.FinishAttempt(first, store_.BeginAttempt(first, "runs", "cpu", 1), ExampleSuccess(),
                       TrialState::kComplete);
  RequireWarmStartFiles(Parts(recipe));
}

TEST_F(WarmStartFilesTest, WithoutARecordOrAStartNothingIsLookedAt) {
  const Recipe recipe = RecipeFrom("phase1/MC-BLSTM512");
  PlanParts parts = Parts(recipe);
  parts.store = nullptr;
  RequireWarmStartFiles(parts);
}

}  // namespace
}  // namespace beamgrid
