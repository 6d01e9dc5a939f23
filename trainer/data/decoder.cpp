#include "trainer/data/decoder.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "trainer/data/frame_values.h"

namespace beamgrid {
namespace {

std::vector<std::string> NamesIn(const ExampleView& example, bool video_level) {
  std::vector<std::string> names;
  if (video_level) {
    for (const NamedFeature& feature : example.context) names.emplace_back(feature.name);
  } else {
    for (const NamedFeatureList& list : example.feature_lists) names.emplace_back(list.name);
  }
  // Sorted for the message: in the files the order is arbitrary.
  std::sort(names.begin(), names.end());
  return names;
}

/// That of class_weight: beyond it a single video is a batch.
constexpr float kLargestVideoWeight = 1e6F;

void SortUnique(std::vector<std::int32_t>& labels) {
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
}

}  // namespace

RecordDecoder::RecordDecoder(const DataSpec& spec, LabelPolicy labels)
    : spec_(spec), label_policy_(labels) {
  for (const Feature& feature : spec_.features) {
    width_ += feature.second;
    types_.push_back(FrameTypeOf(spec_, feature.first));
  }
}

/// Calls `function` and gives malformed wire format its place. Views are walked only when they are
/// asked for, so such errors come from many calls.
template <typename Function>
auto RecordDecoder::Located(Function function) const {
  try {
    return function();
  } catch (const ExampleError& error) {
    Fail(DataFault::kDamagedRecord, error.what());
  }
}

void RecordDecoder::Decode(const Record& record, const std::string& file, DecodedVideo& video) {
  Parse(record, file);
  Located([&] {
    ReadId(video);
    ReadLabels(video);
    ReadWeight(video);
    // `video` is used again and again: nothing of the record before may stay.
    video.rated.clear();
    if (spec_.format == "video") {
      ReadVideoFeatures(video);
    } else {
      ReadFrameFeatures(0, spec_.max_frames, video);
    }
  });
}

void RecordDecoder::DecodeSegment(const Record& record, const std::string& file, std::int64_t start,
                                  DecodedVideo& video) {
  Parse(record, file);
  Located([&] {
    ReadId(video);
    video.labels.clear();
    video.rated.clear();
    for (const Rating& rating : looks_at_labels() ? ReadRatings() : std::vector<Rating>()) {
      // Checked before it is passed over, so that a wrong label is found whichever segment comes
      // first.
      const std::int32_t label = CheckLabel(rating.label);
      if (rating.start != start) continue;
      video.rated.push_back(label);
      if (rating.positive) video.labels.push_back(label);
    }
    SortUnique(video.labels);
    SortUnique(video.rated);
    // Frames are found by walking the list from its beginning, so those before `start` are read
    // too.
    ReadFrameFeatures(start, start + std::min(kSegmentFrames, spec_.max_frames), video);
    for (auto& frames : video.frames) {
      frames.erase(frames.begin(),
                   frames.begin() + std::min<std::ptrdiff_t>(start, std::ssize(frames)));
    }
    video.length -= start;
  });
}

SegmentsOfRecord RecordDecoder::ReadSegments(const Record& record, const std::string& file) {
  Parse(record, file);
  return Located([&] {
    const std::int64_t length = VideoLength();
    SegmentsOfRecord segments;
    std::set<std::int64_t> starts;
    const bool looks = looks_at_labels();
    for (const Rating& rating : looks ? ReadRatings() : ReadStarts()) {
      // The released files have ratings that begin behind the last frame: there is nothing to
      // score.
      if (rating.start < 0 || rating.start >= length) continue;
      starts.insert(rating.start);
      if (looks) segments.rated.push_back(CheckLabel(rating.label));
    }
    SortUnique(segments.rated);
    const bool rated =
        example_.FindContext(looks ? "segment_labels" : "segment_start_times") != nullptr;
    if (!rated && looks) {
      Fail(DataFault::kDamagedRecord,
           "no segment ratings ('segment_labels'): a file of the test set, or not a segment file; "
           "data.format = \"frame\" reads whole videos");
    }
    // Test files carry no ratings: every window of 5 is to be predicted, the last one may be
    // shorter.
    for (std::int64_t start = 0; !rated && start < length; start += kSegmentFrames) {
      starts.insert(start);
    }
    segments.starts.assign(starts.begin(), starts.end());
    return segments;
  });
}

void RecordDecoder::Parse(const Record& record, const std::string& file) {
  file_ = file;
  offset_ = record.offset;
  id_ = {};
  Located([&] {
    ParseExample(record.payload, example_);
    id_ = IdOf(example_);
  });
}

void RecordDecoder::ReadId(DecodedVideo& video) const {
  video.id = id_;
  if (id_.empty()) {
    Fail(DataFault::kContradiction, "the record has neither 'id' nor 'video_id'");
  }
}

void RecordDecoder::ReadLabels(DecodedVideo& video) {
  video.labels.clear();
  if (!looks_at_labels()) return;
  const FeatureView* labels = example_.FindContext("labels");
  // Test files have an empty list or none at all.
  if (labels != nullptr && labels->kind != ValueKind::kNone) {
    if (labels->kind != ValueKind::kIntegers) {
      Fail(
          DataFault::kContradiction,
          "feature 'labels' holds " + std::string(ToString(labels->kind)) + ", must hold integers");
    }
    ReadIntegers(*labels, integers_);
    for (const std::int64_t label : integers_) video.labels.push_back(CheckLabel(label));
    SortUnique(video.labels);
  }
  if (video.labels.empty()) {
    Fail(DataFault::kDamagedRecord,
         "has no labels: files of the test set cannot be trained on or validated with");
  }
  if (spec_.multi_class && video.labels.size() > 1) {
    Fail(DataFault::kContradiction,
         "has " + std::to_string(video.labels.size()) +
             " labels, must have exactly one (data.labels = \"multi_class\"); for videos with "
             "several labels leave data.labels out");
  }
}

void RecordDecoder::ReadWeight(DecodedVideo& video) const {
  video.weight = 1;
  // Predictions weigh nothing.
  if (spec_.video_weight.empty() || !looks_at_labels()) return;
  const std::string where = "'" + spec_.video_weight + "' (data.video_weight) ";
  const FeatureView* found = example_.FindContext(spec_.video_weight);
  if (found == nullptr) {
    Fail(DataFault::kContradiction,
         where + "is missing; the record has " + "'" +
             Join(NamesIn(example_, /*video_level=*/true), "', '") + "'" +
             Suggestion(spec_.video_weight, NamesIn(example_, /*video_level=*/true)));
  }
  if (found->kind != ValueKind::kFloats || CountValues(*found) != 1) {
    Fail(DataFault::kContradiction, where + "holds " + std::to_string(CountValues(*found)) + " " +
                                        std::string(ToString(found->kind)) +
                                        ", must hold one float");
  }
  float weight = 0;
  ReadFloats(*found, std::span<float>(&weight, 1));
  if (!(weight >= 0 && weight <= kLargestVideoWeight)) {
    Fail(DataFault::kDamagedRecord, where + "is " + std::to_string(weight) + ", must be 0.." +
                                        std::to_string(static_cast<int>(kLargestVideoWeight)));
  }
  video.weight = weight;
}

std::int32_t RecordDecoder::CheckLabel(std::int64_t label) const {
  if (label < 0 || label >= spec_.classes) {
    Fail(DataFault::kContradiction, "label " + std::to_string(label) + ", must be 0.." +
                                        std::to_string(spec_.classes - 1) +
                                        " (data.classes = " + std::to_string(spec_.classes) + ")");
  }
  return static_cast<std::int32_t>(label);
}

void RecordDecoder::ReadFrameFeatures(std::int64_t first, std::int64_t limit,
                                      DecodedVideo& video) const {
  video.frames.resize(spec_.features.size());
  video.copies.resize(spec_.features.size());
  video.values.clear();
  const bool nearest = spec_.frame_alignment == FrameAlignment::kNearest;
  std::vector<std::size_t> lengths;
  for (std::size_t i = 0; i < spec_.features.size(); ++i) {
    const Feature& feature = spec_.features[i];
    std::optional<FrameProblem> problem;
    const auto width = static_cast<std::size_t>(feature.second);
    const auto most = static_cast<std::size_t>(limit);
    const NamedFeatureList& list = RequireList(feature.first);
    const std::size_t length =
        types_[i] == FrameType::kFloat32
            ? ReadFloatFrames(list, width, most, video.frames[i], video.copies[i], problem)
            : ReadFrames(list, FrameBytes(types_[i], width), most, video.frames[i], problem);
    if (problem) FailFrame(feature, *problem);
    // Of a feature of fewer frames than another, the frame `first` is an earlier one.
    CheckFrames(i, nearest ? 0 : static_cast<std::size_t>(first), video);
    lengths.push_back(length);
  }
  // Image and audio differ in length in some released records. The frames that all features have
  // are used, since they are concatenated frame by frame, unless the recipe says otherwise.
  const auto [shortest, longest] = std::ranges::minmax(lengths);
  if (shortest == 0) Fail(DataFault::kDamagedRecord, "the video has no frames");
  video.frames_apart = static_cast<std::int64_t>(longest - shortest);
  const std::size_t all = nearest ? longest : shortest;
  // Some videos have a few frames more than 300: they are cut, not refused.
  video.length = std::min(static_cast<std::int64_t>(all), limit);
  if (nearest && video.frames_apart > 0) {
    AlignFrames(lengths, all, static_cast<std::size_t>(video.length), video);
  }
}

void RecordDecoder::AlignFrames(const std::vector<std::size_t>& lengths, std::size_t all,
                                std::size_t length, DecodedVideo& video) {
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    std::vector<const char*>& frames = video.frames[i];
    frames.resize(length);
    // From the last on: the nearest frame never stands behind the place that it is taken to.
    for (std::size_t t = length; t-- > 0;) frames[t] = frames[NearestFrame(t, lengths[i], all)];
  }
}

