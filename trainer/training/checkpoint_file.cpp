#include "trainer/training/checkpoint_file.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"

namespace beamgrid::trainer {
namespace {

constexpr auto kMagicBytes = static_cast<std::int64_t>(kCheckpointMagic.size());
constexpr std::int64_t kPrologueBytes = kMagicBytes + 8;
constexpr auto kHashBytes = static_cast<std::int64_t>(kCheckpointHashDigits);
/// The file is hashed in pieces, so that a checkpoint of gigabytes needs 1 MiB to be checked.
constexpr std::int64_t kPieceBytes = 1 << 20;

std::vector<std::int64_t> ShapeFrom(const JsonReader& reader) {
  std::vector<std::int64_t> shape;
  for (const boost::json::value& length : reader.List("shape")) {
    if (!length.is_int64()) throw std::invalid_argument("shape: must be a list of integers");
    shape.push_back(length.get_int64());
  }
  return shape;
}

}  // namespace

CheckpointFile::CheckpointFile(const std::filesystem::path& path)
    : path_(path.string()), stream_(path, std::ios::binary) {
  if (!stream_) throw SystemError(path, "cannot open the checkpoint", errno);
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) throw SystemError(path, "cannot read the checkpoint", error.value());
  size_ = static_cast<std::int64_t>(size);
  if (size_ < kPrologueBytes + kHashBytes) Refuse("the checkpoint is cut off");
  // The hash first: only of a file that nobody damaged is the header worth a message of its own.
  CheckHash();
  try {
    ReadHeader();
  } catch (const std::invalid_argument& error) {
    Refuse(std::string("the checkpoint's header is damaged: ") + error.what());
  }
}

void CheckpointFile::Refuse(const std::string& why) const { throw Error(path_ + ": " + why); }

void CheckpointFile::CheckHash() {
  ContentHash hash;
  std::vector<char> piece(static_cast<std::size_t>(std::min(size_, kPieceBytes)));
  for (std::int64_t left = size_ - kHashBytes; left > 0;) {
    const std::int64_t count = std::min(left, std::ssize(piece));
    if (!stream_.read(piece.data(), count)) {
      // bad() is a disk that fails and may work later; else the file became shorter under our
      // hands.
      if (stream_.bad()) throw SystemError(path_, "cannot read the checkpoint", errno);
      Refuse("the checkpoint is cut off");
    }
    hash.Add(piece.data(), static_cast<std::size_t>(count));
    left -= count;
  }
  std::string digits(kCheckpointHashDigits, ' ');
  stream_.read(digits.data(), kHashBytes);
  if (digits != hash.Digits()) Refuse("the checkpoint is damaged or cut off");
}

void CheckpointFile::ReadHeader() {
  stream_.clear();
  stream_.seekg(0);
  std::string magic(kCheckpointMagic.size(), ' ');
  std::uint64_t header_bytes = 0;
  stream_.read(magic.data(), kMagicBytes);
  stream_.read(reinterpret_cast<char*>(&header_bytes), sizeof header_bytes);
  // Checked before memory for it is asked for: the hash shows damage, but a file may have been made
  // wrong with a hash that is right.
  const std::int64_t most = size_ - kPrologueBytes - kHashBytes;
  if (magic != kCheckpointMagic || std::cmp_greater(header_bytes, most)) {
    Refuse("this is not a checkpoint of this version");
  }
  std::string header(header_bytes, ' ');
  stream_.read(header.data(), static_cast<std::streamsize>(header_bytes));
  data_begin_ = kPrologueBytes + static_cast<std::int64_t>(header_bytes);
  const boost::json::value json = ParseJson(header);
  const JsonReader reader(json, "");
  meta_ = reader.Object("meta").object();
  for (const boost::json::value& entry : reader.List("tensors")) ReadEntry(entry);
}

void CheckpointFile::ReadEntry(const boost::json::value& json) {
  const JsonReader reader(json, "tensors");
  const std::string name = reader.Text("name");
  CheckpointEntry entry{.type = reader.Text("type"),
                        .shape = ShapeFrom(reader),
                        .offset = reader.Integer("offset"),
                        .bytes = reader.Integer("bytes")};
  const std::int64_t data_bytes = size_ - kHashBytes - data_begin_;
  // Written without a sum of offset and bytes, which could overflow.
  const bool inside = entry.offset >= 0 && entry.bytes >= 0 && entry.bytes <= data_bytes &&
                      entry.offset <= data_bytes - entry.bytes;
  if (!inside) throw std::invalid_argument("tensor '" + name + "' lies outside the file");
  if (!entries_.emplace(name, std::move(entry)).second) {
    throw std::invalid_argument("tensor '" + name + "' is there twice");
  }
}

const CheckpointEntry* CheckpointFile::Find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

void CheckpointFile::Read(const CheckpointEntry& entry, std::span<char> bytes) {
  if (entry.bytes != std::ssize(bytes)) {
    Refuse("a tensor has " + std::to_string(entry.bytes) + " bytes in the checkpoint and " +
           std::to_string(bytes.size()) + " in the model");
  }
  stream_.clear();
  stream_.seekg(data_begin_ + entry.offset);
  if (!stream_.read(bytes.data(), entry.bytes)) Refuse("cannot read a tensor");
}

}  // namespace beamgrid::trainer
