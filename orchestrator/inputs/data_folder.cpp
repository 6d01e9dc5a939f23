#include "orchestrator/inputs/data_folder.h"

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "orchestrator/inputs/file_patterns.h"
#include "orchestrator/inputs/import_manifest.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "registry/util/words.h"
#include "trainer/data/inspect.h"
#include "trainer/data/unfinished.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kReadBytes = 256ULL << 20;

/// SplitFiles is one split's files.
struct SplitFiles {
  std::string pattern;
  std::vector<std::string> files;
};

/// Returns the first pattern that matches.
SplitFiles FindSplit(const fs::path& folder, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    for (const char* rest : {"-*.tfrecord", "*.tfrecord", "/*.tfrecord"}) {
      SplitFiles split{.pattern = word + rest, .files = ExpandGlob(word + rest, folder)};
      if (!split.files.empty()) return split;
    }
  }
  throw UsageError(folder.string() + ": holds no " + words.front() + "*.tfrecord and no folder " +
                   words.front() +
                   " of *.tfrecord; `beamgrid data import` makes records of arrays");
}

/// RecordsSeen adds up what the first files of a split hold.
class RecordsSeen {
 public:
  void Read(const SplitFiles& split, const std::string& word, DataFolder* data) {
    std::uint64_t bytes = 0;
    std::size_t read = 0;
    for (const std::string& file : split.files) {
      if (bytes >= kReadBytes) break;
      bytes += fs::file_size(file);
      ++read;
      Add(InspectFile(file), data);
    }
    if (read == split.files.size()) return;
    data->seen += (data->seen.empty() ? "" : " and ") + std::string("the first ") +
                  std::to_string(read) + " of " + CountText(split.files.size(), word + " file");
  }
  /// Returns the records since the last call.
  std::int64_t TakeRecords() { return std::exchange(records_, 0); }
  [[nodiscard]] bool one_label_each() const { return one_label_each_; }

 private:
  void Add(const FileReport& report, DataFolder* data) {
    if (report.records == 0) return;
    records_ += report.records;
    one_label_each_ = one_label_each_ && report.with_one_label == report.records;
    if (data->format.empty()) {
      data->format = report.format;
      for (const auto& [name, width] : report.features) {
        if (name == "label_weights") continue;
        data->features.push_back({.name = name, .width = width});
        const auto type = report.frame_types.find(name);
        if (type == report.frame_types.end()) continue;
        data->features.back().type = WordFor(kFrameTypes, type->second);
      }
    }
    if (report.format != data->format) {
      throw InputError(report.file + ": its records are of the format " + report.format +
                       ", those before it " + data->format);
    }
    data->classes = std::max(data->classes, report.max_class + 1);
    if (report.format == "video") return;
    data->max_frames = std::max(data->max_frames, report.frames.max);
    data->max_common_frames = data->max_frames;
    frames_ += report.frames.mean * static_cast<double>(report.records);
    videos_ += report.records;
    data->mean_frames = frames_ / static_cast<double>(videos_);
  }

  std::int64_t records_ = 0;
  double frames_ = 0;
  std::int64_t videos_ = 0;
  bool one_label_each_ = true;
};

DataFolder FromManifest(const fs::path& folder, const std::string& text) {
  const boost::json::value json = ParseJson(text);
  const JsonReader manifest(json, "");
  DataFolder data{.format = manifest.Text("format"),
                  .train_files = "train-*.tfrecord",
                  .validate_files = "validate-*.tfrecord",
                  .features = {}};
  for (const boost::json::value& one : manifest.List("features")) {
    const JsonReader feature(one, "features");
    data.features.push_back({.name = feature.Text("name"),
                             .width = feature.Integer("width"),
                             .type = feature.Text("type")});
  }
  data.classes = manifest.Integer("classes");
  if (manifest.Has("groups")) data.group = manifest.Object("groups").Text("by");
  if (manifest.Has("video_weight")) data.video_weight = manifest.Text("video_weight");
  const boost::json::value& splits = manifest.At("splits");
  if (!JsonReader(splits, "splits").Has("train")) {
    throw std::invalid_argument(
        "says that its videos were imported without labels: they are for `beamgrid predict` "
        "alone; import them with --labels to train on them");
  }
  const auto videos = [&splits](const char* split) {
    return JsonReader(splits, "splits").Object(split).Integer("videos");
  };
  data.train_videos = videos("train");
  data.validate_videos = videos("validate");
  // Imports of earlier versions have not counted them.
  const auto one_each = [&splits](const char* split) {
    const JsonReader reader = JsonReader(splits, "splits").Object(split);
    return reader.Has("videos_with_one_class") &&
           reader.Integer("videos_with_one_class") == reader.Integer("videos");
  };
  data.one_label_each = data.classes > 1 && one_each("train") && one_each("validate");
  if (manifest.Has("frames")) {
    const JsonReader frames = manifest.Object("frames");
    data.max_frames = frames.Integer("max");
    // Imports of earlier versions do not say it: their features were alike, or nearly.
    data.max_common_frames =
        frames.Has("max_common") ? frames.Integer("max_common") : data.max_frames;
    data.mean_frames = frames.Number("mean");
    data.own_rates = frames.Has("own_rates") && frames.Boolean("own_rates");
    if (data.own_rates) data.mean_longest_frames = frames.Number("mean_of_longest");
  }
  if (manifest.Has("vocabulary")) data.vocabulary = (folder / manifest.Text("vocabulary")).string();
  return data;
}

}  // namespace

DataFolder LookAtDataFolder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) throw UsageError(folder.string() + ": is no folder");
  if (IsUnfinished(folder)) {
    throw InputError(folder.string() +
                     ": unfinished: `beamgrid data synth` or `beamgrid data import` was stopped "
                     "here; run it again");
  }
  const fs::path manifest = folder / "manifest.json";
  if (fs::exists(manifest, ignored)) {
    if (const std::string gone = GoneFileOf(folder, {}); !gone.empty()) throw InputError(gone);
    const std::string text = ReadFile(manifest);
    try {
      if (ParseJson(text).as_object().contains("beamgrid_import")) {
        return FromManifest(folder, text);
      }
    } catch (const std::exception& error) {
      throw InputError(manifest.string() + ": " + error.what());
    }
  }
  const SplitFiles train = FindSplit(folder, {"train"});
  const SplitFiles validate = FindSplit(folder, {"validate", "val", "eval"});
  DataFolder data{.format = "",
                  .train_files = train.pattern,
                  .validate_files = validate.pattern,
                  .features = {}};
  data.classes_are_guessed = true;
  RecordsSeen seen;
  seen.Read(train, "train", &data);
  data.train_videos = seen.TakeRecords();
  seen.Read(validate, "validate", &data);
  data.validate_videos = seen.TakeRecords();
  // A segment is rated class by class.
  data.one_label_each =
      data.seen.empty() && seen.one_label_each() && data.classes > 1 && data.format != "segment";
  if (data.format.empty() || data.classes == 0) {
    throw InputError(folder.string() + ": its files hold no record with labels");
  }
  return data;
}

}  // namespace beamgrid
