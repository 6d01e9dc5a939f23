#include "orchestrator/workers/worker_environment.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>

namespace beamgrid {
namespace {

bool Sets(const std::string& entry, std::string_view name) {
  return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

bool IsSet(const std::vector<std::string>& environment, std::string_view name) {
  return std::any_of(environment.begin(), environment.end(),
                     [name](const std::string& entry) { return Sets(entry, name); });
}

}  // namespace

std::set<std::string> ProcessorFlags(const std::string& cpuinfo) {
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    // The first processor speaks for all: each has the same line.
    if (!line.starts_with("flags") || colon == std::string::npos) continue;
    std::istringstream words(line.substr(colon + 1));
    std::set<std::string> flags;
    for (std::string word; words >> word;) flags.insert(word);
    return flags;
  }
  return {};
}

std::set<std::string> ProcessorFlags() {
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return ProcessorFlags(text.str());
}

std::optional<std::string> OpenBlasCoreType(const std::set<std::string>& flags) {
  // SkylakeX kernels use these subsets beyond the foundation.
  const bool skylake = flags.contains("avx512f") && flags.contains("avx512bw") &&
                       flags.contains("avx512dq") && flags.contains("avx512vl");
  if (skylake) return "SkylakeX";
  if (flags.contains("avx2") && flags.contains("fma")) return "Haswell";
  return std::nullopt;
}

std::vector<std::string> WorkerEnvironment(const std::vector<std::string>& parent,
                                           std::int64_t threads,
                                           const std::set<std::string>& flags) {
  std::vector<std::string> environment = parent;
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}) {
    // Replaced even where the user set it: the number of threads changes the last bits of a result
    // and is part of the recipe.
    std::erase_if(environment, [name](const std::string& entry) { return Sets(entry, name); });
    environment.push_back(std::string(name) + "=" + std::to_string(threads));
  }
  const std::optional<std::string> core_type = OpenBlasCoreType(flags);
  if (core_type && !IsSet(parent, "OPENBLAS_CORETYPE")) {
    environment.push_back("OPENBLAS_CORETYPE=" + *core_type);
  }
  if (!IsSet(parent, "CUBLAS_WORKSPACE_CONFIG")) {
    // Eight buffers of 4096 KiB: of the two values that cuBLAS names as repeatable the one that
    // keeps its speed.
    environment.emplace_back("CUBLAS_WORKSPACE_CONFIG=:4096:8");
  }
  return environment;
}

}  // namespace beamgrid
