#include "orchestrator/machine/device_memory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

constexpr char kFakeNvml[] = BEAMGRID_BINARY_DIR "/plugins/fake_nvml.so";
constexpr char kOneKind[] =
    "GPU-aa11,H200,1000,900,0;GPU-aa22,H200,1000,800,0;GPU-bb33,H200,1000,700,0";
constexpr char kTwoKinds[] = "GPU-aa11,T4,100,90,0;GPU-bb33,H200,1000,700,0";

/// A machine with the GPUs `gpus`, asked by a process with this environment.
DeviceMemory Ask(const char* gpus, std::optional<std::string> visible_devices = std::nullopt,
                 std::optional<std::string> device_order = std::nullopt) {
  if (gpus != nullptr) {
    ::setenv("FAKE_NVML", gpus, 1);
  } else {
    ::unsetenv("FAKE_NVML");
  }
  MemorySources sources;
  sources.nvml = kFakeNvml;
  sources.visible_devices = std::move(visible_devices);
  sources.device_order = std::move(device_order);
  return DeviceMemory(std::move(sources));
}

/// Free bytes; -1: not known.
std::int64_t FreeOf(DeviceMemory& memory, const std::string& device) {
  const std::optional<MemoryState> state = memory.Of(device);
  return state ? state->free_bytes : -1;
}

TEST(DeviceMemoryTest, AsksNvmlForTheGpuOfThatNumber) {
  DeviceMemory memory = Ask(kOneKind);
  EXPECT_EQ(FreeOf(memory, "cuda:0"), 900);
  EXPECT_EQ(FreeOf(memory, "cuda:2"), 700);
  EXPECT_EQ(memory.Of("cuda:2")->total_bytes, 1000);
  EXPECT_EQ(memory.Identity("cuda:2"), "GPU-bb33");
}

TEST(DeviceMemoryTest, CountsAmongTheVisibleDevices) {
  DeviceMemory numbers = Ask(kOneKind, "2, 0");
  EXPECT_EQ(FreeOf(numbers, "cuda:0"), 700);
  EXPECT_EQ(FreeOf(numbers, "cuda:1"), 900);
  EXPECT_EQ(FreeOf(numbers, "cuda:2"), -1);
  EXPECT_EQ(numbers.Identity("cuda:0"), "GPU-bb33");
  DeviceMemory uuids = Ask(kTwoKinds, "GPU-bb33,GPU-aa11");
  EXPECT_EQ(FreeOf(uuids, "cuda:0"), 700);
  EXPECT_EQ(FreeOf(uuids, "cuda:1"), 90);
}

TEST(DeviceMemoryTest, TakesTheStartOfAUuidWhereItFitsOneGpu) {
  DeviceMemory memory = Ask(kOneKind, "GPU-b,GPU-aa");
  EXPECT_EQ(FreeOf(memory, "cuda:0"), 700);
  EXPECT_EQ(FreeOf(memory, "cuda:1"), -1);
  EXPECT_EQ(memory.Identity("cuda:1"), "GPU-aa");
}

TEST(DeviceMemoryTest, NoneAreVisible) {
  for (const char* none : {"", "-1", "NoDevFiles"}) {
    DeviceMemory memory = Ask(kOneKind, none);
    EXPECT_EQ(FreeOf(memory, "cuda:0"), -1) << none;
  }
}

TEST(DeviceMemoryTest, GuessesNoOrderOfDifferentGpus) {
  DeviceMemory fastest_first = Ask(kTwoKinds);
  EXPECT_EQ(FreeOf(fastest_first, "cuda:0"), -1);
  EXPECT_EQ(fastest_first.Identity("cuda:0"), "cuda:0");
  DeviceMemory by_bus = Ask(kTwoKinds, std::nullopt, "PCI_BUS_ID");
  EXPECT_EQ(FreeOf(by_bus, "cuda:0"), 90);
  EXPECT_EQ(FreeOf(by_bus, "cuda:1"), 700);
}

TEST(DeviceMemoryTest, APartOfADividedGpuIsKnownByItsUuidAlone) {
  const char* divided = "GPU-aa11,H200,1000,900,1;MIG-aa11-1,H200 1g,100,60,0";
  DeviceMemory by_number = Ask(divided, std::nullopt, "PCI_BUS_ID");
  EXPECT_EQ(FreeOf(by_number, "cuda:0"), -1);
  DeviceMemory by_uuid = Ask(divided, "MIG-aa11-1");
  EXPECT_EQ(FreeOf(by_uuid, "cuda:0"), 60);
  EXPECT_EQ(by_uuid.Identity("cuda:0"), "MIG-aa11-1");
}

TEST(DeviceMemoryTest, WhatDoesNotAnswerIsUnknown) {
  DeviceMemory memory = Ask("GPU-aa11,H200,0,0,0;GPU-bb33,H200,1000,700,0");
  EXPECT_EQ(FreeOf(memory, "cuda:0"), -1);
  EXPECT_EQ(FreeOf(memory, "cuda:1"), 700);
  EXPECT_EQ(FreeOf(memory, "cuda:7"), -1);
  EXPECT_EQ(FreeOf(memory, "cuda:"), -1);
  EXPECT_EQ(FreeOf(memory, "tpu"), -1);
}

