// Every fault at every call of the commands that tidy up.

#include <gtest/gtest.h>

#include "tests/fault/upkeep_sweep.h"

namespace beamgrid {
namespace {

std::vector<UpkeepCase> Cases() {
  const std::vector<std::pair<std::string, std::vector<std::string>>> commands = {
      {"Prune", {"prune", "small", "--keep", "0", "--predictions", "--yes"}},
      {"RmOfAStudy", {"rm", "small", "--yes"}},
      {"RmOfTrials", {"rm", "1", "2", "--yes"}},
      {"RmOfTheUnknown", {"rm", "--unknown", "--yes"}},
      {"Rename", {"rename", "small", "large", "--yes"}},
      {"Merge", {"merge", "far/beamgrid.db", "--yes"}}};
  const std::vector<std::pair<std::string, Fault>> faults = {{"Killed", Fault::kKill},
                                                             {"DiskFull", Fault::kNoSpace},
                                                             {"DiskBroken", Fault::kBrokenDisk},
                                                             {"ReadOnly", Fault::kReadOnly}};
  std::vector<UpkeepCase> cases;
  for (const auto& [name, command] : commands) {
    for (const auto& [kind, fault] : faults) cases.push_back({kind + name, command, fault, kEver});
  }
  return cases;
}

class UpkeepCalls : public testing::TestWithParam<UpkeepCase> {};

TEST_P(UpkeepCalls, EndWhereTheUndisturbedCommandDoes) { UpkeepSweep(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, UpkeepCalls, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace beamgrid
