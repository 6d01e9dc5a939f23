#include "orchestrator/study/outdated_trials.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "registry/util/files.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A study of trials as they were made, and a recipe that means what the test says.
class OutdatedTrialsTest : public testing::Test {
 protected:
  OutdatedTrialsTest() : study_(store_.OpenStudy(ExampleStudy())) {
    recipe_.path = (folder_ / "r.toml").string();
  }
  TrialId Add(TrialSpec spec, const std::string& name = "MC", StudyId study = {}) {
    const StudyId of = study == StudyId{} ? study_ : study;
    return store_.AddTrials(of,
                            {{.name = name, .fingerprint = Fingerprint(spec), .spec = spec}})[0];
  }
  NamedFile File(const std::string& name, const std::string& content) const {
    WriteFileAtomically(folder_ / std::filesystem::path(name).filename(), content);
    return LookAtFile(name, folder_.path());
  }
  std::vector<Outdated> Find(const DataSpec& data) const {
    return FindOutdated(store_, store_.Trials(study_), recipe_, data, WarmStarts(recipe_, &store_));
  }
  /// The changes, after a trial of `spec` was made and the data are `now`.
  std::vector<std::string> Changes(const DataSpec& now) const {
    std::vector<std::string> changes;
    for (const Outdated& outdated : Find(now)) changes.push_back(outdated.change);
    return changes;
  }

  TemporaryFolder folder_;
  Store store_{":memory:", OpenMode::kReadWrite};
  StudyId study_;
  Recipe recipe_;
  TrialSpec spec_ = ExampleTrial();
};

TEST_F(OutdatedTrialsTest, NothingIsOutdatedWhileTheContentStays) {
  (void)Add(spec_);
  EXPECT_THAT(Find(spec_.data), IsEmpty());
  DataSpec elsewhere = spec_.data;
  elsewhere.train = {"/moved/train0.tfrecord"};
  EXPECT_THAT(Find(elsewhere), IsEmpty());
}

TEST_F(OutdatedTrialsTest, SaysWhichFilesOfTheDataAreNewOrGone) {
  spec_.data.train = {"/data/train0", "/data/train1", "/data/train2"};
  const TrialId trial = Add(spec_);
  DataSpec now = spec_.data;
  now.digest = "other";
  EXPECT_THAT(Changes(now), ElementsAre("data: the files have the same names, what is in them is "
                                        "another"));
  now.train = {"/data/train0", "/data/train2"};
  EXPECT_THAT(Changes(now), ElementsAre("data: train lacks train1 (2 files, were 3)"));
  now.train = {"/data/train0", "/data/train2", "/data/train3"};
  now.validate.emplace_back("/data/validate1");
  EXPECT_THAT(Changes(now),
              ElementsAre("data: train lacks train1 and has train3 besides (3 files, were 3), "
                          "validate has validate1 besides (2 files, were 1)"));
  const std::vector<Outdated> outdated = Find(now);
  ASSERT_THAT(outdated, SizeIs(1));
  EXPECT_THAT(outdated[0].trials, ElementsAre(trial));
  EXPECT_EQ(outdated[0].why(), "it was trained on other data");
}

