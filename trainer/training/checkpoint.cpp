#include "trainer/training/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "registry/util/files.h"
#include "registry/util/half_written.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid::trainer {
namespace {

/// RenamedFile takes its name only when it is whole. Its own writing, not WriteFileAtomically,
/// which wants all bytes at once: a checkpoint is up to five times the model.
class RenamedFile {
 public:
  explicit RenamedFile(const std::filesystem::path& path)
      : path_(path), temporary_(HalfWrittenName(path)) {
    file_ = UniqueFd(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file_.get() < 0) throw SystemError(temporary_, "cannot write", errno);
  }
  ~RenamedFile() {
    if (file_.get() >= 0) ::unlink(temporary_.c_str());
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
    // Synced before it is renamed: after a power cut the name could else stand for an empty file.
    // close() can report what write() did not (NFS, quotas).
    if (::fsync(file_.get()) != 0 || ::close(file_.Release()) != 0) {
      throw SystemError(temporary_, "cannot write", errno);
    }
    std::filesystem::rename(temporary_, path_);
    // The new name is an entry of the folder, which has to reach the disk too.
    const std::filesystem::path folder = path_.parent_path();
    const UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() < 0 || ::fsync(opened.get()) != 0)
      throw SystemError(folder, "cannot sync folder", errno);
  }

 private:
  void WriteUnhashed(const char* bytes, std::size_t size) {
    while (size > 0) {
      const ssize_t written = ::write(file_.get(), bytes, size);
      // A write may be interrupted, or take a part only (a disk that fills up).
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw SystemError(temporary_, "cannot write", errno);
      bytes += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  std::filesystem::path path_, temporary_;
  UniqueFd file_;
  ContentHash hash_;
};

std::string Header(const boost::json::object& meta, const NamedTensors& tensors) {
  boost::json::array list;
  std::int64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto bytes = static_cast<std::int64_t>(tensor.nbytes());
    list.push_back({{"name", name},
                    {"type", c10::toString(tensor.scalar_type())},
                    {"shape", boost::json::value_from(tensor.sizes().vec())},
                    {"offset", offset},
                    {"bytes", bytes}});
    offset += bytes;
  }
  return CanonicalJson(boost::json::object{{"meta", meta}, {"tensors", std::move(list)}});
}

}  // namespace

NamedTensors TensorsOf(const torch::nn::Module& module) {
  NamedTensors tensors = module.named_parameters().pairs();
  for (auto& [name, parameter] : tensors) parameter = parameter.detach();
  for (const auto& item : module.named_buffers()) tensors.emplace_back(item.key(), item.value());
  return tensors;
}

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
  file.Write(kCheckpointMagic.data(), kCheckpointMagic.size());
  file.Write(&header_bytes, sizeof header_bytes);
  file.Write(header.data(), header.size());
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor values = tensor.detach().cpu().contiguous();
    file.Write(values.data_ptr(), values.nbytes());
  }
  file.Commit();
}

CheckpointReader::CheckpointReader(const std::filesystem::path& path)
    : path_(path.string()), file_(path) {}

void CheckpointReader::ReadInto(const NamedTensors& targets) {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, target] : targets) {
    const CheckpointEntry* entry = file_.Find(name);
    if (entry == nullptr || entry->shape != target.sizes().vec() ||
        entry->type != c10::toString(target.scalar_type())) {
      throw Error(path_ + ": the checkpoint has no tensor '" + name + "' of the model's shape");
    }
    // By way of the CPU, because the target may be on a GPU or be a view with gaps.
    torch::Tensor values = torch::empty(target.sizes(), target.scalar_type());
    file_.Read(*entry, {static_cast<char*>(values.data_ptr()), values.nbytes()});
    torch::Tensor(target).copy_(values);
  }
}

}  // namespace beamgrid::trainer
