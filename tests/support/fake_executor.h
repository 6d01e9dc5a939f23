#pragma once
// Executors, counters, clocks and displays without processes or time, for tests of the study runner
// by the thousand; and a fuse that kills the orchestrator at any of its calls.

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/model_counter.h"
#include "orchestrator/study/progress.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"

namespace beamgrid {

/// Stands for the death of the orchestrator.
struct Killed {};

/// Throws Killed at the n-th call of Burn; never where n is 0.
class Fuse {
 public:
  explicit Fuse(std::int64_t calls = 0) : left_(calls) {}
  void Burn() {
    ++burnt_;
    if (left_ > 0 && --left_ == 0) throw Killed{};
  }
  [[nodiscard]] std::int64_t burnt() const { return burnt_; }

 private:
  std::int64_t left_;
  std::int64_t burnt_ = 0;
};

/// What outlives an orchestrator: the files of the workers, and how often each trial was trained to
/// its end.
struct FakeWorld {
  std::map<std::string, AttemptOutcome> finished;  ///< by attempt directory
  std::map<std::string, int> trained;              ///< by fingerprint: complete results made
  std::vector<std::string> started;                ///< names, in order
  std::vector<std::string> alone;                  ///< of these, those placed alone
  std::vector<TrialFile> trial_files;              ///< as the workers read them
  std::vector<std::string> adopted;                ///< names, in order
  int reconciled = 0;
};

/// Workers that end in the first Poll after their submission, as `outcome_of` says.
class FakeExecutor : public Executor {
 public:
  using OutcomeOf = std::function<AttemptOutcome(const TrialFile&)>;

  FakeExecutor(FakeWorld& world, OutcomeOf outcome_of, Fuse* fuse = nullptr)
      : world_(world), outcome_of_(std::move(outcome_of)), fuse_(fuse) {}

  void Submit(const AttemptKey& key, const std::filesystem::path& directory,
              const Placement& placement, std::chrono::milliseconds timeout) override {
    Burn();
    const TrialFile trial = TrialFileFromJson(ParseJson(ReadFile(directory / kTrialFile)));
    if (trial.attempt != key.attempt) throw std::logic_error("trial.json of another attempt");
    if (trial.device != placement.device) throw std::logic_error("trial.json of another device");
    if (!running_.emplace(key, Worker{directory.string(), trial}).second) {
      throw std::logic_error("attempt submitted twice");
    }
    most_running_ = std::max(most_running_, running_.size());
    timeout_ = timeout;
    world_.started.push_back(trial.name);
    if (placement.alone) world_.alone.push_back(trial.name);
    world_.trial_files.push_back(trial);
    Burn();
  }

  bool Cancel(const AttemptKey& key, std::chrono::milliseconds grace) override {
    Burn();
    cancelled_[key] = grace;
    return running_.contains(key);
  }

  std::vector<ExecutorEvent> Poll(std::chrono::milliseconds wait) override {
    Burn();
    if (on_poll) on_poll();
    if (running_.empty() && wait.count() > 0 && ++idle_polls_ > 1'000) {
      throw std::logic_error("the runner waits for nothing");
    }
    LoseAnUnreadableEnd();
    std::vector<ExecutorEvent> events;
    for (auto& [key, worker] : std::exchange(running_, {})) {
      if (queues && !cancelled_.contains(key) && !worker.begun) {
        if (queued.contains(worker.trial.name)) {
          running_.emplace(key, worker);
          continue;
        }
        events.push_back({key, AttemptBegun{.where = "n1"}});
        running_.emplace(key, worker).first->second.begun = true;
        continue;
      }
      if (speaks_first && !worker.has_spoken) {
        for (const Message& message : says(worker.trial)) events.push_back({key, message});
        running_.emplace(key, worker).first->second.has_spoken = true;
        continue;
      }
      if (held.contains(worker.trial.name) && (deaf || !cancelled_.contains(key))) {
        running_.emplace(key, worker);
        continue;
      }
      if (!speaks_first) {
        for (const Message& message : says(worker.trial)) events.push_back({key, message});
      }
      events.push_back({key, End(key, worker)});
      Burn();
    }
    return events;
  }

  void Wake() override { ++wakes_; }
  [[nodiscard]] bool Queues() const override { return queues; }
  [[nodiscard]] std::string QueuedFor() const override { return queues ? "Slurm: Priority" : ""; }

  AttemptOutcome Reconcile(const AttemptKey& /*key*/, const std::filesystem::path& directory,
                           std::int64_t /*pid*/) override {
    Burn();
    ++world_.reconciled;
    const auto finished = world_.finished.find(directory.string());
    if (finished != world_.finished.end()) return finished->second;
    return {AttemptFailure{.kind = FailureKind::kInterrupted, .message = "its orchestrator died"}};
  }

  bool CanAdopt(const AttemptKey& /*key*/, const std::filesystem::path& directory) override {
    Burn();
    return outlive && !world_.finished.contains(directory.string());
  }

