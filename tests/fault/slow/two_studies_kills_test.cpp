// Two studies at once that share all their trials, each killed and started again and again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <iostream>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "tests/fault/faulty_study.h"
#include "tests/fault/processes.h"

namespace beamgrid {
namespace two_studies_kills_test {

constexpr std::int64_t kKills = 150;
constexpr std::int64_t kLongestPauseMilliseconds = 2000;

RecipeText SixtyTrials(const std::string& study) {
  RecipeText recipe = TwoTrials();
  recipe.study = "name = \"" + study + "\"";
  recipe.grid =
      "[[grid.classifier]]\nuse = \"logistic\"\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 3]\n[grid.train]\nlearning_rate = [";
  for (int rate = 1; rate <= 20; ++rate) recipe.grid += "0.0" + std::to_string(1000 + rate) + ", ";
  recipe.grid += "]\n";
  recipe.resources += "\nretries = 10";
  return recipe;
}

class Pair {
 public:
  Pair(const FaultyStudy& study, std::mt19937_64& random) : study_(study), random_(random) {}

  /// Until both have come to their end.
  void UntilDone() {
    while (!done_[0] || !done_[1]) {
      for (std::size_t i = 0; i < runs_.size(); ++i) Keep(i);
      std::this_thread::sleep_for(std::chrono::milliseconds(
          std::uniform_int_distribution<std::int64_t>(0, kLongestPauseMilliseconds)(random_)));
      const std::size_t victim = random_() % 2;
      if (runs_[victim] && !HasEnded(runs_[victim]->pid())) KillSomethingOf(victim);
    }
  }

  [[nodiscard]] std::int64_t kills() const { return orchestrators_ + workers_; }
  [[nodiscard]] std::int64_t orchestrators() const { return orchestrators_; }
  [[nodiscard]] std::int64_t workers() const { return workers_; }
  [[nodiscard]] const std::set<int>& dead() const { return dead_; }

 private:
  /// Starts it again where it was killed, takes its end where it has come to one.
  void Keep(std::size_t i) {
    if (done_[i]) return;
    if (!runs_[i]) {
      std::vector<std::string> command = study_.RunCommand(FaultyStudy::With::kNoFaults);
      command.back() = i == 0 ? "recipe.toml" : "other.toml";
      runs_[i].emplace(command, study_.path());
    } else if (HasEnded(runs_[i]->pid())) {
      const Ended ended = runs_[i]->Wait();
      EXPECT_EQ(ended.exit_code, 0) << ended.err;
      // The output names the study once, where it says how to see more of its effects.
      std::string out = ended.out;
      const std::size_t name = out.find("effects other`");
      if (name != std::string::npos) out.replace(name, 13, "effects small");
      EXPECT_EQ(out, study_.undisturbed().out);
      done_[i] = true;
    }
  }

  /// Frozen first, so that it has no other workers than those that we see.
  void KillSomethingOf(std::size_t i) {
    Freeze(runs_[i]->pid());
    const std::vector<pid_t> workers = WorkersOf(runs_[i]->pid());
    if (workers.empty() || random_() % 2 == 0) {
      dead_.insert(workers.begin(), workers.end());
      runs_[i].reset();
      ++orchestrators_;
      return;
    }
    const pid_t worker = workers[random_() % workers.size()];
    dead_.insert(worker);
    ::kill(worker, SIGKILL);
    runs_[i]->Signal(SIGCONT);
    ++workers_;
  }

  const FaultyStudy& study_;
  std::mt19937_64& random_;
  std::array<std::optional<Process>, 2> runs_;
  std::array<bool, 2> done_{};
  std::int64_t orchestrators_ = 0, workers_ = 0;
  std::set<int> dead_;
};

TEST(TwoStudiesKills, ShareEveryTrialInSpiteOfThem) {
  constexpr std::uint64_t kSeed = 1;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  FaultyStudy study(SixtyTrials("small"));
  study.folder().WriteRecipe(SixtyTrials("other"), "other.toml");
  std::int64_t kills = 0;
  for (int round = 1; kills < kKills && !HasFailure(); ++round) {
    study.Forget();
    Pair pair(study, random);
    pair.UntilDone();
    kills += pair.kills();
    const std::vector<Execution> log = study.Executions();
    EXPECT_THAT(ExecutedAtOnce(log, pair.dead()), testing::IsEmpty());
    study.ExpectUndisturbedEnd();
    study.ExpectNothingRepeated(2 * pair.orchestrators() + pair.workers());
    const Audit audit = AuditOf(log);
    std::cout << "round " << round << ": " << pair.orchestrators() << " orchestrators and "
              << pair.workers() << " workers killed, " << audit.begun << " executions, "
              << audit.ended << " results" << std::endl;
  }
}

}  // namespace two_studies_kills_test
}  // namespace beamgrid
