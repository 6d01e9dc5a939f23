#pragma once
// Standing by while an ensemble is searched for, which may take minutes.

#include <atomic>
#include <string>

#include "orchestrator/commands/command.h"
#include "orchestrator/interrupts.h"
#include "registry/util/status_line.h"
#include "search/ensemble/for_each.h"

namespace beamgrid {

/// Returns "ensemble: resamples searched: 3 of 100 (12s)"; without "of" where `of` is 0.
[[nodiscard]] std::string SearchText(const std::string& what, std::int64_t done, std::int64_t of,
                                     std::chrono::milliseconds elapsed);

/// SearchWatch says how far a search is, and ends it at Ctrl-C and SIGTERM. One at a time in a
/// process.
class SearchWatch {
 public:
  /// SearchInterrupted leaves the search then.
  struct SearchInterrupted {};

  explicit SearchWatch(const CommandContext& context);

  /// The search's work, on threads. It throws SearchInterrupted.
  [[nodiscard]] ForEach OnThreads(int threads);
  [[nodiscard]] Told told();

 private:
  void Check() const {
    if (interrupted_) throw SearchInterrupted{};
  }

  std::atomic<bool> interrupted_ = false;
  StatusLine line_;
  InterruptSignals signals_;
};

}  // namespace beamgrid
