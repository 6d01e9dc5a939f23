#include "search/ensemble/model_lists.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "registry/scoring/segments.h"
#include "registry/util/error.h"

namespace beamgrid {

void VideoTable::Add(std::string id, std::span<const std::int32_t> labels) {
  ids_.push_back(std::move(id));
  labels_.insert(labels_.end(), labels.begin(), labels.end());
  begin_.push_back(labels_.size());
}

void VideoTable::SetGroups(std::shared_ptr<const VideoGroups> groups,
                           const std::vector<std::uint32_t>& videos) {
  keys_.assign(ids_.size(), nullptr);
  for (const std::uint32_t video : videos) keys_[video] = &groups->Of(ids_[video]);
  groups_ = std::move(groups);
}

bool VideoTable::AreSegments() const {
  return !ids_.empty() && std::ranges::all_of(ids_, IsSegmentId);
}

void ModelLists::Reserve(std::size_t videos, std::size_t entries) {
  low_labels_.reserve(entries);
  floats_.reserve(entries);
  begin_.reserve(videos + 1);
}

void ModelLists::Add(std::span<const ScoredLabelDouble> list) {
  for (const ScoredLabelDouble& entry : list) {
    const auto high = static_cast<std::uint8_t>(entry.label >> 16);
    if (high != 0 && !has_high_) {
      has_high_ = true;
      high_labels_.resize(low_labels_.size());
    }
    if (has_high_) high_labels_.push_back(high);
    low_labels_.push_back(static_cast<std::uint16_t>(entry.label));
    largest_label_ = std::max(largest_label_, entry.label);
    PutScore(entry.score);
  }
  if (low_labels_.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw UsageError("ensemble: a model lists more than " +
                     std::to_string(std::numeric_limits<std::uint32_t>::max()) + " labels in all");
  }
  begin_.push_back(static_cast<std::uint32_t>(low_labels_.size()));
}

void ModelLists::ReadAhead(Range first, Range last) const {
  if (!in_files_) return;
  const auto read = [&](const auto& list) {
    if (list.empty()) return;
    ScratchMemory::ReadAhead(&list[first.begin], (last.end - first.begin) * sizeof list[0]);
  };
  read(low_labels_);
  read(high_labels_);
  read(floats_);
  read(doubles_);
}

std::size_t ModelLists::bytes() const {
  const auto of = [](const auto& list) { return list.size() * sizeof list[0]; };
  return of(low_labels_) + of(high_labels_) + of(floats_) + of(doubles_) + of(begin_);
}

void ModelLists::PutScore(double score) {
  largest_score_ = std::max(largest_score_, score);
  const auto narrow = static_cast<float>(score);
  if (!needs_doubles_ && static_cast<double>(narrow) != score) {
    doubles_.assign(floats_.begin(), floats_.end());
    floats_.clear();
    floats_.shrink_to_fit();
    needs_doubles_ = true;
  }
  if (needs_doubles_) {
    doubles_.push_back(score);
  } else {
    floats_.push_back(narrow);
  }
}

}  // namespace beamgrid
