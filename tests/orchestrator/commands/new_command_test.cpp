// new.

#include <gmock/gmock.h>

#include <filesystem>

#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "trainer/data/unfinished.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class NewCommandTest : public CommandTest {
 protected:
  void Synth(const std::string& folder, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "data", "synth",  "--out", Path(folder), "--videos",      "400",          "--classes",
        "6",    "--seed", "5",     "--features", "rgb=8,audio=4", "--max-frames", "6"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ASSERT_EQ(Call(arguments).exit_code, 0);
  }
  [[nodiscard]] std::string NewText(const std::string& folder) const {
    fs::remove(Path("first.toml"));
    const Called called = Call({"new", Path("first.toml"), "--data", Path(folder)});
    EXPECT_EQ(called.exit_code, 0) << called.err;
    EXPECT_EQ(called.out, "");
    return called.exit_code == 0 ? ReadFile(Path("first.toml")) : "";
  }
  [[nodiscard]] std::string Refusal(const std::string& recipe, const std::string& folder) const {
    const Called called = Call({"new", Path(recipe), "--data", Path(folder)});
    EXPECT_EQ(called.exit_code, 2) << called.err;
    return called.err;
  }
};

TEST_F(NewCommandTest, WritesWhatTheRecordsHold) {
  Synth("data", {"--shards", "2"});
  EXPECT_THAT(NewText("data"),
              AllOf(HasSubstr("name = \"first\"\n"), HasSubstr("format = \"frame\"\n"),
                    HasSubstr("train = [\"data/train*.tfrecord\"]  # 320 videos"),
                    HasSubstr("validate = [\"data/validate*.tfrecord\"]  # 80 videos"),
                    HasSubstr("\nclasses = 6  # at least: the highest label of all records"),
                    HasSubstr("features = { \"audio\" = 4, \"rgb\" = 8 }\n"),
                    HasSubstr("\nmax_frames = 6 "), HasSubstr("\nbatch = 16\n"),
                    HasSubstr("[[grid.temporal]]\nuse = \"lstm\"\n"),
                    HasSubstr("# strategy = \"greedy\""), Not(HasSubstr("frame_types"))));
}

TEST_F(NewCommandTest, TheRecipeCanBeRead) {
  UseFakeTrainer();
  Synth("data");
  (void)NewText("data");
  // The fake trainer knows few components: none of the mistakes may be one of the data or the text.
  const Called check = Call({"check", Path("first.toml")});
  EXPECT_THAT(check.err, AllOf(Not(HasSubstr("data.")), Not(HasSubstr("study."))));
  EXPECT_THAT(Call({"data", "verify", Path("first.toml")}).out,
              HasSubstr("data.train: 320 of 320 examples"));
}

TEST_F(NewCommandTest, VectorsHaveNoFramesToPool) {
  Synth("data", {"--format", "video"});
  EXPECT_THAT(NewText("data"),
              AllOf(HasSubstr("format = \"video\"\n"), Not(HasSubstr("max_frames")),
                    Not(HasSubstr("temporal")), HasSubstr("use = \"moe\"")));
}

TEST_F(NewCommandTest, FoldersOfEachSplitAreFound) {
  Synth("made");
  fs::create_directories(Path("data/train"));
  fs::create_directories(Path("data/eval"));
  fs::rename(Path("made/train0000.tfrecord"), Path("data/train/a.tfrecord"));
  fs::rename(Path("made/validate0000.tfrecord"), Path("data/eval/b.tfrecord"));
  EXPECT_THAT(NewText("data"),
              AllOf(HasSubstr("\"data/train/*.tfrecord\""), HasSubstr("\"data/eval/*.tfrecord\"")));
}

