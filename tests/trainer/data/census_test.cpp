// What one pass over the data finds, and what follows from it.

#include "trainer/data/census.h"

#include <gmock/gmock.h>

#include <cmath>

#include "registry/util/cache_folder.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/census_file.h"
#include "trainer/data/data_verdict.h"
#include "trainer/data/dataset.h"
#include "trainer/data/digest.h"
#include "trainer/data/unfinished.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CensusTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::vector<ExampleContent>& videos) const {
    std::vector<std::string> payloads;
    for (const ExampleContent& video : videos) payloads.push_back(Encode(video));
    WriteRecords(folder_ / name, payloads);
    return (folder_ / name).string();
  }
  /// Complements a byte of the payload of a file's record.
  static void Damage(const std::string& path, int record) {
    std::string bytes = ReadFile(path);
    std::uint64_t offset = 0;
    for (int i = 0; i < record; ++i) offset = TfRecordFile(path).Skip(offset);
    bytes[offset + 20] = static_cast<char>(~bytes[offset + 20]);
    WriteBytes(path, bytes);
  }
  static std::uint64_t OffsetOf(const std::string& path, int record) {
    const TfRecordFile file(path);
    std::uint64_t offset = 0;
    for (int i = 0; i < record; ++i) offset = file.Skip(offset);
    return offset;
  }
  /// A sound study of three videos to train on and two to measure on.
  DataSpec Sound() const {
    DataSpec spec = SmallSpec();
    spec.train = {Write("t0", {SmallVideo("a"), SmallVideo("b")}), Write("t1", {SmallVideo("c")})};
    spec.validate = {Write("v0", {SmallVideo("d", 3, {1, 2}), SmallVideo("e")})};
    return spec;
  }
  static std::vector<std::string> ProblemsOf(const DataSpec& spec) {
    std::vector<std::string> texts;
    for (const DataProblem& problem : JudgeData(spec, TakeCensus(spec)).problems) {
      texts.push_back(problem.what);
    }
    return texts;
  }
  static std::vector<std::string> WarningsOf(const DataSpec& spec) {
    return JudgeData(spec, TakeCensus(spec)).warnings;
  }

  TemporaryFolder folder_;
};

TEST_F(CensusTest, SoundDataAreCountedAndNothingIsSaid) {
  const DataSpec spec = Sound();
  const Census census = TakeCensus(spec);
  EXPECT_EQ(census.digest, DataDigest(spec));
  EXPECT_EQ(census.train, SplitCensus({.examples = 3, .labels = 3}));
  EXPECT_EQ(census.validate, SplitCensus({.examples = 2, .labels = 3}));
  EXPECT_EQ(census.shared, 0);
  const DataVerdict verdict = JudgeData(spec, census);
  EXPECT_THAT(verdict.problems, IsEmpty());
  EXPECT_THAT(verdict.warnings, IsEmpty());
}

TEST_F(CensusTest, ManyReadersFindTheSame) {
  DataSpec spec = Sound();
  for (int file = 0; file < 20; ++file) {
    const std::string name = "t" + std::to_string(10 + file);
    spec.train.push_back(Write(name, {SmallVideo(name + "x"), SmallVideo(name + "y", 3, {9})}));
  }
  const Census one = TakeCensus(spec), many = TakeCensus(spec, {.threads = 7});
  EXPECT_EQ(one.train, many.train);
  EXPECT_EQ(one.digest, many.digest);
  EXPECT_EQ(many.train.examples, 23);
  EXPECT_EQ(many.train.contradicting, 20);
  ASSERT_THAT(many.train.contradictions, SizeIs(kShownFaults));
  EXPECT_EQ(many.train.contradictions[0].place.file, 2U);
}

TEST_F(CensusTest, ADamagedRecordStopsOrIsSkippedAndSaid) {
  DataSpec spec = Sound();
  Damage(spec.train[0], 1);
  const std::string place = spec.train[0] + ": byte " + std::to_string(OffsetOf(spec.train[0], 1));
  EXPECT_THAT(ProblemsOf(spec),
              ElementsAre(AllOf(HasSubstr(place + ": "), HasSubstr("do not match their CRC")),
                          "data.on_error = \"skip\" would pass over 1 of 3 training records"));
  spec.on_error = "skip";
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
  EXPECT_THAT(WarningsOf(spec),
              ElementsAre(AllOf(HasSubstr("1 of 3 training records is skipped: " + place))));
}

