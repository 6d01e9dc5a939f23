#pragma once
// A reader of tf.Example and tf.SequenceExample in place, without copies. Field numbers:
//   Example{features=1}, SequenceExample{context=1, feature_lists=2}: an Example is a
//   SequenceExample without lists, so one parser serves both. Features{map<string, Feature>
//   feature=1}, FeatureLists{map<string, FeatureList> feature_list=1}, FeatureList{repeated Feature
//   feature=1}, Feature{oneof bytes_list=1 | float_list=2 | int64_list=3}, each list {repeated
//   value=1}.
// Map entries and their key and value come in any order; of a repeated key the last counts; unknown
// fields are skipped; repeated numbers may be packed or not.
//
// All views point into the payload. Functions throw ExampleError on malformed bytes.

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beamgrid {

/// ExampleError says that bytes are not the protobuf message they should be. Callers add file and
/// offset.
class ExampleError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// ValueKind says which of a tf.Feature's lists is there; the numbers are the protobuf fields'.
enum class ValueKind { kNone, kBytes, kFloats, kIntegers };
/// The word for messages: "nothing", "bytes", "floats", "integers".
[[nodiscard]] std::string_view ToString(ValueKind kind);

/// FeatureView is one tf.Feature. `fields` is the part of its message that counts (protobuf merges
/// repeated lists of one kind and lets the last kind win).
struct FeatureView {
  ValueKind kind = ValueKind::kNone;
  std::string_view fields;
};

/// The number of values; for bytes the number of byte strings.
[[nodiscard]] std::size_t CountValues(const FeatureView& feature);
/// The first byte string, or empty if there is none.
[[nodiscard]] std::string_view FirstBytes(const FeatureView& feature);
/// Fills `values` with the floats, whose number must be values.size() (see CountValues);
/// ExampleError otherwise.
void ReadFloats(const FeatureView& feature, std::span<float> values);
/// Replaces `values` by the integers; none if the feature holds something else.
void ReadIntegers(const FeatureView& feature, std::vector<std::int64_t>& values);
/// Replaces `values` by the floats; none if the feature holds something else.
void ReadFloats(const FeatureView& feature, std::vector<float>& values);

/// The least magnitude of a float that is no value of a feature: squares of larger ones overflow
/// when they are summed, so a network would turn them into infinity.
inline constexpr float kTooLargeFloat = 1e16F;

/// UnusableFloat is a value that no network can take.
struct UnusableFloat {
  std::size_t index = 0;
  float value = 0;
};
/// "holds nan at index 3, must be finite and below 1e+16".
[[nodiscard]] std::string ToString(const UnusableFloat& unusable);
/// The first of the feature's floats that is NaN, infinite or of kTooLargeFloat or more; nothing
/// where all can be used.
[[nodiscard]] std::optional<UnusableFloat> FindUnusableFloat(const FeatureView& feature);

/// NamedFeature is an entry of a record's context.
struct NamedFeature {
  std::string_view name;
  FeatureView value;
};

/// NamedFeatureList is one tf.FeatureList, not yet walked.
struct NamedFeatureList {
  std::string_view name;
  std::string_view message;
};

/// FeatureListShape says how long a list is and what its first feature with any value holds.
struct FeatureListShape {
  std::size_t length = 0;
  ValueKind kind = ValueKind::kNone;
  std::size_t width = 0;  ///< of the first feature with a value: its floats, integers or bytes
};
/// Walks the list for its shape.
[[nodiscard]] FeatureListShape ShapeOf(const NamedFeatureList& list);

/// Walks the list for the first frame with a float that FindUnusableFloat finds: its number, and
/// that float.
[[nodiscard]] std::optional<std::pair<std::size_t, UnusableFloat>> FindUnusableFrame(
    const NamedFeatureList& list);

/// FrameProblem says what stands where a frame was expected.
struct FrameProblem {
  std::size_t frame = 0;
  FeatureView found;
};

/// Fills `frames` with one pointer per frame of a list in which every feature holds one byte string
/// of exactly `width` bytes; at most `limit` are kept. Returns the true number of frames; at the
/// first frame of another shape it stops, sets `problem` and returns the frames before it.
[[nodiscard]] std::size_t ReadFrames(const NamedFeatureList& list, std::size_t width,
                                     std::size_t limit, std::vector<const char*>& frames,
                                     std::optional<FrameProblem>& problem);

/// The same for a list in which every feature holds `width` floats: the pointers are to
/// little-endian floats of any alignment, in the record or, where a frame's floats lie apart there,
/// in `copies`, which is emptied first.
[[nodiscard]] std::size_t ReadFloatFrames(const NamedFeatureList& list, std::size_t width,
                                          std::size_t limit, std::vector<const char*>& frames,
                                          std::deque<std::vector<float>>& copies,
                                          std::optional<FrameProblem>& problem);

/// ExampleView is one record's contents. Reuse one object for many records: it keeps its memory.
struct ExampleView {
  std::vector<NamedFeature> context;
  std::vector<NamedFeatureList> feature_lists;

  /// The entry of that name, or null.
  [[nodiscard]] const FeatureView* FindContext(std::string_view name) const;
  [[nodiscard]] const NamedFeatureList* FindList(std::string_view name) const;
};

/// Replaces `example` by the payload's contents (one level deep: lists are walked when asked for).
/// More than 1000 names on either side are refused.
void ParseExample(std::string_view payload, ExampleView& example);

/// The video's id (`id`, since 2018, or `video_id`), or empty.
[[nodiscard]] std::string_view IdOf(const ExampleView& example);

}  // namespace beamgrid
