// Thousands of jobs on a Slurm of stand-in programs, and the executor over them.
//
//   slurm_poll_bench [--jobs N] [--polls P]
//
// Programs that stand in for sbatch, squeue and sacct keep a cluster in files; the client, the desk
// and the executor are those of a study. Of N jobs a fifth waits, some are in states that nobody
// knows, and some have gone from the queue. Beside them the queue holds as many jobs of other
// users, which squeue does not show, and half as many of this user's other work, which it does.
// Prints what a poll costs, what a turn of the executor costs, the resident memory, and what
// Slurm was asked. Exit code 1 where a poll takes a second or memory grows.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/shared_files.h"
#include "orchestrator/slurm/slurm_client.h"
#include "orchestrator/slurm/slurm_executor.h"
#include "tests/support/slurm_stand_in.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

double Now() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Milliseconds that something took, each time.
class Spans {
 public:
  void Add(double span) { spans_.push_back(span); }
  [[nodiscard]] std::string Text() {
    std::ranges::sort(spans_);
    const auto at = [this](double share) {
      return spans_.empty()
                 ? 0
                 : spans_[static_cast<std::size_t>(share * static_cast<double>(spans_.size() - 1))];
    };
    char text[160];
    std::snprintf(text, sizeof text, "median %.2f ms, p99 %.2f ms, worst %.2f ms (%zu)", at(0.5),
                  at(0.99), at(1), spans_.size());
    return text;
  }
  [[nodiscard]] double worst() const {
    return spans_.empty() ? 0 : *std::ranges::max_element(spans_);
  }

 private:
  std::vector<double> spans_;
};

double ResidentMegabytes() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

/// The client of a study, which says that the queue was looked at.
class WatchedClient : public SlurmClient {
 public:
  QueueAnswer Queue() override {
    QueueAnswer answer = SlurmClient::Queue();
    ++looks;
    return answer;
  }
  std::atomic<int> looks = 0;
};