TEST_F(NewCommandTest, AnImportTellsItsManifest) {
  std::string labels = "id,labels,part\n", vectors = "id,a,b,c\n";
  for (int i = 0; i < 10; ++i) {
    labels += "v" + std::to_string(i) + (i % 2 == 0 ? ",cat,train\n" : ",dog;eel,val\n");
    vectors += "v" + std::to_string(i) + ",1,2,3\n";
  }
  Write("labels.csv", labels);
  Write("vectors.csv", vectors);
  ASSERT_EQ(Call({"data", "import", "--features", "clip=" + Path("vectors.csv"), "--labels",
                  Path("labels.csv"), "--split-column", "part", "--out", Path("data")})
                .exit_code,
            0);
  EXPECT_THAT(NewText("data"),
              AllOf(HasSubstr("features = { \"clip\" = 3 }\n"),
                    HasSubstr("classes = 3  # their names: " + Path("data/vocabulary.csv") + "\n"),
                    HasSubstr("\"data/train-*.tfrecord\"]  # 5 videos")));
  // Types that the records themselves do not tell come from there too.
  Write(
      "data/manifest.json",
      R"({"beamgrid_import":1,"classes":3,"features":[{"name":"clip","type":"float16","width":3}],)"
      R"("format":"frame","frames":{"max":7,"mean":5},"splits":{"train":{"videos":5},"validate":{"videos":5}}})");
  EXPECT_THAT(NewText("data"),
              HasSubstr("frame_types = { \"clip\" = \"float16\" }\nmax_frames = 7 "));
  Write("data/manifest.json", R"({"beamgrid_import":1,"classes":"x"})");
  EXPECT_THAT(Refusal("second.toml", "data"), HasSubstr("manifest.json: "));
  EXPECT_FALSE(fs::exists(Path("second.toml")));
}

TEST_F(NewCommandTest, OneLabelEachIsSoftmaxOneOfManyIsNot) {
  std::string vectors = "id,a,b\n", one = "id,label,part\n", two = "id,labels,part\n";
  for (int i = 0; i < 10; ++i) {
    const std::string id = "v" + std::to_string(i), part = i < 8 ? ",train\n" : ",val\n";
    vectors += id + ",1,2\n";
    one += id + (i % 2 == 0 ? ",cat" : ",dog") + part;
    // A single validation video with two is enough: it could not be measured.
    two += id + (i == 9 ? ",cat;dog" : i % 2 == 0 ? ",cat" : ",dog") + part;
  }
  Write("vectors.csv", vectors);
  Write("one.csv", one);
  Write("two.csv", two);
  for (const std::string name : {"one", "two"}) {
    ASSERT_EQ(Call({"data", "import", "--features", "clip=" + Path("vectors.csv"), "--labels",
                    Path(name + ".csv"), "--split-column", "part", "--out", Path(name)})
                  .exit_code,
              0);
  }
  EXPECT_THAT(
      NewText("one"),
      AllOf(HasSubstr("labels = \"multi_class\"\n"), HasSubstr("objective = \"accuracy\""),
            HasSubstr("use = \"softmax\"\n[[grid.loss]]\nuse = \"categorical_cross_entropy\"\n"),
            HasSubstr("take this line away and the loss below"),
            Not(HasSubstr("\nuse = \"logistic\""))));
  EXPECT_THAT(NewText("two"),
              AllOf(HasSubstr("\nuse = \"logistic\""), HasSubstr("objective = \"gap\""),
                    Not(HasSubstr("multi_class")), Not(HasSubstr("softmax"))));
  EXPECT_THAT(ReadFile(Path("one/manifest.json")),
              AllOf(HasSubstr(R"("videos":8,"videos_with_one_class":8)"),
                    HasSubstr(R"("videos":2,"videos_with_one_class":2)")));
  EXPECT_THAT(ReadFile(Path("two/manifest.json")),
              AllOf(HasSubstr(R"("videos":8,"videos_with_one_class":8)"),
                    HasSubstr(R"("videos":2,"videos_with_one_class":1)")));
}

TEST_F(NewCommandTest, RecordsOfOthersAreCounted) {
  Synth("one", {"--labels-per-video", "1"});
  EXPECT_THAT(NewText("one"), HasSubstr("labels = \"multi_class\"\n"));
  Synth("several");
  EXPECT_THAT(NewText("several"), Not(HasSubstr("multi_class")));
}

TEST_F(NewCommandTest, FramesOfFloatsAreFoundInTheRecordsOfOthers) {
  UseFakeTrainer();
  Synth("data", {"--frame-types", "rgb=float32"});
  EXPECT_THAT(NewText("data"),
              HasSubstr("frame_types = { \"audio\" = \"uint8\", \"rgb\" = \"float32\" }\n"));
  EXPECT_THAT(Call({"data", "verify", Path("first.toml")}).out,
              HasSubstr("data.train: 320 of 320 examples"));
}

