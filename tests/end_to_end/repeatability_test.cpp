// One recipe, one record: for any number of workers, after any stop, and when it is trained again.

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <sstream>

#include "orchestrator/workers/worker_environment.h"
#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Sets a variable for the programs that a test starts.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    const char* former = std::getenv(name);
    if (former != nullptr) former_ = former;
    setenv(name, value, 1);
  }
  ~ScopedVariable() {
    if (former_) {
      setenv(name_, former_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> former_;
};

/// Trials are printed as they end.
std::vector<std::string> SortedLines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::ranges::sort(lines);
  return lines;
}

class Repeatability : public ::testing::Test {
 protected:
  /// Runs the recipe to its end into a database of its own.
  void RunInto(const std::string& name, const std::string& recipe = "recipe.toml") const {
    const Ended ended =
        folder_.Run({"run", recipe, "--db", name + ".db", "--runs", "runs_" + name});
    ASSERT_EQ(ended.exit_code, 0) << ended.err;
  }
  [[nodiscard]] std::string Canonical(const std::string& name) const {
    const Ended dump = folder_.Run({"dump", "small", "--canonical", "--db", name + ".db"});
    EXPECT_EQ(dump.exit_code, 0) << dump.err;
    EXPECT_THAT(dump.out, HasSubstr("\"state\":\"complete\""));
    return dump.out;
  }
  [[nodiscard]] Ended Verify(const std::string& name, std::vector<std::string> more) const {
    more.insert(more.begin(), {"verify", "small", "--db", name + ".db", "--runs", "runs_" + name});
    return folder_.Run(more);
  }
  /// Changes the record behind beamgrid's back.
  void Tamper(const std::string& name, const std::string& sql) const {
    SQLite::Database database((folder_.path() / (name + ".db")).string(), SQLite::OPEN_READWRITE);
    ASSERT_EQ(database.exec(sql), 1) << sql;
  }
  /// The file of an artifact of the first trial.
  [[nodiscard]] std::filesystem::path FileOf(const std::string& name,
                                             const std::string& artifact) const {
    const Ended shown = folder_.Run({"show", "1", "--json", "--db", name + ".db"});
    const auto json = ParseJson(shown.out);
    for (const auto& entry : json.at("artifacts").as_array()) {
      if (entry.at("name").as_string() != artifact) continue;
      return std::filesystem::path(std::string(json.at("directory").as_string())) /
             std::string(entry.at("path").as_string());
    }
    throw std::runtime_error("no artifact " + artifact);
  }
  [[nodiscard]] bool LeftAFolder(const std::string& name) const {
    return std::filesystem::exists(folder_.path() / ("runs_" + name) / "small" / ".verify");
  }

  const StudyFolder folder_;
};

TEST_F(Repeatability, TheRecordIsTheSameForOneTwoAndEightWorkers) {
  RecipeText recipe;
  recipe.search = "strategy = \"greedy\"";
  for (const char* slots : {"1", "2", "8"}) {
    recipe.resources = "devices = [\"cpu\"]\nslots_per_device = " + std::string(slots);
    folder_.WriteRecipe(recipe, "slots.toml");
    RunInto(slots, "slots.toml");
  }
  const std::string one = Canonical("1");
  EXPECT_THAT(one, HasSubstr("\"kind\":\"ensemble\""));
  EXPECT_EQ(Canonical("2"), one);
  EXPECT_EQ(Canonical("8"), one);
  const auto whole = [this](const std::string& name) {
    return folder_.Run({"dump", "small", "--db", name + ".db"}).out;
  };
  EXPECT_NE(whole("1"), whole("2"));
  RunInto("2", "slots.toml");  // nothing to do, and nothing changes
  EXPECT_EQ(Canonical("2"), one);
}

/// A search whose later questions depend on earlier answers.
class Searching : public Repeatability {
 protected:
  /// One that is killed after its first result and gone on with.
  void RunKilled(const std::string& name) {
    Process run(
        BeamgridCommand({"run", "slots.toml", "--db", name + ".db", "--runs", "runs_" + name}),
        folder_.path());
    ASSERT_TRUE(run.WaitForLine("seed 1: ")) << run.Wait().err;
    run.Signal(SIGKILL);
    EXPECT_NE(run.Wait().exit_code, 0);
    RunInto(name, "slots.toml");
  }

  std::string IsTheSame(RecipeText recipe) {
    for (const char* slots : {"1", "2", "8"}) {
      recipe.resources = "devices = [\"cpu\"]\nslots_per_device = " + std::string(slots);
      folder_.WriteRecipe(recipe, "slots.toml");
      RunInto(slots, "slots.toml");
    }
    RunKilled("killed");
    std::string one = Canonical("1");
    EXPECT_EQ(Canonical("2"), one);
    EXPECT_EQ(Canonical("8"), one);
    EXPECT_EQ(Canonical("killed"), one);
    RunInto("2", "slots.toml");  // nothing to do, and nothing changes
    EXPECT_EQ(Canonical("2"), one);
    return one;
  }
};

TEST_F(Searching, AHalvingIsTheSameForAnyWorkersAndAfterAKill) {
  RecipeText recipe;
  recipe.train = "epochs = 4\nbatch = 16\nlearning_rate = 0.01";
  recipe.search = "strategy = \"halving\"";
  EXPECT_THAT(IsTheSame(recipe), HasSubstr("\"state\":\"pruned\""));
  const Ended listed = folder_.Run({"trials", "small", "--db", "1.db"});
  EXPECT_THAT(listed.out, HasSubstr("pruned"));
}

TEST_F(Searching, ByModelWithRacedSeedsItIsTheSameForAnyWorkersAndAfterAKill) {
  RecipeText recipe;
  recipe.study = "name = \"small\"\nseeds = { min = 1, max = 2 }";
  recipe.train = "batch = 16\nlearning_rate = 0.01";
  recipe.grid =
      "[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"max\"\n"
      "[[grid.classifier]]\nuse = \"logistic\"\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4]\n"
      "[grid.train]\nepochs = [1, 2]\n";
  recipe.search = "strategy = \"model\"\nbudget = 10\nparallel = 2";
  IsTheSame(recipe);
  const Ended explained = folder_.Run({"explain", "1", "--db", "1.db"});
  EXPECT_THAT(explained.out, HasSubstr("asked for: "));
}

/// Stopped in the middle of a trial that is then gone on with.
class StoppedStudy : public Repeatability {
 protected:
  StoppedStudy() {
    RecipeText recipe;
    recipe.train = "batch = 16\nlearning_rate = 0.01";
    recipe.grid =
        "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n[grid.train]\nepochs = [150, 1]\n";
    folder_.WriteRecipe(recipe);
  }
  void StopBy(int signal) {
    Process run(
        BeamgridCommand({"run", "recipe.toml", "--db", "stopped.db", "--runs", "runs_stopped"}),
        folder_.path());
    ASSERT_TRUE(run.WaitForLine(": complete")) << run.Wait().err;
    run.Signal(signal);
    EXPECT_NE(run.Wait().exit_code, 0);
    const Ended states =
        folder_.Run({"query", "SELECT count(*) FROM trial WHERE state <> 'complete'", "--csv",
                     "--db", "stopped.db"});
    EXPECT_THAT(states.out, Not(HasSubstr("\n0\n"))) << "it had nothing left to do";
    RunInto("stopped");
    RunInto("straight");
    EXPECT_EQ(Canonical("stopped"), Canonical("straight"));
  }
};

TEST_F(StoppedStudy, CtrlCLeavesNoTraceInTheCanonicalRecord) { StopBy(SIGINT); }

TEST_F(StoppedStudy, KillLeavesNoTraceInTheCanonicalRecord) { StopBy(SIGKILL); }

class Verification : public Repeatability {
 protected:
  Verification() { RunInto("a"); }
};

TEST_F(Verification, AnHonestRecordIsEqualAndStaysAsItIs) {
  const Ended before = folder_.Run({"dump", "small", "--db", "a.db"});
  const Ended sample = Verify("a", {"--sample", "2"});
  EXPECT_EQ(sample.exit_code, 0) << sample.out << sample.err;
  EXPECT_EQ(std::ranges::count(sample.out, '\n'), 2) << sample.out;
  EXPECT_THAT(sample.out, HasSubstr("equal  MC-"));
  EXPECT_EQ(SortedLines(Verify("a", {"--sample", "2"}).out), SortedLines(sample.out));
  EXPECT_NE(SortedLines(Verify("a", {"--sample", "2", "--seed", "2"}).out),
            SortedLines(sample.out));
  const auto all = ParseJson(Verify("a", {"--sample", "0", "--json"}).out);
  EXPECT_EQ(all.at("equal"), 8);
  EXPECT_EQ(all.at("trials").as_array().size(), 8U);
  EXPECT_THAT(all.at("damaged").as_array(), IsEmpty());
  EXPECT_FALSE(LeftAFolder("a"));
  EXPECT_EQ(folder_.Run({"dump", "small", "--db", "a.db"}).out, before.out);
}

TEST_F(Verification, AMetricThatWasChangedIsFound) {
  Tamper("a", "UPDATE result SET gap = gap + 1e-12 WHERE trial = 1");
  const Ended verified = Verify("a", {"--sample", "all"});
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out, HasSubstr("different  "));
  EXPECT_THAT(verified.out, HasSubstr("metrics.gap"));
  EXPECT_THAT(verified.out, HasSubstr("nothing differs in the environment: beamgrid "));
  EXPECT_THAT(verified.err, HasSubstr("7 of 8 trials trained again are equal"));
  EXPECT_TRUE(LeftAFolder("a"));
}

