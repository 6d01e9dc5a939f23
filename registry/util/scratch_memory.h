#pragma once
// Memory that lies in files: for what is larger than the machine's memory and read in order.

#include <cstddef>
#include <filesystem>
#include <memory_resource>

namespace beamgrid {

/// ScratchMemory gives out memory that is backed by files in a folder, so that the system may write
/// it there and read it back as it likes; pieces below a megabyte come from the ordinary memory.
/// The files have no name: they take their space while the memory is held and are gone with it,
/// also after a crash. Throws SystemError where the folder cannot hold them. Thread-safe.
class ScratchMemory : public std::pmr::memory_resource {
 public:
  explicit ScratchMemory(std::filesystem::path folder);

  /// Has the system read these bytes of such memory back, where it does not hold them, and returns
  /// before they are there.
  static void ReadAhead(const void* begin, std::size_t bytes);

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override;

  std::filesystem::path folder_;
};

}  // namespace beamgrid
