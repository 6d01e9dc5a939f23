#include "trainer/data/digest.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "registry/util/files.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string LinesOf(const std::vector<std::string>& files, const std::vector<std::string>& hashes) {
  std::vector<std::string> lines;
  lines.reserve(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    lines.push_back(std::filesystem::path(files[i]).filename().string() + " " + hashes.at(i) +
                    "\n");
  }
  // Sorted by name: a glob's order is the file system's.
  std::sort(lines.begin(), lines.end());
  return Join(lines, "");
}

std::vector<std::string> HashesOf(const std::vector<std::string>& files, HashCache& cache) {
  std::vector<std::string> hashes;
  hashes.reserve(files.size());
  for (const std::string& file : files) hashes.push_back(CachedHash(file, cache));
  return hashes;
}

}  // namespace

std::string DataDigest(const DataSpec& data, const FileHashes& hashes) {
  return HashBytes("train\n" + LinesOf(data.train, hashes.train) + "validate\n" +
                   LinesOf(data.validate, hashes.validate));
}

std::string DataDigest(const DataSpec& data, HashCache& cache) {
  const FileHashes hashes{.train = HashesOf(data.train, cache),
                          .validate = HashesOf(data.validate, cache)};
  cache.Save();
  return DataDigest(data, hashes);
}

std::string DataDigest(const DataSpec& data) {
  HashCache none(std::nullopt);
  return DataDigest(data, none);
}

}  // namespace beamgrid