void RecordDecoder::CheckFrames(std::size_t feature, std::size_t first,
                                const DecodedVideo& video) const {
  const std::vector<const char*>& frames = video.frames[feature];
  const auto& [name, width] = spec_.features[feature];
  for (std::size_t t = first; t < frames.size() && types_[feature] != FrameType::kUint8; ++t) {
    const auto unusable =
        FindUnusableValue(types_[feature], frames[t], static_cast<std::size_t>(width));
    if (!unusable) continue;
    Fail(DataFault::kDamagedRecord,
         "feature '" + name + "', frame " + std::to_string(t) + " " + ToString(*unusable));
  }
}

void RecordDecoder::ReadVideoFeatures(DecodedVideo& video) const {
  video.frames.clear();
  video.values.clear();
  video.frames_apart = 0;
  video.length = 1;
  for (const Feature& feature : spec_.features) {
    const FeatureView* found = example_.FindContext(feature.first);
    if (found == nullptr) FailMissing(feature.first);
    const std::size_t width = CountValues(*found);
    if (found->kind != ValueKind::kFloats) {
      Fail(DataFault::kContradiction, "feature '" + feature.first + "' holds " +
                                          std::string(ToString(found->kind)) +
                                          ", a video-level feature must hold floats");
    }
    if (width != static_cast<std::size_t>(feature.second)) {
      Fail(DataFault::kContradiction, "feature '" + feature.first + "' has width " +
                                          std::to_string(width) + ", data.features says " +
                                          std::to_string(feature.second));
    }
    if (const auto unusable = FindUnusableFloat(*found)) {
      Fail(DataFault::kDamagedRecord, "feature '" + feature.first + "' " + ToString(*unusable));
    }
    video.values.push_back(*found);
  }
}