class Bench {
 public:
  Bench(std::int64_t jobs, int polls) : jobs_(jobs), polls_(polls), slurm_(quick_ / "cluster") {
    fs::create_directories(quick_ / "cluster");
    fs::create_directories(quick_ / "bin");
    for (const char* program : {"sbatch", "squeue", "sacct", "scancel", "sinfo"}) {
      fs::create_symlink(fs::read_symlink("/proc/self/exe").parent_path() / "slurm_stand_in",
                         quick_ / "bin" / program);
    }
    ::setenv("BEAMGRID_STAND_IN", (quick_ / "cluster").c_str(), 1);
    ::setenv("PATH", ((quick_ / "bin").string() + ":" + std::getenv("PATH")).c_str(), 1);
  }
  ~Bench() { fs::remove_all(quick_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// Returns whether it kept what is promised.
  bool Run() {
    const std::string me = std::to_string(::getuid());
    for (std::int64_t i = 0; i < jobs_; ++i) {
      (void)slurm_.Add({.user = "4242", .name = "theirs", .state = "RUNNING", .node = "n1"});
      if (i % 2 == 0) {
        (void)slurm_.Add({.user = me,
                          .name = i % 4 == 0 ? "notebook" : "beamgrid-other-" + std::to_string(i),
                          .state = i % 3 == 0 ? "RUNNING" : "COMPLETED",
                          .node = "n2"});
      }
    }
    WatchedClient client;
    SlurmExecutorOptions options{.study = "s",
                                 .study_folder = study_,
                                 .settings = {.jobs = jobs_},
                                 .program = "/bin/true",
                                 .trainer = "/bin/true",
                                 .clock = [this] { return Clock(); }};
    options.patience.queue = milliseconds(1000);  // a study's is 3 s
    executor_ = std::make_unique<SlurmExecutor>(client, options);
    const double begun = Now();
    AskForAll();
    std::cout << jobs_
              << " jobs asked for, one sbatch each: " << static_cast<int>((Now() - begun) / 1000)
              << " s\n";
    Begin();
    PollAlone(client);
    const double memory = Follow(client);
    std::cout << ended_ << " attempts were given up on the way\n";
    const double finding = Now();
    {
      const SlurmExecutor next(client, options);
      std::cout << "one that is killed is followed by another, which has found all jobs after "
                << static_cast<int>(Now() - finding) << " ms\n";
    }
    const double leaving = Now();
    executor_.reset();
    std::cout << "the end of it, which tells all jobs to leave and cancels those that wait: "
              << static_cast<int>(Now() - leaving) << " ms\n";
    std::cout << "called:";
    for (const auto& [program, count] : slurm_.Calls()) std::cout << ' ' << program << ' ' << count;
    std::cout << "\n";
    const bool kept = poll_.worst() + taking_.worst() < 1000 && memory < 1.05;
    if (!kept) std::cout << "NOT KEPT\n";
    return kept;
  }

 private:
  [[nodiscard]] milliseconds Clock() const {
    return std::chrono::duration_cast<milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
  }

  /// As many attempts as jobs; one job is asked for each.
  void AskForAll() {
    for (std::int64_t trial = 1; trial <= jobs_; ++trial) {
      const fs::path directory = study_ / ("t" + std::to_string(trial)) / "1";
      fs::create_directories(directory);
      executor_->Submit({TrialId{trial}, 1}, directory, {.device = "cpu"}, milliseconds(0));
    }
    while (slurm_.Calls()["sbatch"] < jobs_) (void)executor_->Poll(milliseconds(100));
  }

  /// Of ten jobs seven begin, two wait, one is in a state that nobody knows; all that began say so.
  void Begin() {
    std::int64_t i = 0;
    slurm_.Change([&](std::vector<StandInJob>& jobs) {
      for (StandInJob& job : jobs) {
        if (job.state != "PENDING") continue;
        ++i;
        if (i % 10 < 2) continue;
        job.state = i % 10 == 2 ? "EXPEDITING" : "RUNNING";
        job.reason = "";
        job.node = "n" + std::to_string(i % 9 + 1);
        GrowingLines reports(PilotsOf(study_) / job.name / kReports);
        (void)reports.Add(ToLine(Report{.what = Report::What::kBegun, .text = job.node}));
        reports_.emplace_back(job.name, std::move(reports));
      }
    });
  }

  /// One poll in its parts.
  void PollAlone(SlurmClient& client) {
    Spans own, parsing;
    for (int i = 0; i < 20; ++i) {
      const double start = Now();
      const std::string all =
          "squeue --noheader --all --states=all --user=" + std::to_string(::getuid()) +
          " --format='%i %T %r %N %S %j %k' >/dev/null";
      if (std::system(all.c_str()) != 0) throw std::runtime_error("squeue failed");
      own.Add(Now() - start);
      const double begin = Now();
      const QueueAnswer answer = client.Queue();
      poll_.Add(Now() - begin);
      // The text that the stand-in printed, made again.
      std::string text;
      for (const QueuedJob& job : answer.jobs) {
        text += "\x1e" + job.id + "\x1f" + job.state + "\x1f" + job.reason + "\x1f" + job.nodes +
                "\x1f" + job.start + "\x1f" + job.name + "\x1f" + job.comment + "\n";
      }
      const double middle = Now();
      const std::size_t read = ParseQueue(text).size();
      parsing.Add(Now() - middle);
      if (read != answer.jobs.size()) throw std::runtime_error("not all jobs were read");
      seen_ = read;
    }
    std::cout << "a poll: " << seen_
              << " jobs are shown; squeue until its answer is there: " << poll_.Text()
              << "\n  of that the stand-in by itself: " << own.Text()
              << "\n  and reading the text: " << parsing.Text() << "\n";
  }

  /// Many polls while pilots speak; some jobs go from the queue on the way. Returns how many times
  /// the memory of the beginning it has at the end.
  double Follow(WatchedClient& client) {
    Spans turns;
    double early = 0;
    const int first = client.looks;
    int seen = first;
    std::size_t next = 0;
    for (int polls = 0; polls < polls_;) {
      // What pilots say between two turns: a sign of life of each in twenty of them.
      for (std::size_t i = 0; i < reports_.size() / 20; ++i) {
        GrowingLines& reports = reports_[next++ % reports_.size()].second;
        (void)reports.Add(ToLine(Report{.what = Report::What::kLives}));
      }
      const bool takes = client.looks != seen;
      seen = client.looks;
      const double begin = Now();
      ended_ += executor_->Poll(milliseconds(0)).size();
      (takes ? taking_ : turns).Add(Now() - begin);
      ::usleep(10'000);
      if (!takes) continue;
      polls = seen - first;
      if (early == 0 && polls >= polls_ / 10) Forget();
      if (early == 0 && polls >= polls_ / 5) {
        early = ResidentMegabytes();
        std::cout << "resident after " << polls << " polls: " << early << " MB\n";
      }
    }
    const double late = ResidentMegabytes();
    std::cout << "resident after " << seen - first << " polls: " << late << " MB\n"
              << "a turn that takes the queue's answer: " << taking_.Text() << "\n"
              << "any other turn: " << turns.Text() << "\n";
    return late / early;
  }

  /// One job of twenty goes from the queue. Every other one of these has ended, as the accounting
  /// knows, and speaks no more; the queue has lost the others.
  void Forget() {
    std::set<std::string> ended;
    std::int64_t i = 0;
    slurm_.Change([&](std::vector<StandInJob>& jobs) {
      for (StandInJob& job : jobs) {
        if (!job.name.starts_with("beamgrid-s-") || ++i % 20 != 5) continue;
        job.is_forgotten = true;
        if (i % 40 != 5) continue;
        job.state = "NODE_FAIL";
        ended.insert(job.name);
      }
    });
    std::erase_if(reports_, [&](const auto& entry) { return ended.contains(entry.first); });
  }

  std::int64_t jobs_;
  int polls_;
  TemporaryFolder folder_;
  fs::path quick_ = folder_ / "q", study_ = quick_ / "runs" / "s";
  StandInSlurm slurm_;
  std::unique_ptr<SlurmExecutor> executor_;
  std::vector<std::pair<std::string, GrowingLines>> reports_;  ///< of those that speak
  Spans poll_, taking_;
  std::size_t seen_ = 0;
  std::size_t ended_ = 0;
};

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  std::int64_t jobs = 10'000;
  int polls = 120;
  CLI::App app{"Polls of a Slurm queue of thousands of jobs"};
  app.add_option("--jobs", jobs)->capture_default_str();
  app.add_option("--polls", polls)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::cout << std::unitbuf;
  return beamgrid::Bench(jobs, polls).Run() ? 0 : 1;
}