TEST_F(OutdatedTrialsTest, AnOlderWayOfDigestingIsNoOtherContent) {
  const std::string content(200'000, 'm');
  for (const char* name : {"train0", "validate0"}) WriteFileAtomically(folder_ / name, content);
  spec_.data.train = {(folder_ / "train0").string()};
  spec_.data.validate = {(folder_ / "validate0").string()};
  spec_.data.digest = "by which it is known now";
  TrialSpec older = spec_;
  // What the version before the census wrote of these files.
  const std::string end = HashBytes(std::string(64 << 10, 'm'));
  const std::string rest = " 200000 " + end + " " + end + "\n";
  older.data.digest = HashBytes("train\ntrain0" + rest + "validate\nvalidate0" + rest);
  const TrialId trial = Add(older);
  const std::vector<Outdated> outdated = Find(spec_.data);
  ASSERT_THAT(outdated, SizeIs(1));
  EXPECT_THAT(outdated[0].change, testing::HasSubstr("an earlier version digested the names"));
  EXPECT_THAT(outdated[0].trials, ElementsAre(trial));
  EXPECT_EQ(outdated[0].why(), "it was recorded with an older digest of the data");
  EXPECT_THAT(LinesOf(outdated),
              ElementsAre(testing::HasSubstr("; 1 trial that was recorded with an older digest of "
                                             "the data no longer counts"),
                          "they stay in the record; `beamgrid trials STUDY --all` lists them"));
  // Other ends are other content for any digest.
  WriteFileAtomically(folder_ / "train0", "x" + content);
  EXPECT_THAT(Changes(spec_.data),
              ElementsAre("data: the files have the same names, what is in them is another"));
}

TEST_F(OutdatedTrialsTest, AnotherClassListIsOtherContent) {
  spec_.data.weighted_classes = {1, 2};
  spec_.data.class_weight = 2;
  (void)Add(spec_);
  DataSpec now = spec_.data;
  now.weighted_classes = {1, 2, 3};
  EXPECT_THAT(Changes(now),
              ElementsAre("data: the class list is another (3 weighted classes, were 2)"));
  now.weighted_classes = {1, 3};
  EXPECT_THAT(Find(now), SizeIs(1));
}

TEST_F(OutdatedTrialsTest, AnotherPluginOrScriptIsOtherContent) {
  TrialSpec with_plugin = spec_, with_script = spec_;
  with_plugin.model.plugins = {File("p.so", "plugin")};
  with_script.model.parts["temporal"] = {.component = "script",
                                         .options = {{"file", ToJson(File("m.pt", "script"))}}};
  const TrialId plugged = Add(with_plugin, "MC-P"), scripted = Add(with_script, "MC-S");
  (void)Add(spec_);
  EXPECT_THAT(Find(spec_.data), IsEmpty());
  (void)File("p.so", "pluGin");
  std::vector<Outdated> outdated = Find(spec_.data);
  ASSERT_THAT(outdated, SizeIs(1));
  EXPECT_EQ(outdated[0].change, "plugin p.so has changed");
  EXPECT_THAT(outdated[0].trials, ElementsAre(plugged));
  std::filesystem::remove(folder_ / "m.pt");
  outdated = Find(spec_.data);
  ASSERT_THAT(outdated, SizeIs(2));
  EXPECT_EQ(outdated[1].change, "script m.pt is gone");
  EXPECT_EQ(outdated[1].why(), "it was trained with another script m.pt");
  EXPECT_THAT(outdated[1].trials, ElementsAre(scripted));
}

TEST_F(OutdatedTrialsTest, AnotherTeacherIsOtherContent) {
  ::setenv("BEAMGRID_TEST_TEACHERS", folder_.path().c_str(), 1);
  spec_.model.train["teacher"] = ToJson(File("t.csv", "lists"));
  const TrialId taught = Add(spec_);
  spec_.model.train["teacher"] = ToJson(File("$BEAMGRID_TEST_TEACHERS/u.csv", "more"));
  const TrialId elsewhere = Add(spec_, "MC-U");
  EXPECT_THAT(Find(spec_.data), IsEmpty());
  WriteFileAtomically(folder_ / "t.csv", "others");
  std::vector<Outdated> outdated = Find(spec_.data);
  ASSERT_THAT(outdated, SizeIs(1));
  EXPECT_EQ(outdated[0].change, "teacher t.csv has changed");
  EXPECT_EQ(outdated[0].why(), "it was trained with another teacher t.csv");
  EXPECT_THAT(outdated[0].trials, ElementsAre(taught));
  std::filesystem::remove(folder_ / "u.csv");
  outdated = Find(spec_.data);
  ASSERT_THAT(outdated, SizeIs(2));
  EXPECT_EQ(outdated[1].change, "teacher $BEAMGRID_TEST_TEACHERS/u.csv is gone");
  EXPECT_THAT(outdated[1].trials, ElementsAre(elsewhere));
  ::unsetenv("BEAMGRID_TEST_TEACHERS");
}

TEST_F(OutdatedTrialsTest, AnotherTrialToStartFromIsOtherContent) {
  const StudyId phase1 = store_.OpenStudy(ExampleStudy("phase1"));
  const auto add_complete = [&](const std::string& digest) {
    TrialSpec source = spec_;
    source.data.digest = digest;
    const TrialId id = Add(source, "MC", phase1);
    store_.FinishAttempt(id, store_.BeginAttempt(id, "/runs/a", "cpu", 1), ExampleSuccess(),
                         TrialState::kComplete);
    return Fingerprint(source);
  };
  spec_.warm_start = add_complete("first");
  spec_.model.train["from"] = "phase1/MC";
  recipe_.warm_starts = {{.text = "phase1/MC", .place = {}, .key = "train.from"}};
  const TrialId trial = Add(spec_);
  EXPECT_THAT(Find(spec_.data), IsEmpty());
  (void)add_complete("second");
  const std::vector<Outdated> outdated = Find(spec_.data);
  ASSERT_THAT(outdated, SizeIs(1));
  EXPECT_EQ(outdated[0].change, "start: phase1/MC is another trial");
  EXPECT_EQ(outdated[0].why(), "it was started from another trial");
  EXPECT_THAT(outdated[0].trials, ElementsAre(trial));
}

TEST_F(OutdatedTrialsTest, LinesCountTheTrials) {
  EXPECT_THAT(LinesOf(std::vector<Outdated>()), IsEmpty());
  const std::vector<std::string> lines = LinesOf(std::vector<Outdated>{
      {.change = "a", .made = "trained on other data", .trials = {TrialId{1}}},
      {.change = "b", .made = "x", .trials = {TrialId{2}, TrialId{3}}}});
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0], "a; 1 trial that was trained on other data no longer counts");
  EXPECT_EQ(lines[1], "b; 2 trials that were x no longer count");
}

}  // namespace
}  // namespace beamgrid
