#pragma once
// Prediction lists of very many videos in little memory: ids and truth once for all models, six
// bytes a listed label, and nothing lost.

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "registry/scoring/predictions.h"
#include "registry/util/scratch_memory.h"
#include "registry/video_groups.h"

namespace beamgrid {

/// VideoTable is the videos that all models of a pool are over, with their true labels.
class VideoTable {
 public:
  /// Appends a video. Ids must come in ascending order.
  void Add(std::string id, std::span<const std::int32_t> labels);
  /// Says to which groups the videos at these places belong. Throws InputError where one is of
  /// none.
  void SetGroups(std::shared_ptr<const VideoGroups> groups,
                 const std::vector<std::uint32_t>& videos);

  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] const std::string& id(std::size_t video) const { return ids_[video]; }
  /// True if all of them are segments, VIDEO:START (and there are any).
  [[nodiscard]] bool AreSegments() const;
  /// Returns what is drawn and held out as a whole: the video's group, where there are groups, or
  /// its id.
  [[nodiscard]] const std::string& key(std::size_t video) const {
    return groups_ ? *keys_[video] : ids_[video];
  }
  /// Null: each video stands for itself.
  [[nodiscard]] const VideoGroups* groups() const { return groups_.get(); }
  [[nodiscard]] std::span<const std::int32_t> LabelsOf(std::size_t video) const {
    return std::span(labels_).subspan(begin_[video], begin_[video + 1] - begin_[video]);
  }

 private:
  std::vector<std::string> ids_;
  std::vector<std::int32_t> labels_;      ///< of all videos, one after the other
  std::vector<std::size_t> begin_ = {0};  ///< [videos + 1] into labels_
  std::shared_ptr<const VideoGroups> groups_;
  std::vector<const std::string*> keys_;  ///< [videos] of groups_
};

/// ModelLists is one model's lists over the videos of a table. An entry takes six bytes: a label
/// below 65,536 and a score that is a float, as trials' files hold. Larger labels take one byte
/// more each, scores that need a double (CSV files) four; each only in models that have them.
class ModelLists {
 public:
  /// `memory` must outlive the lists, whose labels and scores lie there.
  explicit ModelLists(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : in_files_(dynamic_cast<ScratchMemory*>(memory) != nullptr),
        low_labels_(memory),
        high_labels_(memory),
        floats_(memory),
        doubles_(memory) {}

  /// Appends the next video's list. Labels must be below 2^24.
  void Add(std::span<const ScoredLabelDouble> list);
  /// Takes the memory for so many lists and entries at once: a growing one is copied again and
  /// again.
  void Reserve(std::size_t videos, std::size_t entries);

  /// Entries of one video: begin <= i < end.
  struct Range {
    std::size_t begin, end;
  };
  [[nodiscard]] Range Of(std::size_t video) const { return {begin_[video], begin_[video + 1]}; }
  [[nodiscard]] std::int32_t label(std::size_t i) const {
    return has_high_ ? low_labels_[i] | high_labels_[i] << 16 : low_labels_[i];
  }
  /// Copies the labels of one video to `labels`.
  void CopyLabels(Range list, std::int32_t* labels) const {
    const std::uint16_t* const low = low_labels_.data() + list.begin;
    const std::size_t count = list.end - list.begin;
    for (std::size_t i = 0; i < count; ++i) labels[i] = low[i];
    for (std::size_t i = 0; has_high_ && i < count; ++i) {
      labels[i] |= high_labels_[list.begin + i] << 16;
    }
  }
  /// Asks for a list to come into the processor's caches: it cannot foresee what is read next where
  /// very many models' lists are read in turns.
  void Prefetch(Range list) const {
    constexpr std::size_t kLine = 64;
    const auto fetch = [](const auto* begin, const auto* end) {
      for (; begin < end; begin += kLine / sizeof *begin) __builtin_prefetch(begin);
    };
    fetch(low_labels_.data() + list.begin, low_labels_.data() + list.end);
    if (needs_doubles_) {
      fetch(doubles_.data() + list.begin, doubles_.data() + list.end);
    } else {
      fetch(floats_.data() + list.begin, floats_.data() + list.end);
    }
  }
  /// Has the lists from `first` to `last` come from the disk, where they lie in files.
  void ReadAhead(Range first, Range last) const;
  /// Returns the score as it was given, to the last bit.
  [[nodiscard]] double score(std::size_t i) const {
    return needs_doubles_ ? doubles_[i] : static_cast<double>(floats_[i]);
  }
  /// True where one of the scores is no float: then all are in doubles(), else in floats().
  [[nodiscard]] bool needs_doubles() const { return needs_doubles_; }
  [[nodiscard]] std::span<const float> floats() const { return floats_; }
  [[nodiscard]] std::span<const double> doubles() const { return doubles_; }
  /// Returns the memory that all lists take.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::int32_t largest_label() const { return largest_label_; }
  [[nodiscard]] double largest_score() const { return largest_score_; }

 private:
  void PutScore(double score);

  bool in_files_;
  std::pmr::vector<std::uint16_t> low_labels_;
  std::pmr::vector<std::uint8_t> high_labels_;  ///< of all entries, where one of them needs it
  std::pmr::vector<float> floats_;
  std::pmr::vector<double>
      doubles_;  ///< of all entries, instead of floats_, where one of them needs it
  bool has_high_ = false;
  bool needs_doubles_ = false;
  /// [videos + 1] into the entries; always in memory, for it is asked where to read ahead.
  std::vector<std::uint32_t> begin_ = {0};
  std::int32_t largest_label_ = 0;
  double largest_score_ = 0;
};

}  // namespace beamgrid
