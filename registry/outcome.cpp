#include "registry/outcome.h"

#include <stdexcept>

#include "registry/util/text.h"
#include "registry/util/words.h"

namespace beamgrid {
namespace {

constexpr Word<TrialState> kStates[] = {{TrialState::kWaiting, "waiting"},
                                        {TrialState::kRunning, "running"},
                                        {TrialState::kComplete, "complete"},
                                        {TrialState::kPruned, "pruned"},
                                        {TrialState::kFailed, "failed"}};

constexpr Word<FailureKind> kFailures[] = {{FailureKind::kCrashed, "crashed"},
                                           {FailureKind::kOutOfMemory, "out_of_memory"},
                                           {FailureKind::kDiverged, "diverged"},
                                           {FailureKind::kTimedOut, "timed_out"},
                                           {FailureKind::kHung, "hung"},
                                           {FailureKind::kBadSpec, "bad_spec"},
                                           {FailureKind::kBadData, "bad_data"},
                                           {FailureKind::kStartFailed, "start_failed"},
                                           {FailureKind::kEnvironment, "environment"},
                                           {FailureKind::kInterrupted, "interrupted"}};

template <typename Enum, std::size_t size>
Enum Recorded(const Word<Enum> (&table)[size], const std::string& name, const char* what) {
  if (const std::optional<Enum> value = FindValue(table, name)) return *value;
  throw std::invalid_argument("'" + name + "' is not " + what + "; known are " +
                              Join(table, ", ", &Word<Enum>::word));
}

}  // namespace

std::string ToString(TrialState state) { return WordFor(kStates, state); }

TrialState TrialStateFromString(const std::string& text) {
  return Recorded(kStates, text, "a trial's state");
}

std::string ToString(FailureKind kind) { return WordFor(kFailures, kind); }

FailureKind FailureKindFromString(const std::string& text) {
  return Recorded(kFailures, text, "a kind of failure");
}

bool IsMachineFault(FailureKind kind) {
  return kind == FailureKind::kStartFailed || kind == FailureKind::kEnvironment;
}

}  // namespace beamgrid