TEST_F(CensusTest, FeaturesOfDifferentNumbersOfFramesAreSaid) {
  DataSpec spec = Sound();
  EXPECT_THAT(WarningsOf(spec), IsEmpty());
  ExampleContent video = SmallVideo("slow", 9);
  video.frames[1] = CountingFrames("audio", 2, 3);
  spec.train.push_back(Write("t2", {video}));
  EXPECT_THAT(WarningsOf(spec),
              ElementsAre(AllOf(HasSubstr("1 of 4 training records has features of different "
                                          "numbers of frames (up to 6 frames apart): the frames "
                                          "that all have are used"),
                                HasSubstr("data.frame_alignment = \"nearest\""))));
  spec.frame_alignment = FrameAlignment::kNearest;
  EXPECT_THAT(WarningsOf(spec), ElementsAre(HasSubstr("the nearest frame is taken")));
}

TEST_F(CensusTest, TheRestBehindADamagedLengthCountsAsOne) {
  DataSpec spec = Sound();
  spec.on_error = "skip";
  std::string bytes = ReadFile(spec.train[0]);
  bytes[0] = static_cast<char>(~bytes[0]);
  WriteBytes(spec.train[0], bytes);
  const Census census = TakeCensus(spec);
  EXPECT_EQ(census.train.damaged, 1);
  EXPECT_EQ(census.train.examples, 1);
  EXPECT_EQ(census.digest, DataDigest(spec)) << "what cannot be read is hashed all the same";
}

TEST_F(CensusTest, AVideoWithoutLabelsAndANumberThatIsNoneAreNamed) {
  DataSpec spec = SmallSpec();
  spec.format = "video";
  spec.max_frames = 1;
  spec.features = {{"x", 2}};
  const auto video = [](const std::string& id, float value, std::vector<std::int64_t> labels) {
    return ExampleContent{
        .id = id, .labels = std::move(labels), .values = {{.name = "x", .values = {0, value}}}};
  };
  spec.train = {Write("t", {video("a", 1, {1}), video("b", NAN, {1}), video("c", 1, {})})};
  spec.validate = {Write("v", {video("d", 1, {1})})};
  const std::string second = spec.train[0] + ": byte " + std::to_string(OffsetOf(spec.train[0], 1));
  const std::string third = spec.train[0] + ": byte " + std::to_string(OffsetOf(spec.train[0], 2));
  EXPECT_THAT(ProblemsOf(spec),
              ElementsAre(second + ": video 'b': feature 'x' holds nan at index 1, must be finite "
                                   "and below 1e+16",
                          third + ": video 'c': has no labels: files of the test set cannot be "
                                  "trained on or validated with",
                          HasSubstr("would pass over 2 of 3 training records")));
  spec.on_error = "skip";
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
  EXPECT_THAT(WarningsOf(spec), ElementsAre(AllOf(HasSubstr("2 of 3 training records are skipped"),
                                                  HasSubstr("'b'"), HasSubstr("and 1 more"))));
}

TEST_F(CensusTest, ContradictionsStopWhateverOnErrorSays) {
  DataSpec spec = Sound();
  spec.on_error = "skip";
  spec.train.push_back(Write("t2", {SmallVideo("x"), SmallVideo("y", 3, {5})}));
  EXPECT_THAT(ProblemsOf(spec),
              ElementsAre(AllOf(HasSubstr("t2: byte "), HasSubstr("video 'y': label 5, must be"))));
}

TEST_F(CensusTest, ManyFaultsAreCountedAndTheFirstAreShown) {
  DataSpec spec = Sound();
  std::vector<ExampleContent> sound(30, SmallVideo("w", 3));
  spec.validate.push_back(Write("v1", sound));
  for (int record = 0; record < 30; ++record) Damage(spec.validate[1], record);
  const std::vector<std::string> problems = ProblemsOf(spec);
  ASSERT_GT(problems.size(), kShownFaults);
  EXPECT_EQ(problems[kShownFaults], "10 more such records");
}

