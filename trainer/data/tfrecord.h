#pragma once
// TFRecord files. Records stand one after the other, each
//   uint64 length | uint32 masked CRC32C of the 8 length bytes | payload | uint32 masked CRC32C of
//   the payload,
// all little-endian, no header, no footer, uncompressed (TensorFlow, "TFRecord and
// tf.train.Example").

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "trainer/data/data_error.h"

namespace beamgrid {

/// The bytes of a record beside its payload.
inline constexpr std::uint64_t kRecordOverhead = 16;

/// CRC32C (Castagnoli) as TFRecord stores it: rotated right by 15 bits plus 0xa282ead8.
[[nodiscard]] std::uint32_t MaskedCrc32c(std::string_view bytes);

/// Record is one checked record. The payload lies in the file's mapping and lives as long as the
/// file object.
struct Record {
  std::uint64_t offset = 0;       ///< byte at which its length field begins
  std::uint64_t next_offset = 0;  ///< byte at which the next record begins, or the file's size
  std::string_view payload;
};

/// TfRecordFile is a file mapped read-only. All const functions may be called from several threads.
/// The file must not be shortened while it is open (the kernel would stop the process with SIGBUS).
class TfRecordFile {
 public:
  /// Throws Error if the file cannot be opened or mapped.
  explicit TfRecordFile(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_; }

  /// The record at `offset` (0, or a next_offset) with both CRCs checked. Throws DataError.
  [[nodiscard]] Record Read(std::uint64_t offset) const;

  /// The offset behind the record at `offset`; checks the length's CRC and that the payload is all
  /// there, and does not touch the payload. Throws DataError(kDamagedLength).
  [[nodiscard]] std::uint64_t Skip(std::uint64_t offset) const;

  /// The file's own bytes [offset, offset + count), which must lie within it.
  [[nodiscard]] std::string_view Bytes(std::uint64_t offset, std::uint64_t count) const {
    return {data_.get() + offset, count};
  }

  /// Brings the bytes [offset, offset + count) into memory, as far as the file goes. Throws
  /// SystemError where the disk refuses or the file has been shortened, at which merely touching
  /// the bytes would stop the process. Does nothing where the kernel cannot (before Linux 5.14).
  void Prefetch(std::uint64_t offset, std::uint64_t count) const;

  /// Takes the file's pages out of this process's resident memory (they stay in the page cache).
  /// Views stay valid: the next touch maps the page again.
  void ReleasePages() const;

 private:
  [[nodiscard]] std::uint64_t PayloadLength(std::uint64_t offset) const;

  struct Unmap {
    std::uint64_t size;
    void operator()(const char* data) const;
  };

  std::string path_;
  std::uint64_t size_ = 0;
  std::unique_ptr<const char, Unmap> data_;  ///< null where the file is empty
};

/// TfRecordWriter writes records to a file. Throws Error where the disk refuses.
class TfRecordWriter {
 public:
  explicit TfRecordWriter(const std::filesystem::path& path);
  void Write(std::string_view payload);
  /// Flushes and reports what the disk says; without it the file's content is unspecified.
  void Close();

 private:
  std::filesystem::path path_;
  std::unique_ptr<char[]> buffer_;  ///< stream_ writes through it: it must be destroyed after it
  std::ofstream stream_;
};

}  // namespace beamgrid
