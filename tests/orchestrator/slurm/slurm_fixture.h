#pragma once
// A Slurm executor with a fake cluster, whose jobs are real pilots: this test program once more
// (PilotProcess), with shell scripts as trainers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "orchestrator/slurm/slurm_executor.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "tests/orchestrator/slurm/fake_slurm.h"
#include "tests/support/await.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {

class SlurmTest : public ::testing::Test {
 protected:
  using Milliseconds = std::chrono::milliseconds;
  using Place = std::source_location;

  /// What one attempt reported, in order.
  struct Heard {
    std::vector<Message> messages;
    std::optional<AttemptBegun> begun;
    std::optional<AttemptOutcome> outcome;
  };

  SlurmTest() {
    // The one test that a job is runs in it, whatever share of the tests this process has.
    Script("beamgrid",
           "unset GTEST_TOTAL_SHARDS GTEST_SHARD_INDEX\nBEAMGRID_TEST_PILOT=\"$3\" exec '" +
               std::filesystem::read_symlink("/proc/self/exe").string() +
               "' --gtest_filter=PilotProcess.CarriesOutTheFolderOfTheEnvironment\n");
    Trainer(EndWell());
  }

  void Script(const std::string& name, const std::string& text) const {
    WriteFileAtomically(folder_ / name, "#!/bin/sh\n" + text);
    std::filesystem::permissions(folder_ / name, std::filesystem::perms::owner_all);
  }
  /// `body` runs for each directory, with $dir set.
  void Trainer(const std::string& body) const {
    Script("trainer", "while read -r dir; do\necho $$ > $dir/pid\n" + body + "\ndone\n");
  }
  /// A trainer that trains until the test says so (Release) and writes a checkpoint where it is
  /// told to stop.
  void PatientTrainer() const {
    Trainer("trap 'echo weights > $dir/last.checkpoint; exit 130' TERM\n" + Say(Started{.pid = 7}) +
            "\nwhile [ ! -e $dir/go ]; do sleep 0.02; done\n" + EndWell());
  }
  void Release(const AttemptKey& key) const { WriteFileAtomically(Directory(key) / "go", ""); }

  static std::string LeaveResult() {
    return "cat > \"$dir/result.json\" <<'END'\n" +
           CanonicalJson(ToJson(TrialResult{.metrics = {.gap = 0.5}})) + "\nEND";
  }
  static std::string EndWell() {
    return LeaveResult() + "\n" + Say(Finished{}) + "\n" + Say(Ready{});
  }
  static std::string Say(const Message& message) { return "echo '" + ToLine(message) + "'"; }

  void Start() {
    executor_ = std::make_unique<SlurmExecutor>(
        slurm_,
        SlurmExecutorOptions{.study = "s",
                             .study_folder = StudyFolder(),
                             .settings = settings_,
                             .limit = limit_,
                             .program = folder_ / "beamgrid",
                             .trainer = folder_ / "trainer",
                             .patience = {.queue = Milliseconds(20), .beat = Milliseconds(50)},
                             .tell = [this](const std::string& line) { told_.push_back(line); },
                             .clock = [this] { return Now(); }});
  }