TEST(DeviceMemoryTest, NeitherDriverNorLibraryIsNoHarm) {
  DeviceMemory no_driver = Ask(nullptr);
  EXPECT_EQ(FreeOf(no_driver, "cuda:0"), -1);
  EXPECT_EQ(no_driver.Identity("cuda:0"), "cuda:0");
  MemorySources sources;
  sources.nvml = "no-such-library.so";
  sources.visible_devices = "3,GPU-cc";
  DeviceMemory no_library(sources);
  EXPECT_EQ(FreeOf(no_library, "cuda:0"), -1);
  EXPECT_EQ(no_library.Identity("cuda:0"), "cuda:3") << "the machine's number of it";
  EXPECT_EQ(no_library.Identity("cuda:1"), "GPU-cc");
  sources.nvml = "libm.so.6";
  DeviceMemory another_library(sources);
  EXPECT_EQ(FreeOf(another_library, "cuda:0"), -1);
}

TEST(DeviceMemoryTest, ReadsTheEnvironment) {
  ::setenv("CUDA_VISIBLE_DEVICES", "1", 1);
  ::unsetenv("CUDA_DEVICE_ORDER");
  EXPECT_EQ(SystemMemorySources().visible_devices, "1");
  EXPECT_EQ(SystemMemorySources().device_order, std::nullopt);
  ::unsetenv("CUDA_VISIBLE_DEVICES");
}

TEST(DeviceMemoryTest, ThisMachineHasMemory) {
  DeviceMemory memory;
  EXPECT_EQ(memory.Identity("cpu"), "cpu");
  const std::optional<MemoryState> state = memory.Of("cpu");
  ASSERT_TRUE(state);
  EXPECT_GT(state->free_bytes, 0);
  EXPECT_LE(state->free_bytes, state->total_bytes);
}

class HostMemoryTest : public testing::Test {
 protected:
  HostMemoryTest() {
    Write("meminfo", "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    600 kB\n");
  }
  void Write(const std::string& name, const std::string& text) {
    WriteFileAtomically(folder_ / name, text);
  }
  void Limit(const std::string& group, const std::string& limit, std::int64_t usage,
             std::int64_t cache = 0) {
    Write(group + "/memory.max", limit + "\n");
    Write(group + "/memory.current", std::to_string(usage) + "\n");
    Write(group + "/memory.stat", "anon 5\ninactive_file " + std::to_string(cache) + "\n");
  }
  /// {total, free}
  std::pair<std::int64_t, std::int64_t> Read() {
    const std::optional<MemoryState> state = ReadHostMemory({.meminfo = folder_ / "meminfo",
                                                             .own_cgroup = folder_ / "own",
                                                             .cgroups = folder_ / "cgroup"});
    return state ? std::pair(state->total_bytes, state->free_bytes) : std::pair(-1L, -1L);
  }
  using Pair = std::pair<std::int64_t, std::int64_t>;

  TemporaryFolder folder_;
};

TEST_F(HostMemoryTest, IsTheMachinesWithoutALimit) {
  EXPECT_EQ(Read(), Pair(1'024'000, 614'400));
  Write("own", "0::/user.slice\n");
  Limit("cgroup/user.slice", "max", 500'000);
  EXPECT_EQ(Read(), Pair(1'024'000, 614'400));
}

TEST_F(HostMemoryTest, IsTheControlGroupsWhereThatHasLess) {
  Write("own", "0::/job/step\n");
  Limit("cgroup/job/step", "400000", 300'000, 50'000);
  EXPECT_EQ(Read(), Pair(400'000, 150'000)) << "pages of files give way";
  // The group around it counts too.
  Limit("cgroup/job", "200000", 190'000);
  EXPECT_EQ(Read(), Pair(200'000, 10'000));
  Limit("cgroup/job", "200000", 250'000);
  EXPECT_EQ(Read(), Pair(200'000, 0));
}

TEST_F(HostMemoryTest, AContainerSeesItsOwnGroupAtTheRoot) {
  Write("own", "0::/../../docker/abc\n");
  Limit("cgroup", "300000", 100'000);
  EXPECT_EQ(Read(), Pair(300'000, 200'000));
}

TEST_F(HostMemoryTest, KnowsTheFirstVersionOfControlGroups) {
  Write("own", "12:cpuset:/\n5:cpu,memory:/docker/abc\n1:name=systemd:/docker/abc\n0::/x\n");
  Write("cgroup/memory/docker/abc/memory.limit_in_bytes", "400000\n");
  Write("cgroup/memory/docker/abc/memory.usage_in_bytes", "300000\n");
  Write("cgroup/memory/docker/abc/memory.stat", "total_inactive_file 1000\n");
  Write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("cgroup/memory/memory.usage_in_bytes", "1\n");
  EXPECT_EQ(Read(), Pair(400'000, 101'000));
}

TEST_F(HostMemoryTest, WhatIsNotUnderstoodIsNoLimit) {
  Write("own", "nonsense\n0::/job\n");
  Write("cgroup/job/memory.max", "much\n");
  EXPECT_EQ(Read(), Pair(1'024'000, 614'400));
  Write("meminfo", "MemTotal: many\n");
  EXPECT_EQ(Read(), Pair(-1, -1));
}

}  // namespace
}  // namespace beamgrid
