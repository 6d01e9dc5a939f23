#include "orchestrator/study/older_digest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "registry/util/files.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr std::uintmax_t kEndBytes = 64 << 10;

std::string ReadPart(std::ifstream& file, std::uintmax_t offset, std::uintmax_t count) {
  std::string bytes(count, '\0');
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  return bytes;
}

/// Returns "NAME SIZE HASH-OF-START HASH-OF-END\n" of each file, by name; nothing where one cannot
/// be read.
std::optional<std::string> EndsOf(const std::vector<std::string>& paths) {
  std::vector<std::string> lines;
  for (const std::filesystem::path path : paths) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    std::ifstream file(path, std::ios::binary);
    if (error || !file) return std::nullopt;
    const std::uintmax_t part = std::min(size, kEndBytes);
    const std::string start = ReadPart(file, 0, part), end = ReadPart(file, size - part, part);
    if (!file) return std::nullopt;
    lines.push_back(path.filename().string() + " " + std::to_string(size) + " " + HashBytes(start) +
                    " " + HashBytes(end) + "\n");
  }
  std::ranges::sort(lines);
  return Join(lines, "");
}

}  // namespace

std::string OlderDigest(const DataSpec& data) {
  const auto train = EndsOf(data.train), validate = EndsOf(data.validate);
  if (!train || !validate) return "";
  return HashBytes("train\n" + *train + "validate\n" + *validate);
}

}  // namespace beamgrid
