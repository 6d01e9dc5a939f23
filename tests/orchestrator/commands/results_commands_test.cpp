// score and ensemble on prediction files, by hand and real.

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "search/recipe.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "trainer/data/truth.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class ResultsCommandsTest : public CommandTest {
 protected:
  /// Two videos; model `a` is right on the first, `b` on the second.
  ResultsCommandsTest() {
    Write("truth.csv", "VideoId,Labels\nv1,0\nv2,1\n");
    Write("a.csv", "VideoId,LabelConfidencePairs\nv1,0 0.9 1 0.1\nv2,0 0.6 1 0.4\n");
    Write("b.csv", "VideoId,LabelConfidencePairs\nv1,1 0.6 0 0.4\nv2,1 0.9 0 0.1\n");
  }
  [[nodiscard]] Called EnsembleOf(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"ensemble",    "--predictions", Path("a.csv"),
                                          Path("b.csv"), "--truth",       Path("truth.csv"),
                                          "--weights",   "uniform"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  }
};

TEST_F(ResultsCommandsTest, PredictionsWithNamesScoreAsThoseWithout) {
  const std::string bare =
      Call({"score", "--predictions", Path("a.csv"), "--truth", Path("truth.csv")}).out;
  const auto score = [&](const std::string& rows) {
    const std::string file = Write("named.csv", "VideoId,Label,Name,Confidence\n" + rows);
    return Call({"score", "--predictions", file, "--truth", Path("truth.csv")});
  };
  const std::string rows = "v2,1,dog,0.4\nv1,0,\"cat, \"\"big\"\"\",0.9\nv1,1,dog,0.1\n";
  EXPECT_EQ(score(rows + "v2,0,\"cat, \"\"big\"\"\",0.6\n").out, bare);
  const auto refused = [&](const std::string& row, const std::string& words) {
    const Called called = score(rows + row);
    EXPECT_EQ(called.exit_code, 2);
    EXPECT_THAT(called.err, HasSubstr("named.csv:5: " + words));
  };
  refused("v2,0,ant,0.6\n", "class 0 is 'ant', and 'cat, \"big\"' in a line before");
  refused("v2,1,dog,0.6\n", "the video 'v2' has the label 1 twice");
  refused("v2,-1,dog,0.6\n", "label '-1' is not an integer in 0..");
  refused("v2,0,,nan\n", "confidence 'nan' of label 0 is not a finite number");
  const std::string tabs = Write("named.tsv", "VideoId,Label,Name,Confidence\n" + rows);
  EXPECT_THAT(Call({"score", "--predictions", tabs, "--truth", Path("truth.csv")}).err,
              HasSubstr("named.tsv: the columns must be VideoId,Label,Name,Confidence"));
}

TEST_F(ResultsCommandsTest, ATruthIsCsvByItsBeginningOrItsName) {
  const auto score = [&](const std::string& truth) {
    return Call({"score", "--predictions", Path("a.csv"), "--truth", truth});
  };
  const std::string bare = score(Path("truth.csv")).out;
  // As a spreadsheet saves it, also where its name says nothing.
  for (const char* name : {"mark.csv", "mark"}) {
    const Called called = score(Write(name, "\xEF\xBB\xBFVideoId,Labels\r\nv1,0\r\nv2,1\r\n"));
    EXPECT_EQ(called.exit_code, 0) << called.err;
    EXPECT_EQ(called.out, bare) << name;
  }
  EXPECT_THAT(score(Write("labels.csv", "id,label\nv1,0\n")).err,
              HasSubstr("labels.csv:1: the first line must be 'VideoId,Labels', is 'id,label'"));
}