TEST_F(CensusTest, WhereAllWeighNothingThereIsNothingToTrainOn) {
  DataSpec spec = Sound();
  spec.video_weight = "weight";
  const auto weighing = [](const std::string& id, float weight) {
    ExampleContent video = SmallVideo(id);
    video.values.push_back({.name = "weight", .values = {weight}});
    return video;
  };
  spec.train = {Write("t1", {weighing("a", 0), weighing("b", 0)})};
  spec.validate = {Write("v1", {weighing("v", 0)})};
  EXPECT_THAT(ProblemsOf(spec),
              ElementsAre("nothing to train on: all 2 training records that can be used weigh 0 "
                          "('weight', data.video_weight); one at least must weigh more",
                          "no loss to measure: the one validation record that can be used weighs 0 "
                          "('weight', data.video_weight); one at least must weigh more"));
  const Census census = TakeCensus(spec);
  EXPECT_EQ(census.train.weightless, 2);
  EXPECT_EQ(CensusFromText(CensusText(census), 1, 1)->train, census.train);
  // One that weighs something is enough, however little.
  spec.train.push_back(Write("t2", {weighing("c", 1e-6F)}));
  spec.validate = {Write("v2", {weighing("v", 1), weighing("w", 0)})};
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
}

TEST_F(CensusTest, AMistakeInTheContentOfManyRecordsIsSaidOnce) {
  DataSpec spec = Sound();
  spec.video_weight = "weight";
  const auto weighing = [](const std::string& id, float weight) {
    ExampleContent video = SmallVideo(id);
    video.values.push_back({.name = "weight", .values = {weight}});
    return video;
  };
  spec.validate = {Write("v1", {weighing("v", 1)})};
  std::vector<ExampleContent> wrong = {weighing("fine", 2), SmallVideo("none", 3, {})};
  wrong[1].values.push_back({.name = "weight", .values = {1}});
  for (int i = 0; i < 30; ++i) {
    wrong.push_back(weighing("w" + std::to_string(i), -1.5F - static_cast<float>(i)));
  }
  spec.train = {Write("t1", wrong)};
  EXPECT_THAT(
      ProblemsOf(spec),
      ElementsAre(HasSubstr("video 'none': has no labels"),
                  spec.train[0] + ": byte " + std::to_string(OffsetOf(spec.train[0], 2)) +
                      ": video 'w0': 'weight' (data.video_weight) is -1.500000, must be 0..1000000",
                  "29 more such records",
                  "data.on_error = \"skip\" would pass over 31 of 32 training records"));
}

TEST_F(CensusTest, AMistakeOfTheRecipeIsSaidOnceThoughEachRecordShowsIt) {
  DataSpec spec = Sound();
  std::vector<ExampleContent> wrong;
  for (const int label : {7, 7, 8, 9, 10}) wrong.push_back(SmallVideo("w", 3, {label}));
  for (int i = 0; i < 35; ++i) wrong.push_back(SmallVideo("w" + std::to_string(i), 3, {7}));
  spec.train.push_back(Write("t2", wrong));
  EXPECT_THAT(ProblemsOf(spec),
              ElementsAre(HasSubstr("video 'w': label 7, must be"), HasSubstr("label 8, must be"),
                          HasSubstr("label 9, must be"), "37 more such records"));
}

TEST_F(CensusTest, AnIdThatIsThereTwiceInValidateStops) {
  DataSpec spec = Sound();
  spec.on_error = "skip";
  spec.validate.push_back(Write("v1", {SmallVideo("f"), SmallVideo("d")}));
  EXPECT_THAT(ProblemsOf(spec), ElementsAre("'d' is there twice: " + spec.validate[0] +
                                            ": byte 0 and " + spec.validate[1] + ": byte " +
                                            std::to_string(OffsetOf(spec.validate[1], 1))));
  const DataVerdict verdict = JudgeData(spec, TakeCensus(spec));
  EXPECT_FALSE(verdict.problems[0].in_train);
}

TEST_F(CensusTest, OfTwoRecordsOfOneIdASkippedOneDoesNotCount) {
  DataSpec spec = Sound();
  spec.on_error = "skip";
  spec.validate.push_back(Write("v1", {SmallVideo("d")}));
  Damage(spec.validate[1], 0);
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
}

TEST_F(CensusTest, AnIdThatIsThereTwiceInTrainIsSaid) {
  DataSpec spec = Sound();
  spec.train.push_back(Write("t2", {SmallVideo("a", 2), SmallVideo("a", 4)}));
  EXPECT_EQ(TakeCensus(spec).train.repeated, 2);
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
  EXPECT_THAT(WarningsOf(spec),
              ElementsAre(AllOf(HasSubstr("2 training records have the id of an earlier one"),
                                HasSubstr("'a' is at " + spec.train[0] + ": byte 0 and at " +
                                          spec.train[2] + ": byte 0 and 1 more"))));
}

