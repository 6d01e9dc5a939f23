#pragma once
// Writes what an import was planned to write, whole or in such a way that it can be gone on with.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/importing/import_plan.h"

namespace beamgrid {

/// ImportReport is what was written.
struct ImportReport {
  std::uint64_t bytes = 0;              ///< of the record files
  std::size_t kept_shards = 0;          ///< that an import before had finished
  std::vector<std::uint64_t> clipped;   ///< values of each feature outside of [-2, 2]
  std::vector<std::uint64_t> vanished;  ///< of each feature; see CodedValues
  bool was_there = false;               ///< all of it was finished before; nothing was done
  std::string manifest;                 ///< JSON
};

/// Is told how many bytes of arrays were read, of how many; one call at a time.
using ImportProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Writes train-*.tfrecord, validate-*.tfrecord, test-*.tfrecord where the labels' table has such a
/// split, vocabulary.csv where classes have names, and manifest.json into `options.out`, which must
/// be new, empty or an import that was stopped. Each shard has its name once it is whole and on the
/// disk; until the last one the folder has the mark of unfinished.h. Shards that a stopped import
/// of the same arrays and labels left are kept. The same plan gives the same bytes. Throws
/// UsageError for the folder, InputError for what an array holds, SystemError where the disk
/// refuses: what was finished stays, for the next try.
[[nodiscard]] ImportReport WriteImport(const ImportOptions& options, const ImportPlan& plan,
                                       const ImportProgress& progress);

}  // namespace beamgrid
