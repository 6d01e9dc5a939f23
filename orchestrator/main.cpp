#include <iostream>
#include <string>
#include <vector>

#include "orchestrator/commands/command_line.h"
#include "registry/util/process_start.h"

int main(int argc, char** argv) {
  beamgrid::PrepareStart();
  // We print by streams alone: a dump of a large record is written in blocks then.
  std::ios::sync_with_stdio(false);
  return beamgrid::RunCommandLine(std::vector<std::string>(argv + 1, argv + argc), std::cout,
                                  std::cerr);
}