TEST_F(Verification, AnotherEnvironmentIsShownBesideAMismatch) {
  Tamper("a",
         "UPDATE result SET gap = 0.123, libtorch_version = '9.9', threads = 2"
         " WHERE trial = 1");
  const auto json = ParseJson(Verify("a", {"--sample", "all", "--json"}).out);
  EXPECT_EQ(json.at("equal"), 7);
  for (const auto& trial : json.at("trials").as_array()) {
    if (trial.at("verdict") == "equal") continue;
    EXPECT_EQ(trial.at("differences").at(0).at("recorded"), "0.123");
    // It was trained with the threads that the record says, so they do not differ.
    ASSERT_EQ(trial.at("environment").as_array().size(), 1U);
    EXPECT_EQ(trial.at("environment").at(0).at("what"), "libtorch");
    EXPECT_EQ(trial.at("environment").at(0).at("recorded"), "\"9.9\"");
  }
}

/// Large enough for sums that several threads share.
TEST_F(Repeatability, AnotherNumberOfThreadsGivesOtherBits) {
  RecipeText recipe;
  recipe.study = "name = \"small\"";
  recipe.grid = "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = 16\n";
  recipe.data =
      "format = \"frame\"\ntrain = [\"wide/train*.tfrecord\"]\n"
      "validate = [\"wide/validate*.tfrecord\"]\nclasses = 100\n"
      "features = { rgb = 256, audio = 32 }\nmax_frames = 40";
  recipe.train = "epochs = 2\nbatch = 64";
  folder_.WriteRecipe(recipe);
  const Ended synth = folder_.Run({"data", "synth", "--out", "wide", "--videos", "300", "--classes",
                                   "100", "--seed", "3", "--format", "frame", "--features",
                                   "rgb=256,audio=32", "--max-frames", "40"});
  ASSERT_EQ(synth.exit_code, 0) << synth.err;
  RunInto("a");
  EXPECT_EQ(Verify("a", {}).exit_code, 0);
  Tamper("a", "UPDATE result SET threads = 2");
  const Ended verified = Verify("a", {});
  EXPECT_EQ(verified.exit_code, 1) << verified.out;
  EXPECT_THAT(verified.err, HasSubstr("trains again on cpu, 2 threads"));
  EXPECT_THAT(verified.out, AllOf(HasSubstr("artifacts.model.hash"), HasSubstr("train_loss")));
}

