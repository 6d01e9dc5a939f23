#include "trainer/worker/commands.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <link.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <istream>
#include <ostream>
#include <thread>

#include "registry/added_options.h"
#include "registry/util/json.h"
#include "registry/util/utf8.h"
#include "trainer/plugin.h"
#include "trainer/training/device.h"
#include "trainer/training/model.h"
#include "trainer/training/warm_start.h"

namespace beamgrid::trainer {
namespace {

/// Answers one question; `id` is set to the question's as soon as it is known.
boost::json::object CountOne(const std::string& line, boost::json::value& id) {
  try {
    const boost::json::value json = ParseJson(line);
    const JsonReader request(json, "count");
    id = request.Integer("id");
    ModelSpec model = ModelSpecFromJson(request.At("model"));
    FillInAsBefore(model);
    for (const NamedFile& plugin : model.plugins) LoadPlugin(plugin);
    const DataSpec data = DataSpecFromJson(request.At("data"));
    const ModelSize size = MeasureModel(model, data);
    if (request.Has("start")) {
      const JsonReader start(request.At("start"), "count.start");
      ModelSpec other = ModelSpecFromJson(start.At("model"));
      FillInAsBefore(other);
      RequireFit({model, data}, {other, DataSpecFromJson(start.At("data"))}, start.Text("trial"));
    }
    return {{"parameters", size.parameters}, {"size_bytes", size.size_bytes}};
  } catch (const std::exception&) {
    const Ending ending = EndingOfCurrentException();
    return {{"error", WellFormedUtf8(ending.message)}, {"kind", ToString(ending.failure)}};
  }
}

/// GFLOP/s of a square single-precision product on one thread. The best of a few, because what else
/// runs on the machine can only make it slower.
double MatrixProductGflops() {
  constexpr std::int64_t kSize = 1024;
  constexpr int kRepeats = 4;
  torch::set_num_threads(1);
  const torch::NoGradGuard no_gradient;
  const torch::Tensor left = torch::rand({kSize, kSize}), right = torch::rand({kSize, kSize});
  // Once before the clock starts: the first product loads kernels and allocates the result.
  torch::Tensor product = left.mm(right);
  double best = 0;
  for (int i = 0; i < kRepeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    torch::mm_out(product, left, right);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    // A product of two n x n matrices is n^3 multiplications and as many additions.
    best = std::max(best, 2e-9 * kSize * kSize * kSize / took.count());
  }
  return best;
}

/// OpenBLAS falls back to these where it does not know a newer processor.
bool IsOldCore(const std::string& core) {
  constexpr std::array<std::string_view, 8> kOld = {"Prescott", "Core2",     "Penryn", "Dunnington",
                                                    "Nehalem",  "Northwood", "Banias", "Atom"};
  return std::ranges::find(kOld, core) != kOld.end();
}

boost::json::array Warnings(const BlasInfo& blas) {
  boost::json::array warnings;
  if (IsOldCore(blas.core) && !blas.expected.empty()) {
    warnings.emplace_back("OpenBLAS takes this processor for a \"" + blas.core +
                          "\" and multiplies several times slower than it could; set "
                          "OPENBLAS_CORETYPE=" +
                          blas.expected + " (beamgrid does so for its workers)");
  }
  if (blas.library.find("OpenBLAS") == std::string::npos &&
      blas.library.find("MKL") == std::string::npos) {
    warnings.emplace_back(
        "LibTorch multiplies matrices without OpenBLAS, about 12 times slower; install "
        "libopenblas0-pthread");
  }
  if (torch::cuda::is_available() && Gpus().empty()) {
    warnings.emplace_back("this LibTorch has CUDA, but beamgrid-trainer was built without it");
  }
  return warnings;
}

/// Adds the folders in which the dynamic linker looks for the program's libraries: a new library in
/// one of them may take the place of another.
void AddSearchedFolders(std::vector<std::string>& files) {
  void* const program = ::dlopen(nullptr, RTLD_LAZY);
  Dl_serinfo sizes{};
  if (program == nullptr || ::dlinfo(program, RTLD_DI_SERINFOSIZE, &sizes) != 0) return;
  std::vector<std::max_align_t> room(sizes.dls_size / sizeof(std::max_align_t) + 1);
  auto* const found = reinterpret_cast<Dl_serinfo*>(room.data());
  *found = sizes;
  if (::dlinfo(program, RTLD_DI_SERINFO, found) != 0) return;
  for (unsigned i = 0; i < found->dls_cnt; ++i) files.emplace_back(found->dls_serpath[i].dls_name);
}

/// Returns what this process depends on beside its own file: libraries, and by what the dynamic
/// linker found them.
std::vector<std::string> LoadedFiles() {
  std::vector<std::string> files = {"/etc/ld.so.cache", "/etc/ld.so.preload"};
  AddSearchedFolders(files);
  const auto add = [](dl_phdr_info* object, std::size_t, void* list) {
    const std::string name = object->dlpi_name;
    // The program itself has no name, and what the kernel maps no file.
    if (name.starts_with('/')) static_cast<std::vector<std::string>*>(list)->push_back(name);
    return 0;
  };
  ::dl_iterate_phdr(add, &files);
  return files;
}

}  // namespace

int DescribeCommand(std::ostream& out) {
  boost::json::object catalogue = ToJson(BuiltCatalogue());
  catalogue["loaded"] = JsonList(LoadedFiles());
  out << boost::json::serialize(catalogue) << std::endl;
  return static_cast<int>(out ? TrainerExit::kDone : TrainerExit::kBroken);
}

// std::endl and not a newline: the orchestrator waits for each answer before it asks again.
int CountCommand(std::istream& in, std::ostream& out) {
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    boost::json::value id;
    boost::json::object answer = CountOne(line, id);
    answer["id"] = id;
    out << boost::json::serialize(answer) << std::endl;
  }
  return static_cast<int>(out ? TrainerExit::kDone : TrainerExit::kBroken);
}

int DoctorCommand(std::ostream& out) {
  boost::json::array devices;
  for (const GpuInfo& gpu : Gpus()) {
    devices.push_back({{"name", gpu.name}, {"memory_bytes", gpu.memory_bytes}});
  }
  PrepareProcess(1);
  const BlasInfo blas = Blas();
  const char* core_type = std::getenv("OPENBLAS_CORETYPE");
  const boost::json::object report = {
      {"trainer_version", BEAMGRID_VERSION},
      {"libtorch_version", TORCH_VERSION},
      {"cuda", torch::cuda::is_available()},
      {"devices", std::move(devices)},
      {"threads", std::thread::hardware_concurrency()},
      {"blas",
       {{"library", blas.library},
        {"core", blas.core},
        {"openblas_coretype", core_type == nullptr ? "" : core_type},
        {"gflops_per_thread", MatrixProductGflops()}}},
      {"warnings", Warnings(blas)}};
  out << boost::json::serialize(report) << std::endl;
  return static_cast<int>(out ? TrainerExit::kDone : TrainerExit::kBroken);
}

}  // namespace beamgrid::trainer
