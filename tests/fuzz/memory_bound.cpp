#include "tests/fuzz/memory_bound.h"

#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::int64_t> held = 0, most_held = 0;
std::atomic<std::int64_t> start = 0, limit = INT64_MAX;

void CheckBound(std::size_t size) {
  const std::int64_t after = held.load() + static_cast<std::int64_t>(size);
  if (size < PTRDIFF_MAX && after <= limit.load()) return;
  limit = INT64_MAX;  // what follows needs memory too
  std::fprintf(stderr, "the reader asks for %zu bytes beside %lld that it holds\n", size,
               static_cast<long long>(held.load() - start.load()));
  std::abort();
}

void* Counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  const std::int64_t now = held += static_cast<std::int64_t>(::malloc_usable_size(memory));
  for (std::int64_t most = most_held; now > most && !most_held.compare_exchange_weak(most, now);) {
  }
  return memory;
}

void Free(void* memory) noexcept {
  if (memory != nullptr) held -= static_cast<std::int64_t>(::malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  CheckBound(size);
  return Counted(std::malloc(size == 0 ? 1 : size));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  CheckBound(size);
  const auto align = static_cast<std::size_t>(alignment);
  return Counted(std::aligned_alloc(align, (size + align - 1) / align * align));
}
// The sanitizers' own would be freed by our operator delete.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t) noexcept { Free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { Free(memory); }

namespace beamgrid::fuzz {

void SetMemoryBound(std::size_t bytes) {
  start = held.load();
  most_held = held.load();
  limit = held + static_cast<std::int64_t>(bytes);
}

std::size_t MostMemoryHeld() { return static_cast<std::size_t>(most_held - start); }

}  // namespace beamgrid::fuzz