TEST_F(CensusTest, VideosInBothListsAreCountedOnce) {
  DataSpec spec = Sound();
  spec.train.push_back(Write("t2", {SmallVideo("d", 9), SmallVideo("d", 8), SmallVideo("e", 7)}));
  const Census census = TakeCensus(spec);
  EXPECT_EQ(census.shared, 2);
  ASSERT_THAT(census.shared_videos, SizeIs(2));
  EXPECT_EQ(census.shared_videos[0], (RepeatedId{.id = "d", .first = {2, 0}, .second = {0, 0}}));
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
  EXPECT_THAT(WarningsOf(spec),
              testing::Contains(AllOf(HasSubstr("2 validation videos are in the training data too"),
                                      HasSubstr("'d' is at"), HasSubstr("and 1 more"))));
}

TEST_F(CensusTest, TheSameFileInBothListsOrTwiceInOneStops) {
  const DataSpec sound = Sound();
  const auto problem = [](const DataSpec& spec) { return ProblemsOf(spec).at(0); };
  DataSpec spec = sound;
  spec.validate.push_back(spec.train[1]);
  EXPECT_EQ(problem(spec), spec.train[1] + " is in data.train and in data.validate");
  spec = sound;
  fs::create_symlink(spec.train[1], folder_ / "link");
  spec.validate.push_back((folder_ / "link").string());
  EXPECT_EQ(problem(spec), spec.train[1] + " and " + spec.validate[1] +
                               " hold the same bytes, one in data.train, one in data.validate");
  spec = sound;
  fs::create_hard_link(spec.train[1], folder_ / "hard");
  spec.train.push_back((folder_ / "hard").string());
  EXPECT_THAT(problem(spec), HasSubstr("hard hold the same bytes, both in data.train"));
  spec = sound;
  fs::copy_file(spec.validate[0], folder_ / "copy");
  spec.validate.push_back((folder_ / "copy").string());
  EXPECT_THAT(problem(spec), HasSubstr("copy hold the same bytes, both in data.validate"));
}

TEST_F(CensusTest, AnEmptyFileIsSaidAndTwoOfThemAreNoCopies) {
  DataSpec spec = Sound();
  spec.train.push_back(Write("empty0", {}));
  spec.train.push_back(Write("empty1", {}));
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
  EXPECT_THAT(WarningsOf(spec),
              ElementsAre(spec.train[2] + ", " + spec.train[3] + ": hold no record"));
}

TEST_F(CensusTest, AListOfWhichNothingIsLeftStops) {
  DataSpec spec = Sound();
  spec.on_error = "skip";
  for (const int record : {0, 1}) Damage(spec.validate[0], record);
  EXPECT_THAT(ProblemsOf(spec),
              ElementsAre(AllOf(HasSubstr("nothing to measure on: all 2 validation records are "
                                          "damaged, such as " +
                                          spec.validate[0] + ": byte 0: "))));
  spec = Sound();
  spec.train = {Write("empty", {})};
  EXPECT_THAT(ProblemsOf(spec),
              ElementsAre("nothing to train on: no file of data.train holds a record"));
}

TEST_F(CensusTest, AFolderBetweenTwoDatasetsStops) {
  const DataSpec spec = Sound();
  MarkUnfinished(folder_.path(), "beamgrid data synth");
  EXPECT_THAT(ProblemsOf(spec),
              ElementsAre(AllOf(HasSubstr(folder_.path().string() + ": "),
                                HasSubstr("`beamgrid data import` was stopped here"))));
  MarkFinished(folder_.path());
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
}

TEST_F(CensusTest, AFileThatIsNotThereIsAnError) {
  DataSpec spec = Sound();
  spec.train.push_back((folder_ / "none").string());
  EXPECT_THAT(ErrorText<Error>([&] { (void)TakeCensus(spec); }),
              HasSubstr("none: cannot look at it: No such file"));
}

TEST_F(CensusTest, WhatAFileSaysStaysOnOneLineAndIsNotObeyed) {
  DataSpec spec = Sound();
  spec.train.push_back(Write("t2", {SmallVideo("x\x1b[2J\n\xff", 3, {7})}));
  EXPECT_THAT(ProblemsOf(spec), ElementsAre(HasSubstr(R"(video 'x\x1b[2J\n\xff': label 7)")));
}

// ---- Segments -----------------------------------------------------------------------------------

