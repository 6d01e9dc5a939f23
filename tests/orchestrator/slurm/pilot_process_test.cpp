// The process of a job, for the tests that have a fake cluster (slurm_fixture.h).

#include <gtest/gtest.h>

#include <cstdlib>

#include "orchestrator/interrupts.h"
#include "orchestrator/slurm/pilot.h"

namespace beamgrid {
namespace {

/// No test: the process of a job.
TEST(PilotProcess, CarriesOutTheFolderOfTheEnvironment) {
  const char* folder = std::getenv("BEAMGRID_TEST_PILOT");
  if (folder == nullptr) GTEST_SKIP() << "the jobs of other tests are this one";
  Pilot pilot(folder, PilotName());
  const InterruptSignals signals([&pilot] { pilot.Stop(); });
  pilot.Run();
}

}  // namespace
}  // namespace beamgrid
