#pragma once
// DataSpec::digest, which says what the data are, whatever folder they lie in.

#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "registry/util/hash_cache.h"

namespace beamgrid {

/// FileHashes is the content hashes of a DataSpec's files, in the order of its lists.
struct FileHashes {
  std::vector<std::string> train, validate;
};

/// XXH3-128 in hex over the files of `train` and of `validate`, each list sorted by base name: base
/// name, and XXH3-128 of the whole content. Folders and the order of the lists do not count.
[[nodiscard]] std::string DataDigest(const DataSpec& data, const FileHashes& hashes);

/// The same of the files as they are, reading those that the cache does not know. Throws Error
/// where a file cannot be read.
[[nodiscard]] std::string DataDigest(const DataSpec& data, HashCache& cache);
/// The same without a cache: reads every byte.
[[nodiscard]] std::string DataDigest(const DataSpec& data);

}  // namespace beamgrid
