// The kept hashes of files, which every process appends to.
#include <filesystem>
#include <fstream>

#include "registry/util/hash_cache.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static const std::filesystem::path folder = [] {
    std::string name = (std::filesystem::temp_directory_path() / "hash-cache-XXXXXX").string();
    fuzz::Require(::mkdtemp(name.data()) != nullptr, "a folder can be made");
    return std::filesystem::path(name);
  }();
  const auto path = folder / "hashes-1";
  std::ofstream(path, std::ios::binary) << fuzz::TextOf(data, size);
  HashCache cache(folder);
  // The one that the corpus holds.
  const FileStamp stamp{.device = 1, .inode = 2, .size = 3, .modified_ns = 4, .changed_ns = -5};
  if (const auto hash = cache.Find(stamp)) {
    fuzz::Require(*hash == std::string(32, 'a'), "a hash that was never written is not found");
  }
  // Whatever stood there, what is added now is found again.
  const FileStamp other{.device = 7, .inode = 7, .size = 7, .modified_ns = 7, .changed_ns = 7};
  const std::string hash(32, 'b');
  cache.Add(other, hash, std::chrono::system_clock::time_point(std::chrono::hours(1)));
  cache.Save();
  fuzz::Require(HashCache(folder).Find(other) == hash, "what is saved is found");
  return 0;
}
