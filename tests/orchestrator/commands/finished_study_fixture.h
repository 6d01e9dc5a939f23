#pragma once
// A study whose two trials are complete in the record, with their files, for commands on it.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/inputs/data_files.h"
#include "orchestrator/inputs/recipe_files.h"
#include "orchestrator/run_study.h"
#include "registry/scoring/predictions.h"
#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/record.h"

namespace beamgrid {

class FinishedStudyTest : public CommandTest {
 protected:
  FinishedStudyTest() {
    UseFakeTrainer();
    setenv("BEAMGRID_SHARE_DIR", Path("share").c_str(), 1);
    EXPECT_EQ(
        Call({"data", "synth", "--out", Path("data"), "--videos", "10", "--classes", "6", "--seed",
              "1", "--features", "rgb=8,audio=4", "--max-frames", "4", "--shards", "2", "--quiet"})
            .exit_code,
        0);
    WriteRecipe("");
    Fill();
  }
  ~FinishedStudyTest() override { unsetenv("BEAMGRID_SHARE_DIR"); }

  void WriteRecipe(const std::string& ensemble) {
    recipe_ = Write("recipe.toml",
                    "beamgrid = 1\n[study]\nname = \"s\"\nseeds = [1, 2]\n[data]\n"
                    "format = \"frame\"\ntrain = [\"data/train*.tfrecord\"]\n"
                    "validate = [\"data/validate*.tfrecord\"]\nclasses = 6\n"
                    "features = { rgb = 8, audio = 4 }\n[[grid.temporal]]\nuse = \"gru\"\n"
                    "[resources]\ndevices = [\"cpu\"]\n[ensemble]\n" +
                        ensemble);
  }
  std::string File(std::int64_t seed) const {
    const std::string folder = Path("runs/" + std::to_string(seed));
    std::filesystem::create_directories(folder);
    return folder + "/predictions.bin";
  }
  /// Records every trial of the plan as complete.
  void Fill() const {
    const DataSpec data = CheckedData(LoadRecipe(ReadRecipe(recipe_), TestCatalogue()),
                                      {.warn = [](const std::string&) {}, .show_progress = false});
    const auto plan = Call({"plan", recipe_, "--db", Path("none.db"), "--json"}).Json();
    Store store(database_, OpenMode::kReadWrite);
    const Recipe recipe = LoadRecipe(ReadRecipe(recipe_), TestCatalogue());
    const StudyId study = store.OpenStudy({.name = "s",
                                           .objective = "gap",
                                           .recipe_text = recipe.text,
                                           .recipe_digest = RecipeDigest(recipe)});
    for (const auto& planned : plan.at("trials").as_array()) {
      const std::int64_t seed = planned.at("seed").as_int64();
      const TrialSpec spec{
          .model = ModelSpecFromJson(planned.at("spec")), .data = data, .seed = seed};
      EXPECT_EQ(Fingerprint(spec), planned.at("fingerprint").as_string());
      Predictions predictions{.classes = 2, .top_k = 2};
      for (int video = 0; video < 40; ++video) {
        const bool right = video % 4 != seed;
        predictions.videos.push_back(
            {.id = "v" + std::to_string(100 + video),
             .top = {{.label = right ? video % 2 : 1 - video % 2, .score = right ? 0.9 : 0.6},
                     {.label = right ? 1 - video % 2 : video % 2, .score = right ? 0.1 : 0.2}},
             .labels = {video % 2}});
      }
      WritePredictions(File(seed), predictions);
      AttemptOutcome outcome = ExampleSuccess();
      outcome.result().artifacts = {
          {.name = "predictions",
           .path = "predictions.bin",
           .bytes = static_cast<std::int64_t>(std::filesystem::file_size(File(seed))),
           .hash = HashFile(File(seed))}};
      const TrialId id =
          store.AddTrials(study, {{.name = std::string(planned.at("name").as_string()),
                                   .fingerprint = Fingerprint(spec),
                                   .spec = spec,
                                   .parameters = 1000,
                                   .size_bytes = 4000}})[0];
      const std::string folder = Path("runs/" + std::to_string(seed));
      store.FinishAttempt(id, store.BeginAttempt(id, folder, "cpu", 1), outcome,
                          TrialState::kComplete);
    }
  }
  [[nodiscard]] Called Run(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"run",     recipe_,  "--db",
                                          database_, "--runs", Path("runs")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  }

  std::string recipe_;
  const std::string database_ = Path("s.db");
};

}  // namespace beamgrid
