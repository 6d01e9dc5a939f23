#pragma once
// Keeps the order between the record and the world: what leaves the process waits for the record,
// because a worker must not start on an intent that could still be rolled back.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/study/progress.h"
#include "registry/store/store.h"

namespace beamgrid {

/// AfterCommit puts off actions until the transaction at hand is durable. Not thread-safe; owned by
/// the study's thread.
class AfterCommit {
 public:
  /// Expects that `store` outlives this object.
  explicit AfterCommit(Store& store) : store_(store) {}

  /// Records everything that `work` changes in one transaction, then does what `work` put off.
  /// (With many short trials, syncing the disk once a trial would cost more than all the rest.) May
  /// be nested: the outermost call is the transaction. Where `work` throws, nothing is recorded and
  /// nothing that was put off is done.
  void Together(const std::function<void()>& work) {
    if (std::exchange(committing_, true)) return work();
    try {
      store_.Together(work);
    } catch (...) {
      put_off_.clear();
      committing_ = false;
      throw;
    }
    committing_ = false;
    // Taken out first: an action may open a transaction of its own and put off others.
    for (const auto& action : std::exchange(put_off_, {})) action();
  }

  /// Does `action` at once, or as soon as the transaction at hand is durable; in the order of the
  /// calls.
  void Do(std::function<void()> action) {
    if (!committing_) return action();
    put_off_.push_back(std::move(action));
  }

 private:
  Store& store_;
  std::vector<std::function<void()>> put_off_;
  bool committing_ = false;
};

/// DisplayAfterCommit passes on events once what they tell is durable, and states at once.
class DisplayAfterCommit : public ProgressDisplay {
 public:
  /// Expects that both outlive this object.
  DisplayAfterCommit(ProgressDisplay& display, AfterCommit& after_commit)
      : display_(display), after_commit_(after_commit) {}

  void Event(const std::string& line) override {
    // A copy: the caller's line may be gone when the commit is done.
    after_commit_.Do([this, line] { display_.Event(line); });
  }
  void Update(const ProgressState& state) override { display_.Update(state); }

 private:
  ProgressDisplay& display_;
  AfterCommit& after_commit_;
};

}  // namespace beamgrid
