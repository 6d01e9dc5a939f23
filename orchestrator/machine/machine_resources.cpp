#include "orchestrator/machine/machine_resources.h"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <utility>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// The part of a device's memory that stays free: for the system, other programs' growth and
/// fragmentation.
constexpr double kReserve = 0.05;
/// The most trials that a forecast learns from: more would say the same and cost time at every
/// start.
constexpr std::int64_t kMostTrials = 1000;

std::string Gibibytes(std::int64_t bytes) {
  return FixedText(std::floor(static_cast<double>(bytes) / (1 << 30) * 10 + 0.5) / 10, 1) + " GiB";
}

}  // namespace

Forecast ForecastFrom(const Store& store, std::optional<TrialId> except) {
  // Of whatever data: what a model needs is measured all the same. A form in another precision was
  // not trained: it needs less.
  std::vector<TrialId> latest = store.Measured(kMostTrials + 1);
  std::erase_if(latest, [&except](TrialId trial) { return trial == except; });
  // The lowest ids are the oldest: programs and machines change.
  latest.resize(std::min<std::size_t>(latest.size(), kMostTrials));
  Forecast forecast;
  for (const TrialId trial : latest | std::views::reverse) {
    const TrialSpec spec = store.Spec(trial);
    forecast.Learn(spec.model, spec.data, *store.Trial(trial).result);
  }
  return forecast;
}

std::string NotShared(const Error& error) {
  return std::string("the machine is not shared with other studies: ") + error.what();
}

MachineResources::MachineResources(const DataSpec& data, const std::vector<Slot>& slots,
                                   std::int64_t cores, MakeForecast make_forecast,
                                   DeviceMemory& memory, MachineShare* share, Warn warn)
    : data_(data),
      make_forecast_(std::move(make_forecast)),
      memory_(memory),
      share_(share),
      warn_(std::move(warn)) {
  for (const Slot& slot : slots) {
    Device& device = devices_[slot.device];
    device.identity = memory_.Identity(slot.device);
    // Studies share a CPU by its cores, a GPU by workers.
    device.per_slot = slot.device == "cpu" ? slot.threads : 1;
    ++device.slots;
  }
  for (auto& [name, device] : devices_) {
    // Who asks for more slots than there are cores gets them.
    const std::int64_t asked = device.slots * device.per_slot;
    device.units = name == "cpu" ? std::max(cores, asked) : asked;
  }
}

std::map<std::string, std::int64_t> MachineResources::Budgets() {
  std::map<std::string, std::int64_t> budgets;
  for (const auto& [name, device] : devices_) {
    const std::optional<MemoryState> state = memory_.Of(name);
    if (!state) continue;
    const double reserve = kReserve * static_cast<double>(state->total_bytes);
    budgets[name] =
        // Never 0: a device that is full already still takes one trial at a time.
        std::max<std::int64_t>(1, state->free_bytes - static_cast<std::int64_t>(reserve));
  }
  return budgets;
}

std::string MachineResources::Summary() {
  return Join(devices_, ", ", [&](const auto& entry) {
    const auto& [name, device] = entry;
    const std::optional<MemoryState> state = memory_.Of(name);
    return CountText(static_cast<std::size_t>(device.slots), "slot") + " on " + name +
           (state ? " (" + Gibibytes(state->free_bytes) + " free)" : "");
  });
}

TrialNeeds MachineResources::Needs(const ModelSpec& model, std::int64_t parameters) {
  std::map<std::string, Forecast::Need> by_kind;
  TrialNeeds needs{.measured = true};
  bool measured_before = true;
  for (const auto& [name, device] : devices_) {
    const auto [need, is_new] = by_kind.try_emplace(DeviceKind(name));
    if (is_new) need->second = Known().Of(model, data_, parameters, need->first);
    needs.memory_bytes[name] = need->second.memory_bytes;
    // Of devices of several kinds the slowest: a trial may end up there, and the order of starts
    // is to keep the whole from waiting for its last trial.
    needs.seconds = std::max(needs.seconds, need->second.seconds);
    // What other parts took says which trial is longer, and not by how much.
    needs.measured = needs.measured && need->second.basis >= Forecast::Basis::kSameParts;
    const Forecast::Need before =
        before_ ? before_->Of(model, data_, parameters, need->first) : need->second;
    needs.seconds_before = std::max(needs.seconds_before, before.seconds);
    measured_before = measured_before && before.basis >= Forecast::Basis::kSameParts;
  }
  if (!measured_before) needs.seconds_before = 0;
  return needs;
}

void MachineResources::Learn(const ModelSpec& model, const TrialResult& result) {
  if (!before_) before_ = Known().Copy();
  Known().Learn(model, data_, result);
}

Forecast& MachineResources::Known() {
  if (!forecast_) forecast_ = make_forecast_();
  return *forecast_;
}

bool MachineResources::Take(TrialId trial, const Slot& slot, const TrialNeeds& needs) {
  Device& device = devices_.at(slot.device);
  // Others may have filled the memory since the study began. On a device that none of ours uses
  // waiting would not help us more than trying.
  const std::optional<MemoryState> state =
      device.running > 0 ? memory_.Of(slot.device) : std::nullopt;
  const auto need = needs.memory_bytes.find(slot.device);
  const std::int64_t needed = need == needs.memory_bytes.end() ? 0 : need->second;
  if (state && state->free_bytes < needed) {
    refusal_ = "too little of its memory is free; trials start there as there is more";
    return false;
  }
  // Last, for it is what others see: a unit that is taken and not used would keep them waiting.
  if (!OthersLeave(device.identity, device.units, device.per_slot)) {
    refusal_ =
        "held by " + share_->Holders(device.identity) +
        "; trials start there as slots are given back, with `beamgrid run --no-wait` at once";
    return false;
  }
  ++device.running;
  held_[trial] = slot.device;
  return true;
}

bool MachineResources::OthersLeave(const std::string& device, std::int64_t capacity,
                                   std::int64_t units) {
  if (share_ == nullptr) return true;
  try {
    return share_->TryTake(device, capacity, units);
  } catch (const Error& error) {
    share_ = nullptr;
    warn_(NotShared(error));
    return true;
  }
}

void MachineResources::GiveBack(TrialId trial) {
  const auto held = held_.find(trial);
  if (held == held_.end()) return;
  Device& device = devices_.at(held->second);
  --device.running;
  if (share_ != nullptr) share_->GiveBack(device.identity, device.per_slot);
  held_.erase(held);
}

void MachineResources::SetWaiting(std::int64_t trials) {
  if (share_ == nullptr) return;
  // A study without waiting trials must not be handed units that it will never take.
  if (trials == 0) share_->StopWaiting();
  share_->Refresh();
}

}  // namespace beamgrid
