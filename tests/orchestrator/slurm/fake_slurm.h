#pragma once
// A cluster whose jobs are processes of this machine, and that can do all that a real one does to
// them.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "orchestrator/slurm/slurm_client.h"

extern char** environ;

namespace beamgrid {

/// FakeSlurm runs a job's script as soon as it is asked for, unless `starts_jobs` is false. Safe to
/// be used from several threads. Its jobs are killed when it goes.
class FakeSlurm : public SlurmClient {
 public:
  struct Job {
    JobRequest request;
    std::string id, state = "PENDING", reason, nodes = "n1";
    pid_t pid = 0;  ///< 0: it has no process
    bool hidden = false;
  };

  ~FakeSlurm() override {
    for (auto& [name, job] : jobs_) Kill(job);
  }

  SubmitAnswer Submit(const JobRequest& request) override {
    const std::scoped_lock lock(mutex_);
    ++calls_;
    if (on_submit) on_submit(request);
    if (!refusal.empty() && !takes_what_it_refuses) {
      return {.outcome = refuses_as, .message = refusal};
    }
    if (node_memory_bytes > 0 && request.settings.memory_bytes > node_memory_bytes) {
      return {.outcome = Submission::kTooLarge,
              .message = "Memory specification can not be satisfied"};
    }
    Job& job = jobs_[request.name];
    job.request = request;
    job.id = std::to_string(jobs_.size());
    order_.push_back(request.name);
    if (starts_jobs) Start(job);
    if (!refusal.empty()) return {.outcome = refuses_as, .message = refusal};
    if (loses_answers) return {.message = "no answer came"};
    return {.outcome = Submission::kAccepted, .id = job.id};
  }

  QueueAnswer Queue() override {
    const std::scoped_lock lock(mutex_);
    ++calls_;
    ++looks_;
    if (!answers) return {.message = "Unable to contact slurm controller"};
    QueueAnswer answer{.answered = true};
    for (auto& [name, job] : jobs_) {
      Reap(job);
      if (job.hidden || job.state == "GONE") continue;
      answer.jobs.push_back({.id = job.id,
                             .name = name,
                             .state = job.state,
                             .reason = job.reason,
                             .nodes = job.state == "RUNNING" ? job.nodes : ""});
    }
    return answer;
  }

  EndedAnswer Ended(const std::vector<std::string>& names) override {
    const std::scoped_lock lock(mutex_);
    ++calls_;
    if (ended_states.empty()) return {.accounting = Accounting::kOff};
    EndedAnswer answer{.accounting = Accounting::kAnswered};
    for (const std::string& name : names) {
      if (!ended_states.contains(name)) continue;
      answer.jobs.push_back({.id = jobs_[name].id, .name = name, .state = ended_states[name]});
    }
    return answer;
  }

  CancelAnswer Cancel(const std::vector<std::string>& names) override {
    const std::scoped_lock lock(mutex_);
    ++calls_;
    if (!answers || !cancels) {
      return {.answered = false, .message = "Unable to contact slurm controller"};
    }
    for (const std::string& name : names) {
      cancelled_.insert(name);
      const auto job = jobs_.find(name);
      if (job == jobs_.end()) continue;
      if (job->second.pid > 0) {
        // SIGTERM, and SIGKILL after a while that a test does not wait for.
        ::kill(job->second.pid, deaf_to_term ? SIGKILL : SIGTERM);
      } else {
        job->second.state = "CANCELLED";
      }
    }
    return {.answered = true};
  }

  /// What is done to the i-th job, in the order in which they were asked for.
  void With(std::size_t i, const std::function<void(Job&)>& act) {
    const std::scoped_lock lock(mutex_);
    act(jobs_.at(order_.at(i)));
  }
  /// Kills the job with SIGKILL; it is gone from the queue then, or has this state.
  void KillJob(std::size_t i, const std::string& state = "GONE") {
    With(i, [&](Job& job) {
      Kill(job);
      job.state = state;
    });
  }
  /// Starts it (again).
  void StartJob(std::size_t i) {
    With(i, [this](Job& job) {
      Kill(job);
      Start(job);
    });
  }
  [[nodiscard]] std::string NameOf(std::size_t i) {
    const std::scoped_lock lock(mutex_);
    return order_.at(i);
  }
  [[nodiscard]] pid_t PidOf(std::size_t i) {
    const std::scoped_lock lock(mutex_);
    return jobs_.at(order_.at(i)).pid;
  }
  [[nodiscard]] std::size_t submitted() {
    const std::scoped_lock lock(mutex_);
    return order_.size();
  }
  [[nodiscard]] std::set<std::string> cancelled() {
    const std::scoped_lock lock(mutex_);
    return cancelled_;
  }
  [[nodiscard]] int looks() {
    const std::scoped_lock lock(mutex_);
    return looks_;
  }
  [[nodiscard]] int calls() {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }
  /// Changes a setting below.
  void Set(const std::function<void(FakeSlurm&)>& change) {
    const std::scoped_lock lock(mutex_);
    change(*this);
  }

  bool starts_jobs = true;
  bool answers = true;         ///< squeue and scancel do
  bool cancels = true;         ///< scancel does
  bool loses_answers = false;  ///< of sbatch
  bool deaf_to_term = false;   ///< jobs are killed at once
  std::string refusal;         ///< of sbatch
  Submission refuses_as = Submission::kRefused;
  bool takes_what_it_refuses = false;
  std::int64_t node_memory_bytes = 0;               ///< more it does not give to a job; 0: any
  std::map<std::string, std::string> ended_states;  ///< of the accounting; empty: it is off
  std::function<void(const JobRequest&)> on_submit;

 private:
  static void Start(Job& job) {
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, job.request.log.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    const std::string script = job.request.script.string();
    std::string shell = "bash", argument = script;
    char* arguments[] = {shell.data(), argument.data(), nullptr};
    const int failed = ::posix_spawn(&job.pid, "/bin/bash", &files, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::runtime_error("cannot start a job");
    job.state = "RUNNING";
  }
  static void Reap(Job& job) {
    int status = 0;
    if (job.pid <= 0 || ::waitpid(job.pid, &status, WNOHANG) != job.pid) return;
    job.pid = 0;
    if (job.state == "RUNNING") job.state = status == 0 ? "COMPLETED" : "FAILED";
  }
  static void Kill(Job& job) {
    Reap(job);
    if (job.pid <= 0) return;
    ::kill(job.pid, SIGKILL);
    int status = 0;
    ::waitpid(job.pid, &status, 0);
    job.pid = 0;
  }

  std::mutex mutex_;
  std::map<std::string, Job> jobs_;
  std::vector<std::string> order_;
  std::set<std::string> cancelled_;
  int looks_ = 0, calls_ = 0;
};

}  // namespace beamgrid