  /// The worker goes on, unless it had finished unheard.
  void Adopt(const AttemptKey& key, const std::filesystem::path& directory) override {
    Burn();
    const TrialFile trial = TrialFileFromJson(ParseJson(ReadFile(directory / kTrialFile)));
    if (!running_.emplace(key, Worker{directory.string(), trial}).second) {
      throw std::logic_error("attempt adopted twice");
    }
    most_running_ = std::max(most_running_, running_.size());
    world_.adopted.push_back(trial.name);
  }

  [[nodiscard]] std::size_t most_running() const { return most_running_; }
  [[nodiscard]] const std::map<AttemptKey, std::chrono::milliseconds>& cancelled() const {
    return cancelled_;
  }
  [[nodiscard]] int wakes() const { return wakes_; }
  [[nodiscard]] std::chrono::milliseconds timeout() const { return timeout_; }

  std::function<void()> on_poll;  ///< called at the start of each Poll
  /// What the workers say before they end.
  std::function<std::vector<Message>(const TrialFile&)> says = [](const TrialFile&) {
    return std::vector<Message>{
        Started{
            .pid = 4'000'000, .parameters = 1, .size_bytes = 4, .epochs = 1, .train_examples = 10},
        Progress{.epoch = 1, .examples = 5, .total_examples = 10}};
  };
  bool speaks_first = false;     ///< they say it one Poll before they end
  bool queues = false;           ///< attempts begin one Poll before they end
  std::set<std::string> queued;  ///< trials of these names stay in the queue
  bool outlive = false;          ///< workers outlive their orchestrator and can be adopted
  std::set<std::string> held;    ///< trials of these names run until they are cancelled
  bool deaf = false;             ///< these do not heed that yet
  /// How trials of these names end cannot be read: Poll throws.
  std::set<std::string> unreadable;

 private:
  struct Worker {
    std::string directory;
    TrialFile trial;
    bool begun = false;       ///< where attempts are queued
    bool has_spoken = false;  ///< where it speaks first
  };

  void LoseAnUnreadableEnd() {
    for (const auto& [key, worker] : running_) {
      if (!unreadable.contains(worker.trial.name)) continue;
      (void)End(key, worker);
      running_.erase(key);
      throw Error("result.json: cannot be read");
    }
  }

  AttemptOutcome End(const AttemptKey& key, const Worker& worker) {
    if (cancelled_.contains(key)) {
      WriteFileAtomically(std::filesystem::path(worker.directory) / kLastCheckpoint, "weights");
      return {
          AttemptFailure{.kind = FailureKind::kInterrupted, .message = "stopped with the study"}};
    }
    AttemptOutcome outcome = outcome_of_(worker.trial);
    if (!outcome.complete() && outcome.failure().kind == FailureKind::kInterrupted) {
      WriteFileAtomically(std::filesystem::path(worker.directory) / kLastCheckpoint, "weights");
    }
    if (outcome.complete()) {
      world_.finished[worker.directory] = outcome;
      ++world_.trained[worker.trial.fingerprint];
    }
    return outcome;
  }

  void Burn() {
    if (fuse_ != nullptr) fuse_->Burn();
  }

  FakeWorld& world_;
  OutcomeOf outcome_of_;
  Fuse* fuse_;
  std::map<AttemptKey, Worker> running_;
  std::map<AttemptKey, std::chrono::milliseconds> cancelled_;
  std::size_t most_running_ = 0;
  std::chrono::milliseconds timeout_{0};
  int wakes_ = 0;
  int idle_polls_ = 0;
};

/// Every model has the size that `size_of` says; default: 4 bytes.
class FakeCounter : public ModelCounter {
 public:
  using SizeOf = std::function<CountAnswer(const ModelSpec&)>;
  explicit FakeCounter(SizeOf size_of = {}, Fuse* fuse = nullptr)
      : size_of_(std::move(size_of)), fuse_(fuse) {}
  CountAnswer Count(const ModelSpec& model, const DataSpec& /*data*/) override {
    if (fuse_ != nullptr) fuse_->Burn();
    ++counted;
    return size_of_ ? size_of_(model) : ModelSize{1, 4};
  }
  int counted = 0;

 private:
  SizeOf size_of_;
  Fuse* fuse_;
};

class RecordingDisplay : public ProgressDisplay {
 public:
  explicit RecordingDisplay(Fuse* fuse = nullptr) : fuse_(fuse) {}
  void Event(const std::string& line) override {
    events.push_back(line);
    if (fuse_ != nullptr) fuse_->Burn();
  }
  void Update(const ProgressState& state) override {
    last = state;
    if (watch) watch(state);
    if (fuse_ != nullptr) fuse_->Burn();
  }
  std::vector<std::string> events;
  ProgressState last;
  std::function<void(const ProgressState&)> watch;  ///< sees every state; may be null

 private:
  Fuse* fuse_;
};

}  // namespace beamgrid
