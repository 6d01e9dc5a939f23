#pragma once
// The bytes of a checkpoint (checkpoint.h has the layout): whole and undamaged, and every number in
// its header checked against the file before anything is read by it. Without LibTorch.

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beamgrid::trainer {

inline constexpr std::string_view kCheckpointMagic = "BGCKPT1\n";
inline constexpr std::size_t kCheckpointHashDigits = 32;

/// CheckpointEntry says where a tensor lies in the file and what it is.
struct CheckpointEntry {
  std::string type;  ///< LibTorch's word: "Float", "Long"
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;  ///< from the end of the header
  std::int64_t bytes = 0;
};

/// CheckpointFile is a checkpoint as bytes. Not thread-safe: reading moves its position.
class CheckpointFile {
 public:
  /// Reads the file once to check its hash. Throws Error with the path and what is wrong. Memory:
  /// some times the header, which is no longer than the file, and 1 MiB.
  explicit CheckpointFile(const std::filesystem::path& path);

  /// The header's "meta".
  [[nodiscard]] const boost::json::object& meta() const { return meta_; }
  /// The entry of that name, or null.
  [[nodiscard]] const CheckpointEntry* Find(std::string_view name) const;

  /// Reads the bytes of an entry. Throws Error unless there are as many as `bytes` has room for.
  void Read(const CheckpointEntry& entry, std::span<char> bytes);

 private:
  void CheckHash();
  void ReadHeader();
  void ReadEntry(const boost::json::value& json);
  [[noreturn]] void Refuse(const std::string& why) const;

  std::string path_;
  std::ifstream stream_;
  std::int64_t size_ = 0, data_begin_ = 0;
  boost::json::object meta_;
  std::map<std::string, CheckpointEntry, std::less<>> entries_;
};

}  // namespace beamgrid::trainer