TEST_F(Verification, OtherKernelsGiveOtherBitsAndAreNamed) {
  if (!OpenBlasCoreType(ProcessorFlags())) GTEST_SKIP() << "a processor with one kernel only";
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr) GTEST_SKIP() << "somebody chose the kernels";
  const std::string device = folder_.Run({"dump", "small", "--db", "a.db"}).out;
  if (device.find(", OpenBLAS ") == std::string::npos) GTEST_SKIP() << "LibTorch without OpenBLAS";
  const ScopedVariable old_kernels("OPENBLAS_CORETYPE", "Prescott");
  const Ended verified = Verify("a", {"--sample", "1"});
  EXPECT_EQ(verified.exit_code, 1) << verified.out << verified.err;
  EXPECT_THAT(verified.out, AllOf(HasSubstr("artifacts.model.hash"), HasSubstr("  environment"),
                                  HasSubstr("OpenBLAS Prescott")));
}

TEST_F(Verification, ADamagedFileIsReportedRefusedAndRepaired) {
  const std::filesystem::path model = FileOf("a", "model");
  const std::filesystem::path predictions = FileOf("a", "predictions");
  const std::string whole_model = ReadText(model), whole_predictions = ReadText(predictions);
  std::string flipped = whole_model;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  WriteText(model, flipped);
  WriteText(predictions, whole_predictions.substr(0, whole_predictions.size() / 2));

  const Ended ensemble = folder_.Run({"ensemble", "small", "--db", "a.db"});
  EXPECT_EQ(ensemble.exit_code, 0) << "it costs one member";
  EXPECT_THAT(ensemble.err, AllOf(HasSubstr(predictions.string()), HasSubstr("the record says"),
                                  HasSubstr("beamgrid verify small --repair")));
  const Ended verified = Verify("a", {"--files"});
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out, HasSubstr(model.string() + " has the hash "));
  EXPECT_THAT(verified.out, HasSubstr(predictions.string() + " has "));

  const Ended repaired = Verify("a", {"--repair"});
  EXPECT_EQ(repaired.exit_code, 0) << repaired.out << repaired.err;
  EXPECT_THAT(repaired.err, HasSubstr("1 of 1 trial trained again is equal"));
  EXPECT_EQ(ReadText(model), whole_model);
  EXPECT_EQ(ReadText(predictions), whole_predictions);
  EXPECT_EQ(Verify("a", {"--files"}).exit_code, 0);
  EXPECT_EQ(folder_.Run({"ensemble", "small", "--db", "a.db"}).exit_code, 0);
}

