// A writer killed at any moment: what it was told to be recorded is whole.

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>

#include "registry/store/store.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

/// Settles what the writer before it left, then finishes trial after trial, and writes each one's
/// id into the pipe as soon as the store says that it is recorded.
[[noreturn]] void WriteForEver(const std::filesystem::path& path, int pipe, std::int64_t first) {
  Store store(path, OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy(ExampleStudy());
  for (const Store::OpenAttempt& open : store.OpenAttempts()) {
    store.FinishAttempt(open.trial, open.attempt, ExampleFailure(FailureKind::kInterrupted),
                        TrialState::kWaiting);
  }
  for (std::int64_t hidden = first;; ++hidden) {
    const TrialId id = store.AddTrials(study, {ExampleNewTrial(hidden)})[0];
    const std::int64_t attempt = store.BeginAttempt(id, "runs", "cpu", 1);
    store.FinishAttempt(id, attempt, ExampleSuccess(), TrialState::kComplete);
    if (::write(pipe, &id, sizeof(id)) != static_cast<ssize_t>(sizeof(id))) ::_exit(1);
  }
}

/// Trials that a writer reported before it was killed, after `reports` of them.
std::vector<TrialId> KilledAfter(const std::filesystem::path& path, int reports,
                                 std::int64_t first) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    WriteForEver(path, ends[1], first);
  }
  ::close(ends[1]);
  std::vector<TrialId> reported;
  TrialId id{};
  const auto next = [&] { return ::read(ends[0], &id, sizeof(id)) == sizeof(id); };
  while (static_cast<int>(reported.size()) < reports && next()) reported.push_back(id);
  ::kill(child, SIGKILL);
  // What was already in the pipe counts too.
  while (next()) reported.push_back(id);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
  ::close(ends[0]);
  return reported;
}

void ExpectWhole(const Store& store, const TrialRecord& trial) {
  ASSERT_TRUE(trial.result);
  EXPECT_EQ(trial.result->metrics.gap, 0.5);
  EXPECT_EQ(store.Epochs(trial.id).size(), 3U);
  EXPECT_EQ(store.Artifacts(trial.id).size(), 2U);
  EXPECT_EQ(store.Attempts(trial.id).back().outcome, "complete");
}

TEST(StoreCrash, AKilledWriterLosesAndHalvesNothing) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "beamgrid.db";
  std::mt19937 random(2);
  std::set<TrialId> reported;
  constexpr int kRounds = 25;
  for (int round = 0; round < kRounds; ++round) {
    const int reports = static_cast<int>(random() % 4);
    for (const TrialId id : KilledAfter(path, reports, 1000 * round)) reported.insert(id);
  }
  const Store store(path, OpenMode::kReadWrite);
  std::map<TrialId, TrialRecord> trials;
  if (const auto study = store.FindStudy("study")) {
    for (const TrialRecord& trial : store.Trials(study->id)) trials.emplace(trial.id, trial);
  }
  for (const TrialId id : reported) {
    ASSERT_TRUE(trials.contains(id));
    EXPECT_EQ(trials.at(id).state, TrialState::kComplete);
  }
  std::size_t running = 0;
  for (const auto& [id, trial] : trials) {
    EXPECT_EQ(trial.result.has_value(), trial.state == TrialState::kComplete);
    if (trial.result) ExpectWhole(store, trial);
    if (trial.state == TrialState::kRunning) ++running;
  }
  EXPECT_EQ(store.OpenAttempts().size(), running);
  EXPECT_LE(running, 1U);
  SQLite::Database raw(path.string());
  EXPECT_EQ(raw.execAndGet("SELECT count(*) FROM pragma_foreign_key_check").getInt(), 0);
  EXPECT_EQ(raw.execAndGet("PRAGMA integrity_check").getString(), "ok");
  EXPECT_FALSE(reported.empty());
}

}  // namespace
}  // namespace beamgrid