TEST_F(ResultsCommandsTest, ScoreGivesTheKeys) {
  const Called called =
      Call({"score", "--predictions", Path("a.csv"), "--truth", Path("truth.csv"), "--json"});
  EXPECT_EQ(called.exit_code, 0);
  const auto json = called.Json();
  EXPECT_THAT(KeysOf(json), ElementsAre("accuracy", "gap", "hit_at_1", "map", "perr", "segment_map",
                                        "top_5", "videos"));
  EXPECT_TRUE(json.at("segment_map").is_null());
  // Pool by score: 0.9 true, 0.6 false, 0.4 true, 0.1 false; two labels: (1 + 2/3) / 2.
  EXPECT_NEAR(json.at("gap").as_double(), 5.0 / 6, 1e-12);
  EXPECT_EQ(json.at("hit_at_1"), 0.5);
  EXPECT_EQ(json.at("perr"), 0.5);
  EXPECT_EQ(json.at("videos"), 2);
}

/// What a shell's <(cat FILE) is: a descriptor of a pipe with the text, which can be read once.
class PipeOf {
 public:
  explicit PipeOf(const std::string& text) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    read_ = ends[0];
    const ssize_t written = ::write(ends[1], text.data(), text.size());
    ::close(ends[1]);
    if (written != std::ssize(text)) throw std::runtime_error("no room in the pipe");
  }
  ~PipeOf() { ::close(read_); }
  PipeOf(const PipeOf&) = delete;
  PipeOf& operator=(const PipeOf&) = delete;
  [[nodiscard]] std::string name() const { return "/dev/fd/" + std::to_string(read_); }

 private:
  int read_ = -1;
};

TEST_F(ResultsCommandsTest, ReadsFilesThatComeThroughPipes) {
  const std::string truth = ReadFile(Path("truth.csv")), a = ReadFile(Path("a.csv"));
  const std::string b = ReadFile(Path("b.csv")), groups = "id,group\nv1,x\nv2,y\n";
  const auto of_files =
      Call({"score", "--predictions", Path("a.csv"), "--truth", Path("truth.csv")}).out;
  const PipeOf predictions(a), labels(truth);
  const Called scored =
      Call({"score", "--predictions", predictions.name(), "--truth", labels.name()});
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_EQ(scored.out, of_files);
  const auto ensemble = [&](const std::string& one, const std::string& other, const std::string& by,
                            const std::string& in) {
    const Called called =
        Call({"ensemble", "--predictions", one, other, "--truth", by, "--groups", in, "--json"});
    EXPECT_EQ(called.exit_code, 0) << called.err;
    return called.Json();
  };
  const PipeOf first(a), second(b), by(truth), in(groups);
  const auto piped = ensemble(first.name(), second.name(), by.name(), in.name());
  const auto filed =
      ensemble(Path("a.csv"), Path("b.csv"), Path("truth.csv"), Write("groups.csv", groups));
  EXPECT_EQ(piped.at("selection"), filed.at("selection"));
  EXPECT_EQ(piped.at("groups"), filed.at("groups"));
  // Mistakes are told by the name that was given.
  const PipeOf broken("VideoId,LabelConfidencePairs\nv1,0 much\n");
  const Called refused =
      Call({"score", "--predictions", broken.name(), "--truth", Path("truth.csv")});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr(broken.name() + ":2: "));
}

TEST_F(ResultsCommandsTest, SaysWhatIsNoFile) {
  const auto refusal = [&](const std::string& name) {
    const Called called = Call({"score", "--predictions", name, "--truth", Path("truth.csv")});
    EXPECT_EQ(called.exit_code, 2);
    return called.err;
  };
  EXPECT_THAT(refusal("/dev/null"), HasSubstr("/dev/null: is no regular file"));
  EXPECT_THAT(refusal(Path("")), HasSubstr(": is a folder, not a file"));
  EXPECT_THAT(refusal(Path("none.csv")), HasSubstr("none.csv: no such file"));
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(Path("pipe")), HasSubstr("is a named pipe"));
}

