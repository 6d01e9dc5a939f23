// A few points of each sweep; tests/fault/slow has all of them.

#include <gtest/gtest.h>

#include "tests/fault/upkeep_sweep.h"

namespace beamgrid {
namespace {

class UpkeepTest : public testing::TestWithParam<UpkeepCase> {};

TEST_P(UpkeepTest, EndsWhereTheUndisturbedCommandDoes) { UpkeepSweep(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Some, UpkeepTest,
    testing::Values(
        UpkeepCase{"KilledPrune", {"prune", "small", "--keep", "0", "--predictions", "--yes"}},
        UpkeepCase{"KilledRmOfAStudy", {"rm", "small", "--yes"}},
        UpkeepCase{"KilledMerge", {"merge", "far/beamgrid.db", "--yes"}},
        UpkeepCase{"MergeOnAFullDisk", {"merge", "far/beamgrid.db", "--yes"}, Fault::kNoSpace, 2}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace beamgrid
