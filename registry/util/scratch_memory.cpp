#include "registry/util/scratch_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

constexpr std::size_t kLeastMapped = std::size_t{1} << 20;

}  // namespace

ScratchMemory::ScratchMemory(std::filesystem::path folder) : folder_(std::move(folder)) {}

void ScratchMemory::ReadAhead(const void* begin, std::size_t bytes) {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(begin) / page * page;
  const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(begin) + bytes;
  // A wish: what the system does not grant is read when it is asked for.
  ::madvise(reinterpret_cast<void*>(first), end - first, MADV_WILLNEED);
}

void* ScratchMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (bytes < kLeastMapped) return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  std::string name = (folder_ / "beamgrid-scratch-XXXXXX").string();
  const UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
  if (file.get() < 0) throw SystemError(folder_, "cannot make a file in it", errno);
  ::unlink(name.c_str());
  // Now, not when a page is first written: that would be a signal and no error.
  const int full = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes));
  if (full != 0) {
    throw SystemError(folder_, "cannot hold " + std::to_string(bytes) + " more bytes", full);
  }
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) throw SystemError(folder_, "cannot map a file in it", errno);
  return memory;
}

void ScratchMemory::do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) {
  if (bytes < kLeastMapped) {
    return std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  }
  ::munmap(memory, bytes);
}

bool ScratchMemory::do_is_equal(const memory_resource& other) const noexcept {
  return this == &other;
}

}  // namespace beamgrid