TEST_F(ResultsCommandsTest, ScoreAsTextSaysTheSame) {
  const Called called =
      Call({"score", "--predictions", Path("a.csv"), "--truth", Path("truth.csv")});
  EXPECT_THAT(called.out, HasSubstr("GAP@20  0.83333"));
  EXPECT_THAT(called.out, HasSubstr("videos  2"));
}

TEST_F(ResultsCommandsTest, ScoreRefusesMissingFilesVideosAndNonsense) {
  EXPECT_EQ(
      Call({"score", "--predictions", Path("no.csv"), "--truth", Path("truth.csv")}).exit_code, 2);
  const std::string short_file = Write("short.csv", "VideoId,LabelConfidencePairs\nv1,0 0.9\n");
  const Called missing = Call({"score", "--predictions", short_file, "--truth", Path("truth.csv")});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("1"));
  const std::string broken =
      Write("broken.csv", "VideoId,LabelConfidencePairs\nv1,0 0.9\nv2,0 high\n");
  EXPECT_EQ(
      Call({"score", "--predictions", "/proc/self/mem", "--truth", Path("truth.csv")}).exit_code, 1)
      << "EIO, as of a broken disk";
  for (const char* text : {"", "VideoId,Labels\na,1 1\n", "VideoId,Labels\na\n"}) {
    const std::string wrong = Write("wrong.csv", text);
    const Called truth = Call({"score", "--predictions", Path("a.csv"), "--truth", wrong});
    EXPECT_EQ(truth.exit_code, 2) << text << truth.err;
  }
  const std::string ranking = Write("ranking.csv", "Class,Segments\n1,a\n");
  EXPECT_EQ(Call({"score", "--predictions", ranking, "--truth", Path("truth.csv")}).exit_code, 2);
  const Called nonsense = Call({"score", "--predictions", broken, "--truth", Path("truth.csv")});
  EXPECT_EQ(nonsense.exit_code, 2);
  EXPECT_THAT(nonsense.err, HasSubstr(broken + ":3"));
  // Both are read at the same time; what is wrong with the predictions is said first.
  const Called both = Call({"score", "--predictions", broken, "--truth", Path("wrong.csv")});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.err,
              testing::AllOf(HasSubstr(broken + ":3"), testing::Not(HasSubstr("wrong.csv"))));
}

