#include "trainer/data/inspect.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "registry/util/json.h"
#include "trainer/data/example.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {
namespace {

/// Inspector adds up one file's records.
class Inspector {
 public:
  explicit Inspector(const std::filesystem::path& path) : file_(path) {
    report_.file = path.string();
  }

  FileReport Run() {
    for (std::uint64_t offset = 0; offset < file_.size_bytes();) {
      const Record record = file_.Read(offset);
      try {
        ParseExample(record.payload, example_);
        Add();
      } catch (const ExampleError& error) {
        throw DataError(DataFault::kDamagedRecord, file_.path(), offset, error.what());
      }
      offset = record.next_offset;
    }
    Finish();
    return report_;
  }

 private:
  void Add() {
    ++report_.records;
    if (const FeatureView* labels = example_.FindContext("labels")) {
      ReadIntegers(*labels, integers_);
      classes_.insert(integers_.begin(), integers_.end());
      labels_ += std::ssize(integers_);
      report_.with_one_label += integers_.size() == 1 ? 1 : 0;
    }
    if (example_.feature_lists.empty()) {
      AddVideoLevel();
    } else {
      AddFrameLevel();
    }
  }

  void AddVideoLevel() {
    SetFormat("video");
    AddFrames(1);
    for (const NamedFeature& feature : example_.context) {
      if (feature.value.kind == ValueKind::kFloats) {
        AddWidth(feature.name, CountValues(feature.value));
      }
    }
  }

  void AddFrameLevel() {
    SetFormat(example_.FindContext("segment_labels") != nullptr ? "segment" : "frame");
    std::size_t shortest = SIZE_MAX;
    for (const NamedFeatureList& list : example_.feature_lists) {
      const FeatureListShape shape = ShapeOf(list);
      // As training does: the frames that all features have.
      shortest = std::min(shortest, shape.length);
      if (shape.kind == ValueKind::kNone) continue;
      AddWidth(list.name, shape.width);
      if (shape.kind == ValueKind::kFloats) {
        report_.frame_types.emplace(list.name, FrameType::kFloat32);
      }
    }
    AddFrames(static_cast<std::int64_t>(shortest));
  }

  /// Keeps the richest format met: a segment file may hold videos without ratings.
  void SetFormat(std::string_view format) {
    if (report_.format.empty() || format == "segment") report_.format = format;
  }

  void AddFrames(std::int64_t count) {
    FrameCounts& frames = report_.frames;
    frames.min = report_.records == 1 ? count : std::min(frames.min, count);
    frames.max = std::max(frames.max, count);
    frames_ += count;
  }

  void AddWidth(std::string_view name, std::size_t width) {
    // The first width met stays. Records that differ are for training to refuse, which knows the
    // recipe.
    report_.features.emplace(name, static_cast<std::int64_t>(width));
  }

  void Finish() {
    const auto records = static_cast<double>(std::max<std::int64_t>(1, report_.records));
    report_.classes_seen = std::ssize(classes_);
    if (!classes_.empty()) report_.max_class = *classes_.rbegin();
    report_.labels_per_video = static_cast<double>(labels_) / records;
    report_.frames.mean = static_cast<double>(frames_) / records;
  }

  TfRecordFile file_;
  FileReport report_;
  ExampleView example_;
  std::vector<std::int64_t> integers_;
  std::set<std::int64_t> classes_;
  std::int64_t labels_ = 0, frames_ = 0;
};

/// What a reader would stumble over in a payload, or empty. Walks everything that is otherwise
/// walked only when it is asked for.
std::string WireProblem(std::string_view payload, ExampleView& example) {
  try {
    ParseExample(payload, example);
    for (const NamedFeature& feature : example.context) {
      static_cast<void>(CountValues(feature.value));
      if (const auto unusable = FindUnusableFloat(feature.value)) {
        return "video '" + std::string(IdOf(example)) + "': feature '" + std::string(feature.name) +
               "' " + ToString(*unusable);
      }
    }
    for (const NamedFeatureList& list : example.feature_lists) {
      if (const auto unusable = FindUnusableFrame(list)) {
        return "video '" + std::string(IdOf(example)) + "': feature '" + std::string(list.name) +
               "', frame " + std::to_string(unusable->first) + " " + ToString(unusable->second);
      }
    }
  } catch (const ExampleError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

FileReport InspectFile(const std::filesystem::path& path) { return Inspector(path).Run(); }

VerifyReport VerifyFile(const std::filesystem::path& path) {
  const TfRecordFile file(path);
  VerifyReport report{.file = path.string(), .bytes = file.size_bytes()};
  ExampleView example;
  for (std::uint64_t offset = 0; offset < file.size_bytes();) {
    try {
      const Record record = file.Read(offset);
      const std::string problem = WireProblem(record.payload, example);
      if (problem.empty()) {
        ++report.records;
      } else {
        report.damages.push_back({.offset = offset, .what = problem});
      }
      offset = record.next_offset;
    } catch (const DataError& error) {
      report.damages.push_back({.offset = offset, .what = error.reason()});
      if (error.fault() == DataFault::kDamagedLength) break;
      // The payload is damaged but its length is sound: the next record can be found.
      offset = file.Skip(offset);
    }
  }
  return report;
}

boost::json::array ToJson(const std::vector<FileReport>& reports) {
  return JsonList(reports, [](const FileReport& report) {
    boost::json::object features;
    for (const auto& [name, width] : report.features) features[name] = width;
    boost::json::object object{
        {"file", report.file},
        {"format", report.format},
        {"records", report.records},
        {"classes_seen", report.classes_seen},
        {"max_class", report.max_class},
        {"labels_per_video", report.labels_per_video},
        {"frames",
         {{"min", report.frames.min}, {"mean", report.frames.mean}, {"max", report.frames.max}}},
        {"features", features}};
    if (!report.frame_types.empty()) {
      boost::json::object types;
      for (const auto& [name, type] : report.frame_types) types[name] = WordFor(kFrameTypes, type);
      object["frame_types"] = std::move(types);
    }
    return object;
  });
}

boost::json::array ToJson(const std::vector<VerifyReport>& reports) {
  const auto damage_json = [](const Damage& damage) {
    return boost::json::object{{"offset", damage.offset}, {"what", damage.what}};
  };
  return JsonList(reports, [&](const VerifyReport& report) {
    return boost::json::object{{"file", report.file},
                               {"records", report.records},
                               {"bytes", report.bytes},
                               {"damages", JsonList(report.damages, damage_json)}};
  });
}

}  // namespace beamgrid
