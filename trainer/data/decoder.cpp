#include "trainer/data/decoder.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

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

void SortUnique(std::vector<std::int32_t>& labels) {
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
}

}  // namespace

RecordDecoder::RecordDecoder(const DataSpec& spec, LabelPolicy labels)
    : spec_(spec), label_policy_(labels) {
  for (const Feature& feature : spec_.features) width_ += feature.second;
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
    // `video` is used again and again: nothing of the record before may stay.
    video.rated.clear();
    if (spec_.format == "video") {
      ReadVideoFeatures(video);
    } else {
      ReadFrameFeatures(spec_.max_frames, video);
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
    ReadFrameFeatures(start + std::min(kSegmentFrames, spec_.max_frames), video);
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
    const std::int64_t length = CommonLength();
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
}

std::int32_t RecordDecoder::CheckLabel(std::int64_t label) const {
  if (label < 0 || label >= spec_.classes) {
    Fail(DataFault::kContradiction, "label " + std::to_string(label) + ", must be 0.." +
                                        std::to_string(spec_.classes - 1) +
                                        " (data.classes = " + std::to_string(spec_.classes) + ")");
  }
  return static_cast<std::int32_t>(label);
}

void RecordDecoder::ReadFrameFeatures(std::int64_t limit, DecodedVideo& video) const {
  video.frames.resize(spec_.features.size());
  video.values.clear();
  std::size_t shortest = 0, longest = 0;
  for (std::size_t i = 0; i < spec_.features.size(); ++i) {
    const Feature& feature = spec_.features[i];
    std::optional<FrameProblem> problem;
    const std::size_t length =
        ReadFrames(RequireList(feature.first), static_cast<std::size_t>(feature.second),
                   static_cast<std::size_t>(limit), video.frames[i], problem);
    if (problem) FailFrame(feature, *problem);
    // Image and audio differ in length in some released records. The frames that all features have
    // are used, since they are concatenated frame by frame.
    shortest = i == 0 ? length : std::min(shortest, length);
    longest = std::max(longest, length);
  }
  if (shortest == 0) Fail(DataFault::kDamagedRecord, "the video has no frames");
  video.unequal_lengths = shortest != longest;
  // Some videos have a few frames more than 300: they are cut, not refused.
  video.length = std::min(static_cast<std::int64_t>(shortest), limit);
}

void RecordDecoder::ReadVideoFeatures(DecodedVideo& video) const {
  video.frames.clear();
  video.values.clear();
  video.unequal_lengths = false;
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

std::int64_t RecordDecoder::CommonLength() const {
  std::optional<std::size_t> shortest;
  for (const Feature& feature : spec_.features) {
    const std::size_t length = ShapeOf(RequireList(feature.first)).length;
    shortest = std::min(shortest.value_or(length), length);
  }
  return static_cast<std::int64_t>(shortest.value_or(0));
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

void RecordDecoder::FailFrame(const Feature& feature, const FrameProblem& problem) const {
  const std::string where =
      "feature '" + feature.first + "', frame " + std::to_string(problem.frame) + ": ";
  const std::string expected = "one string of " + std::to_string(feature.second) + " bytes";
  const std::size_t count = CountValues(problem.found);
  if (problem.found.kind != ValueKind::kBytes) {
    Fail(DataFault::kContradiction, where + std::to_string(count) + " " +
                                        std::string(ToString(problem.found.kind)) + " where " +
                                        expected + " is expected (8-bit quantised frames)");
  }
  if (count != 1) {
    Fail(DataFault::kContradiction,
         where + std::to_string(count) + " byte strings, must be " + expected);
  }
  Fail(DataFault::kContradiction, where + "width " +
                                      std::to_string(FirstBytes(problem.found).size()) +
                                      ", data.features says " + std::to_string(feature.second));
}

}  // namespace beamgrid
