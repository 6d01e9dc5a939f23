#include "registry/util/files.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "registry/util/half_written.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Fail(const fs::path& path, const std::string& what, int code) {
  throw SystemError(path, what, code);
}

void WriteAll(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    // write(2) may take a part only.
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) Fail(path, "cannot write", errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

UniqueFd Create(const fs::path& path) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) Fail(path, "cannot create", errno);
  return file;
}

void Sync(const UniqueFd& file, const fs::path& path) {
  // Before the rename: after a power cut the name might else stand for an empty file.
  if (::fsync(file.get()) != 0) Fail(path, "cannot write to the disk", errno);
}

void WriteDurably(const fs::path& path, std::string_view content) {
  const UniqueFd file = Create(path);
  WriteAll(file.get(), content, path);
  Sync(file, path);
}

/// Calls `with` with the file's content, piece by piece: weights have gigabytes and are not read
/// into memory whole.
template <typename With>
void ForEachPiece(const fs::path& path, const With& with) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) Fail(path, "cannot read", errno);
  std::vector<char> piece(1 << 16);
  for (;;) {
    const ssize_t read = ::read(file.get(), piece.data(), piece.size());
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) Fail(path, "cannot read", errno);
    if (read == 0) return;
    with(std::string_view(piece.data(), static_cast<std::size_t>(read)));
  }
}

std::int64_t CopyBytes(const fs::path& from, const fs::path& to) {
  const UniqueFd file = Create(to);
  std::int64_t bytes = 0;
  ForEachPiece(from, [&](std::string_view piece) {
    WriteAll(file.get(), piece, to);
    bytes += static_cast<std::int64_t>(piece.size());
  });
  Sync(file, to);
  return bytes;
}

UniqueFd OpenFolder(const fs::path& folder) {
  return UniqueFd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

fs::path FolderOf(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Returns the name under which the file is written first, in a folder that is there now.
fs::path Prepare(const fs::path& path) {
  const fs::path folder = FolderOf(path);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) Fail(folder, "cannot create the folder", error.value());
  // In the same folder: a rename is atomic only within one file system.
  RemoveHalfWrittenOf(path);
  return HalfWrittenName(path);
}

void GiveName(const fs::path& temporary, const fs::path& path) {
  std::error_code error;
  fs::rename(temporary, path, error);
  if (error) Fail(path, "cannot rename to its final name", error.value());
}

/// Has `write` make the file under a temporary name, then renames it.
template <typename Write>
void PutInPlace(const fs::path& path, const Write& write) {
  const fs::path temporary = Prepare(path);
  try {
    write(temporary);
    GiveName(temporary, path);
  } catch (const Error&) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  // The rename itself is an entry of the folder, and lost in a power cut until that is on the disk.
  SyncFolder(FolderOf(path));
}

std::string Hex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  // The same digits on machines of any byte order.
  XXH128_canonicalFromHash(&canonical, hash);
  return HexText(canonical.digest);
}

}  // namespace

void WriteFileAtomically(const fs::path& path, std::string_view content) {
  PutInPlace(path, [&](const fs::path& temporary) { WriteDurably(temporary, content); });
}

void SyncFolder(const fs::path& folder) {
  const UniqueFd opened = OpenFolder(folder);
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) {
    Fail(folder, "cannot write the folder to the disk", errno);
  }
}

void SyncFoldersAbove(fs::path path, int levels) {
  for (int level = 0; level < levels && path.has_relative_path(); ++level) {
    path = FolderOf(path);
    const UniqueFd opened = OpenFolder(path);
    if (opened.get() >= 0) static_cast<void>(::fsync(opened.get()));
  }
}

GrowingFile::GrowingFile(fs::path path)
    : path_(std::move(path)), temporary_(Prepare(path_)), file_(Create(temporary_)) {}

GrowingFile::~GrowingFile() {
  if (file_.get() < 0) return;
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void GrowingFile::Add(std::string_view piece) { WriteAll(file_.get(), piece, temporary_); }

void GrowingFile::Finish() {
  Sync(file_, temporary_);
  GiveName(temporary_, path_);
  file_.Reset();
  SyncFolder(FolderOf(path_));
}

FilesTogether::FilesTogether(fs::path folder) : folder_(std::move(folder)) {}

FilesTogether::~FilesTogether() {
  std::error_code ignored;
  for (const File& file : files_) {
    if (file.file.get() >= 0) fs::remove(file.temporary, ignored);
  }
}

void FilesTogether::Write(const std::string& name, std::string_view content) {
  const fs::path path = folder_ / name;
  const fs::path temporary = Prepare(path);
  const File& made = files_.emplace_back(path, temporary, Create(temporary));
  WriteAll(made.file.get(), content, temporary);
  // A hint, which a file system may not know: Finish waits for all of them at once.
  static_cast<void>(::sync_file_range(made.file.get(), 0, 0, SYNC_FILE_RANGE_WRITE));
}

void FilesTogether::Finish() {
  for (const File& file : files_) Sync(file.file, file.temporary);
  for (File& file : files_) {
    if (&file == &files_.back()) SyncFolder(folder_);
    GiveName(file.temporary, file.path);
    file.file.Reset();
  }
  SyncFolder(folder_);
}

std::int64_t CopyFileDurably(const fs::path& from, const fs::path& to) {
  std::int64_t bytes = 0;
  PutInPlace(to, [&](const fs::path& temporary) { bytes = CopyBytes(from, temporary); });
  return bytes;
}

std::string ReadFile(const fs::path& path) {
  std::error_code error;
  // A stream opens a folder without complaint and reads nothing from it.
  if (fs::is_directory(path, error)) Fail(path, "cannot read", EISDIR);
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(path, "cannot read", errno);
  std::string content;
  const std::uintmax_t size = fs::file_size(path, error);
  // Only a hint: files of /proc say 0, and others may grow meanwhile.
  if (!error) content.reserve(size);
  std::array<char, 1 << 16> piece{};
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    content.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) Fail(path, "cannot read", errno);
  return content;
}

ContentHash::ContentHash() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }

void ContentHash::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

void ContentHash::Add(const void* bytes, std::size_t size) {
  XXH3_128bits_update(state_.get(), bytes, size);
}

std::string ContentHash::Digits() const { return Hex(XXH3_128bits_digest(state_.get())); }

std::string HashBytes(std::string_view bytes) {
  return Hex(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string HashFile(const fs::path& path) {
  ContentHash hash;
  ForEachPiece(path, [&](std::string_view piece) { hash.Add(piece.data(), piece.size()); });
  return hash.Digits();
}

}  // namespace beamgrid
