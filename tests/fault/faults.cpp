#include "tests/fault/faults.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <new>
#include <stdexcept>

#include "tests/end_to_end/process.h"

namespace beamgrid {

Faults::Faults(const std::filesystem::path& file, const std::filesystem::path& root) : file_(file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(FaultPlan)) != 0) throw std::runtime_error("no fault plan");
  void* memory = ::mmap(nullptr, sizeof(FaultPlan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) throw std::runtime_error("cannot map the fault plan");
  plan_ = new (memory) FaultPlan{};
  std::snprintf(plan_->root, sizeof plan_->root, "%s", root.c_str());
}

Faults::~Faults() { ::munmap(plan_, sizeof(FaultPlan)); }

void Faults::Set(const std::string& program, Fault fault, std::int64_t first, std::int64_t count) {
  plan_->fault = Fault::kNone;
  std::snprintf(plan_->program, sizeof plan_->program, "%s", program.c_str());
  plan_->first = first;
  plan_->count = count;
  plan_->seen = 0;
  plan_->hits = 0;
  plan_->first_hit[0] = '\0';
  plan_->fault = fault;
}

void Faults::Mend() { plan_->fault = Fault::kNone; }

void Faults::SetClock(std::int64_t seconds) { plan_->clock_seconds = seconds; }

void Faults::Trace(const std::filesystem::path& file) {
  std::snprintf(plan_->trace, sizeof plan_->trace, "%s", file.c_str());
}

std::int64_t Faults::seen() const { return plan_->seen; }
std::int64_t Faults::hits() const { return plan_->hits; }
std::string Faults::first_hit() const { return plan_->first_hit; }

std::vector<std::string> Faults::Environment() const {
  return {"LD_PRELOAD=" + Binary("fault/faulty_io.so"),
          std::string(kFaultPlanVariable) + "=" + file_.string(),
          // Where the programs are built with it, it need not be the first library.
          "ASAN_OPTIONS=verify_asan_link_order=0:allocator_may_return_null=1"};
}

}  // namespace beamgrid
