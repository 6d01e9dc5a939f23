// The example of CONTRIBUTING.md as a project of its own, against an installed beamgrid.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/end_to_end/process.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

TEST(InstalledPlugin, IsCompiledFromThePrefixAloneAndKeepsTheContract) {
  const TemporaryFolder folder;
  const std::string prefix = (folder.path() / "prefix").string();
  const std::string build = fs::path(BEAMGRID_BINARY_DIR).parent_path().string();
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"cmake", "--install", build, "--prefix", prefix},
           {"cmake", "-S", prefix + "/share/doc/beamgrid/examples/plugin", "-B", "build",
            "-DBEAMGRID_BUILD=" + prefix + "/share/beamgrid"},
           {"cmake", "--build", "build"},
           {prefix + "/bin/beamgrid", "components", "--test", "peak", "--plugin",
            "build/peak.so"}}) {
    std::vector<std::string> arguments = {"/usr/bin/env"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const Ended ended = Process(arguments, folder.path()).Wait();
    ASSERT_EQ(ended.exit_code, 0) << command[0] << " " << command[1] << ":\n"
                                  << ended.out << ended.err;
  }
}

}  // namespace
}  // namespace beamgrid
