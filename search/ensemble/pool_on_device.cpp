// What a device does of a pool's passes.

#include <algorithm>

#include "search/ensemble/gpu/device_pool.h"
#include "search/ensemble/pool.h"

namespace beamgrid {

void EnsemblePool::OpenDevice(const gpu::DeviceOffer& offer) {
  if (!offer.open || models_.size() * models_[0].size() < offer.fewest_lists) return;
  std::unique_ptr<gpu::Device> device = offer.open();
  if (device == nullptr) return;
  const gpu::PoolShape shape = ShapeForDevice();
  if (!gpu::DevicePool::Fits(shape, *device)) return;
  const std::string name = device->name();
  warn_ = [name, warn = offer.warn](const std::string& why) {
    if (warn) warn(name + ": " + why + "; the processor scores the ensembles instead");
  };
  try {
    device_ = std::make_unique<gpu::DevicePool>(std::move(device), shape, for_each_);
  } catch (const gpu::DeviceError& error) {
    warn_(error.what());
  }
}

gpu::PoolShape EnsemblePool::ShapeForDevice() const {
  gpu::PoolShape shape{.videos = models_[0].size(),
                       .models = models_.size(),
                       .largest_label = largest_label_,
                       .tag_bits = tag_bits_};
  for (int m = 0; m < size(); ++m) {
    shape.largest_units = std::max(shape.largest_units, LargestUnits(m));
  }
  shape.entries.resize(shape.videos);
  for (const AlignedModel& model : models_) {
    for (std::size_t v = 0; v < shape.videos; ++v) {
      const auto [begin, end] = model.model->lists.Of((*model.rows)[v]);
      shape.entries[v] += end - begin;
      shape.longest = std::max(shape.longest, end - begin);
    }
  }
  shape.decode = [this](int model, std::size_t video, KeyList<Exact>& list) {
    Decode(model, video, list);
  };
  shape.truth = [this](std::size_t video) { return models_[0].LabelsOf(video); };
  return shape;
}

std::int64_t EnsemblePool::LargestUnits(int model) const {
  // As Decode counts them: no score, and no floor, gives more.
  const double term = combination_.Term(largest_score_);
  return Units(factors_[static_cast<std::size_t>(model)] * term) >> tag_bits_;
}

bool EnsemblePool::OnDevice(const std::function<void(gpu::DevicePool&)>& pass) const {
  if (device_ == nullptr) return false;
  try {
    pass(*device_);
    return true;
  } catch (const gpu::DeviceError& error) {
    warn_(error.what());
    device_.reset();
    return false;
  }
}

bool EnsemblePool::CountOnDevice(const GrowthPlan& plan) const {
  std::int64_t largest = 0;
  for (const GrowthPlan::Run& run : plan.runs) {
    std::int64_t of_set = 0, added = 0;
    for (const int member : *run.set) of_set += LargestUnits(member);
    for (const int model : plan.AddedIn(run)) added = std::max(added, LargestUnits(model));
    largest = std::max(largest, of_set + added);
  }
  return OnDevice([&](gpu::DevicePool& device) {
    device.Count(plan, largest, std::span(counts_).first(plan.growths.size()));
  });
}

bool EnsemblePool::ScoreOnDevice(const GrowthPlan& plan, std::span<double> gaps) const {
  return OnDevice([&](gpu::DevicePool& device) {
    std::vector<std::vector<Exact>> keys = device.Keys(plan);
    for_each_(keys.size(), [&](std::size_t g) {
      gaps[g] = PackedGap(tag_bits_, positives_, harmonic_)(keys[g]);
      keys[g] = {};
    });
  });
}

}  // namespace beamgrid