std::vector<RecordDecoder::Rating> RecordDecoder::ReadStarts() const {
  std::vector<Rating> ratings;
  std::vector<std::int64_t> starts;
  if (const FeatureView* found = example_.FindContext("segment_start_times")) {
    ReadIntegers(*found, starts);
  }
  for (const std::int64_t start : starts) ratings.push_back({.start = start});
  return ratings;
}

std::vector<RecordDecoder::Rating> RecordDecoder::ReadRatings() const {
  const FeatureView* labels = example_.FindContext("segment_labels");
  const FeatureView* starts = example_.FindContext("segment_start_times");
  const FeatureView* scores = example_.FindContext("segment_scores");
  if (labels == nullptr) return {};
  std::vector<std::int64_t> label_values, start_values;
  std::vector<float> score_values;
  ReadIntegers(*labels, label_values);
  if (starts != nullptr) ReadIntegers(*starts, start_values);
  if (scores != nullptr) ReadFloats(*scores, score_values);
  if (start_values.size() != label_values.size() || score_values.size() != label_values.size()) {
    Fail(DataFault::kContradiction,
         std::to_string(label_values.size()) + " segment_labels, " +
             std::to_string(start_values.size()) + " segment_start_times and " +
             std::to_string(score_values.size()) + " segment_scores: must be equally many");
  }
  std::vector<Rating> ratings;
  for (std::size_t i = 0; i < label_values.size(); ++i) {
    if (!std::isfinite(score_values[i])) {
      Fail(DataFault::kDamagedRecord,
           "segment_scores holds " + std::to_string(score_values[i]) + ", must be finite");
    }
    // Exactly 0 or 1: a score in between would be another dataset's, whose meaning we do not know.
    if (score_values[i] != 0 && score_values[i] != 1) {
      Fail(DataFault::kContradiction, "segment_scores holds " + std::to_string(score_values[i]) +
                                          ", must be 0 (not shown) or 1 (shown)");
    }
    ratings.push_back(
        {.start = start_values[i], .label = label_values[i], .positive = score_values[i] == 1});
  }
  return ratings;
}

