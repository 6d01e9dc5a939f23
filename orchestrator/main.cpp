#include <malloc.h>

#include <iostream>
#include <string>
#include <vector>

#include "orchestrator/commands/command_line.h"
#include "registry/util/process_start.h"

namespace {

/// Lets malloc keep what is freed: by itself it gives the end of the heap back at each 128 KiB and
/// asks for it again, twice in every transaction. These are the values that it comes to by itself
/// once a large block was freed.
void KeepFreedMemory() {
  constexpr int kMmapThreshold = 32 << 20, kTrimThreshold = 64 << 20;  // bytes
  ::mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
  ::mallopt(M_TRIM_THRESHOLD, kTrimThreshold);
}

}  // namespace

int main(int argc, char** argv) {
  beamgrid::PrepareStart();
  KeepFreedMemory();
  // We print by streams alone: a dump of a large record is written in blocks then.
  std::ios::sync_with_stdio(false);
  return beamgrid::RunCommandLine(std::vector<std::string>(argv + 1, argv + argc), std::cout,
                                  std::cerr);
}
