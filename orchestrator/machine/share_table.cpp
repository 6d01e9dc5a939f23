#include "orchestrator/machine/share_table.h"

#include <algorithm>
#include <stdexcept>

#include "registry/util/json.h"

namespace beamgrid {
namespace {

boost::json::object ToJson(const ShareClaim& claim) {
  return {{"owner", claim.owner.id},      {"study", claim.owner.study},
          {"pid", claim.owner.pid},       {"priority", claim.owner.priority},
          {"device", claim.device},       {"capacity", claim.capacity},
          {"held", claim.held},           {"wanted", claim.wanted},
          {"active_at", claim.active_at}, {"served", claim.served},
          {"used", claim.used},           {"ended", claim.ended}};
}

ShareClaim ClaimFrom(const boost::json::value& json) {
  const JsonReader read(json, "claim");
  return {.owner = {.id = read.Text("owner"),
                    .study = read.Text("study"),
                    .pid = read.Integer("pid"),
                    .priority = std::max<std::int64_t>(1, read.Integer("priority"))},
          .device = read.Text("device"),
          .capacity = read.Integer("capacity"),
          .held = read.Integer("held"),
          .wanted = read.Integer("wanted"),
          .active_at = read.Number("active_at"),
          .served = read.Number("served"),
          .used = read.Number("used"),
          .ended = read.Integer("ended")};
}

}  // namespace

void ShareTable::Advance(double now,
                         const std::function<bool(const std::string& owner)>& is_alive) {
  // A clock that was set back is that of another boot: nothing here is alive any more.
  if (now < at_) *this = {};
  std::erase_if(claims_, [&](const ShareClaim& claim) { return !is_alive(claim.owner.id); });
  std::vector<double> contended;
  for (const ShareClaim& claim : claims_) contended.push_back(ContendedSeconds(claim, now));
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    ShareClaim& claim = claims_[i];
    claim.used += static_cast<double>(claim.held) * (now - at_);
    claim.served +=
        static_cast<double>(claim.held) * contended[i] / static_cast<double>(claim.owner.priority);
    if (now > claim.active_at + kWishSeconds) claim.wanted = 0;
  }
  std::erase_if(claims_, [&](const ShareClaim& claim) {
    return claim.held == 0 && now > claim.active_at + kWishSeconds;
  });
  at_ = now;
}

double ShareTable::ContendedSeconds(const ShareClaim& claim, double now) const {
  double seconds = 0;
  for (const ShareClaim& other : claims_) {
    if (other.device != claim.device || other.owner.id == claim.owner.id) continue;
    if (other.wanted == 0) continue;
    seconds = std::max(seconds, std::min(now, other.active_at + kWishSeconds) - at_);
  }
  return seconds;
}

std::int64_t ShareTable::Take(const ShareOwner& owner, const std::string& device,
                              std::int64_t capacity, std::int64_t units) {
  ShareClaim& claim = Enter(owner, device, capacity);
  claim.wanted = units;
  claim.active_at = at_;
  const std::int64_t all = Capacity(device);
  const std::int64_t needed = std::min(units, all);
  if (needed > FreeFor(claim, all)) return 0;
  claim.held += needed;
  claim.wanted = 0;
  return needed;
}

double ShareTable::LeaseSeconds(const std::string& device) const {
  double longest = 0;
  for (const ShareClaim& claim : claims_) {
    if (claim.device != device || claim.ended == 0) continue;
    longest = std::max(longest, claim.used / static_cast<double>(claim.ended));
  }
  return longest > 0 ? longest : kLeaseSeconds;
}

double ShareTable::Place(const ShareClaim& claim) const {
  return claim.served + LeaseSeconds(claim.device) * static_cast<double>(claim.held) /
                            static_cast<double>(claim.owner.priority);
}

std::int64_t ShareTable::FreeFor(const ShareClaim& claim, std::int64_t capacity) const {
  std::int64_t free = capacity;
  for (const ShareClaim& other : claims_) {
    if (other.device != claim.device) continue;
    free -= other.held;
    if (other.wanted > 0 && Place(other) < Place(claim)) {
      free -= std::min(other.wanted, capacity);
    }
  }
  return free;
}

void ShareTable::SetHeld(const ShareOwner& owner, const std::string& device, std::int64_t capacity,
                         std::int64_t units) {
  if (units == 0 && Find(owner.id, device) == nullptr) return;
  ShareClaim& claim = Enter(owner, device, capacity);
  if (claim.held == units) return;
  claim.ended += std::max<std::int64_t>(0, claim.held - units);
  claim.held = units;
  claim.active_at = at_;
}

void ShareTable::StopWaiting(const std::string& owner, const std::string& device) {
  if (ShareClaim* claim = Find(owner, device)) claim->wanted = 0;
}

void ShareTable::Remove(const std::string& owner) {
  std::erase_if(claims_, [&](const ShareClaim& claim) { return claim.owner.id == owner; });
}

ShareClaim* ShareTable::Find(const std::string& owner, const std::string& device) {
  const auto found = std::ranges::find_if(claims_, [&](const ShareClaim& claim) {
    return claim.owner.id == owner && claim.device == device;
  });
  return found == claims_.end() ? nullptr : &*found;
}

ShareClaim& ShareTable::Enter(const ShareOwner& owner, const std::string& device,
                              std::int64_t capacity) {
  ShareClaim* claim = Find(owner.id, device);
  if (claim == nullptr) {
    const double served = ServedAtEntry(device);
    claim = &claims_.emplace_back(ShareClaim{.owner = owner, .device = device, .served = served});
  }
  claim->capacity = capacity;
  return *claim;
}

/// Level with the least served of those that wait: time without a wish earns nothing. Where nobody
/// waits all have what they want, and the newcomer is favoured over none of them.
double ShareTable::ServedAtEntry(const std::string& device) const {
  double least_waiting = 0, most = 0;
  bool somebody_waits = false;
  for (const ShareClaim& claim : claims_) {
    if (claim.device != device) continue;
    most = std::max(most, claim.served);
    if (claim.wanted == 0) continue;
    least_waiting = somebody_waits ? std::min(least_waiting, claim.served) : claim.served;
    somebody_waits = true;
  }
  return somebody_waits ? least_waiting : most;
}

std::int64_t ShareTable::Capacity(const std::string& device) const {
  std::int64_t capacity = 1;
  for (const ShareClaim& claim : claims_) {
    if (claim.device == device) capacity = std::max(capacity, claim.capacity);
  }
  return capacity;
}

std::string ShareTable::Text() const {
  boost::json::array claims;
  for (const ShareClaim& claim : claims_) claims.push_back(ToJson(claim));
  return CanonicalJson(boost::json::object{{"at", at_}, {"claims", std::move(claims)}}) + "\n";
}

ShareTable ShareTable::FromText(const std::string& text) {
  try {
    const boost::json::value json = ParseJson(text);
    const JsonReader read(json, "");
    ShareTable table;
    table.at_ = read.Number("at");
    for (const boost::json::value& claim : read.List("claims")) {
      table.claims_.push_back(ClaimFrom(claim));
    }
    return table;
  } catch (const std::invalid_argument&) {
    return {};
  }
}

}  // namespace beamgrid
