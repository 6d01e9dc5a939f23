#include "trainer/data/digest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// A shard that was cut off or replaced differs in size or at its ends. Reading all of it,
/// terabytes for the whole dataset, would take longer than many a trial; damage in the middle is
/// found by the CRCs.
constexpr std::uint64_t kEndBytes = 64 << 10;

std::string ReadPart(std::ifstream& stream, std::uint64_t offset, std::uint64_t count) {
  std::string bytes(count, '\0');
  stream.seekg(static_cast<std::streamoff>(offset));
  stream.read(bytes.data(), static_cast<std::streamsize>(count));
  return bytes;
}

/// "NAME SIZE HASH-OF-START HASH-OF-END\n"
std::string LineOf(const std::filesystem::path& path) {
  std::error_code failure;
  const std::uint64_t size = std::filesystem::file_size(path, failure);
  std::ifstream stream(path, std::ios::binary);
  // In a file below 128 KiB the two parts overlap, which does no harm.
  const std::uint64_t part = std::min(size, kEndBytes);
  if (failure || !stream) throw Error(path.string() + ": cannot read");
  const std::string start = ReadPart(stream, 0, part), end = ReadPart(stream, size - part, part);
  if (!stream) throw Error(path.string() + ": cannot read");
  return path.filename().string() + " " + std::to_string(size) + " " + HashBytes(start) + " " +
         HashBytes(end) + "\n";
}

std::string LinesOf(const std::vector<std::string>& files) {
  std::vector<std::string> lines;
  lines.reserve(files.size());
  for (const std::string& file : files) lines.push_back(LineOf(file));
  // Sorted by name: a glob's order is the file system's.
  std::sort(lines.begin(), lines.end());
  return Join(lines, "");
}

}  // namespace

std::string DataDigest(const DataSpec& data) {
  return HashBytes("train\n" + LinesOf(data.train) + "validate\n" + LinesOf(data.validate));
}

}  // namespace beamgrid
