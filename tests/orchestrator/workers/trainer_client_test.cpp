// A shell script plays beamgrid-trainer.

#include "orchestrator/workers/trainer_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "orchestrator/workers/trainer_predictions.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/error_text.h"
#include "tests/support/specs.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// An environment variable for the length of a test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* former = std::getenv(name)) former_ = former;
    ::setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() {
    if (former_) {
      ::setenv(name_, former_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> former_;
};

class TrainerClientTest : public ::testing::Test {
 protected:
  /// `body` runs with $1 = the command and $dir = the test's folder.
  std::filesystem::path Trainer(const std::string& body) const {
    const auto path = folder_ / "beamgrid-trainer";
    WriteFileAtomically(path, "#!/bin/sh\ndir=" + folder_.path().string() + "\n" + body + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  /// A trainer that describes the test catalogue and counts how often it did.
  std::filesystem::path Describer() const {
    WriteFileAtomically(folder_ / "catalogue.json", CanonicalJson(ToJson(TestCatalogue())));
    return Trainer("echo asked >> $dir/asked; cat $dir/catalogue.json");
  }
  /// A trainer that counts: `answer` is a case of shell commands that print $a and the rest of each
  /// answer to the question $line.
  std::filesystem::path Counter(const std::string& answer) const {
    return Trainer(
        "while read -r line; do id=${line#*'\"id\":'}; id=${id%%,*}; a='{\"id\": '$id', '; " +
        answer + "; done");
  }
  [[nodiscard]] std::string Asked() const { return ReadFile(folder_ / "asked"); }

  TemporaryFolder folder_;
  ScopedVariable cache_{"BEAMGRID_CACHE_DIR", (folder_ / "cache/beamgrid").string()};
};

TEST_F(TrainerClientTest, IsFoundByItsVariable) {
  const auto path = Trainer("exit 0");
  const ScopedVariable named("BEAMGRID_TRAINER", path.string());
  EXPECT_EQ(FindTrainer(), path);
}

TEST_F(TrainerClientTest, AWrongVariableIsSaid) {
  const ScopedVariable named("BEAMGRID_TRAINER", (folder_ / "none").string());
  EXPECT_THAT(ErrorText<Error>([] { (void)FindTrainer(); }),
              AllOf(HasSubstr("$BEAMGRID_TRAINER"), HasSubstr("none"), HasSubstr("No such file")));
}

TEST_F(TrainerClientTest, AnswersAndFailuresCarryTheTrainersWords) {
  EXPECT_EQ(AskTrainer(Trainer("echo \"$1 $2\""), {"doctor", "now"}), "doctor now\n");
  EXPECT_THAT(ErrorText<Error>(
                  [&] { (void)AskTrainer(Trainer("echo no libtorch >&2; exit 1"), {"describe"}); }),
              AllOf(HasSubstr("describe` exited with status 1"), HasSubstr("no libtorch")));
  EXPECT_THAT(ErrorText<Error>([&] { (void)AskTrainer(Trainer("kill -ABRT $$"), {"describe"}); }),
              HasSubstr("signal 6"));
}

TEST_F(TrainerClientTest, ItsOwnWordsAreShownAsOursWhateverLibrariesSaidBefore) {
  EXPECT_EQ(ErrorText<Error>([&] {
              (void)AskTrainer(Trainer("echo '[W] a library warns' >&2; echo 'beamgrid-trainer: no "
                                       "room; allow more' >&2; exit 1"),
                               {"doctor"});
            }),
            "no room; allow more");
  // What it said does not tell why it was killed.
  EXPECT_THAT(
      ErrorText<Error>([&] {
        (void)AskTrainer(Trainer("echo 'beamgrid-trainer: fine' >&2; kill -SEGV $$"), {"doctor"});
      }),
      AllOf(HasSubstr("killed by signal 11 (SIGSEGV)"), HasSubstr("beamgrid-trainer: fine")));
}

TEST_F(TrainerClientTest, ALimitThatKeptItFromStartingIsToldWithTheWayOut) {
  const auto told = [this](const std::string& words) {
    const auto trainer = Trainer("echo '" + words + "' >&2; exit 127");
    return ErrorText<Error>([&] { (void)AskTrainer(trainer, {"doctor"}); });
  };
  const std::string loading = "beamgrid-trainer: error while loading shared libraries: libx.so: ";
  EXPECT_THAT(told("/usr/bin/" + loading + "failed to map segment from shared object"),
              AllOf(HasSubstr("cannot be run (status 127): Cannot allocate memory; "),
                    HasSubstr("ulimit -v"), HasSubstr("libx.so")));
  EXPECT_THAT(told("/usr/bin/" + loading + "cannot open shared object file: Error 24"),
              AllOf(HasSubstr("Too many open files; "), HasSubstr("ulimit -n")));
  EXPECT_THAT(
      told("/usr/bin/" + loading + "cannot open shared object file: No such file or directory"),
      AllOf(HasSubstr("is missing or does not fit"), HasSubstr("beamgrid doctor")));
  EXPECT_THAT(ErrorText<Error>([&] {
                (void)AskTrainer(Trainer("echo \"  what():  std::bad_alloc\" >&2; kill -ABRT $$"),
                                 {"x"});
              }),
              AllOf(HasSubstr("signal 6 (SIGABRT): "), HasSubstr("ulimit -v")));
}

TEST_F(TrainerClientTest, OneThatIsSilentIsEnded) {
  EXPECT_THAT(
      ErrorText<Error>([&] {
        (void)AskTrainer(Trainer("echo hm >&2; exec sleep 1000"), {"doctor"},
                         std::chrono::milliseconds(200));
      }),
      AllOf(HasSubstr("doctor` said nothing for 0.2"), HasSubstr("run again"), HasSubstr("hm")));
  EXPECT_EQ(AskTrainer(Trainer("sleep 0.5; echo late"), {"contract"}, kAnyTime), "late\n");
}

/// The end of a stream of predictions without skipped records, as printf has it.
constexpr char kEndOfPredictions[] = "\\377\\377\\377\\377\\0\\0\\0\\0\\0\\0\\0\\0";

TEST_F(TrainerClientTest, PredictionsEndWithATrainerThatHangs) {
  PredictingModel model{.spec = ExampleTrial(), .silence = std::chrono::milliseconds(300)};
  VideoPrediction video;
  TrainerPredictions hung(Trainer("exec sleep 1000"), model);
  EXPECT_THAT(ErrorText<Error>([&] { (void)hung.Next(video); }),
              AllOf(HasSubstr("predict` said nothing for 0.3"), HasSubstr("run again")));
  // Signs of life keep it.
  TrainerPredictions slow(Trainer("for i in 1 2 3 4 5 6 7 8 9 10; do printf "
                                  "'\\376\\377\\377\\377'; sleep 0.1; done; printf '" +
                                  std::string(kEndOfPredictions) + "'"),
                          model);
  EXPECT_FALSE(slow.Next(video));
  EXPECT_EQ(slow.skipped(), 0);
  TrainerPredictions still(
      Trainer("echo 'beamgrid-trainer: the prediction has stood still' >&2; exit 1"), model);
  EXPECT_EQ(ErrorText<Error>([&] { (void)still.Next(video); }), "the prediction has stood still");
}

TEST_F(TrainerClientTest, TheCatalogueIsAskedForOnce) {
  const auto trainer = Describer();
  const Catalogue first = LoadCatalogue(trainer);
  const Catalogue second = LoadCatalogue(trainer);
  EXPECT_EQ(CanonicalJson(ToJson(first)), CanonicalJson(ToJson(TestCatalogue())));
  EXPECT_EQ(CanonicalJson(ToJson(second)), CanonicalJson(ToJson(first)));
  EXPECT_EQ(Asked(), "asked\n");
}

TEST_F(TrainerClientTest, ANewTrainerIsAskedAgain) {
  (void)LoadCatalogue(Describer());
  (void)LoadCatalogue(Trainer("echo asked >> $dir/asked; cat  $dir/catalogue.json"));
  EXPECT_EQ(Asked(), "asked\nasked\n");
}

TEST_F(TrainerClientTest, ADamagedCacheIsMadeAgain) {
  const auto trainer = Describer();
  (void)LoadCatalogue(trainer);
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "cache/beamgrid")) {
    WriteFileAtomically(entry.path(), "{\"components\": 3");
  }
  EXPECT_NE(LoadCatalogue(trainer).Find("temporal", "netvlad"), nullptr);
  EXPECT_EQ(Asked(), "asked\nasked\n");
}

TEST_F(TrainerClientTest, ACacheThatCannotBeWrittenIsPassedOver) {
  WriteFileAtomically(folder_ / "cache", "a file where the folder should be");
  EXPECT_NE(LoadCatalogue(Describer()).Find("temporal", "netvlad"), nullptr);
}

TEST_F(TrainerClientTest, PluginsAreNamedToTheTrainerAndInTheCache) {
  const auto trainer = Trainer("echo \"$@\" >> $dir/asked; cat $dir/catalogue.json");
  WriteFileAtomically(folder_ / "catalogue.json", CanonicalJson(ToJson(TestCatalogue())));
  const NamedFile one{"a.so", "/p/a.so", "1"}, rebuilt{"a.so", "/p/a.so", "2"};
  for (int i = 0; i < 2; ++i) {
    (void)LoadCatalogue(trainer);
    (void)LoadCatalogue(trainer, {one});
    (void)LoadCatalogue(trainer, {rebuilt});
  }
  EXPECT_EQ(Asked(), "describe\ndescribe --plugin /p/a.so\ndescribe --plugin /p/a.so\n");
}

TEST_F(TrainerClientTest, ARefusalIsTheUsersMistakeInTheTrainersWords) {
  EXPECT_EQ(ErrorText<UsageError>([&] {
              (void)LoadCatalogue(
                  Trainer("echo 'beamgrid-trainer: plugin /p/a.so: is no such' >&2; exit 2"),
                  {{"a.so", "/p/a.so", "1"}});
            }),
            "plugin /p/a.so: is no such");
}

TEST_F(TrainerClientTest, AnAnswerThatIsNoCatalogueIsRefused) {
  EXPECT_THAT(ErrorText<Error>([&] { (void)LoadCatalogue(Trainer("echo hello")); }),
              AllOf(HasSubstr("describe"), HasSubstr("one build")));
}

TEST_F(TrainerClientTest, CountsOneModelAfterTheOther) {
  TrainerCounter counter(
      Counter("n=$((n+1)); case $line in *'\"hidden\":7'*) echo \"$a\"'\"error\": \"too small\", "
              "\"kind\": \"bad_spec\"}';; *) echo \"$a\\\"parameters\\\": $n, \\\"size_bytes\\\": "
              "$((n*4))}\";; esac"));
  const DataSpec data = ExampleTrial().data;
  for (std::int64_t n = 1; n <= 3; ++n) {
    const CountAnswer answer = counter.Count(ExampleModel(100 + n), data);
    ASSERT_TRUE(std::holds_alternative<ModelSize>(answer));
    EXPECT_EQ(std::get<ModelSize>(answer).parameters, n);
    EXPECT_EQ(std::get<ModelSize>(answer).size_bytes, 4 * n);
  }
  EXPECT_EQ(std::get<std::string>(counter.Count(ExampleModel(7), data)), "too small");
}

TEST_F(TrainerClientTest, AsksWhetherTheWeightsOfAnotherTrialFit) {
  TrainerCounter counter(
      Counter("case $line in *'\"start\":{\"data\"'*'\"hidden\":7'*'\"trial\":\"0123\"'*) echo "
              "\"$a\"'\"error\": \"too small\", \"kind\": \"bad_spec\"}';; "
              "*) echo \"$a\"'\"parameters\": 1, \"size_bytes\": 4}';; esac"));
  TrialSpec start = ExampleTrial();
  const auto why = [&] {
    return counter.WhyNoStart(ExampleModel(8), ExampleTrial().data, start, "0123");
  };
  start.model = ExampleModel(8);
  EXPECT_EQ(why(), "");
  start.model = ExampleModel(7);
  EXPECT_EQ(why(), "too small");
  start.model.plugins = {{"a.so", "/gone/a.so", "1"}};
  EXPECT_EQ(why(), "") << "only the worker has the weights of a user's component";
}

TEST_F(TrainerClientTest, QuestionsLargerThanAPipeArriveWhole) {
  TrainerCounter counter(
      Counter("echo \"$a\\\"parameters\\\": ${#line}, \\\"size_bytes\\\": 0}\""));
  DataSpec data = ExampleTrial().data;
  for (int i = 0; i < 16'000; ++i) data.weighted_classes.push_back(i);
  const CountAnswer answer = counter.Count(ExampleModel(), data);
  EXPECT_GT(std::get<ModelSize>(answer).parameters, 80'000);
}

TEST_F(TrainerClientTest, ACounterThatDiesIsStartedAnew) {
  TrainerCounter counter(
      Trainer("[ -e $dir/second ] && { read -r l; echo '{\"id\": 1, \"parameters\": 5, "
              "\"size_bytes\": 6}'; }\n"
              "touch $dir/second; exit 3"));
  const DataSpec data = ExampleTrial().data;
  EXPECT_EQ(std::get<ModelSize>(counter.Count(ExampleModel(), data)).parameters, 5);
}

TEST_F(TrainerClientTest, ACounterThatNeverAnswersIsAnError) {
  TrainerCounter counter(Trainer("echo started >> $dir/asked; echo out of luck >&2; exit 3"));
  EXPECT_THAT(ErrorText<Error>([&] { (void)counter.Count(ExampleModel(), ExampleTrial().data); }),
              AllOf(HasSubstr("twice"), HasSubstr("out of luck")));
  EXPECT_EQ(Asked(), "started\nstarted\n");
}

TEST_F(TrainerClientTest, ACounterThatHangsIsNotWaitedForForever) {
  TrainerCounter counter(Trainer("exec sleep 1000"), std::chrono::milliseconds(20));
  EXPECT_THAT(ErrorText<Error>([&] { (void)counter.Count(ExampleModel(), ExampleTrial().data); }),
              HasSubstr("fell silent"));
}

TEST_F(TrainerClientTest, AModelThatKillsTheCounterIsRefusedAndOthersAreNot) {
  TrainerCounter counter(
      Counter("case $line in *'\"hidden\":7'*) kill -SEGV $$;; esac; "
              "echo \"$a\"'\"parameters\": 5, \"size_bytes\": 6}'"));
  const DataSpec data = ExampleTrial().data;
  EXPECT_TRUE(std::holds_alternative<ModelSize>(counter.Count(ExampleModel(8), data)));
  EXPECT_THAT(std::get<std::string>(counter.Count(ExampleModel(7), data)), HasSubstr("twice"));
  EXPECT_TRUE(std::holds_alternative<ModelSize>(counter.Count(ExampleModel(9), data)));
}

TEST_F(TrainerClientTest, AnAnswerThatIsNoCountIsRefused) {
  TrainerCounter counter(Trainer("while read -r line; do echo nonsense; done"));
  EXPECT_THAT(ErrorText<Error>([&] { (void)counter.Count(ExampleModel(), ExampleTrial().data); }),
              HasSubstr("nonsense"));
}

TEST_F(TrainerClientTest, AnAnswerToAnotherQuestionIsNeverTaken) {
  const std::string size = "\"parameters\": 5, \"size_bytes\": 6}";
  for (const std::string& answer : {"{" + size, "{\"id\": 2, " + size, "{\"id\": null, " + size}) {
    TrainerCounter counter(Counter("echo '" + answer + "'"));
    EXPECT_THAT(ErrorText<Error>([&] { (void)counter.Count(ExampleModel(), ExampleTrial().data); }),
                AllOf(HasSubstr("count.id"), HasSubstr("nothing else may write")))
        << answer;
  }
}

TEST_F(TrainerClientTest, AnExtraLineDoesNotShiftTheAnswersOfOthers) {
  TrainerCounter counter(
      Counter("echo \"$a\"'\"parameters\": 5, \"size_bytes\": 6}'; "
              "echo '{\"id\": 1, \"parameters\": 1, \"size_bytes\": 1}'"));
  const DataSpec data = ExampleTrial().data;
  EXPECT_EQ(std::get<ModelSize>(counter.Count(ExampleModel(8), data)).parameters, 5);
  EXPECT_THAT(ErrorText<Error>([&] { (void)counter.Count(ExampleModel(9), data); }),
              HasSubstr("must be that of the question, 2"));
}

TEST_F(TrainerClientTest, AFaultOfTheMachineIsNoRefusalOfTheModel) {
  TrainerCounter counter(
      Counter("echo \"$a\"'\"error\": \"pool.pt: cannot read: Stale file handle\", \"kind\": "
              "\"environment\"}'"));
  EXPECT_EQ(ErrorText<Error>([&] { (void)counter.Count(ExampleModel(), ExampleTrial().data); }),
            "pool.pt: cannot read: Stale file handle");
}

}  // namespace
}  // namespace beamgrid