TEST_F(ResultsCommandsTest, CommonVideosScoresThoseThatBothHaveAndSaysHowMany) {
  // By score: v1 0.9 true, v2 0.6 false; v3 is not in the truth, v4 is not predicted.
  const std::string predictions =
      Write("some.csv", "VideoId,LabelConfidencePairs\nv3,0 0.99\nv1,0 0.9\nv2,0 0.6 1 0.5\n");
  const std::string truth = Write("more.csv", "VideoId,Labels\nv1,0\nv2,1\nv4,0\n");
  const std::string both = Write("both.csv", "VideoId,Labels\nv1,0\nv2,1\n");
  const Called refused = Call({"score", "--predictions", predictions, "--truth", truth});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--common-videos"));
  const auto scored = [&](const std::string& by, std::vector<std::string> more) {
    more.insert(more.begin(), {"score", "--predictions", predictions, "--truth", by});
    const Called called = Call(more);
    EXPECT_EQ(called.exit_code, 0) << called.err;
    return called;
  };
  const auto json = scored(truth, {"--common-videos", "--json"}).Json();
  EXPECT_EQ(json.at("gap"), scored(both, {"--json"}).Json().at("gap"));
  EXPECT_EQ(json.at("videos"), 2);
  EXPECT_EQ(json.at("truth_videos"), 3);
  EXPECT_EQ(json.at("predicted_videos"), 3);
  EXPECT_THAT(scored(truth, {"--common-videos"}).out,
              HasSubstr("videos  2, of 3 in the truth and 3 that are predicted\n"));
  EXPECT_THAT(scored(both, {}).out, HasSubstr("videos  2\n"));

  const std::string others = Write("others.csv", "VideoId,Labels\nw1,0\n");
  const Called none =
      Call({"score", "--predictions", predictions, "--truth", others, "--common-videos"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("no video in common"));
  const std::string ranking = Write("ranking.csv", "Class,Segments\n1,a:0\n");
  const Called ranked =
      Call({"score", "--predictions", ranking, "--truth", truth, "--common-videos"});
  EXPECT_EQ(ranked.exit_code, 2);
  EXPECT_THAT(ranked.err, HasSubstr("does not say which ones"));
}

TEST_F(ResultsCommandsTest, NothingScoredIsNoScore) {
  const std::string predictions = Write("p.csv", "VideoId,LabelConfidencePairs\nv,0 0.9\n");
  const std::string none = Write("none.csv", "VideoId,LabelConfidencePairs\n");
  const std::string truth = Write("t.csv", "VideoId,Labels\nv,0\n");
  const std::string empty = Write("empty.csv", "VideoId,Labels\n");
  const std::string unlabelled = Write("unlabelled.csv", "VideoId,Labels\nv,\n");
  const std::string no_record = Write("no.tfrecord", "");
  const auto refused = [](const std::string& of, const std::string& by, const std::string& what) {
    for (const char* json : {"--json", "--quiet"}) {
      const Called called = Call({"score", "--predictions", of, "--truth", by, json});
      EXPECT_EQ(called.exit_code, 2) << called.out;
      EXPECT_EQ(called.out, "");
      EXPECT_THAT(called.err, HasSubstr(what));
    }
  };
  refused(predictions, empty, empty + " holds no video: there is nothing to score");
  refused(predictions, no_record, no_record + " holds no video");
  refused(predictions, unlabelled, unlabelled + " holds 1 video without any label");
  refused(none, truth, none + ": predicts nothing");
  refused(none, empty, none + ": predicts nothing");
  EXPECT_EQ(Call({"score", "--predictions", predictions, "--truth", truth}).exit_code, 0);

  const Called ensemble = Call({"ensemble", "--predictions", predictions, "--truth", unlabelled});
  EXPECT_EQ(ensemble.exit_code, 2);
  EXPECT_THAT(ensemble.err, HasSubstr("has a true label: nothing can be measured"));
}

TEST_F(ResultsCommandsTest, ScoreAgainstTheGoldenVectors) {
  for (const char* name : {"gap_medium", "gap_manylabels"}) {
    const std::string stem = std::string(BEAMGRID_SOURCE_DIR) + "/tests/vectors/" + name;
    const auto json = Call({"score", "--predictions", stem + ".predictions.csv", "--truth",
                            stem + ".truth.csv", "--json"})
                          .Json();
    const auto expected = ParseJson(ReadFile(stem + ".expected.json"));
    EXPECT_NEAR(json.at("gap").as_double(), expected.at("gap").as_double(), 1e-9) << name;
  }
}

TEST_F(ResultsCommandsTest, EnsembleOfFilesHasTheFixedShape) {
  const Called called = EnsembleOf({"--sizes", "1MiB", "2MiB", "--size-limit", "4MiB", "--json"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  const auto json = called.Json();
  EXPECT_THAT(KeysOf(json), IsSupersetOf({"members", "size_bytes", "size_limit", "selection",
                                          "holdout", "best_single", "evaluated"}));
  ASSERT_EQ(json.at("members").as_array().size(), 2U);
  EXPECT_EQ(json.at("members").at(0).at("name"), "a");
  EXPECT_EQ(json.at("members").at(0).at("weight"), 0.5);
  EXPECT_EQ(json.at("size_bytes"), 3 << 20);
  EXPECT_EQ(json.at("size_limit"), 4 << 20);
  EXPECT_EQ(json.at("selection").at("gap"), 1.0);
  EXPECT_EQ(json.at("selection").at("videos"), 2);
  EXPECT_TRUE(json.at("holdout").is_null());
  EXPECT_NEAR(json.at("best_single").at("gap").as_double(), 5.0 / 6, 1e-12);
}

TEST_F(ResultsCommandsTest, ListsTakeCommasToo) {
  const std::string plain = EnsembleOf({"--sizes", "1MiB", "2MiB", "--json"}).out;
  EXPECT_EQ(EnsembleOf({"--sizes", "1MiB,2MiB", "--json"}).out, plain);
  EXPECT_EQ(EnsembleOf({"--sizes", "1 mib, 2 mib", "--json"}).out, plain);
  EXPECT_EQ(EnsembleOf({"--sizes", "1048576,", "2.0MiB", "--json"}).out, plain);
  EXPECT_EQ(Call({"ensemble", "--predictions", Path("a.csv") + "," + Path("b.csv"), "--truth",
                  Path("truth.csv"), "--weights", "uniform", "--sizes", "1Mi,2Mi", "--json"})
                .out,
            plain);
}

TEST_F(ResultsCommandsTest, EveryNameOfAListMayHoldHome) {
  const std::string home = std::getenv("HOME") == nullptr ? "/" : std::getenv("HOME");
  setenv("HOME", Path("").c_str(), 1);
  const Called called = Call({"ensemble", "--predictions", "~/a.csv,~/b.csv", "--truth",
                              "~/truth.csv", "--weights", "uniform", "--json"});
  const Called unknown =
      Call({"ensemble", "--predictions", "~/a.csv,~no-such-user/b.csv", "--truth", "~/truth.csv"});
  setenv("HOME", home.c_str(), 1);
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_EQ(called.Json().at("members").as_array().size(), 2U);
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("no user 'no-such-user'"));
}

TEST_F(ResultsCommandsTest, ACommaMayBePartOfAFilesName) {
  std::filesystem::copy(Path("b.csv"), Path("b,c.csv"));
  const auto json = Call({"ensemble", "--predictions", Path("a.csv"), Path("b,c.csv"), "--truth",
                          Path("truth.csv"), "--weights", "uniform", "--json"})
                        .Json();
  ASSERT_EQ(json.at("members").as_array().size(), 2U);
  EXPECT_EQ(json.at("members").at(1).at("name"), "b,c");
}

TEST_F(ResultsCommandsTest, TheSizeLimitDecides) {
  const auto json =
      EnsembleOf({"--sizes", "1MiB", "2MiB", "--size-limit", "1MiB", "--json"}).Json();
  ASSERT_EQ(json.at("members").as_array().size(), 1U);
  EXPECT_EQ(json.at("members").at(0).at("name"), "a");
  EXPECT_EQ(EnsembleOf({"--sizes", "1MiB", "2MiB", "--size-limit", "1KiB"}).exit_code, 2);
}

TEST_F(ResultsCommandsTest, EnsembleOfGivenMembersAndWeights) {
  const Called called =
      EnsembleOf({"--take", "b", "a", "--take-weights", "0.75", "0.25", "--json"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  const auto json = called.Json();
  ASSERT_EQ(json.at("members").as_array().size(), 2U);
  EXPECT_EQ(json.at("members").at(0).at("name"), "a");
  EXPECT_EQ(json.at("members").at(0).at("weight"), 0.25);
  EXPECT_EQ(json.at("evaluated"), 0);
  EXPECT_THAT(EnsembleOf({"--take", "c"}).err, HasSubstr("there is no model 'c'"));
  EXPECT_EQ(EnsembleOf({"--take", "c"}).exit_code, 2);
  EXPECT_EQ(EnsembleOf({"--take-weights", "1"}).exit_code, 2) << "weights of nobody";
}

TEST_F(ResultsCommandsTest, EnsembleRefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(EnsembleOf({"--sizes", "1MiB"}).err, HasSubstr("1 size for 2 prediction files"));
  EXPECT_THAT(EnsembleOf({"--size-limit", "much"}).err, HasSubstr("--size-limit: 'much'"));
  EXPECT_EQ(Call({"ensemble"}).exit_code, 2);
  EXPECT_EQ(Call({"ensemble", "--predictions", Path("a.csv")}).exit_code, 2);
  Write("b.csv", "VideoId,LabelConfidencePairs\nv1,1 0.6 0 0.4\n");
  const Called lacking = EnsembleOf({});
  EXPECT_EQ(lacking.exit_code, 2);
  EXPECT_THAT(lacking.err, HasSubstr("b"));
  const auto common = EnsembleOf({"--common-videos", "--json"}).Json();
  EXPECT_EQ(common.at("selection").at("videos"), 1);
}

TEST_F(ResultsCommandsTest, FilesOfOneNameAreToldApartByTheirPaths) {
  std::filesystem::create_directory(Path("sub"));
  std::filesystem::copy(Path("b.csv"), Path("sub/a.csv"));
  const auto json = Call({"ensemble", "--predictions", Path("a.csv"), Path("sub/a.csv"), "--truth",
                          Path("truth.csv"), "--weights", "uniform", "--json"})
                        .Json();
  ASSERT_EQ(json.at("members").as_array().size(), 2U);
  EXPECT_EQ(json.at("members").at(0).at("name").as_string(), Path("a.csv"));
  EXPECT_EQ(json.at("members").at(1).at("name").as_string(), Path("sub/a.csv"));
}

TEST_F(ResultsCommandsTest, EnsembleRefusesOtherWordsWithTheKnownOnes) {
  for (const auto& [option, word, known] : std::vector<std::array<std::string, 3>>{
           {"--search", "beem", "beam, exhaustive, greedy; did you mean 'beam'?"},
           {"--combine", "logit", "logits, probabilities, votes; did you mean 'logits'?"},
           {"--weights", "equal", "uniform, gap, learned, auto;"}}) {
    const Called called = Call(
        {"ensemble", "--predictions", Path("a.csv"), "--truth", Path("truth.csv"), option, word});
    EXPECT_EQ(called.exit_code, 2) << option;
    EXPECT_THAT(called.err, HasSubstr("'" + word + "' must be one of " + known));
  }
  const std::string recipe = "[ensemble]\ncombine = \"logit\"\n";
  EXPECT_THAT(ErrorText<RecipeError>([&] { static_cast<void>(EnsembleOfRecipe(recipe, "study")); }),
              HasSubstr("must be one of logits, probabilities, votes; did you mean 'logits'?"));
}

TEST_F(ResultsCommandsTest, TheNineRealModelsMakeABetterEnsembleThanAnyOfThem) {
  const auto shared = SharedData();
  if (!shared) GTEST_SKIP() << "no shared data";
  const auto folder = *shared / "data" / "predictions";
  std::vector<std::string> arguments = {"ensemble", "--predictions"};
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename() != "truth.csv") arguments.push_back(entry.path().string());
  }
  ASSERT_EQ(arguments.size(), 11U);
  arguments.insert(arguments.end(),
                   {"--truth", (folder / "truth.csv").string(), "--common-videos", "--weights",
                    "uniform", "--combine", "probabilities", "--json"});
  const auto json = Call(arguments).Json();
  EXPECT_EQ(json.at("selection").at("videos"), 862);
  // 0.40320, by the mean over 3000 random orders of equal scores, with a standard error of 0.00009.
  EXPECT_EQ(json.at("best_single").at("name"), "logistic_video_both");
  EXPECT_NEAR(json.at("best_single").at("gap").as_double(), 0.40320, 0.0003);
  EXPECT_GT(json.at("selection").at("gap").as_double(), 0.506);  // the plain mean of all nine
  EXPECT_LE(json.at("members").as_array().size(), 6U);

  arguments.erase(std::find(arguments.begin(), arguments.end(), "--common-videos"));
  const Called all_videos = Call(arguments);
  EXPECT_EQ(all_videos.exit_code, 2);
  EXPECT_THAT(all_videos.err, HasSubstr("videos"));
}

/// Rated segments, and predictions that give every rated positive 0.9 and every other one 0.1.
class SegmentCommandsTest : public CommandTest {
 protected:
  SegmentCommandsTest() {
    EXPECT_EQ(Call({"data", "synth", "--out", Path("data"), "--videos", "60", "--classes", "6",
                    "--seed", "1", "--format", "segment", "--features", "rgb=8", "--max-frames",
                    "30", "--min-frames", "10", "--quiet"})
                  .exit_code,
              0);
    truth_ = ReadSegmentTruth({Path("data/validate0000.tfrecord")});
    std::string text = "VideoId,LabelConfidencePairs\n";
    for (const auto& [id, segment] : truth_) {
      std::string shown, others;
      for (std::int32_t label = 0; label < 6; ++label) {
        const bool is_shown = std::ranges::binary_search(segment.positive, label);
        (is_shown ? shown : others) += " " + std::to_string(label) + (is_shown ? " 0.9" : " 0.1");
      }
      text += id + "," + (shown + others).substr(1) + "\n";
    }
    Write("p.csv", text);
  }
  [[nodiscard]] boost::json::value Score(const std::string& file) const {
    return Call({"score", "--predictions", Path(file), "--truth",
                 Path("data/validate0000.tfrecord"), "--json"})
        .Json();
  }

  SegmentTruth truth_;
};

TEST_F(SegmentCommandsTest, ScoreMeasuresSegmentsByTheirRatings) {
  const auto json = Score("p.csv");
  EXPECT_EQ(json.at("segment_map"), 1.0);
  EXPECT_EQ(json.at("gap"), 1.0);
  EXPECT_EQ(json.at("videos").as_int64(), std::ssize(truth_));
  EXPECT_THAT(
      Call({"score", "--predictions", Path("p.csv"), "--truth", Path("data/validate0000.tfrecord")})
          .out,
      HasSubstr("MAP@100k  1.00000"));
}

TEST_F(SegmentCommandsTest, AnEnsembleIsWrittenAsTheSubmissionOf2019) {
  const std::string classes = Write("ids.csv", "Index\n1\n3\n");
  const auto write = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "ensemble", "--predictions", Path("p.csv"), "--truth", Path("data/validate0000.tfrecord"),
        "--out",    Path("s.csv"),   "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 0) << called.err;
    return ReadFile(Path("s.csv"));
  };
  EXPECT_THAT(write({}), ::testing::StartsWith("Class,Segments\n0,"));
  const auto json = Score("s.csv");
  // The file says the order alone: among equal scores that of the ids.
  EXPECT_EQ(json.at("segment_map"), 1.0);
  EXPECT_TRUE(json.at("gap").is_null());
  const std::string some = write({"--classes", classes});
  EXPECT_THAT(some, ::testing::StartsWith("Class,Segments\n1,"));
  EXPECT_EQ(std::ranges::count(some, '\n'), 3);
}

TEST_F(SegmentCommandsTest, ARankingNeedsRatings) {
  Write("s.csv", "Class,Segments\n1,a:0\n");
  const std::string truth = Write("t.csv", "VideoId,Labels\na:0,1\n");
  const Called called = Call({"score", "--predictions", Path("s.csv"), "--truth", truth});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("--truth must be record files"));
}

TEST_F(ResultsCommandsTest, AnEnsembleOfVideosIsWrittenAsTheSubmissionOf2018) {
  EXPECT_EQ(EnsembleOf({"--out", Path("out.csv"), "--members", "1"}).exit_code, 0);
  EXPECT_THAT(ReadFile(Path("out.csv")),
              ::testing::StartsWith("VideoId,LabelConfidencePairs\nv1,"));
}

}  // namespace
}  // namespace beamgrid
