#pragma once
// Files that the record names: whether they still are what was recorded. Whoever reads an artifact
// asks here first, so that a cut-off, damaged or exchanged file is never taken for the trial's.

#include <filesystem>
#include <string>

#include "registry/store/store.h"
#include "registry/util/hash_cache.h"

namespace beamgrid {

/// Returns how messages name a trial: "MC-MoE2 seed 1".
[[nodiscard]] std::string LabelOf(const TrialRecord& trial);

/// Returns where an artifact of a complete trial lies.
[[nodiscard]] std::filesystem::path ArtifactPath(const TrialRecord& trial,
                                                 const Artifact& artifact);

/// Returns what is wrong with the file, by its size and then its hash: "is gone", "has 12 bytes,
/// the record says 70". Empty where it is what was recorded. With a cache a file that nobody
/// touched is hashed once.
[[nodiscard]] std::string RecordedDamage(const std::filesystem::path& path,
                                         const Artifact& artifact, HashCache* cache = nullptr);

/// Returns whether `prune` gave the file up and it is not there. One that is there all the same
/// must be the right one.
[[nodiscard]] bool IsGivenUp(const TrialRecord& trial, const Artifact& artifact);

/// Returns how a file that `prune` gave up is made again, to be said after that: "`beamgrid verify
/// STUDY NAME --repair` makes it again".
[[nodiscard]] std::string WayBack(const std::string& study, std::size_t files = 1);

/// Returns the path of the trial's artifact `name`, which holds what was recorded. Throws Error
/// otherwise, naming the file, what the record says and the way out; `study` is one that refers to
/// the trial.
[[nodiscard]] std::filesystem::path CheckedArtifact(const TrialRecord& trial,
                                                    const std::string& name,
                                                    const std::string& study,
                                                    HashCache* cache = nullptr);

}  // namespace beamgrid
