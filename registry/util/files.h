#pragma once
// Whole files: read, written so that they are there entirely or not at all, hashed. Everything that
// must survive a crash goes through here. All throw Error with the path and the system's reason.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "registry/util/unique_fd.h"

struct XXH3_state_s;

namespace beamgrid {

/// Whole file or nothing: writes `path` under a temporary name beside it, fsyncs, renames, fsyncs
/// the folder. Creates the folder if it is not there.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

/// Makes the names in a folder safe from a power cut.
void SyncFolder(const std::filesystem::path& folder);

/// The same of so many folders above `path`, which must hold one another to lead to it. One that
/// may not be opened was there before us, and is passed over.
void SyncFoldersAbove(std::filesystem::path path, int levels);

/// GrowingFile is a file that is written in pieces and is there entirely or not at all: until
/// Finish it has a temporary name, under which it goes with this object.
class GrowingFile {
 public:
  /// Creates the folder if it is not there.
  explicit GrowingFile(std::filesystem::path path);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;
  void Add(std::string_view piece);
  /// Puts the file in place, on the disk before it returns. Called at most once, and last.
  void Finish();

 private:
  std::filesystem::path path_, temporary_;
  UniqueFd file_;
};

/// FilesTogether is files of one folder that count together. The disk is given all of them before
/// it is waited for, and they share the syncs of their folder. Until Finish they have temporary
/// names, under which they go with this object.
class FilesTogether {
 public:
  explicit FilesTogether(std::filesystem::path folder);
  ~FilesTogether();
  FilesTogether(const FilesTogether&) = delete;
  FilesTogether& operator=(const FilesTogether&) = delete;
  void Write(const std::string& name, std::string_view content);
  /// Puts all in place, on the disk before it returns. The one that was written last is named when
  /// the names of the others are safe: where it is, they are. Called at most once.
  void Finish();

 private:
  struct File {
    std::filesystem::path path, temporary;
    UniqueFd file;
  };
  std::filesystem::path folder_;
  std::vector<File> files_;
};

/// Copies a file likewise, in pieces. Returns the number of bytes.
std::int64_t CopyFileDurably(const std::filesystem::path& from, const std::filesystem::path& to);

[[nodiscard]] std::string ReadFile(const std::filesystem::path& path);

/// ContentHash is the XXH3-128 of all bytes that are added to it.
class ContentHash {
 public:
  ContentHash();
  void Add(const void* bytes, std::size_t size);
  [[nodiscard]] std::string Digits() const;  ///< 32 hex digits

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

/// The length of a hash as text.
inline constexpr std::size_t kHashDigits = 32;
/// XXH3-128 of the bytes in hex digits.
[[nodiscard]] std::string HashBytes(std::string_view bytes);

/// HashBytes of a file's content, read in pieces.
[[nodiscard]] std::string HashFile(const std::filesystem::path& path);

}  // namespace beamgrid
