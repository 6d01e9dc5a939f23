#include "trainer/data/video_group_records.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <utility>

#include "registry/util/cache_folder.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/utf8.h"
#include "trainer/data/data_error.h"
#include "trainer/data/decoder.h"
#include "trainer/data/example.h"
#include "trainer/data/inspect.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {
namespace {

constexpr std::size_t kShownRecords = 3;
/// Bytes that are mapped before the pages are given back.
constexpr std::uint64_t kHeldBytes = 32 << 20;

using GroupMap = std::map<std::string, std::string, std::less<>>;

/// Returns the group of a record; empty where it has none.
std::string GroupIn(const ExampleView& example, const std::string& name) {
  const FeatureView* found = example.FindContext(name);
  if (found == nullptr || CountValues(*found) != 1) return "";
  if (found->kind == ValueKind::kBytes) return std::string(FirstBytes(*found));
  if (found->kind != ValueKind::kIntegers) return "";
  std::vector<std::int64_t> number;
  ReadIntegers(*found, number);
  return std::to_string(number.at(0));
}

std::pair<std::uint64_t, std::uint64_t> HashOfGroup(const std::string& group) {
  const XXH128_hash_t hash = XXH3_128bits(group.data(), group.size());
  return {hash.high64, hash.low64};
}

/// GroupReader reads one file after the other.
class GroupReader {
 public:
  GroupReader(const DataSpec& spec, std::string name)
      : name_(std::move(name)),
        segments_(spec.format == "segment"),
        decoder_(spec, LabelPolicy::kRequired) {}

  void ReadValidation(const TfRecordFile& file) {
    ReadFile(file,
             [&](std::uint64_t offset) { Take(file.path() + ": byte " + std::to_string(offset)); });
  }

  /// After all of validation.
  void ReadTraining(const std::vector<std::string>& files) {
    std::set<std::string> of_validation;
    for (const auto& [video, group] : groups_) of_validation.insert(group);
    std::set<std::string> shared;
    for (const std::string& path : files) {
      ReadFile(TfRecordFile(path), [&](std::uint64_t /*offset*/) {
        const std::string group = GroupOf();
        if (of_validation.contains(group)) shared.insert(group);
      });
    }
    in_train_ = std::ssize(shared);
  }

  [[nodiscard]] ReadGroups Done() && {
    return {.groups = VideoGroups(name_, std::move(groups_), in_train_),
            .without = without_,
            .examples = std::move(examples_)};
  }

 private:
  /// Calls `take` with the place of each record that is used, while it is the decoder's.
  template <typename Take>
  void ReadFile(const TfRecordFile& file, const Take& take) {
    std::uint64_t released = 0;
    for (std::uint64_t offset = 0; offset < file.size_bytes();) {
      std::uint64_t next = file.size_bytes();
      try {
        next = file.Skip(offset);
        const Record record = file.Read(offset);
        if (IsUsed(record, file.path())) take(offset);
      } catch (const DataError&) {
        // Damaged: the census has said so, and no prediction will be of it.
      }
      offset = next;
      if (offset - released < kHeldBytes) continue;
      file.ReleasePages();
      released = offset;
    }
  }

  /// Returns whether anything is learnt from the record, or predicted for it.
  [[nodiscard]] bool IsUsed(const Record& record, const std::string& path) {
    if (!segments_) {
      decoder_.Decode(record, path, video_);
      return true;
    }
    bool any = false;
    for (const std::int64_t start : decoder_.SegmentStarts(record, path)) {
      try {
        decoder_.DecodeSegment(record, path, start, video_);
        any = true;
      } catch (const DataError&) {
        // Another segment of the video may be sound.
      }
    }
    return any;
  }

  void Take(const std::string& place) {
    const std::string id(IdOf(decoder_.example()));
    if (id.empty()) return;
    std::string group = GroupOf();
    if (!group.empty() && IsWellFormedUtf8(group)) {
      groups_.emplace(id, std::move(group));
      return;
    }
    if (++without_ > static_cast<std::int64_t>(kShownRecords)) return;
    examples_.push_back(PrintableLine(place + ": video '" + id + "': " + Lack(group)));
  }

