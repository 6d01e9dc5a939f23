#pragma once
// The environment that a worker runs in: its thread budget set once for every library, and OpenBLAS
// told which processor it is on.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace beamgrid {

/// Returns the processor's feature flags from the text of /proc/cpuinfo ("avx2", "avx512f").
[[nodiscard]] std::set<std::string> ProcessorFlags(const std::string& cpuinfo);
/// Returns the flags of this machine's processor; empty where /proc/cpuinfo cannot be read.
[[nodiscard]] std::set<std::string> ProcessorFlags();

/// Returns the kernels that OpenBLAS should use on such a processor: "SkylakeX" (AVX-512),
/// "Haswell" (AVX2), nothing for older ones. OpenBLAS 0.3.21 takes processors newer than itself for
/// a "Prescott" and then runs at a quarter of the speed.
[[nodiscard]] std::optional<std::string> OpenBlasCoreType(const std::set<std::string>& flags);

/// Returns `parent` ("NAME=value") with OMP_NUM_THREADS, OPENBLAS_NUM_THREADS and MKL_NUM_THREADS
/// replaced by `threads`. OPENBLAS_CORETYPE (from the flags) and CUBLAS_WORKSPACE_CONFIG (without
/// which cuBLAS does not repeat its sums) are added where the user has not set them.
[[nodiscard]] std::vector<std::string> WorkerEnvironment(const std::vector<std::string>& parent,
                                                         std::int64_t threads,
                                                         const std::set<std::string>& flags);

}  // namespace beamgrid
