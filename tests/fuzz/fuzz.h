#pragma once
// What the fuzz targets share. A target is one file, NAME_fuzz.cpp, with libFuzzer's entry point:
// it gives a reader the bytes as they are and, where a CRC or a hash would refuse nearly all of
// them, once more with these made right. A target ends the program where the reader lets anything
// out that its header does not name, or where what it read contradicts itself.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace beamgrid::fuzz {

inline std::string_view TextOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Whether `read` came back; false where it refused the input with one of these exceptions. Any
/// other exception goes through.
template <typename Refusal, typename... Others, typename Read>
bool Accepts(const Read& read) {
  try {
    if constexpr (sizeof...(Others) > 0) {
      return Accepts<Others...>(read);
    } else {
      read();
      return true;
    }
  } catch (const Refusal&) {
    return false;
  }
}

/// Always on, unlike assert.
inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// A file in memory that readers can open by its path.
class InputFile {
 public:
  InputFile()
      : fd_(::memfd_create("input", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(fd_)) {
    Require(fd_ >= 0, "a file in memory can be made");
  }
  ~InputFile() { ::close(fd_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// The path, after the content has been replaced by `bytes`. Nobody may have mapped it.
  const std::string& Holding(std::string_view bytes) {
    Require(::ftruncate(fd_, 0) == 0, "the file can be emptied");
    Require(::pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
            "the file can be written");
    return path_;
  }

 private:
  int fd_;
  std::string path_;
};

}  // namespace beamgrid::fuzz
