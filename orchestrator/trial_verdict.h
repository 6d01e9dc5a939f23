#pragma once
// Why a trial is in the state in which it is: what `explain` prints and `serve` shows.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// Returns a sentence on the trial's state, without the full stop; `attempts` are the trial's.
[[nodiscard]] std::string VerdictOn(const TrialRecord& trial,
                                    const std::vector<Store::AttemptRecord>& attempts);

/// TrialNote is what was decided of a trial, and when (ISO-8601 UTC).
struct TrialNote {
  std::string at, text;
};
/// Returns the notes of a model's seed; of all its seeds where `seed` is nothing.
[[nodiscard]] std::vector<TrialNote> NotesOf(const Store& store, const std::string& study,
                                             const std::string& name,
                                             std::optional<std::int64_t> seed);

}  // namespace beamgrid
