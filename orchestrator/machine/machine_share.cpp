#include "orchestrator/machine/machine_share.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <utility>

#include "orchestrator/machine/share_folder.h"
#include "orchestrator/machine/share_table.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

/// A visit lasts microseconds, so whoever is kept out so long met a stopped process.
constexpr std::chrono::milliseconds kPatience{100};

std::string NewId() {
  std::random_device random;
  return std::to_string(::getpid()) + '-' + std::to_string(random());
}

bool IsLinked(const UniqueFd& file) {
  struct stat status{};
  return file.get() >= 0 && ::fstat(file.get(), &status) == 0 && status.st_nlink > 0;
}

}  // namespace

std::filesystem::path DefaultShareFolder() {
  if (const char* folder = std::getenv("BEAMGRID_SHARE_DIR"); folder != nullptr && *folder != 0) {
    return folder;
  }
  return "/tmp/beamgrid-" + std::to_string(::geteuid());
}

double SecondsSinceBoot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// What leases refer to.
struct MachineShare::State {
  struct Units {
    std::int64_t capacity = 1;
    std::int64_t held = 0;
  };
  enum class Visited { kDone, kBusy, kOff };

  State(std::filesystem::path where, ShareOwner who, MonotonicSeconds clock)
      : folder(std::move(where)), owner(std::move(who)), now(std::move(clock)) {}
  ~State() {
    static_cast<void>(Visit([this](const ShareVisit& visit, ShareTable& table) {
      table.Remove(owner.id);
      visit.Remove(owner.id);
    }));
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// Shows `work` the table as it is now, and stores what becomes of it.
  template <typename Work>
  Visited Visit(const Work& work) {
    if (!problem.empty()) return Visited::kOff;
    try {
      const std::optional<ShareVisit> visit = ShareVisit::Begin(folder, kPatience);
      if (!visit) return Visited::kBusy;
      ShareTable table = Load(*visit);
      work(*visit, table);
      claims = table.claims();
      visit->WriteTable(table.Text());
      return Visited::kDone;
    } catch (const Error& error) {
      problem = error.what();
      return Visited::kOff;
    }
  }
  /// Tells what this holds.
  void Tell() {
    static_cast<void>(Visit([](const ShareVisit&, ShareTable&) {}));
  }

  ShareTable Load(const ShareVisit& visit) {
    if (!IsLinked(alive)) alive = visit.Announce(owner.id);
    ShareTable table = ShareTable::FromText(visit.ReadTable());
    table.Advance(now(),
                  [&](const std::string& id) { return id == owner.id || visit.IsAlive(id); });
    for (const auto& [device, units] : devices) {
      table.SetHeld(owner, device, units.capacity, units.held);
    }
    return table;
  }

  std::filesystem::path folder;
  ShareOwner owner;
  MonotonicSeconds now;
  std::string problem;
  UniqueFd alive;                        ///< locked while this lives
  std::map<std::string, Units> devices;  ///< what this holds, whatever the table says
  std::vector<ShareClaim> claims;        ///< as of the last visit
};

MachineShare::MachineShare(std::filesystem::path folder, std::string study, std::int64_t priority,
                           MonotonicSeconds now)
    : state_(std::make_shared<State>(
          std::move(folder),
          ShareOwner{
              .id = NewId(), .study = std::move(study), .pid = ::getpid(), .priority = priority},
          std::move(now))) {
  state_->Tell();
}

MachineShare::~MachineShare() = default;

const std::string& MachineShare::problem() const { return state_->problem; }

std::optional<SlotLease> MachineShare::TryTake(const std::string& device, std::int64_t capacity,
                                               std::int64_t units) {
  std::int64_t taken = 0;
  State::Units& own = state_->devices[device];
  own.capacity = capacity;
  const State::Visited visited = state_->Visit([&](const ShareVisit&, ShareTable& table) {
    taken = table.Take(state_->owner, device, capacity, units);
  });
  if (visited == State::Visited::kOff) return SlotLease();
  if (visited == State::Visited::kBusy || taken == 0) return std::nullopt;
  own.held += taken;
  const auto give_back = [state = state_, device, taken](void*) {
    state->devices[device].held -= taken;
    // Where this visit fails the next one tells.
    state->Tell();
  };
  return SlotLease(std::shared_ptr<void>(state_.get(), give_back));
}

void MachineShare::StopWaiting(const std::string& device) {
  static_cast<void>(state_->Visit(
      [&](const ShareVisit&, ShareTable& table) { table.StopWaiting(state_->owner.id, device); }));
}

std::vector<MachineShare::Neighbour> MachineShare::Neighbours(const std::string& device) const {
  std::vector<Neighbour> neighbours;
  for (const ShareClaim& claim : state_->claims) {
    if (claim.device != device || claim.owner.id == state_->owner.id) continue;
    neighbours.push_back({.study = claim.owner.study,
                          .pid = claim.owner.pid,
                          .priority = claim.owner.priority,
                          .held = claim.held,
                          .waits = claim.wanted > 0});
  }
  return neighbours;
}

}  // namespace beamgrid