TEST_F(NewCommandTest, FramesAreThoseOfTheData) {
  Synth("data", {"--shards", "1"});
  EXPECT_THAT(NewText("data"), HasSubstr("max_frames = 6  # the longest video; the mean is "));
  // One long video among short ones: said, for memory is forecast by it.
  const std::string manifest =
      R"({"beamgrid_import":1,"classes":3,"features":[{"name":"clip","type":"uint8","width":3}],)"
      R"("format":"frame","frames":{"max":700,"max_common":700,"mean":9.96},)"
      R"("splits":{"train":{"videos":5},"validate":{"videos":5}}})";
  Write("data/manifest.json", manifest);
  EXPECT_THAT(NewText("data"),
              HasSubstr("max_frames = 700  # the longest video; the mean is 10.0"));
  fs::remove(Path("first.toml"));
  EXPECT_THAT(
      Call({"new", Path("first.toml"), "--data", Path("data")}).err,
      HasSubstr("data.max_frames = 700 is that of the longest video, and the mean is 10.0"));
  // Features with frame rates of their own: what the videos have is what all features have.
  std::string unequal = manifest;
  unequal.replace(unequal.find("\"max_common\":700"), 16, "\"max_common\":12");
  Write("data/manifest.json", unequal);
  EXPECT_THAT(NewText("data"),
              HasSubstr("max_frames = 700  # the longest feature; the frames that all features of "
                        "a video have are 12 at most, 10.0 on average (data.frame_alignment)"));
  unequal.replace(unequal.find("\"mean\":9.96"), 11,
                  R"("mean":9.96,"mean_of_longest":250.5,"own_rates":true)");
  Write("data/manifest.json", unequal);
  EXPECT_THAT(NewText("data"),
              AllOf(HasSubstr("max_frames = 700  # the longest feature; the mean is 250.5; fewer"),
                    HasSubstr("all of a video have 10.0 on average."),
                    HasSubstr("\nframe_alignment = \"nearest\"\n")));
}

TEST_F(NewCommandTest, FeaturesOfTheirOwnRatesAreTakenTheNearestFramesOf) {
  const auto npy = [](int frames) {
    std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (" +
                         std::to_string(frames) + ", 2), }\n";
    return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size()) +
           std::string(1, '\0') + header + std::string(2 * static_cast<std::size_t>(frames), 'x');
  };
  fs::create_directories(Path("a"));
  fs::create_directories(Path("b"));
  std::string labels = "id,label,part\n";
  for (int i = 0; i < 6; ++i) {
    const std::string id = "v" + std::to_string(i);
    Write("a/" + id + ".npy", npy(6));
    Write("b/" + id + ".npy", npy(2));
    labels += id + (i % 2 == 0 ? ",cat," : ",dog,") + (i < 4 ? "train\n" : "val\n");
  }
  const Called called =
      Call({"data", "import", "--features", "a=" + Path("a"), "--features", "b=" + Path("b"),
            "--labels", Write("labels.csv", labels), "--split-column", "part",
            "--allow-unequal-frames", "--out", Path("data")});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("the frames that all of a video have are only 12 of 36"));
  EXPECT_THAT(called.out, HasSubstr("max_frames = 6\nframe_alignment = \"nearest\"\n"));
  EXPECT_THAT(NewText("data"), HasSubstr("frame_alignment = \"nearest\"\n"));
}

TEST_F(NewCommandTest, RefusesAndWritesNothing) {
  Synth("data");
  Write("there.toml", "mine");
  EXPECT_THAT(Refusal("there.toml", "data"), HasSubstr("is there already"));
  EXPECT_EQ(ReadFile(Path("there.toml")), "mine");
  EXPECT_THAT(Refusal("recipe.txt", "data"), HasSubstr("is called *.toml"));
  EXPECT_THAT(Refusal("none/recipe.toml", "data"), HasSubstr("no such folder"));
  EXPECT_THAT(Refusal("a.toml", "nothing"), HasSubstr("is no folder"));
  fs::create_directories(Path("empty"));
  EXPECT_THAT(Refusal("a.toml", "empty"),
              HasSubstr("holds no train*.tfrecord and no folder train of *.tfrecord"));
  MarkUnfinished(Path("data"), "beamgrid data synth");
  EXPECT_THAT(Refusal("a.toml", "data"), HasSubstr("unfinished"));
  EXPECT_FALSE(fs::exists(Path("a.toml")));
}

}  // namespace
}  // namespace beamgrid
