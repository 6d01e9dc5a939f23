#pragma once
// What leaves the process waits for the record: a worker must not start on an intent that could
// still be rolled back.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/study/progress.h"
#include "registry/store/store.h"

namespace beamgrid {

class AfterCommit {
 public:
  /// `store` must outlive this.
  explicit AfterCommit(Store& store) : store_(store) {}

  /// One transaction for everything that `work` records (with many short trials, syncing the disk
  /// once a trial would cost more than all the rest), then what `work` put off. May be nested: the
  /// outermost one is the transaction. Where it throws, nothing is recorded and nothing put off is
  /// done.
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
    for (const auto& action : std::exchange(put_off_, {})) action();
  }

  /// Does it now, or once the transaction at hand is durable.
  void Do(std::function<void()> action) {
    if (!committing_) return action();
    put_off_.push_back(std::move(action));
  }

 private:
  Store& store_;
  std::vector<std::function<void()>> put_off_;
  bool committing_ = false;
};

/// Says that something has happened once that is durable.
class DisplayAfterCommit : public ProgressDisplay {
 public:
  /// Both must outlive this.
  DisplayAfterCommit(ProgressDisplay& display, AfterCommit& after_commit)
      : display_(display), after_commit_(after_commit) {}

  void Event(const std::string& line) override {
    after_commit_.Do([this, line] { display_.Event(line); });
  }
  void Update(const ProgressState& state) override { display_.Update(state); }

 private:
  ProgressDisplay& display_;
  AfterCommit& after_commit_;
};

}  // namespace beamgrid
