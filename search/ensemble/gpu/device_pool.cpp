#include "search/ensemble/gpu/device_pool.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace beamgrid::gpu {
namespace {

static_assert(kTop == kGapTop);

/// The videos of a piece of packing, and the pieces that are packed before they are copied.
constexpr std::size_t kVideosPerPart = 256;
constexpr std::size_t kPartsAtOnce = 64;

/// Part is the lists of some videos, packed.
struct Part {
  std::vector<std::uint64_t> entries;
  std::vector<std::uint64_t> begin;  ///< [videos, models] into all entries of the pool
  std::vector<std::int64_t> floors;
};

Part Packed(const PoolShape& shape, std::size_t first, std::size_t end, std::uint64_t at) {
  Part part;
  KeyList<std::int64_t> list;
  for (std::size_t v = first; v < end; ++v) {
    for (std::size_t m = 0; m < shape.models; ++m) {
      shape.decode(static_cast<int>(m), v, list);
      part.begin.push_back(at + part.entries.size());
      part.floors.push_back(list.floor >> shape.tag_bits);
      for (std::size_t i = 0; i < list.labels.size(); ++i) {
        const auto units = static_cast<std::uint64_t>(list.keys[i] >> shape.tag_bits);
        part.entries.push_back(units << kLabelBits | static_cast<std::uint64_t>(list.labels[i]));
      }
    }
  }
  return part;
}

}  // namespace

Binning BinningTo(std::int64_t largest_sum) {
  constexpr int kSumBits = 31;
  const auto width = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest_sum)));
  const int shift = std::max(0, width - kSumBits);
  const auto parts = static_cast<std::uint64_t>(largest_sum >> shift) + 1;
  return {shift, (std::uint64_t{kBins} << 32) / parts};
}

bool DevicePool::Fits(const PoolShape& shape, const Device& device) {
  constexpr std::int64_t kMostLabels = std::int64_t{1} << kLabelBits;
  constexpr std::size_t kMostModels = std::numeric_limits<std::int32_t>::max();
  if (shape.largest_label >= kMostLabels || shape.models > kMostModels ||
      shape.largest_units >= std::int64_t{1} << (63 - kLabelBits)) {
    return false;
  }
  // Places are counted pair by pair: of lists of thousands of labels that takes too long.
  constexpr std::size_t kLongest = 512;
  return shape.longest <= kLongest &&
         WorkspaceBytes(shape.largest_label + 1, static_cast<std::int32_t>(shape.longest)) <=
             device.shared_bytes();
}

DevicePool::DevicePool(std::unique_ptr<Device> device, const PoolShape& shape,
                       const ForEach& for_each)
    : device_(std::move(device)) {
  view_.videos = static_cast<std::int64_t>(shape.videos);
  view_.models = static_cast<std::int32_t>(shape.models);
  view_.labels = shape.largest_label + 1;
  view_.longest = static_cast<std::int32_t>(shape.longest);
  view_.tag_bits = shape.tag_bits;
  CopyTruth(shape);
  CopyLists(shape, for_each);
}

template <typename T>
DevicePool::Memory DevicePool::Copied(std::span<const T> values) {
  Memory memory(*device_, std::max<std::size_t>(1, values.size_bytes()));
  if (!values.empty()) device_->Upload(memory.as<T>(), values.data(), values.size_bytes());
  return memory;
}

void DevicePool::CopyTruth(const PoolShape& shape) {
  std::vector<std::int32_t> truth;
  std::vector<std::uint64_t> begin = {0};
  for (std::size_t v = 0; v < shape.videos; ++v) {
    const std::span<const std::int32_t> labels = shape.truth(v);
    truth.insert(truth.end(), labels.begin(), labels.end());
    begin.push_back(truth.size());
  }
  truth_ = Copied<std::int32_t>(truth);
  truth_begin_ = Copied<std::uint64_t>(begin);
  view_.truth = truth_.as<std::int32_t>();
  view_.truth_begin = truth_begin_.as<std::uint64_t>();
}