class SegmentCensusTest : public CensusTest {
 protected:
  /// Rates segments that begin at these frames.
  static ExampleContent Rated(const std::string& id, const std::vector<std::int64_t>& starts,
                              float score = 1) {
    ExampleContent video = SmallVideo(id, 20);
    for (const std::int64_t start : starts) {
      video.ratings.push_back({.label = 1, .start = start, .end = start + 5, .score = score});
    }
    return video;
  }
  DataSpec Segments(const std::vector<ExampleContent>& train,
                    const std::vector<ExampleContent>& validate) const {
    DataSpec spec = SmallSpec();
    spec.format = "segment";
    spec.train = {Write("t", train)};
    spec.validate = {Write("v", validate)};
    return spec;
  }
};

TEST_F(SegmentCensusTest, SegmentsAreExamplesAndVideosAreShared) {
  const DataSpec spec = Segments({Rated("a", {0, 5})}, {Rated("a", {10}), Rated("b", {0, 5, 10})});
  const Census census = TakeCensus(spec);
  EXPECT_EQ(census.train.examples, 2);
  EXPECT_EQ(census.validate.examples, 4);
  EXPECT_EQ(census.shared, 1) << "other segments of the same video";
  EXPECT_EQ(census.shared_videos.at(0).id, "a");
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
}

TEST_F(SegmentCensusTest, ASegmentThatIsThereTwiceStops) {
  const DataSpec spec =
      Segments({Rated("a", {0})}, {Rated("b", {0, 5}), Rated("b", {10}), Rated("b", {5, 15})});
  EXPECT_THAT(ProblemsOf(spec), ElementsAre(HasSubstr("'b:5' is there twice: ")));
}

TEST_F(SegmentCensusTest, RecordsWithoutAUsableRatingAreSaid) {
  const DataSpec spec = Segments({Rated("a", {0}), Rated("c", {100})}, {Rated("b", {0})});
  EXPECT_THAT(ProblemsOf(spec), IsEmpty());
  EXPECT_THAT(WarningsOf(spec), ElementsAre(HasSubstr("1 training record has no rated segment")));
}

TEST_F(SegmentCensusTest, ValidationInWhichNothingIsShownStops) {
  const DataSpec spec = Segments({Rated("a", {0})}, {Rated("b", {0, 5}, 0)});
  EXPECT_THAT(ProblemsOf(spec), ElementsAre(HasSubstr("nothing to measure: no segment")));
}

TEST_F(SegmentCensusTest, SkippedSegmentsAreCountedAsTrainingCountsThem) {
  ExampleContent broken = Rated("c", {0, 5});
  broken.ratings[0].score = NAN;
  DataSpec spec = Segments({Rated("a", {0}), broken, SmallVideo("unrated")}, {Rated("b", {0})});
  spec.on_error = "skip";
  const Census census = TakeCensus(spec);
  EXPECT_EQ(census.train.examples, 1);
  Dataset dataset(spec, spec.train, LabelPolicy::kRequired);
  EXPECT_EQ(dataset.Size(), census.train.examples);
  EXPECT_EQ(dataset.counts().skipped, census.train.damaged);
}

// ---- What is kept -------------------------------------------------------------------------------

class KeptCensusTest : public CensusTest {
 protected:
  /// Makes files look old: what was touched a moment ago is not kept.
  void Age(const DataSpec& spec) {
    HashCache cache(cache_);
    const auto later = std::chrono::system_clock::now() + std::chrono::hours(1);
    for (const auto* files : {&spec.train, &spec.validate}) {
      for (const std::string& file : *files) cache.Add(StampOf(file), HashFile(file), later);
    }
    cache.Save();
  }
  /// Whether the census reads files, by what it says of its progress.
  static bool Reads(const DataSpec& spec, const CensusOptions& options) {
    return TakeCensus(spec, options).train.examples != kKept;
  }
  /// Replaces what is kept of the files' content by what nobody could find in them.
  void Mark() const {
    for (const auto& entry : fs::directory_iterator(cache_)) {
      if (!entry.path().filename().string().starts_with("census-")) continue;
      std::optional<Census> census =
          CensusFromText(ReadCached(entry.path()).value(), kTrainFiles, kValidateFiles);
      census->train.examples = kKept;
      WriteCached(entry.path(), CensusText(*census));
    }
  }
  static constexpr std::int64_t kKept = 4711;
  static constexpr std::size_t kTrainFiles = 2, kValidateFiles = 1;

  const fs::path cache_ = folder_ / "cache";
  const CensusOptions options_{.cache = cache_};
};

