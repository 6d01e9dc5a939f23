#include "registry/outcome.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

template <typename Enum>
struct Named {
  Enum value;
  std::string_view name;
};

constexpr Named<TrialState> kStates[] = {{TrialState::kWaiting, "waiting"},
                                         {TrialState::kRunning, "running"},
                                         {TrialState::kComplete, "complete"},
                                         {TrialState::kPruned, "pruned"},
                                         {TrialState::kFailed, "failed"}};

constexpr Named<FailureKind> kFailures[] = {{FailureKind::kCrashed, "crashed"},
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
std::string NameOf(const Named<Enum> (&table)[size], Enum value) {
  const auto* found = std::ranges::find(table, value, &Named<Enum>::value);
  if (found == std::end(table)) throw std::logic_error("an enumerator without a name");
  return std::string(found->name);
}

template <typename Enum, std::size_t size>
Enum ValueOf(const Named<Enum> (&table)[size], const std::string& name, const char* what) {
  const auto* found = std::ranges::find(table, name, &Named<Enum>::name);
  if (found != std::end(table)) return found->value;
  throw std::invalid_argument("'" + name + "' is not " + what + "; known are " +
                              Join(table, ", ", &Named<Enum>::name));
}

}  // namespace

std::string ToString(TrialState state) { return NameOf(kStates, state); }

TrialState TrialStateFromString(const std::string& text) {
  return ValueOf(kStates, text, "a trial's state");
}

std::string ToString(FailureKind kind) { return NameOf(kFailures, kind); }

FailureKind FailureKindFromString(const std::string& text) {
  return ValueOf(kFailures, text, "a kind of failure");
}

bool IsMachineFault(FailureKind kind) {
  return kind == FailureKind::kStartFailed || kind == FailureKind::kEnvironment;
}

}  // namespace beamgrid
