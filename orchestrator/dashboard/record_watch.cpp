#include "orchestrator/dashboard/record_watch.h"

#include <chrono>
#include <utility>

#include "registry/store/database_file.h"
#include "registry/store/place.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

/// Kernels keep the time of a write to a tick of their clock, 10 ms at most.
constexpr std::chrono::milliseconds kTick{20};

std::optional<FileStamp> StampIfThere(const std::filesystem::path& file) {
  try {
    return StampOf(file);
  } catch (const SystemError&) {
    return std::nullopt;
  }
}

bool IsFresh(const std::optional<FileStamp>& stamp) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return stamp && std::chrono::nanoseconds(stamp->modified_ns) > now - kTick;
}

}  // namespace

std::string FileIdentity(const std::filesystem::path& path) {
  const std::optional<FileStamp> stamp = StampIfThere(path);
  return stamp ? std::to_string(stamp->device) + ":" + std::to_string(stamp->inode) : "";
}

RecordWatch::RecordWatch(std::filesystem::path database,
                         std::function<std::unique_ptr<Store>()> open)
    : database_(std::move(database)), open_(std::move(open)) {}

RecordWatch::Seen RecordWatch::SeeFiles() const {
  // A link may come to lead elsewhere.
  const std::filesystem::path file = RealPath(database_);
  Seen seen{.database = StampIfThere(file), .log = StampIfThere(LogOf(file))};
  // Whoever reads makes an empty log where there is none, and as root gives it its owner again.
  if (seen.log && seen.log->size == 0) seen.log.reset();
  if (seen.log) seen.log->changed_ns = 0;
  return seen;
}

std::set<std::string> RecordWatch::StudiesThatRun() const {
  std::set<std::string> run;
  for (const std::string& study : studies_) {
    if (running_->IsRun(study)) run.insert(study);
  }
  return run;
}

void RecordWatch::Close() {
  store_.reset();
  running_.reset();
}

bool RecordWatch::Look() {
  const bool was_missed = std::exchange(may_have_missed_, false);
  Seen now = SeeFiles();
  if (seen_ && !was_missed && store_ && *seen_ == now) {
    std::set<std::string> run = StudiesThatRun();
    const bool same = run == run_;
    run_ = std::move(run);
    return !same;
  }
  may_have_missed_ = IsFresh(now.database) || IsFresh(now.log);
  seen_ = std::move(now);
  Close();
  return true;
}

const Store& RecordWatch::store() {
  if (store_) return *store_;
  // Throws, with what can be done about it.
  if (std::error_code ignored; !std::filesystem::exists(database_, ignored)) (void)open_();
  // The store's own descriptors of the file must be gone before this one is, and come after it.
  running_ = std::make_unique<RunningStudies>(database_);
  try {
    store_ = open_();
    studies_.clear();
    for (const StudyRecord& study : store_->Studies()) studies_.push_back(study.name);
    run_ = StudiesThatRun();
  } catch (...) {
    Close();
    throw;
  }
  return *store_;
}

}  // namespace beamgrid