TEST_F(KeptCensusTest, FilesThatNobodyTouchedAreNotReadAgain) {
  const DataSpec spec = Sound();
  Age(spec);
  EXPECT_EQ(TakeCensus(spec, options_).train.examples, 3);
  Mark();
  const Census kept = TakeCensus(spec, options_);
  EXPECT_EQ(kept.train.examples, kKept);
  EXPECT_EQ(kept.digest, DataDigest(spec));
  EXPECT_TRUE(Reads(spec, {.reading = CensusOptions::Reading::kEverything, .cache = cache_}));
}

TEST_F(KeptCensusTest, AnotherContentOrAnotherQuestionIsReadAnew) {
  DataSpec spec = Sound();
  Age(spec);
  EXPECT_TRUE(Reads(spec, options_));
  Mark();
  EXPECT_FALSE(Reads(spec, options_));
  DataSpec other = spec;
  other.classes = 3;
  EXPECT_TRUE(Reads(other, options_)) << "classes";
  other = spec;
  other.features.pop_back();
  EXPECT_TRUE(Reads(other, options_)) << "features";
  other = spec;
  other.max_frames = 7;
  EXPECT_TRUE(Reads(other, options_)) << "frames";
  std::swap(other.train[0], other.train[1]);
  other.max_frames = spec.max_frames;
  EXPECT_TRUE(Reads(other, options_)) << "findings name files by their numbers";
  other = spec;
  other.on_error = "skip";
  EXPECT_FALSE(Reads(other, options_)) << "only the judgement depends on it";
  // The same bytes elsewhere.
  fs::create_directory(folder_ / "moved");
  other = spec;
  for (std::string& file : other.train) {
    fs::copy_file(file, folder_ / ("moved/" + fs::path(file).filename().string()));
    file = (folder_ / ("moved/" + fs::path(file).filename().string())).string();
  }
  Age(other);
  EXPECT_FALSE(Reads(other, options_)) << "the findings go with the content";
  // As long as before, with sound CRCs: in the file's middle.
  Write("t0", {SmallVideo("a"), SmallVideo("B")});
  EXPECT_TRUE(Reads(spec, options_));
}

TEST_F(KeptCensusTest, WhatIsDamagedOrCannotBeWrittenIsDoneWithout) {
  const DataSpec spec = Sound();
  Age(spec);
  ASSERT_TRUE(Reads(spec, options_));
  Mark();
  for (const auto& entry : fs::directory_iterator(cache_)) {
    fs::resize_file(entry.path(), fs::file_size(entry.path()) - 3);
  }
  EXPECT_TRUE(Reads(spec, options_));
  WriteBytes(folder_ / "file", "");
  EXPECT_EQ(TakeCensus(spec, {.cache = folder_ / "file/cache"}).train.examples, 3);
}

TEST_F(KeptCensusTest, AFileTouchedAMomentAgoIsNotKept) {
  const DataSpec spec = Sound();
  ASSERT_TRUE(Reads(spec, options_));
  Mark();
  EXPECT_TRUE(Reads(spec, options_));
}

TEST_F(KeptCensusTest, FindingsComeBackAsTheyWere) {
  DataSpec spec = Sound();
  spec.train.push_back(Write("t2", {SmallVideo("a"), SmallVideo("d"), SmallVideo("q", 3, {9})}));
  spec.train.push_back(Write("t3", {}));
  Damage(spec.validate[0], 1);
  const Census census = TakeCensus(spec);
  const std::optional<Census> back = CensusFromText(CensusText(census), 4, 1);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->train, census.train);
  EXPECT_EQ(back->validate, census.validate);
  EXPECT_EQ(back->shared, census.shared);
  EXPECT_EQ(back->shared_videos, census.shared_videos);
  EXPECT_FALSE(CensusFromText(CensusText(census), 3, 1)) << "it names a file that is not there";
  EXPECT_FALSE(CensusFromText("{}", 4, 1));
  EXPECT_FALSE(CensusFromText("", 4, 1));
}

TEST_F(CensusTest, ProgressCountsBytes) {
  const DataSpec spec = Sound();
  std::uint64_t total = 0;
  for (const auto* files : {&spec.train, &spec.validate}) {
    for (const std::string& file : *files) total += fs::file_size(file);
  }
  // Whether it is called at all is a question of time.
  (void)TakeCensus(spec, {.progress =
                              [&](std::uint64_t done, std::uint64_t all) {
                                EXPECT_LE(done, total);
                                EXPECT_EQ(all, total);
                              },
                          .interval = std::chrono::milliseconds(0)});
}

}  // namespace
}  // namespace beamgrid
