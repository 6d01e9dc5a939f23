#pragma once
// A local executor with real processes: shell scripts play the trainer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "orchestrator/workers/local_executor.h"
#include "orchestrator/workers/process.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/support/await.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {

class LocalExecutorTest : public ::testing::Test {
 protected:
  static constexpr AttemptKey kKey{TrialId{1}, 1};

  /// What one attempt reported, in order.
  struct Report {
    std::vector<Message> messages;
    std::optional<AttemptOutcome> outcome;
  };

  /// `body` runs as `serve --fork` for one directory, with $dir set, and ends with it.
  void Trainer(const std::string& body,
               std::chrono::milliseconds silence = std::chrono::seconds(60)) {
    Use("[ \"$1 $2\" = 'serve --fork' ] || exit 2\nread -r dir\nexec < /dev/null\n" + body + "\n",
        {.silence = silence, .longest_line = 1 << 16, .life = WorkerLife::kOneAttempt});
  }
  /// `body` runs as `serve` for each directory, with $dir set; its process id is in $dir/pid.
  void Server(const std::string& body, LocalExecutorOptions options = {}) {
    Use("while read -r dir; do\necho $$ > $dir/pid\n" + body + "\ndone\n", std::move(options));
  }
  void Use(const std::string& script, LocalExecutorOptions options) {
    WriteFileAtomically(folder_ / "trainer", "#!/bin/sh\n" + script);
    std::filesystem::permissions(folder_ / "trainer", std::filesystem::perms::owner_all);
    options.trainer = folder_ / "trainer";
    options.environment = CurrentEnvironment();
    options.processor_flags = {"avx2", "fma"};
    executor_ = std::make_unique<LocalExecutor>(std::move(options));
  }

  std::filesystem::path Directory(const AttemptKey& key) {
    const auto path = folder_ / std::to_string(static_cast<std::int64_t>(key.trial));
    std::filesystem::create_directories(path);
    return path;
  }

  void Submit(const AttemptKey& key = kKey,
              std::chrono::milliseconds timeout = std::chrono::milliseconds(0),
              const Placement& placement = {"cpu", 3}) {
    executor_->Submit(key, Directory(key), placement, timeout);
  }
  AttemptOutcome Carried(std::int64_t trial, const Placement& placement = {"cpu", 3}) {
    Submit({TrialId{trial}, 1}, std::chrono::milliseconds(0), placement);
    return Wait({TrialId{trial}, 1});
  }
  /// The process that carried out a trial of a Server.
  pid_t WorkerOf(std::int64_t trial) {
    return std::stoi(ReadFile(Directory({TrialId{trial}, 1}) / "pid"));
  }

  /// Polls until `done` holds of what was reported so far.
  template <typename Done>
  const Report& PollUntil(const AttemptKey& key, Done done,
                          const std::string& what = "what the test says") {
    Await(
        what + ", of trial " + std::to_string(static_cast<std::int64_t>(key.trial)),
        [&] { return done(reports_[key]); }, [&] { Poll(); });
    return reports_[key];
  }
  void Poll() {
    for (ExecutorEvent& event : executor_->Poll(std::chrono::milliseconds(20))) {
      Report& report = reports_[event.key];
      EXPECT_FALSE(report.outcome.has_value()) << "reported after its end";
      if (auto* message = std::get_if<Message>(&event.what)) {
        report.messages.push_back(*message);
      } else {
        report.outcome = std::get<AttemptOutcome>(event.what);
      }
    }
  }
  AttemptOutcome Wait(const AttemptKey& key = kKey) {
    const auto ended = [](const Report& report) { return report.outcome.has_value(); };
    return *PollUntil(key, ended, "its end").outcome;
  }
  void WaitForMessage(const AttemptKey& key = kKey) {
    const auto spoke = [](const Report& report) { return !report.messages.empty(); };
    (void)PollUntil(key, spoke, "a message");
  }

  /// A shell command that leaves a valid result.
  static std::string LeaveResult() {
    return "cat > \"$dir/result.json\" <<'END'\n" +
           CanonicalJson(ToJson(TrialResult{.metrics = {.gap = 0.5}})) + "\nEND";
  }
  /// What a worker does that is as new again.
  static std::string EndWell() {
    return LeaveResult() + "\n" + Say(Finished{}) + "\n" + Say(Ready{});
  }
  static std::string Say(const Message& message) { return "echo '" + ToLine(message) + "'"; }

  /// Gone, or a zombie that only waits to be reaped.
  static bool IsGone(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(stat, text)) return true;
    return text.substr(text.rfind(')') + 2, 1) == "Z";
  }
  static void AwaitGone(pid_t pid) {
    Await("the end of process " + std::to_string(pid), [pid] { return IsGone(pid); });
  }

  TemporaryFolder folder_;
  std::unique_ptr<LocalExecutor> executor_;
  std::map<AttemptKey, Report> reports_;
};

}  // namespace beamgrid
