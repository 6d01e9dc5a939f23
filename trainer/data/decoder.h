#pragma once
// One record read by the recipe's data section, which says what features to pick and of what kinds,
// widths and labels they must be.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model_spec.h"
#include "trainer/data/example.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {

/// LabelPolicy says what labels are for.
enum class LabelPolicy {
  kRequired,  ///< a video without labels is an error (training, validation)
  kIgnored,   ///< no label is looked at, whatever there is (prediction)
};

/// Frames of a segment (YouTube-8M 2019; the files' end times are always start + 5).
inline constexpr std::int64_t kSegmentFrames = 5;

/// DecodedVideo is a video or segment whose parts were found and checked; views point into the
/// record's file.
struct DecodedVideo {
  std::string_view id;
  std::vector<std::int32_t> labels;  ///< sorted, none twice; a segment's are those rated positive
  /// The classes that somebody rated a segment for, `labels` among them; sorted, none twice. Empty
  /// for a video.
  std::vector<std::int32_t> rated;
  /// Frames used: as many as the shortest feature has, or the longest (spec.frame_alignment); at
  /// most max_frames.
  std::int64_t length = 0;
  std::int64_t frames_apart = 0;  ///< that the longest feature has more than the shortest
  /// [feature][>= length] -> the frame's numbers in the feature's type (frame_values.h).
  std::vector<std::vector<const char*>> frames;
  std::vector<std::deque<std::vector<float>>> copies;  ///< [feature] what ReadFloatFrames needs
  double weight = 1;                                   ///< of the video in the loss
  std::vector<FeatureView> values;                     ///< [feature] floats, video level
};

/// SegmentsOfRecord says which segments a record holds, without their frames.
struct SegmentsOfRecord {
  std::vector<std::int64_t> starts;  ///< ascending, none twice
  std::vector<std::int32_t> rated;   ///< classes that any of these is rated for; sorted, none twice
};

/// RecordDecoder picks and checks what a recipe names of each record. Not thread-safe: it keeps its
/// working memory between records.
///
/// Everything throws DataError, whose reason names the video where its id can be read:
/// kDamagedRecord (wire format, no frames, no labels where they are required, a float that is not
/// finite or too large, a weight that is no share) or kContradiction (a feature is missing or of
/// another kind, type or width, a label is not below `classes`, several labels where one is
/// required, no id).
class RecordDecoder {
 public:
  RecordDecoder(const DataSpec& spec, LabelPolicy labels);

  /// The sum of the features' widths.
  [[nodiscard]] std::int64_t width() const { return width_; }

  /// Decodes the whole video.
  void Decode(const Record& record, const std::string& file, DecodedVideo& video);

  /// Decodes frames [start, start + 5) as far as the video goes, with the classes rated there. A
  /// class that several people rated there is positive if one of them says so.
  void DecodeSegment(const Record& record, const std::string& file, std::int64_t start,
                     DecodedVideo& video);

  /// Finds the first frames of the record's segments: the rated ones, or every window of 5 where
  /// there are no ratings and labels are ignored. Starts behind the last frame are left out with
  /// their ratings (the released files have some).
  [[nodiscard]] SegmentsOfRecord ReadSegments(const Record& record, const std::string& file);
  [[nodiscard]] std::vector<std::int64_t> SegmentStarts(const Record& record,
                                                        const std::string& file) {
    return ReadSegments(record, file).starts;
  }

  /// The record that was decoded last, as long as its bytes are there.
  [[nodiscard]] const ExampleView& example() const { return example_; }

 private:
  /// Rating is what one person said of one segment.
  struct Rating {
    std::int64_t start = 0;
    std::int64_t label = 0;
    bool positive = false;
  };

  void Parse(const Record& record, const std::string& file);
  template <typename Function>
  auto Located(Function function) const;
  void ReadId(DecodedVideo& video) const;
  void ReadLabels(DecodedVideo& video);
  void ReadWeight(DecodedVideo& video) const;
  /// Frames before `first` are walked over, not looked at.
  void ReadFrameFeatures(std::int64_t first, std::int64_t limit, DecodedVideo& video) const;
  /// Gives each feature a frame for each of `length` frames of a video that has `all`.
  static void AlignFrames(const std::vector<std::size_t>& lengths, std::size_t all,
                          std::size_t length, DecodedVideo& video);
  /// Refuses numbers that no network can take, from frame `first` on.
  void CheckFrames(std::size_t feature, std::size_t first, const DecodedVideo& video) const;
  void ReadVideoFeatures(DecodedVideo& video) const;
  [[nodiscard]] std::vector<Rating> ReadRatings() const;
  /// Returns ratings of which only the starts are read.
  [[nodiscard]] std::vector<Rating> ReadStarts() const;
  [[nodiscard]] bool looks_at_labels() const { return label_policy_ == LabelPolicy::kRequired; }
  [[nodiscard]] std::int64_t VideoLength() const;

  [[nodiscard]] const NamedFeatureList& RequireList(const std::string& name) const;
  [[nodiscard]] std::int32_t CheckLabel(std::int64_t label) const;
  [[noreturn]] void Fail(DataFault fault, const std::string& what) const;
  [[noreturn]] void FailMissing(const std::string& name) const;
  [[noreturn]] void FailFrame(const Feature& feature, const FrameProblem& problem) const;
  /// The line of a recipe by which the feature's frames are of this type.
  [[nodiscard]] std::string LineFor(const std::string& feature, FrameType type) const;

  DataSpec spec_;
  std::vector<FrameType> types_;  ///< by feature
  LabelPolicy label_policy_;
  std::int64_t width_ = 0;
  ExampleView example_;
  std::vector<std::int64_t> integers_;
  // Of the record being decoded.
  std::string file_;
  std::uint64_t offset_ = 0;
  std::string_view id_;  ///< empty: it has none, or cannot be read
};

}  // namespace beamgrid