  /// The time goes on by itself, and in leaps of the test.
  Milliseconds Now() {
    leapt_ += leap_each_look_;
    return std::chrono::duration_cast<Milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch()) +
           leapt_;
  }

  std::filesystem::path StudyFolder() const { return folder_ / "runs" / "s"; }
  std::filesystem::path Directory(const AttemptKey& key) const {
    const auto path = StudyFolder() / ("t" + std::to_string(static_cast<std::int64_t>(key.trial))) /
                      std::to_string(key.attempt);
    std::filesystem::create_directories(path);
    return path;
  }
  static AttemptKey Key(std::int64_t trial, std::int64_t attempt = 1) {
    return {TrialId{trial}, attempt};
  }
  void Submit(const AttemptKey& key, const Placement& placement = {.device = "cpu"}) {
    WriteTrial(key);
    executor_->Submit(key, Directory(key), placement, Milliseconds(0));
  }
  /// All that a pilot looks at; our trainers read none of it.
  void WriteTrial(const AttemptKey& key) const {
    WriteFileAtomically(Directory(key) / kTrialFile,
                        "{\"attempt\": " + std::to_string(key.attempt) + "}");
  }

  /// Has a patient trainer at work on the first trial.
  void StartAtWork() {
    PatientTrainer();
    Start();
    Submit(Key(1));
    WaitForMessage(Key(1));
  }
  /// Returns how the second attempt of the first trial ends.
  AttemptOutcome TryAgain() {
    Release(Key(1, 2));
    Submit(Key(1, 2));
    return Wait(Key(1, 2));
  }
  /// The orchestrator goes, and the next one comes.
  void StartAnew() {
    executor_.reset();
    heard_.clear();
    Start();
  }

  /// Polls once, waiting for a moment.
  void Poll() {
    for (ExecutorEvent& event : executor_->Poll(Milliseconds(20))) {
      Heard& heard = heard_[event.key];
      EXPECT_FALSE(heard.outcome.has_value()) << "reported after its end";
      if (auto* message = std::get_if<Message>(&event.what)) {
        EXPECT_TRUE(heard.begun.has_value()) << "a worker spoke before it was said to have begun";
        heard.messages.push_back(*message);
      } else if (const auto* begun = std::get_if<AttemptBegun>(&event.what)) {
        EXPECT_FALSE(heard.begun.has_value()) << "begun twice";
        heard.begun = *begun;
      } else {
        heard.outcome = std::get<AttemptOutcome>(event.what);
      }
    }
  }
  /// Polls until `done` holds; each time `leap` passes beside the time that does.
  template <typename Done>
  void PollUntil(const Done& done, Milliseconds leap = Milliseconds(0),
                 const Place& place = Place::current()) {
    Await("what line " + std::to_string(place.line()) + " of " + place.file_name() + " says", done,
          leap);
  }
  AttemptOutcome Wait(const AttemptKey& key, Milliseconds leap = Milliseconds(0)) {
    Await("the end of " + Name(key), [&] { return heard_[key].outcome.has_value(); }, leap);
    return *heard_[key].outcome;
  }
  void WaitForMessage(const AttemptKey& key) {
    Await("a message of " + Name(key), [&] { return !heard_[key].messages.empty(); });
  }
  pid_t WorkerOf(const AttemptKey& key) const {
    return std::stoi(ReadFile(Directory(key) / "pid"));
  }
  static bool IsGone(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(stat, text)) return true;
    return text.substr(text.rfind(')') + 2, 1) == "Z";
  }
  static void AwaitGone(pid_t pid) {
    beamgrid::Await("the end of process " + std::to_string(pid), [pid] { return IsGone(pid); });
  }

  static std::string Name(const AttemptKey& key) {
    return "trial " + std::to_string(static_cast<std::int64_t>(key.trial)) + ", attempt " +
           std::to_string(key.attempt);
  }
  template <typename Done>
  void Await(const std::string& what, const Done& done, Milliseconds leap = Milliseconds(0)) {
    try {
      beamgrid::Await(what, done, [&] {
        Poll();
        leapt_ += leap;
      });
    } catch (const std::runtime_error& in_vain) {
      throw std::runtime_error(
          std::string(in_vain.what()) + "; jobs asked for: " + std::to_string(slurm_.submitted()) +
          "; told: " + Join(told_, " | ") + "; they wait for " + executor_->QueuedFor());
    }
  }

  TemporaryFolder folder_;
  FakeSlurm slurm_;
  SlurmSettings settings_{.jobs = 2};
  std::optional<PartitionLimit> limit_;
  std::unique_ptr<SlurmExecutor> executor_;
  std::map<AttemptKey, Heard> heard_;
  std::vector<std::string> told_;
  Milliseconds leapt_{0}, leap_each_look_{0};
};

}  // namespace beamgrid
