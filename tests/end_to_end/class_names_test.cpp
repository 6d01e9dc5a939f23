// What classes are called, from a table of labels to every command that reads or writes their
// numbers: two imports of the same videos, which number their classes differently.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace class_names_end_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kRecipe[] = R"(beamgrid = 1
[study]
name = "pets"
seeds = [1, 2]
[data]
format = "video"
train = ["one/train-*.tfrecord"]
validate = ["one/validate-*.tfrecord"]
classes = 2
features = { vector = 3 }
[train]
epochs = 1
batch = 16
[[grid.classifier]]
use = "logistic"
[ensemble]
members = 2
[resources]
devices = ["cpu"]
)";

class ClassNamesEnd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new StudyFolder;
    std::string vectors = "id,a,b,c\n", labels = "id,labels,part\n";
    for (int i = 0; i < 120; ++i) {
      const std::string id = "v" + std::to_string(i);
      vectors += id + (i % 2 == 0 ? ",0.5,0.1,1\n" : ",-0.3,0.2,1\n");
      labels += id + (i % 2 == 0 ? ",cat" : ",dog") + (i < 80 ? ",train\n" : ",val\n");
    }
    WriteText(folder_->path() / "vectors.csv", vectors);
    WriteText(folder_->path() / "labels.csv", labels);
    WriteText(folder_->path() / "dogs.txt", "dog\ncat\n");
    WriteText(folder_->path() / "r.toml", kRecipe);
    Import("one", {});
    Import("two", {"--classes", "dogs.txt"});
    Succeed({"run", "r.toml"});
    Succeed({"predict", "pets:ensemble", "one/validate-00000.tfrecord", "--out", "bare.csv"});
  }
  static void TearDownTestSuite() { delete folder_; }

  static void Import(const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> command = {
        "data",     "import",     "--features",     "vector=vectors.csv",
        "--labels", "labels.csv", "--split-column", "part",
        "--out",    out};
    command.insert(command.end(), more.begin(), more.end());
    Succeed(command);
  }
  static Ended Succeed(const std::vector<std::string>& arguments) {
    Ended ended = folder_->Run(arguments);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ended;
  }
  static void ExpectRefusal(const std::vector<std::string>& arguments, const std::string& words) {
    const Ended ended = folder_->Run(arguments);
    EXPECT_EQ(ended.exit_code, 2) << ended.out << ended.err;
    EXPECT_THAT(ended.err, AllOf(HasSubstr(words), HasSubstr("'cat'"), HasSubstr("'dog'")));
  }
  static std::string Text(const std::string& name) { return ReadText(folder_->path() / name); }

  static StudyFolder* folder_;
};

StudyFolder* ClassNamesEnd::folder_ = nullptr;

TEST_F(ClassNamesEnd, PredictWritesThoseOfTheModelAndNoNumbersThatMeanOthers) {
  ExpectRefusal({"predict", "pets:ensemble", "two/validate-00000.tfrecord", "--out", "x.csv"},
                "DATA: class 0 is 'cat' in the data of pets:ensemble and 'dog' in ");
  EXPECT_FALSE(std::filesystem::exists(folder_->path() / "x.csv"));
  Succeed({"predict", "pets:ensemble", "two/validate-00000.tfrecord", "--names", "auto", "--out",
           "named.csv"});
  EXPECT_THAT(Text("named.csv"),
              AllOf(HasSubstr(",0,cat,"), HasSubstr(",1,dog,"), Not(HasSubstr(",0,dog,"))));
}

