// data synth, inspect, verify.

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <fstream>

#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/support/shared_data.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

class DataCommandsTest : public CommandTest {
 protected:
  [[nodiscard]] Called Synth(const std::string& folder, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "data", "synth",  "--out", Path(folder), "--videos",      "20",           "--classes",
        "6",    "--seed", "5",     "--features", "rgb=8,audio=4", "--max-frames", "6"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  }
  /// Complements one byte in the middle of a file.
  static void FlipByte(const std::string& path) {
    std::string bytes = ReadFile(path);
    bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
    std::ofstream(path, std::ios::binary) << bytes;
  }
};

TEST_F(DataCommandsTest, HelpSaysThatAnotherSeedMakesOtherClasses) {
  EXPECT_THAT(Call({"data", "synth", "--help"}).out, HasSubstr("another seed makes other classes"));
}

TEST_F(DataCommandsTest, InspectTellsFilesApartOnANarrowTerminal) {
  ASSERT_EQ(Synth("data", {"--shards", "2"}).exit_code, 0);
  const Called narrow = CallAtTerminal(60, {"data", "inspect", Path("data")});
  EXPECT_THAT(narrow.out,
              AllOf(HasSubstr("in " + Path("data/") + "\n"), HasSubstr("\ntrain0001.tfrecord "),
                    HasSubstr("\nvalidate0000.tfrecord "), Not(HasSubstr("\u2026"))));
  const Called piped = Call({"data", "inspect", Path("data")});
  EXPECT_THAT(piped.out, HasSubstr("\n" + Path("data/train0001.tfrecord ")));
  EXPECT_THAT(CallAtTerminal(60, {"data", "inspect", Path("data/train0000.tfrecord")}).out,
              Not(HasSubstr("in /")))
      << "one file has no folder in common";
}

TEST_F(DataCommandsTest, SynthWritesBothSplitsInTheRealFormat) {
  const Called synth = Synth("data", {"--shards", "2"});
  ASSERT_EQ(synth.exit_code, 0) << synth.err;
  EXPECT_EQ(synth.out, "");
  std::int64_t train = 0, validate = 0;
  const auto json = Call({"data", "inspect", Path("data"), "--json"}).Json();
  ASSERT_EQ(json.as_array().size(), 4U);
  for (const auto& file : json.as_array()) {
    EXPECT_THAT(KeysOf(file),
                IsSupersetOf({"file", "format", "records", "classes_seen", "max_class",
                              "labels_per_video", "frames", "features"}));
    EXPECT_EQ(file.at("format"), "frame");
    EXPECT_EQ(file.at("features").at("rgb"), 8);
    EXPECT_EQ(file.at("features").at("audio"), 4);
    EXPECT_THAT(KeysOf(file.at("frames")), ElementsAre("max", "mean", "min"));
    EXPECT_LE(file.at("frames").at("max").as_int64(), 6);
    EXPECT_LT(file.at("max_class").as_int64(), 6);
    const std::string name(file.at("file").as_string());
    (name.find("/train") != std::string::npos ? train : validate) += file.at("records").as_int64();
  }
  EXPECT_EQ(train, 16);
  EXPECT_EQ(validate, 4);
  EXPECT_EQ(Call({"data", "verify", Path("data")}).exit_code, 0);
}

TEST_F(DataCommandsTest, EqualSeedsGiveEqualFiles) {
  ASSERT_EQ(Synth("one").exit_code, 0);
  ASSERT_EQ(Synth("two").exit_code, 0);
  ASSERT_EQ(Synth("three", {"--noise", "0.123"}).exit_code, 0);
  for (const auto& entry : std::filesystem::directory_iterator(Path("one"))) {
    const std::string name = entry.path().filename().string();
    EXPECT_EQ(HashFile(entry.path()), HashFile(Path("two/" + name)));
    EXPECT_NE(HashFile(entry.path()), HashFile(Path("three/" + name)));
  }
}

TEST_F(DataCommandsTest, SynthRefusesWhatIsOutOfRangeAndWritesNothing) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--format", "movie"},
                                                {"--features", "rgb"},
                                                {"--features", "rgb=0"},
                                                {"--features", "=8"},
                                                {"--lag", "0.9", "--order", "0.9"},
                                                {"--shards", "0"},
                                                {"--label-noise", "2"}}) {
    const Called called = Synth("wrong", wrong);
    EXPECT_EQ(called.exit_code, 2) << wrong[0] << " " << wrong[1] << called.err;
    EXPECT_FALSE(std::filesystem::exists(Path("wrong")) &&
                 !std::filesystem::is_empty(Path("wrong")));
  }
}

TEST_F(DataCommandsTest, SynthIntoAFolderThatCannotBeMadeIsAnError) {
  Write("file", "");
  const Called called = Synth("file/data");
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr(Path("file")));
}

