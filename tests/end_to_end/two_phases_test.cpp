// Training in two phases with real processes (Conde et al. 2019): whole videos by their labels,
// then rated segments from those weights.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TwoPhases : public ::testing::Test {
 protected:
  TwoPhases() {
    const Ended synth =
        folder_.Run({"data", "synth", "--out", "segments", "--videos", "120", "--classes", "12",
                     "--seed", "3", "--format", "segment", "--features", "rgb=16,audio=8",
                     "--max-frames", "40", "--min-frames", "10"});
    EXPECT_EQ(synth.exit_code, 0) << synth.err;
    WriteText(folder_.path() / "ids.csv", "Index\n0\n1\n2\n");
    RecipeText recipe;
    recipe.study = "name = \"videos\"\nseeds = [1, 2]";
    recipe.data = Data("frame") + "class_weight = 5.0\nweighted_classes = \"ids.csv\"\n";
    recipe.train = "epochs = 4\nbatch = 16\nlearning_rate = 0.02";
    recipe.grid = kGrid;
    recipe.rest = "";
    folder_.WriteRecipe(recipe, "phase1.toml");

    recipe.study = "name = \"segments\"\nseeds = [1, 2]\nobjective = \"segment_map\"";
    recipe.data = Data("segment");
    recipe.train = "epochs = 1\nbatch = 16\nlearning_rate = 0.001";
    recipe.grid = std::string(kGrid) + "[grid.train]\nfrom = [\"\", \"videos/" + kName + "\"]\n";
    recipe.rest = "[ensemble]\nmembers = 2\nweights = \"uniform\"\n";
    folder_.WriteRecipe(recipe, "phase2.toml");
  }

  static std::string Data(const std::string& format) {
    return "format = \"" + format +
           "\"\ntrain = [\"segments/train*.tfrecord\"]\n"
           "validate = [\"segments/validate*.tfrecord\"]\nclasses = 12\n"
           "features = { rgb = 16, audio = 8 }\nmax_frames = 40\n";
  }
  [[nodiscard]] boost::json::value Json(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    return ParseJson(folder_.Run(arguments).out);
  }

  static constexpr char kGrid[] = "[[grid.classifier]]\nuse = \"moe\"\nexperts = 2\n";
  static constexpr char kName[] = "MC-Mean-MoE2";
  StudyFolder folder_;
};

TEST_F(TwoPhases, TheSecondStartsFromTheFirst) {
  const Ended early = folder_.Run({"plan", "phase2.toml"});
  EXPECT_EQ(early.exit_code, 2);
  EXPECT_THAT(early.err, HasSubstr("grid.train.from[1]: is \"videos/" + std::string(kName) +
                                   "\": there is no database yet"));
  const Ended first = folder_.Run({"run", "phase1.toml"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto sources = Json({"trials", "videos"});
  ASSERT_EQ(sources.at(0).at("name"), kName);
  EXPECT_TRUE(sources.at(0).at("segment_map").is_null());

  const auto planned = Json({"plan", "phase2.toml"}).at("trials");
  ASSERT_EQ(planned.as_array().size(), 4U);
  EXPECT_TRUE(planned.at(0).at("start").is_null());
  EXPECT_EQ(planned.at(2).at("start"), sources.at(0).at("fingerprint"));
  EXPECT_EQ(planned.at(3).at("start"), sources.at(1).at("fingerprint"));
  EXPECT_THAT(folder_.Run({"plan", "phase2.toml"}).out,
              HasSubstr("from videos/" + std::string(kName) + " (trial "));

  const Ended second = folder_.Run({"run", "phase2.toml"});
  ASSERT_EQ(second.exit_code, 0) << second.err;
  const auto trials = Json({"trials", "segments"});
  ASSERT_EQ(trials.as_array().size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(trials.at(i).at("fingerprint"), planned.at(i).at("fingerprint"));
  }
  // One small epoch on segments alone learns next to nothing.
  EXPECT_GT(trials.at(2).at("segment_map").as_double(),
            trials.at(0).at("segment_map").as_double() + 0.05);
  EXPECT_GT(trials.at(2).at("gap").as_double(), trials.at(0).at("gap").as_double() + 0.1);

  const Ended again = folder_.Run({"run", "phase2.toml"});
  EXPECT_EQ(again.out, second.out);
  EXPECT_THAT(again.err, HasSubstr("nothing to do"));
}

TEST_F(TwoPhases, TheSecondIsVerifiedFromTheWeightsOfTheFirst) {
  ASSERT_EQ(folder_.Run({"run", "phase1.toml"}).exit_code, 0);
  ASSERT_EQ(folder_.Run({"run", "phase2.toml"}).exit_code, 0);
  const Ended honest = folder_.Run({"verify", "segments", "--sample", "all"});
  EXPECT_EQ(honest.exit_code, 0) << honest.out << honest.err;

  const auto first = Json({"show", "videos/" + std::string(kName) + "/1"});
  const std::filesystem::path model =
      std::filesystem::path(first.at("directory").as_string().c_str()) / "model.pt";
  std::string weights = ReadText(model);
  weights.back() = static_cast<char>(weights.back() ^ 1);
  WriteText(model, weights);
  const auto verified = Json({"verify", "segments", "--sample", "all"});
  EXPECT_EQ(verified.at("equal"), 3);
  EXPECT_THAT(folder_.Run({"verify", "segments", "--sample", "all"}).out,
              AllOf(HasSubstr("not trained  "), HasSubstr(model.string()),
                    HasSubstr("not the weights that the record holds")));
  EXPECT_EQ(folder_.Run({"verify", "videos", "--repair"}).exit_code, 0);
  EXPECT_EQ(Json({"verify", "segments", "--sample", "all"}).at("equal"), 4);
}

TEST_F(TwoPhases, TheirEnsembleIsASubmission) {
  ASSERT_EQ(folder_.Run({"run", "phase1.toml"}).exit_code, 0);
  ASSERT_EQ(folder_.Run({"run", "phase2.toml"}).exit_code, 0);
  const Ended ensemble =
      folder_.Run({"ensemble", "segments", "--out", "s.csv", "--classes", "ids.csv"});
  ASSERT_EQ(ensemble.exit_code, 0) << ensemble.err;
  EXPECT_THAT(ReadText(folder_.path() / "s.csv"), ::testing::StartsWith("Class,Segments\n0,"));
  const auto score = Json({"score", "--predictions", "s.csv", "--truth",
                           (folder_.path() / "segments/validate0000.tfrecord").string()});
  EXPECT_GT(score.at("segment_map").as_double(), 0.0);
}

}  // namespace
}  // namespace beamgrid