void DevicePool::CopyLists(const PoolShape& shape, const ForEach& for_each) {
  const std::size_t parts = (shape.videos + kVideosPerPart - 1) / kVideosPerPart;
  std::vector<std::uint64_t> first_of = {0};
  for (std::size_t p = 0; p < parts; ++p) {
    const std::size_t end = std::min(shape.videos, (p + 1) * kVideosPerPart);
    std::uint64_t entries = first_of.back();
    for (std::size_t v = p * kVideosPerPart; v < end; ++v) entries += shape.entries[v];
    first_of.push_back(entries);
  }
  // All at once, before anything is packed: where the memory does not suffice no time is lost.
  const std::size_t lists = shape.videos * shape.models;
  entries_ = Memory(*device_, std::max<std::size_t>(1, first_of.back()) * sizeof(std::uint64_t));
  begin_ = Memory(*device_, (lists + 1) * sizeof(std::uint64_t));
  floors_ = Memory(*device_, std::max<std::size_t>(1, lists) * sizeof(std::int64_t));
  for (std::size_t begin = 0; begin < parts; begin += kPartsAtOnce) {
    std::vector<Part> packed(std::min(kPartsAtOnce, parts - begin));
    for_each(packed.size(), [&](std::size_t i) {
      const std::size_t first = (begin + i) * kVideosPerPart;
      packed[i] =
          Packed(shape, first, std::min(shape.videos, first + kVideosPerPart), first_of[begin + i]);
    });
    for (std::size_t i = 0; i < packed.size(); ++i) {
      const auto& [entries, begins, floors] = packed[i];
      const std::size_t list = (begin + i) * kVideosPerPart * shape.models;
      device_->Upload(entries_.as<std::uint64_t>() + first_of[begin + i], entries.data(),
                      entries.size() * sizeof entries[0]);
      device_->Upload(begin_.as<std::uint64_t>() + list, begins.data(),
                      begins.size() * sizeof begins[0]);
      device_->Upload(floors_.as<std::int64_t>() + list, floors.data(),
                      floors.size() * sizeof floors[0]);
    }
  }
  device_->Upload(begin_.as<std::uint64_t>() + lists, &first_of.back(), sizeof first_of.back());
  view_.entries = entries_.as<std::uint64_t>();
  view_.begin = begin_.as<std::uint64_t>();
  view_.floors = floors_.as<std::int64_t>();
}

DevicePool::DevicePlan DevicePool::Planned(const GrowthPlan& plan) {
  std::vector<Run> runs;
  std::vector<std::int32_t> members;
  for (const GrowthPlan::Run& run : plan.runs) {
    const auto begin = static_cast<std::int32_t>(members.size());
    members.insert(members.end(), run.set->begin(), run.set->end());
    runs.push_back({begin, static_cast<std::int32_t>(members.size()),
                    static_cast<std::int32_t>(run.begin), static_cast<std::int32_t>(run.end)});
  }
  DevicePlan on_device{.runs = Copied<Run>(runs),
                       .members = Copied<std::int32_t>(members),
                       .added = Copied<std::int32_t>(plan.model_of)};
  on_device.view.runs_count = static_cast<std::int32_t>(runs.size());
  on_device.view.runs = on_device.runs.as<Run>();
  on_device.view.members = on_device.members.as<std::int32_t>();
  on_device.view.added = on_device.added.as<std::int32_t>();
  return on_device;
}

void* DevicePool::Results(std::size_t bytes, unsigned char fill) {
  if (results_.bytes() < bytes) {
    results_ = Memory();  // before the larger one is taken
    results_ = Memory(*device_, bytes);
  }
  device_->Fill(results_.as<void>(), fill, bytes);
  return results_.as<void>();
}

void DevicePool::Count(const GrowthPlan& plan, std::int64_t largest_sum,
                       std::span<BinCounts> counts) {
  DevicePlan on_device = Planned(plan);
  const std::size_t of_growth = 2 * kBins * sizeof(std::uint32_t);
  on_device.view.binning = BinningTo(largest_sum);
  on_device.view.bins = kBins;
  on_device.view.counts = static_cast<std::uint32_t*>(Results(plan.growths.size() * of_growth, 0));
  device_->Score(view_, on_device.view);
  for (std::size_t g = 0; g < plan.growths.size(); ++g) {
    counts[g].resize(2 * kBins);
    device_->Download(counts[g].data(), on_device.view.counts + g * 2 * kBins, of_growth);
  }
}

std::vector<std::vector<std::int64_t>> DevicePool::Keys(const GrowthPlan& plan) {
  DevicePlan on_device = Planned(plan);
  const std::size_t of_growth = static_cast<std::size_t>(view_.videos) * kTop;
  on_device.view.keys = static_cast<std::int64_t*>(
      Results(plan.growths.size() * of_growth * sizeof(std::int64_t), 0xff));
  device_->Score(view_, on_device.view);
  std::vector<std::vector<std::int64_t>> keys(plan.growths.size());
  for (std::size_t g = 0; g < keys.size(); ++g) {
    keys[g].resize(of_growth);
    device_->Download(keys[g].data(), on_device.view.keys + g * of_growth,
                      of_growth * sizeof(std::int64_t));
    std::erase(keys[g], -1);
  }
  return keys;
}

}  // namespace beamgrid::gpu
