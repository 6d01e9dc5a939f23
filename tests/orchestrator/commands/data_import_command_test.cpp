// data import.

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/orchestrator/importing/arrays.h"
#include "tests/support/python.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

class DataImportCommandTest : public CommandTest {
 protected:
  /// Writes a table of vectors of 20 videos, and their labels.
  void WriteTables() const {
    std::string vectors = "id,a,b\n", labels = "id,labels\n";
    for (int i = 0; i < 20; ++i) {
      const std::string id = "v" + std::to_string(i);
      vectors += id + "," + std::to_string(i) + ",0.5\n";
      labels += id + "," + (i % 2 == 0 ? "cat" : "dog") + "\n";
    }
    Write("vectors.csv", vectors + "left,1,2\n");
    Write("labels.csv", labels);
  }
  [[nodiscard]] Called Import(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "data",     "import",           "--features", "mean_rgb=" + Path("vectors.csv"),
        "--labels", Path("labels.csv"), "--out",      Path("out")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  }
};

TEST_F(DataImportCommandTest, PrintsTheSectionOfTheRecipe) {
  WriteTables();
  const Called called = Import();
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_EQ(called.out, "[data]\nformat = \"video\"\ntrain = [\"" + Path("out") +
                            "/train-*.tfrecord\"]\nvalidate = [\"" + Path("out") +
                            "/validate-*.tfrecord\"]\nclasses = 2\nfeatures = { mean_rgb = 2 }\n");
  EXPECT_THAT(called.err,
              AllOf(HasSubstr("left out: 1 video (not in the table of labels): left\n"),
                    HasSubstr(" in train, "),
                    HasSubstr(" in validate, 2 classes (column 'labels', a list per video), ")));
  EXPECT_THAT(called.err, HasSubstr("each video has one class: where classes exclude each other, "
                                    "write labels = \"multi_class\" in [data], as `beamgrid new` "
                                    "does\n"));
  EXPECT_EQ(Call({"data", "verify", Path("out")}).exit_code, 0);
  EXPECT_THAT(Import().err, HasSubstr("holds these videos already"));
}

TEST_F(DataImportCommandTest, TheVocabularyIsWhatScoreTakesForNames) {
  WriteTables();
  ASSERT_EQ(Import().exit_code, 0);
  // Every other video is a cat, class 0. Of v0 the wrong class is the surest of all, the right one
  // comes after the right ones of the others.
  std::string pairs = "VideoId,LabelConfidencePairs\nv0,1 0.99 0 0.3\n";
  std::string named = "VideoId,Label,Name,Confidence\nv0,1,dog,0.99\nv0,0,cat,0.3\n";
  for (int i = 1; i < 20; ++i) {
    const std::string id = "v" + std::to_string(i), right = std::to_string(i % 2),
                      wrong = std::to_string(1 - i % 2), sure = "0.9" + std::to_string(10 + i),
                      unsure = "0.1" + std::to_string(10 + i);
    const auto name = [](const std::string& label) { return label == "0" ? ",cat," : ",dog,"; };
    pairs += id + "," + right + " " + sure + " " + wrong + " " + unsure + "\n";
    for (const auto& [label, score] : {std::pair(right, sure), std::pair(wrong, unsure)}) {
      named += id;
      named += "," + label + name(label) + score + "\n";
    }
  }
  Write("pairs.csv", pairs);
  Write("named.csv", named);
  Write("swapped.csv", "Index,Name\n0,dog\n1,cat\n");
  // Hits at ranks 2 to 21, so 1/2 + 2/3 + ... + 20/21 of 20: 21 less the 21st harmonic number.
  double gap = 0;
  for (int rank = 2; rank <= 21; ++rank) gap += (rank - 1.0) / rank / 20;
  const auto score = [this](const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"score",   "--predictions", Path(file),
                                          "--truth", Path("out"),     "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  };
  const std::vector<std::string> vocabulary = {"--names", Path("out/vocabulary.csv")};
  for (const std::string file : {"pairs.csv", "named.csv"}) {
    const Called scored = score(file, vocabulary);
    ASSERT_EQ(scored.exit_code, 0) << scored.err;
    EXPECT_EQ(scored.err, "");
    EXPECT_NEAR(scored.Json().at("gap").as_double(), gap, 1e-9) << file;
    EXPECT_NEAR(scored.Json().at("hit_at_1").as_double(), 0.95, 1e-9) << file;
    EXPECT_EQ(scored.Json().at("videos").as_int64(), 20) << file;
    const Called refused = score(file, {"--names", Path("swapped.csv")});
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err,
                HasSubstr("--names: class 0 is 'dog' in " + Path("swapped.csv") + " and 'cat' in " +
                          Path("out/vocabulary.csv") + ", and 1 more class differs"));
  }
  EXPECT_THAT(score("pairs.csv", {}).err, HasSubstr("number their classes and do not name them"));
  EXPECT_EQ(score("named.csv", {}).err, "");
}