TEST_F(Verification, APrunedModelIsNoDamageAndComesBackByItsName) {
  const Ended pruned = folder_.Run({"prune", "small", "--keep", "0", "--yes", "--db", "a.db"});
  ASSERT_EQ(pruned.exit_code, 0) << pruned.err;
  EXPECT_THAT(pruned.err, HasSubstr("freed "));
  const Ended files = Verify("a", {"--files", "--json"});
  EXPECT_EQ(files.exit_code, 0) << files.out;
  const auto before = ParseJson(files.out).at("pruned").as_array();
  ASSERT_GE(before.size(), 2U);
  const Ended again = folder_.Run({"run", "recipe.toml", "--db", "a.db"});
  EXPECT_THAT(again.err, HasSubstr("nothing to do: all 8 trials are complete"));

  const auto& gone = before.at(0);
  const std::string name(gone.at("name").as_string());
  const std::string path(gone.at("path").as_string());
  EXPECT_FALSE(std::filesystem::exists(path));
  const Ended repaired =
      Verify("a", {name + "/" + std::to_string(gone.at("seed").as_int64()), "--repair"});
  EXPECT_EQ(repaired.exit_code, 0) << repaired.out << repaired.err;
  EXPECT_TRUE(std::filesystem::exists(path));
  const auto after = ParseJson(Verify("a", {"--files", "--json"}).out);
  EXPECT_EQ(after.at("pruned").as_array().size(), before.size() - 1);
  EXPECT_THAT(after.at("damaged").as_array(), IsEmpty());
}

TEST_F(Verification, FilesThatChangedPlacesOrAreGoneAreNoFilesOfTheRecord) {
  const std::filesystem::path predictions = FileOf("a", "predictions");
  const std::filesystem::path model = FileOf("a", "model");
  std::filesystem::rename(predictions, folder_.path() / "aside");
  const Ended gone = folder_.Run({"ensemble", "small", "--db", "a.db"});
  EXPECT_EQ(gone.exit_code, 0) << "it costs one member";
  EXPECT_THAT(gone.err, HasSubstr(predictions.string() + ": not the predictions"));
  EXPECT_THAT(gone.err, HasSubstr("is gone"));
  std::filesystem::rename(model, predictions);
  std::filesystem::rename(folder_.path() / "aside", model);
  EXPECT_THAT(folder_.Run({"ensemble", "small", "--db", "a.db"}).err,
              HasSubstr(predictions.string() + ": not the predictions"));
  const auto json = ParseJson(Verify("a", {"--files", "--json"}).out);
  EXPECT_EQ(json.at("damaged").as_array().size(), 2U);
}

TEST_F(Verification, DataThatAreGoneOrOthersCannotBeTrainedOn) {
  const std::filesystem::path train = folder_.DataFile("train");
  std::filesystem::rename(train, folder_.path() / "aside");
  const Ended gone = Verify("a", {"--sample", "1"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.out, AllOf(HasSubstr("not trained  MC-"), HasSubstr(train.filename().string())));
  std::filesystem::copy_file(folder_.DataFile("validate"), train);
  const Ended others = Verify("a", {"--sample", "1"});
  EXPECT_EQ(others.exit_code, 1);
  EXPECT_THAT(others.out, HasSubstr(" (other content); put them back"));
}

TEST_F(Verification, CtrlCStopsTheWorkersAndLeavesNothing) {
  RecipeText longer;
  longer.study = "name = \"small\"";
  longer.train = "epochs = 150\nbatch = 16\nlearning_rate = 0.01";
  longer.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n";
  folder_.WriteRecipe(longer, "longer.toml");
  RunInto("longer", "longer.toml");
  Process verify(BeamgridCommand({"verify", "small", "--db", "longer.db", "--runs", "runs_longer"}),
                 folder_.path());
  ASSERT_TRUE(verify.WaitForLine("trains again on cpu"));
  verify.Signal(SIGINT);
  const Ended ended = verify.Wait();
  EXPECT_EQ(ended.exit_code, 130) << ended.out;
  EXPECT_THAT(ended.err, HasSubstr("interrupted"));
  EXPECT_FALSE(LeftAFolder("longer"));
}

}  // namespace
}  // namespace beamgrid