TEST_F(ClassNamesEnd, ScoreComparesWhatItIsToldOfThem) {
  const std::string right =
      Succeed({"score", "--predictions", "bare.csv", "--truth", "one/validate-00000.tfrecord"}).out;
  EXPECT_THAT(right, HasSubstr("videos  40"));
  const Ended unknown =
      Succeed({"score", "--predictions", "bare.csv", "--truth", "two/validate-00000.tfrecord"});
  EXPECT_THAT(unknown.err, HasSubstr("the numbers are taken for those of two/vocabulary.csv"));
  Succeed({"predict", "pets:ensemble", "one/validate-00000.tfrecord", "--names", "auto", "--out",
           "own.csv"});
  const Ended own =
      Succeed({"score", "--predictions", "own.csv", "--truth", "one/validate-00000.tfrecord"});
  EXPECT_EQ(own.out, right);
  EXPECT_THAT(own.err, Not(HasSubstr("note")));
  ExpectRefusal({"score", "--predictions", "own.csv", "--truth", "two/validate-00000.tfrecord"},
                "--predictions: class 0 is 'cat' in own.csv and 'dog' in two/vocabulary.csv");
  ExpectRefusal({"score", "--predictions", "bare.csv", "--truth", "two/validate-00000.tfrecord",
                 "--names", "one/vocabulary.csv"},
                "--names: class 0 is 'cat' in one/vocabulary.csv");
  // A file that says nothing is asked for what lies beside it.
  std::filesystem::copy_file(folder_->path() / "bare.csv", folder_->path() / "one/bare.csv");
  ExpectRefusal(
      {"score", "--predictions", "one/bare.csv", "--truth", "two/validate-00000.tfrecord"},
      "class 0 is 'cat' in one/bare.csv (by the vocabulary beside it) and 'dog' in ");
  Succeed({"score", "--predictions", "one/bare.csv", "--truth", "one/validate-00000.tfrecord"});
}

TEST_F(ClassNamesEnd, EnsemblesAverageNoNumbersThatMeanDifferentClasses) {
  std::filesystem::copy_file(folder_->path() / "bare.csv", folder_->path() / "two/other.csv",
                             std::filesystem::copy_options::overwrite_existing);
  ExpectRefusal(
      {"ensemble", "--predictions", "two/other.csv", "--truth", "one/validate-00000.tfrecord"},
      "two/other.csv (by the vocabulary beside it)");
  ExpectRefusal({"ensemble", "pets", "--with", "two/other.csv"}, "the data of pets");
  Succeed({"ensemble", "pets", "--with", "bare.csv"});
}

TEST_F(ClassNamesEnd, ExportShowAndReportHaveThoseOfTheRecord) {
  Succeed({"export", "pets:ensemble", "--out", "winner"});
  EXPECT_THAT(Text("winner/README.md"), AllOf(HasSubstr("| 0 | cat |"), HasSubstr("| 1 | dog |")));
  Succeed({"report", "pets", "--out", "pets.html"});
  EXPECT_THAT(Text("pets.html"), AllOf(HasSubstr("cat"), HasSubstr("dog")));
}

TEST_F(ClassNamesEnd, RunTrainsOnNoRecordsThatNumberThemDifferently) {
  ExpectRefusal({"run", "r.toml", "--set", "data.validate=[\"two/validate-*.tfrecord\"]"},
                "their records number classes differently");
  ExpectRefusal({"check", "r.toml", "--set", "data.validate=[\"two/validate-*.tfrecord\"]"},
                "their records number classes differently");
}

TEST_F(ClassNamesEnd, RunTellsThatOtherRecordsSayNone) {
  std::filesystem::create_directory(folder_->path() / "plain");
  for (const char* file : {"train-00000.tfrecord", "validate-00000.tfrecord"}) {
    std::filesystem::copy_file(folder_->path() / "two" / file, folder_->path() / "plain" / file);
  }
  const std::vector<std::string> run = {"run",   "r.toml",
                                        "--set", "data.train=[\"plain/train-*.tfrecord\"]",
                                        "--set", "data.validate=[\"plain/validate-*.tfrecord\"]"};
  // It asks for --accept-changes: nothing is trained here.
  EXPECT_THAT(
      folder_->Run(run).err,
      HasSubstr("what the classes of these data are called is not known, as it was of those "
                "of the study before"));
  EXPECT_THAT(Succeed({"run", "r.toml"}).err, Not(HasSubstr("is not known")));
}

}  // namespace class_names_end_test
}  // namespace beamgrid