TEST_F(DataImportCommandTest, IdsThatLookAlikeAndAClassThatIsNoneAreTold) {
  WriteTables();
  std::string labels = ReadFile(Path("labels.csv"));
  labels.replace(labels.find("v3,dog"), 6, "V3.mp4,nan");
  Write("labels.csv", labels + "other,nan\n");
  const Called called = Import({"--holdout", "0.4"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("look alike, and are not: 'v3' and 'V3.mp4'\n"));
  EXPECT_THAT(called.err, HasSubstr("a class is called 'nan': is it a value that is missing?"));
}

TEST_F(DataImportCommandTest, OneClassOfAllVideosIsTold) {
  WriteTables();
  EXPECT_THAT(Import().err, Not(HasSubstr("there is one class")));
  std::filesystem::remove_all(Path("out"));
  std::string labels = "id,labels\n";
  for (int i = 0; i < 20; ++i) labels += "v" + std::to_string(i) + (i < 15 ? ",cat\n" : ",\n");
  Write("labels.csv", labels);
  const Called called = Import({"--holdout", "0.4"});
  EXPECT_THAT(called.err, AllOf(HasSubstr("left out: 5 videos (no class in the table of labels)"),
                                HasSubstr("there is one class, which every video has")));
}

TEST_F(DataImportCommandTest, ValuesThatVanishAreTold) {
  std::filesystem::create_directory(Path("f"));
  std::string labels = "id,labels\n";
  for (int i = 0; i < 20; ++i) {
    const std::string id = "v" + std::to_string(i);
    const float each[] = {1, 1, 1e-3F, 0.25F};
    Write("f/" + id + ".npy",
          std::string("\x93NUMPY\x01\0\x3F\0", 10) +
              "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }   \n" +
              std::string(reinterpret_cast<const char*>(each), sizeof each));
    labels += id + "," + (i % 2 == 0 ? "cat" : "dog") + "\n";
  }
  Write("labels.csv", labels);
  const auto import = [&](const std::string& as) {
    return Call({"data", "import", "--features", "x=" + Path("f"), "--labels", Path("labels.csv"),
                 "--as", as, "--out", Path(as)});
  };
  const Called bytes = import("uint8");
  ASSERT_EQ(bytes.exit_code, 0) << bytes.err;
  EXPECT_THAT(bytes.err, HasSubstr("x: 20 values (25.00 %) became 0 as uint8, and many others lost "
                                   "most of their digits: scale the features first (to -2..2), or "
                                   "--as float16\n"));
  EXPECT_THAT(ReadFile(Path("uint8/manifest.json")), HasSubstr("\"vanished\":20"));
  EXPECT_THAT(import("float16").err, Not(HasSubstr("became 0")));
}

TEST_F(DataImportCommandTest, GroupsAndWeightsAreKeysOfTheRecipe) {
  WriteTables();
  std::string labels = "id,class,subject,trust\n";
  for (int i = 0; i < 20; ++i) {
    labels += "v" + std::to_string(i) + ",cat,s" + std::to_string(i % 10) + ",0.5\n";
  }
  Write("labels.csv", labels);
  const Called called =
      Import({"--group", "subject", "--video-weight-column", "trust", "--holdout", "0.5"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, HasSubstr("video_weight = \"trust\"\ngroup = \"subject\"\n"));
  EXPECT_THAT(called.err, HasSubstr("1 class (column 'class', one per row), "));
  const Called made = Call({"new", Path("first.toml"), "--data", Path("out")});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(ReadFile(Path("first.toml")),
              AllOf(HasSubstr("group = \"subject\""), HasSubstr("video_weight = \"trust\"")));
}

TEST_F(DataImportCommandTest, WithoutLabelsRecordsAreForPredictions) {
  WriteTables();
  const Called called = Call(
      {"data", "import", "--features", "mean_rgb=" + Path("vectors.csv"), "--out", Path("out")});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_EQ(called.out, "");
  EXPECT_THAT(called.err, AllOf(HasSubstr("21 videos in test, 1 file"),
                                HasSubstr("`beamgrid predict MODEL " + Path("out") +
                                          "/test-*.tfrecord` predicts them")));
  EXPECT_THAT(Call({"new", Path("first.toml"), "--data", Path("out")}).err,
              HasSubstr("imported without labels: they are for `beamgrid predict` alone"));
  EXPECT_THAT(Call({"data", "import", "--features", "mean_rgb=" + Path("vectors.csv"), "--out",
                    Path("other"), "--group", "subject"})
                  .err,
              HasSubstr("--group"));
}

TEST_F(DataImportCommandTest, JsonIsTheManifest) {
  WriteTables();
  const Called called = Import({"--json", "--quiet"});
  ASSERT_EQ(called.exit_code, 0);
  EXPECT_EQ(called.err, "");
  EXPECT_EQ(called.out, ReadFile(Path("out/manifest.json")));
  EXPECT_THAT(KeysOf(called.Json()),
              IsSupersetOf({"classes", "features", "format", "left_out", "splits"}));
}

TEST_F(DataImportCommandTest, WhatIsWrongExitsWithTwoAndLeavesNothing) {
  WriteTables();
  const std::vector<std::vector<std::string>> mistakes = {
      {"--strict"},        {"--as", "uint8"},           {"--as", "float8"}, {"--holdout", "2"},
      {"--shards", "0"},   {"--holdout-by", "subject"}, {"--classes", "0"}, {"--label-column", "x"},
      {"--features", "x"}, {"--min-weight", "1"},       {"--threads", "0"}};
  for (const auto& wrong : mistakes) {
    const Called called = Import(wrong);
    EXPECT_EQ(called.exit_code, 2) << wrong[0] << called.err;
    EXPECT_THAT(called.err, HasSubstr("error: "));
    EXPECT_FALSE(std::filesystem::exists(Path("out"))) << wrong[0];
  }
}

TEST_F(DataImportCommandTest, VerifyAndRunKnowAnImportThatWasStopped) {
  WriteTables();
  Write("vectors.csv", ReadFile(Path("vectors.csv")) + "v99,1,nan\n");
  Write("labels.csv", ReadFile(Path("labels.csv")) + "v99,cat\n");
  const Called called = Import({"--shards", "3"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("vectors.csv:23: column 1: is no number (NaN)"));
  EXPECT_THAT(Call({"data", "verify", Path("out")}).err,
              HasSubstr("or `beamgrid data import` was stopped here"));
}

TEST_F(DataImportCommandTest, VectorsThatWereSavedAsColumnsAreTold) {
  WriteTables();
  std::filesystem::create_directories(Path("a"));
  const auto import_columns = [&](const std::string& last) {
    std::filesystem::remove_all(Path("out"));
    for (int i = 0; i < 20; ++i) {
      const std::string shape = i == 19 ? last : "(3, 1)";
      Write("a/v" + std::to_string(i) + ".npy",
            importing_test::Npy("|u1", shape,
                                std::string(static_cast<std::size_t>(shape[1] - '0'), 'x')));
    }
    const Called called = Call({"data", "import", "--features", "x=" + Path("a"), "--labels",
                                Path("labels.csv"), "--out", Path("out")});
    EXPECT_EQ(called.exit_code, 0) << called.err;
    return called.err;
  };
  EXPECT_THAT(import_columns("(3, 1)"),
              HasSubstr("x: every array is [3, 1], frames of one number each; if it is a vector of "
                        "the whole video, save it as [3]: a[:, 0]\n"));
  EXPECT_THAT(import_columns("(2, 1)"), Not(HasSubstr("every array")));
}

TEST_F(DataImportCommandTest, ACopyThatWasStoppedIsToldWhereverItIsNamed) {
  WriteTables();
  ASSERT_EQ(Import({"--shards", "2"}).exit_code, 0);
  Write("p.csv", "VideoId,LabelConfidencePairs\nv0,0 1.0\n");
  const std::string gone = Path("out/manifest.json") +
                           " lists train-00001.tfrecord, which is not "
                           "there: copy the folder again, or import again\n";
  const auto refusal = [&](const std::vector<std::string>& arguments) {
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 2) << arguments[0] << called.out;
    return called.err;
  };
  const auto whole = [&](const std::string& name) {
    const Called called = Call({"data", "verify", name});
    EXPECT_EQ(called.exit_code, 0) << called.err;
  };
  whole(Path("out"));
  std::filesystem::remove(Path("out/train-00001.tfrecord"));
  const std::string train = Path("out/train-00000.tfrecord");
  for (const std::string& named : {Path("out"), Path("out/"), train}) {
    EXPECT_THAT(refusal({"data", "verify", named}), HasSubstr("error: " + Path("")));
    EXPECT_THAT(refusal({"score", "--predictions", Path("p.csv"), "--truth", named}),
                HasSubstr(" lists train-00001.tfrecord, which is not there"));
    const Called inspected = Call({"data", "inspect", named});
    EXPECT_EQ(inspected.exit_code, 0);
    EXPECT_THAT(inspected.err, HasSubstr("warning: "));
    EXPECT_THAT(inspected.out, HasSubstr("train-00000.tfrecord"));
  }
  EXPECT_EQ(refusal({"data", "verify", Path("out")}), "error: " + gone);
  EXPECT_EQ(refusal({"new", Path("r.toml"), "--data", Path("out")}), "error: " + gone);
  EXPECT_EQ(refusal({"ensemble", "--predictions", Path("p.csv"), "--truth", Path("out"),
                     "--size-limit", "1GiB"}),
            "error: " + gone);
  // Of the other split nothing is gone.
  whole(Path("out/validate-00000.tfrecord"));
  // The last file of a split: only who names the folder means it.
  std::filesystem::remove(train);
  EXPECT_THAT(refusal({"data", "verify", Path("out")}),
              HasSubstr("lists train-00000.tfrecord, which is not there"));
}

TEST_F(DataImportCommandTest, WeightsOfLabelsAreSaidNotToBeTrainedOn) {
  WriteTables();
  Write("labels.csv", "id,label,grade\nv0,cat,0.25\nv1,dog,1\nv2,cat,-1\nv3,dog,0\nv4,cat,1\n");
  const Called called = Import({"--weight-column", "grade", "--holdout", "0.5"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("training and scores take each label as true, whatever its "
                                    "weight: --min-weight leaves out those of less\n"));
  std::filesystem::remove_all(Path("out"));
  EXPECT_THAT(Import({"--holdout", "0.5"}).err, Not(HasSubstr("--min-weight")));
}

TEST_F(DataImportCommandTest, FloatFramesAreDeclared) {
  const std::string python = PythonWith("numpy, h5py");
  if (python.empty()) GTEST_SKIP() << "no Python with numpy and h5py ($BEAMGRID_PYTHON)";
  Write("make.py", R"(
import sys, numpy as np, h5py
rng = np.random.default_rng(1)
with h5py.File("a.h5", "w") as h5, open("labels.csv", "w") as labels:
    print("id,label", file=labels)
    for i in range(12):
        a = rng.standard_normal((3 + i % 4, 6)).astype([np.float32, np.float16, np.float64][i % 3])
        np.save(f"v{i}.npy", np.asfortranarray(a) if i % 2 else a.astype(a.dtype.newbyteorder(">")))
        h5.create_dataset(f"v{i}", data=a, compression="gzip" if i % 2 else None)
        np.savez_compressed(f"v{i}.npz", feature=a, other=a[:1])
        print(f"v{i},{i % 3}", file=labels)
)");
  const std::string make = "cd " + Path("") + " && " + python + " make.py";
  ASSERT_EQ(std::system(make.c_str()), 0);
  std::string hash;
  for (const char* files : {"*.npy", "a.h5", "*.npz:feature"}) {
    const std::string out = "out" + std::to_string(std::string(files).size());
    const Called called =
        Call({"data", "import", "--features", std::string("rgb=") + Path(files), "--labels",
              Path("labels.csv"), "--out", Path(out), "--shards", "1"});
    ASSERT_EQ(called.exit_code, 0) << files << called.err;
    EXPECT_THAT(called.out, AllOf(HasSubstr("features = { rgb = 6 }\n"),
                                  HasSubstr("frame_types = { rgb = \"float32\" }\n"),
                                  HasSubstr("max_frames = 6\n")));
    const std::string now = HashFile(Path(out + "/train-00000.tfrecord"));
    EXPECT_EQ(hash.empty() ? now : hash, now) << files;
    hash = now;
  }
  Write("compare.py", R"(
import glob, struct, sys, numpy as np
data = open(sys.argv[1], "rb").read()
for i in range(12):
    a = np.load(f"v{i}.npy").astype("<f4")
    if f"v{i}".encode() in data and all(frame.tobytes() in data for frame in a): print(i, end=" ")
)");
  const std::string compare = "cd " + Path("") + " && " + python +
                              " compare.py out*/train-00000.tfrecord > equal; " + python +
                              " compare.py out*/validate-00000.tfrecord >> equal";
  ASSERT_EQ(std::system(compare.c_str()), 0);
  std::istringstream equal(ReadFile(Path("equal")));
  std::vector<int> videos{std::istream_iterator<int>(equal), {}};
  EXPECT_EQ(videos.size(), 12U)
      << "each video's frames stand in one of the files as NumPy has them";
}

}  // namespace
}  // namespace beamgrid
