#include "trainer/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <memory>

#include "registry/json.h"
#include "registry/system_error.h"

namespace beamgrid::trainer {
namespace {

constexpr std::string_view kMagic = "BGCKPT1\n";
constexpr std::size_t kHashDigits = 32;
constexpr std::size_t kPrologue = kMagic.size() + sizeof(std::uint64_t);
constexpr std::size_t kPieceBytes = 1 << 20;

class Hash {
 public:
  Hash() : state_(XXH3_createState(), XXH3_freeState) { XXH3_128bits_reset(state_.get()); }
  void Add(const void* bytes, std::size_t size) { XXH3_128bits_update(state_.get(), bytes, size); }
  [[nodiscard]] std::string Digits() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    std::string digits;
    for (const unsigned char byte : canonical.digest) {
      digits += "0123456789abcdef"[byte >> 4];
      digits += "0123456789abcdef"[byte & 15];
    }
    return digits;
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

[[noreturn]] void ThrowSystem(const std::filesystem::path& path, const char* what) {
  throw SystemError(path, what, errno);
}

/// A file that takes its name only when it is whole.
class RenamedFile {
 public:
  explicit RenamedFile(const std::filesystem::path& path)
      : path_(path), temporary_(path.string() + ".tmp" + std::to_string(::getpid())) {
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd_ < 0) ThrowSystem(temporary_, "cannot write");
  }
  ~RenamedFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(temporary_.c_str());
  }
  RenamedFile(const RenamedFile&) = delete;
  RenamedFile& operator=(const RenamedFile&) = delete;

  void Write(const void* bytes, std::size_t size) {
    hash_.Add(bytes, size);
    WriteUnhashed(static_cast<const char*>(bytes), size);
  }

  void Commit() {
    const std::string digits = hash_.Digits();
    WriteUnhashed(digits.data(), digits.size());
    if (::fsync(fd_) != 0 || ::close(std::exchange(fd_, -1)) != 0) {
      ThrowSystem(temporary_, "cannot write");
    }
    std::filesystem::rename(temporary_, path_);
    const int folder = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || ::fsync(folder) != 0) ThrowSystem(path_.parent_path(), "cannot sync folder");
    ::close(folder);
  }

 private:
  void WriteUnhashed(const char* bytes, std::size_t size) {
    while (size > 0) {
      const ssize_t written = ::write(fd_, bytes, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) ThrowSystem(temporary_, "cannot write");
      bytes += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  std::filesystem::path path_, temporary_;
  int fd_ = -1;
  Hash hash_;
};

std::int64_t Bytes(const torch::Tensor& tensor) {
  return tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
}

std::string Header(const boost::json::object& meta, const NamedTensors& tensors) {
  boost::json::array list;
  std::int64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    list.push_back({{"name", name},
                    {"type", c10::toString(tensor.scalar_type())},
                    {"shape", boost::json::value_from(tensor.sizes().vec())},
                    {"offset", offset},
                    {"bytes", Bytes(tensor)}});
    offset += Bytes(tensor);
  }
  return CanonicalJson(boost::json::object{{"meta", meta}, {"tensors", std::move(list)}});
}

/// Throws unless the file ends in the hash of what comes before.
void CheckHash(const std::string& path, std::ifstream& stream) {
  const auto size = std::filesystem::file_size(path);
  if (size < kPrologue + kHashDigits) throw Error(path + ": the checkpoint is cut off");
  std::vector<char> piece(kPieceBytes);
  Hash hash;
  for (std::size_t left = size - kHashDigits; left > 0;) {
    const std::size_t count = std::min(left, piece.size());
    if (!stream.read(piece.data(), static_cast<std::streamsize>(count))) {
      if (stream.bad()) throw SystemError(path, "cannot read the checkpoint", errno);
      throw Error(path + ": the checkpoint is cut off");
    }
    hash.Add(piece.data(), count);
    left -= count;
  }
  std::string digits(kHashDigits, ' ');
  stream.read(digits.data(), kHashDigits);
  if (digits != hash.Digits()) throw Error(path + ": the checkpoint is damaged or cut off");
}

}  // namespace

NamedTensors WithPrefix(std::string_view prefix, const NamedTensors& tensors) {
  NamedTensors renamed;
  for (const auto& [name, tensor] : tensors)
    renamed.emplace_back(std::string(prefix) + name, tensor);
  return renamed;
}

void WriteCheckpoint(const std::filesystem::path& path, const boost::json::object& meta,
                     const NamedTensors& tensors) {
  const std::string header = Header(meta, tensors);
  const std::uint64_t header_bytes = header.size();
  RenamedFile file(std::filesystem::absolute(path));
  file.Write(kMagic.data(), kMagic.size());
  file.Write(&header_bytes, sizeof header_bytes);
  file.Write(header.data(), header.size());
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor values = tensor.detach().cpu().contiguous();
    file.Write(values.data_ptr(), static_cast<std::size_t>(Bytes(values)));
  }
  file.Commit();
}

CheckpointReader::CheckpointReader(const std::filesystem::path& path)
    : path_(path.string()), stream_(path, std::ios::binary) {
  if (!stream_) throw SystemError(path, "cannot open the checkpoint", errno);
  CheckHash(path_, stream_);
  ReadHeader();
}

void CheckpointReader::ReadHeader() {
  stream_.clear();
  stream_.seekg(0);
  std::array<char, kMagic.size()> magic{};
  std::uint64_t header_bytes = 0;
  stream_.read(magic.data(), magic.size());
  stream_.read(reinterpret_cast<char*>(&header_bytes), sizeof header_bytes);
  if (std::string_view(magic.data(), magic.size()) != kMagic ||
      header_bytes > std::filesystem::file_size(path_)) {
    throw Error(path_ + ": this is not a checkpoint of this version");
  }
  std::string header(header_bytes, ' ');
  stream_.read(header.data(), static_cast<std::streamsize>(header_bytes));
  data_begin_ = static_cast<std::int64_t>(kPrologue + header_bytes);
  const boost::json::value json = ParseJson(header);
  meta_ = json.at("meta").as_object();
  for (const boost::json::value& entry : json.at("tensors").as_array()) {
    entries_.emplace(
        entry.at("name").as_string(),
        Entry{.type = boost::json::value_to<std::string>(entry.at("type")),
              .shape = boost::json::value_to<std::vector<std::int64_t>>(entry.at("shape")),
              .offset = entry.at("offset").to_number<std::int64_t>(),
              .bytes = entry.at("bytes").to_number<std::int64_t>()});
  }
}

void CheckpointReader::ReadInto(const NamedTensors& targets) {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, target] : targets) {
    const auto entry = entries_.find(name);
    if (entry == entries_.end() || entry->second.shape != target.sizes().vec() ||
        entry->second.type != c10::toString(target.scalar_type())) {
      throw Error(path_ + ": the checkpoint has no tensor '" + name + "' of the model's shape");
    }
    torch::Tensor values = torch::empty(target.sizes(), target.scalar_type());
    stream_.seekg(data_begin_ + entry->second.offset);
    if (!stream_.read(static_cast<char*>(values.data_ptr()), entry->second.bytes)) {
      throw Error(path_ + ": cannot read tensor '" + name + "'");
    }
    torch::Tensor(target).copy_(values);
  }
}

}  // namespace beamgrid::trainer
