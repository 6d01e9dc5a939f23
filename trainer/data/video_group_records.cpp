#include "trainer/data/video_group_records.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "registry/util/cache_folder.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/utf8.h"
#include "trainer/data/data_error.h"
#include "trainer/data/example.h"
#include "trainer/data/inspect.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {
namespace {

constexpr std::size_t kShownRecords = 3;
/// Bytes that are mapped before the pages are given back.
constexpr std::uint64_t kHeldBytes = 32 << 20;

using GroupMap = std::map<std::string, std::string, std::less<>>;

/// GroupReader reads one file after the other.
class GroupReader {
 public:
  explicit GroupReader(std::string name) : name_(std::move(name)) {}

  void ReadFile(const TfRecordFile& file) {
    std::uint64_t released = 0;
    for (std::uint64_t offset = 0; offset < file.size_bytes();) {
      std::uint64_t next = file.size_bytes();
      try {
        next = file.Skip(offset);
        const Record record = file.Read(offset);
        ParseExample(record.payload, example_);
        Take(file.path() + ": byte " + std::to_string(offset));
      } catch (const DataError&) {
        // Damaged: the census has said so, and no prediction will be of it.
      } catch (const ExampleError&) {
      }
      offset = next;
      if (offset - released < kHeldBytes) continue;
      file.ReleasePages();
      released = offset;
    }
  }

  [[nodiscard]] ReadGroups Done() && {
    return {.groups = VideoGroups(name_, std::move(groups_)),
            .without = without_,
            .examples = std::move(examples_)};
  }

 private:
  void Take(const std::string& place) {
    const std::string id(IdOf(example_));
    if (id.empty()) return;
    std::string group = GroupOf();
    if (!group.empty() && IsWellFormedUtf8(group)) {
      groups_.emplace(id, std::move(group));
      return;
    }
    if (++without_ > static_cast<std::int64_t>(kShownRecords)) return;
    std::vector<std::string> names;
    for (const NamedFeature& feature : example_.context) names.emplace_back(feature.name);
    std::ranges::sort(names);
    examples_.push_back(PrintableLine(place + ": video '" + id + "': has no text '" + name_ +
                                      "'; the record has '" + Join(names, "', '") + "'" +
                                      Suggestion(name_, names)));
  }

  /// Returns the group of the record; empty where it has none.
  [[nodiscard]] std::string GroupOf() const {
    const FeatureView* found = example_.FindContext(name_);
    if (found == nullptr || CountValues(*found) != 1) return "";
    if (found->kind == ValueKind::kBytes) return std::string(FirstBytes(*found));
    if (found->kind != ValueKind::kIntegers) return "";
    std::vector<std::int64_t> number;
    ReadIntegers(*found, number);
    return std::to_string(number.at(0));
  }

  std::string name_;
  ExampleView example_;
  GroupMap groups_;
  std::int64_t without_ = 0;
  std::vector<std::string> examples_;
};

std::filesystem::path PathOf(const std::filesystem::path& cache, const DataSpec& data,
                             const std::string& name) {
  return cache / ("groups-" + HashBytes("1\n" + data.digest + "\n" + name));
}

std::optional<GroupMap> Recalled(const std::filesystem::path& path) try {
  const std::optional<std::string> text = ReadCached(path);
  if (!text) return std::nullopt;
  GroupMap groups;
  const boost::json::value videos = ParseJson(*text);
  for (const auto& video : videos.as_object()) {
    groups.emplace(video.key(), video.value().as_string());
  }
  return groups;
} catch (const std::exception&) {
  return std::nullopt;  // whatever lies there: it can be made again
}

}  // namespace

ReadGroups ReadVideoGroups(const DataSpec& data, const std::string& name,
                           const std::optional<std::filesystem::path>& cache) {
  if (cache) {
    if (auto known = Recalled(PathOf(*cache, data, name))) {
      return {.groups = VideoGroups(name, *std::move(known)), .examples = {}};
    }
  }
  GroupReader reader(name);
  for (const std::string& file : data.validate) reader.ReadFile(TfRecordFile(file));
  ReadGroups read = std::move(reader).Done();
  if (cache && read.without == 0) {
    boost::json::object videos;
    for (const auto& [video, group] : read.groups.groups()) videos[video] = group;
    WriteCached(PathOf(*cache, data, name), CanonicalJson(videos));
  }
  return read;
}

}  // namespace beamgrid