  /// Returns why the record has no group: it lacks the feature, or has something else there.
  [[nodiscard]] std::string Lack(const std::string& group) const {
    const FeatureView* found = decoder_.example().FindContext(name_);
    if (found == nullptr) {
      std::vector<std::string> names;
      for (const NamedFeature& feature : decoder_.example().context)
        names.emplace_back(feature.name);
      std::ranges::sort(names);
      return "has no text '" + name_ + "'; the record has '" + Join(names, "', '") + "'" +
             Suggestion(name_, names);
    }
    const std::string must = ", must be one text or one integer";
    const std::size_t count = CountValues(*found);
    if (count == 0) return "'" + name_ + "' is empty" + must;
    if (count == 1 && found->kind == ValueKind::kBytes) {
      return "'" + name_ + "' is " + (group.empty() ? "an empty text" : "no UTF-8") + must;
    }
    const std::string what =
        found->kind == ValueKind::kBytes ? "texts" : std::string(ToString(found->kind));
    return "'" + name_ + "' holds " + std::to_string(count) + " " + what + must;
  }

  [[nodiscard]] std::string GroupOf() const { return GroupIn(decoder_.example(), name_); }

  std::string name_;
  bool segments_;
  RecordDecoder decoder_;
  DecodedVideo video_;
  GroupMap groups_;
  std::int64_t without_ = 0;
  std::vector<std::string> examples_;
  std::int64_t in_train_ = 0;
};

std::filesystem::path PathOf(const std::filesystem::path& cache, const std::string& digest,
                             const std::string& name) {
  return cache / ("groups-" + HashBytes("2\n" + digest + "\n" + name));
}

std::optional<ReadGroups> Recalled(const std::filesystem::path& path, const std::string& name) try {
  const std::optional<std::string> text = ReadCached(path);
  if (!text) return std::nullopt;
  GroupMap groups;
  const boost::json::value known = ParseJson(*text);
  for (const auto& video : known.at("videos").as_object()) {
    groups.emplace(video.key(), video.value().as_string());
  }
  return ReadGroups{.groups = VideoGroups(name, std::move(groups), known.at("in_train").as_int64()),
                    .examples = {}};
} catch (const std::exception&) {
  return std::nullopt;  // whatever lies there: it can be made again
}

}  // namespace

void GroupNotes::AddTraining(const ExampleView& example) {
  const std::string group = GroupIn(example, name_);
  if (!group.empty()) trained_.push_back(HashOfGroup(group));
}

void GroupNotes::AddValidation(const ExampleView& example) {
  const std::string id(IdOf(example));
  if (id.empty()) return;
  std::string group = GroupIn(example, name_);
  if (!group.empty() && IsWellFormedUtf8(group)) {
    groups_.emplace(id, std::move(group));
  } else {
    complete_ = false;
  }
}

void GroupNotes::Merge(GroupNotes&& later) {
  groups_.merge(later.groups_);
  trained_.insert(trained_.end(), later.trained_.begin(), later.trained_.end());
  complete_ = complete_ && later.complete_;
  later = GroupNotes();
}

std::optional<VideoGroups> GroupNotes::Done() && {
  if (!complete_) return std::nullopt;
  std::ranges::sort(trained_);
  std::set<std::string> seen;
  for (const auto& [video, group] : groups_) {
    if (std::ranges::binary_search(trained_, HashOfGroup(group))) seen.insert(group);
  }
  return VideoGroups(name_, std::move(groups_), std::ssize(seen));
}

void KeepVideoGroups(const std::filesystem::path& cache, const std::string& digest,
                     const VideoGroups& groups) {
  boost::json::object videos;
  for (const auto& [video, group] : groups.groups()) videos[video] = group;
  WriteCached(PathOf(cache, digest, groups.by()),
              CanonicalJson(boost::json::object{{"videos", std::move(videos)},
                                                {"in_train", groups.in_training()}}));
}

ReadGroups ReadVideoGroups(const DataSpec& data, const std::string& name,
                           const std::optional<std::filesystem::path>& cache) {
  if (cache) {
    if (auto known = Recalled(PathOf(*cache, data.digest, name), name)) return *std::move(known);
  }
  GroupReader reader(data, name);
  for (const std::string& file : data.validate) reader.ReadValidation(TfRecordFile(file));
  reader.ReadTraining(data.train);
  ReadGroups read = std::move(reader).Done();
  if (cache && read.without == 0) KeepVideoGroups(*cache, data.digest, read.groups);
  return read;
}

}  // namespace beamgrid
