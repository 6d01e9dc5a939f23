#pragma once
// What an import will write: decided from the headers of all arrays and the table of labels, before
// anything is written.

#include <array>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/importing/array_source.h"
#include "orchestrator/importing/label_table.h"

namespace beamgrid {

/// ImportOptions is what the user asks for.
struct ImportOptions {
  std::vector<FeatureInput> features;
  LabelOptions labels;  ///< no path: the videos have none and are all of Split::kTest
  std::filesystem::path out;
  std::optional<std::int64_t> shards;  ///< files per split; nothing: by size
  double holdout = 0.2;                ///< share of the videos (or groups) for validate
  std::optional<Element> as;           ///< nothing: as the arrays have them
  /// What is done with a video that lacks labels, a feature or frames.
  enum class Incomplete { kLeaveOut, kRefuse } incomplete = Incomplete::kLeaveOut;
  /// Whether a video's features may differ in their number of frames.
  enum class UnequalFrames { kRefuse, kAllow } unequal_frames = UnequalFrames::kRefuse;
  int threads = 1;  ///< of no influence on what is written
};

/// ImportedFeature is one feature as it will be written.
struct ImportedFeature {
  FeatureInput input;
  std::unique_ptr<ArraySource> source;
  std::uint64_t width = 0;
  Element type = Element::kUint8;
};

/// ImportedVideo is one video as it will be written.
struct ImportedVideo {
  std::string id;
  const VideoLabels* labels = nullptr;  ///< of the plan's table; null: there is none
  std::vector<std::size_t> arrays;      ///< in the source of each feature
};

/// ImportedShard is one file.
struct ImportedShard {
  std::string name;                ///< "train-00000.tfrecord"
  std::size_t begin = 0, end = 0;  ///< of the split's videos
  Split split = Split::kTrain;
  std::string key;  ///< equal as long as the same videos of the same files give the same bytes
};

/// Why a video is not imported: two of the reasons.
inline constexpr char kNotLabelled[] = "not in the table of labels";
inline constexpr char kNoArray[] = "labels but no array";

/// LeftOutVideos is why some videos are not imported.
struct LeftOutVideos {
  std::string why;  ///< "no labels"
  std::vector<std::string> ids;
};

inline constexpr Split kAllSplits[] = {Split::kTrain, Split::kValidate, Split::kTest};
/// The name of the weights of the labels in a record: floats beside the context feature `labels`.
inline constexpr char kWeights[] = "label_weights";

/// ImportPlan is what will be written.
struct ImportPlan {
  ArrayLevel level = ArrayLevel::kFrame;
  std::vector<ImportedFeature> features;
  bool labelled = true;  ///< else there is no table of labels
  LabelTable labels;
  std::array<std::vector<ImportedVideo>, std::size(kAllSplits)>
      videos;  ///< by Split, in order of id
  std::vector<ImportedShard> shards;
  std::vector<LeftOutVideos> left_out;
  std::vector<std::int64_t> train_videos;                           ///< by class
  std::array<std::size_t, std::size(kAllSplits)> with_one_class{};  ///< videos, by Split
  /// Of the frames that all features of a video have, but for max_frames, of the longest feature.
  std::uint64_t min_frames = 0, max_common_frames = 0, max_frames = 0, frames = 0;
  std::uint64_t longest_frames = 0;  ///< of the longest feature of each video
  std::array<std::size_t, std::size(kAllSplits)> groups{};  ///< by Split; 0: there are none
  std::size_t groups_in_both = 0;                           ///< that are in train and in validate
  std::uint64_t unequal = 0;  ///< videos whose features differ in their number of frames
  std::string key;            ///< of all shards

  [[nodiscard]] const std::vector<ImportedVideo>& VideosOf(Split split) const {
    return videos[static_cast<std::size_t>(split)];
  }
  /// True if there are classes to choose from and each video that is trained or measured on has
  /// exactly one: they may exclude each other, or there may be more that nobody said.
  [[nodiscard]] bool HasOneClassEach() const;
  /// True if more than a tenth of the frames of the longest features would be lost with those that
  /// others lack: these are then taken to have frame rates of their own.
  [[nodiscard]] bool HasOwnRates() const;
  /// Returns the bytes of a shard's arrays, as they are read.
  [[nodiscard]] std::uint64_t BytesOf(const ImportedShard& shard) const;
};

/// Returns the name of a split's files: "train".
[[nodiscard]] const char* NameOf(Split split);
/// Returns "uint8", "float16", "float32", "float64".
[[nodiscard]] const char* NameOf(Element element);
/// Returns the type of one of the names that records can have, or nothing.
[[nodiscard]] std::vector<std::string> RecordTypeNames();
[[nodiscard]] Element RecordTypeOf(const std::string& name);

/// Reads the headers of all arrays and the labels. Throws UsageError, InputError and SystemError.
[[nodiscard]] ImportPlan PlanImport(const ImportOptions& options);

}  // namespace beamgrid
