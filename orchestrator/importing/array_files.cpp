#include "orchestrator/importing/array_files.h"

#include <minizip/unzip.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "orchestrator/inputs/input_file.h"
#include "registry/util/input_error.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

bool IsZip(const std::string& path) { return path.ends_with(".npz"); }

/// NumPy's own headers are shorter.
constexpr std::size_t kUsualNpyHeader = 256;

/// Throws InputError where a file has not exactly the bytes that its header announces.
void RequireBytes(const std::string& place, const NpyHeader& header, std::uint64_t bytes) {
  const std::uint64_t announced = header.bytes + header.form.Bytes();
  if (bytes == announced) return;
  throw InputError(place + ": has " + std::to_string(bytes) + " bytes, its header announces " +
                   std::to_string(announced) +
                   (bytes < announced ? ": it is cut off, copy it again"
                                      : ": something else follows its values"));
}

/// ZipMember is an array in an .npz file, open to be read from its beginning.
class ZipMember {
 public:
  ZipMember(const std::string& path, const std::string& member) : place_(path) {
    file_.reset(unzOpen64(path.c_str()));
    if (file_ == nullptr) {
      throw InputError(path +
                       ": is no .npz file (a zip archive): damaged or cut off, copy it again");
    }
    const std::vector<std::string> names = Names();
    std::string wanted = member + ".npy";
    if (member.empty()) {
      if (names.size() != 1) {
        throw InputError(path + ": holds " + CountText(names.size(), "array") +
                         (names.empty() ? "" : " (" + JoinFirst(Arrays(names), 8) + ")") +
                         "; name one: --features NAME=FILES:ARRAY");
      }
      wanted = names.front();
    }
    if (std::ranges::find(names, wanted) == names.end()) {
      throw InputError(path + ": has no array '" + member + "'; it has " +
                       (names.empty() ? "none" : JoinFirst(Arrays(names), 8)));
    }
    place_ += ":" + Arrays({wanted}).front();
    if (std::ranges::count(names, wanted) > 1) {
      // NumPy takes the last of them, other programs the first.
      throw InputError(place_ + ": the archive has two arrays of this name; save it again");
    }
    unz_file_info64 info{};
    if (unzLocateFile(file_.get(), wanted.c_str(), 1) != UNZ_OK ||
        unzGetCurrentFileInfo64(file_.get(), &info, nullptr, 0, nullptr, 0, nullptr, 0) != UNZ_OK ||
        unzOpenCurrentFile(file_.get()) != UNZ_OK) {
      Refuse();
    }
    size_ = info.uncompressed_size;
  }

  [[nodiscard]] const std::string& place() const { return place_; }
  /// Returns the size that the archive announces.
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Reads on, fewer bytes where the member ends.
  std::string Read(std::uint64_t count) {
    std::string bytes;
    // Piece by piece: memory is taken for bytes that are there, not for those that are announced.
    constexpr std::uint64_t kPiece = 1 << 20;
    while (bytes.size() < count) {
      const std::size_t have = bytes.size();
      bytes.resize(have + std::min(kPiece, count - have));
      const int got = unzReadCurrentFile(file_.get(), bytes.data() + have,
                                         static_cast<unsigned>(bytes.size() - have));
      if (got < 0) Refuse();
      bytes.resize(have + static_cast<std::size_t>(got));
      if (got == 0) break;
    }
    return bytes;
  }
  /// Throws InputError where what was read, which was all of it, does not match its checksum.
  void Check() {
    if (unzCloseCurrentFile(file_.get()) == UNZ_CRCERROR) Refuse();
  }

 private:
  [[noreturn]] void Refuse() const {
    throw InputError(place_ +
                     ": the archive is damaged here, or packed in a way that NumPy does "
                     "not use; copy it again");
  }

  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (int code = unzGoToFirstFile(file_.get()); code == UNZ_OK;
         code = unzGoToNextFile(file_.get())) {
      char name[256] = {};
      unz_file_info64 info{};
      if (unzGetCurrentFileInfo64(file_.get(), &info, name, sizeof name - 1, nullptr, 0, nullptr,
                                  0) != UNZ_OK) {
        Refuse();
      }
      names.emplace_back(name);
    }
    return names;
  }
  static std::vector<std::string> Arrays(std::vector<std::string> names) {
    for (std::string& name : names) {
      name = PrintableLine(name.ends_with(".npy") ? name.substr(0, name.size() - 4) : name);
    }
    return names;
  }

  struct Close {
    void operator()(void* file) const { unzClose(file); }
  };
  std::string place_;
  std::unique_ptr<void, Close> file_;
  std::uint64_t size_ = 0;
};

NpyHeader HeaderOf(const std::string& path, const std::string& member, const InputFile& file) {
  if (IsZip(path)) {
    ZipMember zipped(path, member);
    const NpyHeader header = ParseNpyHeader(
        zipped.place(), zipped.Read(std::min<std::uint64_t>(zipped.size(), kLongestNpyHeader)));
    RequireBytes(zipped.place(), header, zipped.size());
    return header;
  }
  std::string start = file.Read(0, kUsualNpyHeader);
  const std::size_t bytes = NpyHeaderBytes(path, start);
  if (bytes > start.size()) start = file.Read(0, bytes);
  const NpyHeader header = ParseNpyHeader(path, start);
  RequireBytes(path, header, file.size());
  return header;
}

}  // namespace

ArrayFiles::ArrayFiles(std::vector<std::string> paths, std::string member, int threads)
    : paths_(std::move(paths)), member_(std::move(member)) {
  std::vector<std::pair<std::string, std::string>> by_id;
  for (std::string& path : paths_) {
    std::string id = fs::path(path).stem().string();
    by_id.emplace_back(std::move(id), std::move(path));
  }
  std::ranges::sort(by_id);
  for (std::size_t i = 0; i < by_id.size(); ++i) paths_[i] = by_id[i].second;
  arrays_.resize(paths_.size());
  headers_.resize(paths_.size());
  ForEachOnThreads(threads, paths_.size(), [&](std::size_t i) {
    const InputFile file(paths_[i]);
    headers_[i] = HeaderOf(paths_[i], member_, file);
    arrays_[i] = {.id = by_id[i].first, .form = headers_[i].form, .stamp = file.Stamp()};
  });
}

std::string ArrayFiles::Read(std::size_t index) const {
  const std::string& path = paths_[index];
  const NpyHeader& header = headers_[index];
  const InputFile file(path);
  if (file.Stamp() != arrays_[index].stamp) RefuseChangedFile(path);
  std::string values;
  if (IsZip(path)) {
    ZipMember zipped(path, member_);
    static_cast<void>(zipped.Read(header.bytes));
    values = zipped.Read(header.form.Bytes());
    zipped.Check();
  } else {
    values = file.Read(header.bytes, header.form.Bytes());
  }
  file.RequireUnchanged();
  RequireBytes(path, header, header.bytes + values.size());
  return InOrder(header, std::move(values));
}

}  // namespace beamgrid
