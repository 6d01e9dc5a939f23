#include "orchestrator/machine/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Texts(const std::vector<Slot>& slots) {
  std::vector<std::string> texts;
  for (const Slot& slot : slots) {
    texts.push_back(slot.device + " x" + std::to_string(slot.threads));
  }
  return texts;
}

TEST(MakeSlots, AutoMeansOneWorkerAGpuOrAThreadBudgetACore) {
  EXPECT_THAT(Texts(MakeSlots({}, {.cores = 4, .cuda_devices = 2})),
              ElementsAre("cuda:0 x1", "cuda:1 x1"));
  EXPECT_THAT(Texts(MakeSlots({.threads_per_worker = 2}, {.cores = 5})),
              ElementsAre("cpu x2", "cpu x2"));
  EXPECT_THAT(Texts(MakeSlots({.threads_per_worker = 8}, {.cores = 4})), ElementsAre("cpu x8"));
}

TEST(MakeSlots, SeveralShareAGpuWhoseMemoryIsKnown) {
  const auto slots = [](std::int64_t threads, const MachineDevices& machine) {
    return MakeSlots({.threads_per_worker = threads}, machine).size();
  };
  EXPECT_EQ(slots(1, {.cores = 16, .cuda_devices = 1, .gpu_memory_known = true}), 4U);
  EXPECT_EQ(slots(1, {.cores = 16, .cuda_devices = 8, .gpu_memory_known = true}), 16U);
  EXPECT_EQ(slots(4, {.cores = 8, .cuda_devices = 1, .gpu_memory_known = true}), 2U);
  EXPECT_EQ(slots(1, {.cores = 2, .cuda_devices = 4, .gpu_memory_known = true}), 4U);
}

TEST(MakeSlots, SpreadsOverTheNamedDevicesInTurn) {
  EXPECT_THAT(Texts(MakeSlots({.devices = {"cuda:1", "cuda:0"}, .slots_per_device = 2},
                              {.cores = 1, .cuda_devices = 2})),
              ElementsAre("cuda:1 x1", "cuda:0 x1", "cuda:1 x1", "cuda:0 x1"));
  EXPECT_THAT(Texts(MakeSlots({.devices = {"cpu", "cuda:0"}}, {.cores = 2, .cuda_devices = 1})),
              ElementsAre("cpu x1", "cuda:0 x1", "cpu x1"));
}

TEST(MakeSlots, RefusesADeviceThatIsNotThere) {
  EXPECT_THAT(ErrorText<UsageError>([] {
                (void)MakeSlots({.devices = {"cuda:2"}}, {.cores = 1, .cuda_devices = 2});
              }),
              HasSubstr("cuda:2 is not there; the trainer sees 2 CUDA devices"));
  for (const char* device : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", ""}) {
    EXPECT_THAT(
        ErrorText<UsageError>([&] { (void)MakeSlots({.devices = {device}}, {.cuda_devices = 9}); }),
        HasSubstr("must be cpu or cuda:N"))
        << device;
  }
}

TEST(LookAtMachine, AsksNoTrainerWhereOnlyTheCpuIsNamed) {
  const MachineDevices machine = LookAtMachine({.devices = {"cpu"}}, "/does/not/exist");
  EXPECT_GE(machine.cores, 1);
  EXPECT_EQ(machine.cuda_devices, 0);
}

}  // namespace
}  // namespace beamgrid