TEST_F(DataCommandsTest, AMixtureOfTwoDatasetsIsKnownAsOne) {
  ASSERT_EQ(Synth("data", {"--shards", "2"}).exit_code, 0);
  EXPECT_EQ(Call({"data", "verify", Path("data")}).exit_code, 0);
  // The last of the new files cannot take its name: some are of the new dataset then.
  const std::string blocked = Path("data/validate0001.tfrecord");
  std::filesystem::remove(blocked);
  std::filesystem::create_directories(blocked + "/inside");
  const std::string before = HashFile(Path("data/train0000.tfrecord"));
  EXPECT_EQ(Synth("data", {"--shards", "2", "--noise", "0.1"}).exit_code, 1);
  EXPECT_NE(HashFile(Path("data/train0000.tfrecord")), before);
  std::filesystem::remove_all(blocked);
  for (const std::string& name : {Path("data"), Path("data/train0000.tfrecord")}) {
    const Called mixed = Call({"data", "verify", name});
    EXPECT_EQ(mixed.exit_code, 2);
    EXPECT_THAT(mixed.err, HasSubstr(Path("data") + ": unfinished: `beamgrid data synth`"));
  }
  ASSERT_EQ(Synth("data", {"--shards", "2", "--noise", "0.1"}).exit_code, 0);
  EXPECT_EQ(Call({"data", "verify", Path("data")}).exit_code, 0);
}

TEST_F(DataCommandsTest, WhatAKilledRunLeftIsTakenAway) {
  ASSERT_EQ(Synth("data").exit_code, 0);
  Write("data/train0007.tfrecord.partial", "half of a file");
  ASSERT_EQ(Synth("data").exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(Path("data/train0007.tfrecord.partial")));
}

TEST_F(DataCommandsTest, VerifySaysOfAnEmptyFileThatItIsEmpty) {
  const std::string file = Write("empty.tfrecord", "");
  const Called called = Call({"data", "verify", file});
  EXPECT_EQ(called.exit_code, 0);
  EXPECT_EQ(called.out, file + ": empty, no record\n");
}

TEST_F(DataCommandsTest, VerifyNamesFileAndOffsetOfADamage) {
  ASSERT_EQ(Synth("data").exit_code, 0);
  const std::string file = std::filesystem::directory_iterator(Path("data"))->path().string();
  FlipByte(file);
  const Called text = Call({"data", "verify", Path("data")});
  EXPECT_EQ(text.exit_code, 2);
  EXPECT_THAT(text.out, HasSubstr(file + ": byte "));
  EXPECT_THAT(text.err, HasSubstr("1 damaged place"));
  const Called json = Call({"data", "verify", file, "--json"});
  EXPECT_EQ(json.exit_code, 2);
  EXPECT_EQ(json.Json().at(0).at("damages").as_array().size(), 1U);
  EXPECT_EQ(Call({"data", "inspect", file}).exit_code, 2);
  const std::string predictions = Write("p.csv", "VideoId,LabelConfidencePairs\na,1 0.5\n");
  EXPECT_EQ(Call({"score", "--predictions", predictions, "--truth", file}).exit_code, 2);
}

TEST_F(DataCommandsTest, VerifyFindsACutOffFile) {
  ASSERT_EQ(Synth("data").exit_code, 0);
  const std::string file = std::filesystem::directory_iterator(Path("data"))->path().string();
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);
  EXPECT_EQ(Call({"data", "verify", file}).exit_code, 2);
}

TEST_F(DataCommandsTest, AFileThatCannotBeReadIsTheMachinesFault) {
  ASSERT_EQ(Synth("data").exit_code, 0);
  const std::string file = Path("data/train0000.tfrecord");
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  for (const char* command : {"verify", "inspect"}) {
    const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const Called called = Call({"data", command, file});
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(called.exit_code, 1) << command << called.out << called.err;
    EXPECT_THAT(called.err, HasSubstr("Too many open files"));
  }
}

TEST_F(DataCommandsTest, NamesThatAreNotThereAreRefused) {
  EXPECT_EQ(Call({"data", "inspect", Path("nothing")}).exit_code, 2);
  std::filesystem::create_directory(Path("empty"));
  const Called called = Call({"data", "verify", Path("empty")});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("holds no *.tfrecord file"));
}

TEST_F(DataCommandsTest, InspectsRealFiles) {
  const auto shared = SharedData();
  if (!shared) GTEST_SKIP() << "no shared data";
  const auto json = Call({"data", "inspect",
                          (*shared / "data/yt8m-frame/SjJ3_frame.tfrecord").string(), "--json"})
                        .Json();
  EXPECT_EQ(json.at(0).at("format"), "frame");
  EXPECT_EQ(json.at(0).at("records"), 1);
  EXPECT_EQ(json.at(0).at("frames").at("max"), 170);
  EXPECT_EQ(json.at(0).at("max_class"), 11);
  EXPECT_EQ(json.at(0).at("features").at("rgb"), 1024);
  EXPECT_EQ(json.at(0).at("features").at("audio"), 128);
}

TEST_F(DataCommandsTest, TheTruthMayBeRecordFiles) {
  ASSERT_EQ(Synth("data").exit_code, 0);
  const std::string predictions = Write("p.csv", "VideoId,LabelConfidencePairs\nnobody,0 0.9\n");
  const Called called =
      Call({"score", "--predictions", predictions, "--truth", Path("data"), "--json"});
  EXPECT_NE(called.exit_code, 0);
  EXPECT_THAT(called.err, HasSubstr("20"));  // all 20 videos of the truth are missing
}

}  // namespace
}  // namespace beamgrid
