#include "trainer/data/tfrecord.h"

#include <fcntl.h>
#include <isa-l/crc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

static_assert(std::endian::native == std::endian::little, "TFRecord files are read in place");

constexpr std::uint64_t kHeaderBytes = 12;
constexpr std::uint64_t kFooterBytes = 4;
constexpr std::size_t kWriteBufferBytes = 1 << 20;
static_assert(kHeaderBytes + kFooterBytes == kRecordOverhead);

/// Records are not aligned, so integers are copied out instead of cast.
template <typename Integer>
Integer Load(const char* bytes) {
  Integer value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// CRC32C by ISA-L: records are checked at 0.8 of the speed at which a plain read() copies them. It
/// neither inverts the start nor the result, and takes lengths as int, hence the parts.
std::uint32_t Crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  while (!bytes.empty()) {
    const auto part = std::min<std::size_t>(bytes.size(), 1U << 30);
    // Its interface is not const, but it only reads.
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    crc = crc32_iscsi(data, static_cast<int>(part), crc);
    bytes.remove_prefix(part);
  }
  return ~crc;
}

}  // namespace

std::uint32_t MaskedCrc32c(std::string_view bytes) {
  return std::rotr(Crc32c(bytes), 15) + 0xa282ead8U;
}

TfRecordFile::TfRecordFile(const std::filesystem::path& path) : path_(path.string()) {
  // Closed again at the end: the mapping holds the file, and a dataset of thousands of shards would
  // otherwise need as many descriptors.
  const UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) {
    throw SystemError(path_, "cannot open", errno);
  }
  if (!S_ISREG(status.st_mode)) throw InputError(path_ + ": is not a file");
  size_ = static_cast<std::uint64_t>(status.st_size);
  if (size_ == 0) return;  // mmap refuses a length of 0
  // Mapped and not read: shuffled training takes records from anywhere, and the page cache is
  // shared by all workers on the machine.
  void* mapping = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.get(), 0);
  if (mapping == MAP_FAILED) throw SystemError(path_, "cannot map into memory", errno);
  data_ = {static_cast<const char*>(mapping), Unmap{size_}};
}

void TfRecordFile::Unmap::operator()(const char* data) const {
  munmap(const_cast<char*>(data), size);
}

std::uint64_t TfRecordFile::PayloadLength(std::uint64_t offset) const {
  const auto fail = [&](const std::string& what) {
    throw DataError(DataFault::kDamagedLength, path_, offset, what);
  };
  // In an order in which nothing is believed unchecked: enough bytes for a header, the header's
  // CRC, and only then the length that it announces.
  const std::uint64_t left = offset < size_ ? size_ - offset : 0;
  if (left < kRecordOverhead) {
    fail("the file ends inside a record (" + std::to_string(left) +
         " bytes left, a record has at least 16): it is cut off, fetch it again");
  }
  const char* header = data_.get() + offset;
  if (MaskedCrc32c({header, 8}) != Load<std::uint32_t>(header + 8)) {
    fail(
        "the record's length does not match its CRC: damaged, or not an uncompressed TFRecord "
        "file");
  }
  const auto length = Load<std::uint64_t>(header);
  // Not offset + length > size: that sum can overflow.
  if (length > left - kRecordOverhead) {
    fail("the file ends inside a record (" + std::to_string(length) + " bytes announced, " +
         std::to_string(left - kRecordOverhead) + " left): it is cut off, fetch it again");
  }
  return length;
}

Record TfRecordFile::Read(std::uint64_t offset) const {
  const std::uint64_t length = PayloadLength(offset);
  const std::string_view payload(data_.get() + offset + kHeaderBytes, length);
  if (MaskedCrc32c(payload) != Load<std::uint32_t>(payload.data() + length)) {
    throw DataError(DataFault::kDamagedRecord, path_, offset,
                    "the record's " + std::to_string(length) +
                        " bytes do not match their CRC: damaged, fetch the file again");
  }
  return {.offset = offset, .next_offset = offset + kRecordOverhead + length, .payload = payload};
}

std::uint64_t TfRecordFile::Skip(std::uint64_t offset) const {
  return offset + kRecordOverhead + PayloadLength(offset);
}

void TfRecordFile::Prefetch(std::uint64_t offset, std::uint64_t count) const {
#ifdef MADV_POPULATE_READ
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = offset / page * page;
  const std::uint64_t end = std::min(offset + count, size_);
  if (begin >= end) return;
  if (madvise(const_cast<char*>(data_.get()) + begin, end - begin, MADV_POPULATE_READ) == 0) return;
  // All other codes say that it cannot be done, not that the bytes cannot be had.
  if (errno == EFAULT || errno == EIO || errno == EHWPOISON) {
    throw SystemError(path_, "cannot read it, or it was shortened meanwhile", EIO);
  }
#endif
}

void TfRecordFile::ReleasePages() const {
  if (data_) madvise(const_cast<char*>(data_.get()), size_, MADV_DONTNEED);
}

TfRecordWriter::TfRecordWriter(const std::filesystem::path& path)
    : path_(path), buffer_(std::make_unique_for_overwrite<char[]>(kWriteBufferBytes)) {
  // Few large writes leave large folios in the page cache, which are several times cheaper to map.
  // The buffer has to be set before the file is opened.
  stream_.rdbuf()->pubsetbuf(buffer_.get(), kWriteBufferBytes);
  stream_.open(path, std::ios::binary | std::ios::trunc);
  if (!stream_) throw SystemError(path_, "cannot write", errno);
}

void TfRecordWriter::Write(std::string_view payload) {
  const auto put = [&](auto integer) {
    char bytes[sizeof integer];
    std::memcpy(bytes, &integer, sizeof integer);
    stream_.write(bytes, sizeof integer);
    return MaskedCrc32c({bytes, sizeof integer});
  };
  const std::uint32_t length_crc = put(static_cast<std::uint64_t>(payload.size()));
  put(length_crc);
  stream_.write(payload.data(), static_cast<std::streamsize>(payload.size()));
  put(MaskedCrc32c(payload));
  if (!stream_) throw SystemError(path_, "cannot write", errno);
}

void TfRecordWriter::Close() {
  // The last buffer is written here, so this is where a full disk shows.
  stream_.close();
  if (!stream_) throw SystemError(path_, "cannot write", errno);
}

}  // namespace beamgrid