std::int64_t RecordDecoder::VideoLength() const {
  std::vector<std::size_t> lengths;
  for (const Feature& feature : spec_.features) {
    lengths.push_back(ShapeOf(RequireList(feature.first)).length);
  }
  if (lengths.empty()) return 0;  // a damaged record whose features nobody knows
  const auto [shortest, longest] = std::ranges::minmax(lengths);
  // A video of which a feature has no frame is refused when it is decoded.
  const bool nearest = spec_.frame_alignment == FrameAlignment::kNearest && shortest > 0;
  return static_cast<std::int64_t>(nearest ? longest : shortest);
}

const NamedFeatureList& RecordDecoder::RequireList(const std::string& name) const {
  const NamedFeatureList* list = example_.FindList(name);
  if (list == nullptr) FailMissing(name);
  return *list;
}

void RecordDecoder::Fail(DataFault fault, const std::string& what) const {
  const std::string video = id_.empty() ? "" : "video '" + std::string(id_) + "': ";
  throw DataError(fault, file_, offset_, video + what);
}

void RecordDecoder::FailMissing(const std::string& name) const {
  const bool video_level = spec_.format == "video";
  const std::vector<std::string> names = NamesIn(example_, video_level);
  std::string what = "feature '" + name + "' is missing; the record has " +
                     (names.empty() ? "none" : "'" + Join(names, "', '") + "'") +
                     (video_level ? "" : " per frame");
  // The two usual mistakes: a name misspelt, or frame-level files read as video-level ones.
  what += Suggestion(name, names);
  if (video_level && example_.FindList(name) != nullptr) {
    what += "; it is there per frame: data.format = \"frame\"";
  }
  if (!video_level && example_.FindContext(name) != nullptr) {
    what += "; it is there once per video: data.format = \"video\"";
  }
  Fail(DataFault::kContradiction, what);
}

std::string RecordDecoder::LineFor(const std::string& feature, FrameType type) const {
  std::vector<std::string> types;
  for (const auto& [name, width] : spec_.features) {
    const FrameType one = name == feature ? type : FrameTypeOf(spec_, name);
    if (one != FrameType::kUint8)
      types.push_back(name + " = \"" + WordFor(kFrameTypes, one) + "\"");
  }
  if (types.empty()) return "leave data.frame_types out";
  return "write frame_types = { " + Join(types) + " } in [data]";
}

void RecordDecoder::FailFrame(const Feature& feature, const FrameProblem& problem) const {
  const auto& name = feature.first;
  const auto width = static_cast<std::size_t>(feature.second);
  const FrameType type = FrameTypeOf(spec_, name);
  const bool is_floats = problem.found.kind == ValueKind::kFloats;
  const bool is_bytes = problem.found.kind == ValueKind::kBytes;
  const std::size_t count = CountValues(problem.found);
  const std::size_t bytes = is_bytes && count == 1 ? FirstBytes(problem.found).size() : 0;
  // What the frames are, if that is something that can be declared for this width.
  std::optional<FrameType> actual;
  if (is_floats && count == width) actual = FrameType::kFloat32;
  for (const FrameType one : {FrameType::kUint8, FrameType::kFloat16}) {
    if (bytes > 0 && bytes == FrameBytes(one, width)) actual = one;
  }
  const std::string declared = WordFor(kFrameTypes, type);
  std::string what = "feature '" + name + "', frame " + std::to_string(problem.frame) + ": ";
  if (bytes > 0 && !actual && type == FrameType::kUint8) {
    what += "width " + std::to_string(bytes) + ", data.features says " + std::to_string(width);
  } else {
    what += bytes > 0 ? "a string of " + std::to_string(bytes) + " bytes"
                      : std::to_string(count) + " " +
                            (is_bytes ? "byte strings" : std::string(ToString(problem.found.kind)));
    what += type == FrameType::kFloat32
                ? " where " + std::to_string(width) + " floats are expected"
                : " where one string of " + std::to_string(FrameBytes(type, width)) +
                      " bytes is expected";
    what += " (" + declared + " frames of width " + std::to_string(width) + ")";
  }
  if (actual) {
    what += "; these look like " + std::string(WordFor(kFrameTypes, *actual)) +
            " frames: " + LineFor(name, *actual);
  } else if (bytes == 4 * width && bytes > 0) {
    what += "; float32 frames are stored as a list of floats, not as a string of their bytes";
  }
  Fail(DataFault::kContradiction, what);
}

}  // namespace beamgrid
