#pragma once
// What a folder of record files holds, as far as a recipe needs to know it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace beamgrid {

/// FolderFeature is one feature of the records.
struct FolderFeature {
  std::string name;
  std::int64_t width = 0;
  std::string type = "uint8";  ///< of a frame's values: uint8, float16, float32
};

/// DataFolder is a dataset in train and validate.
struct DataFolder {
  std::string format;                       ///< video | frame | segment
  std::string train_files, validate_files;  ///< patterns below the folder: "train-*.tfrecord"
  std::vector<FolderFeature> features;
  std::int64_t classes = 0;
  /// True where nobody but the labels says how many classes there are: the highest, and one.
  bool classes_are_guessed = false;
  std::int64_t train_videos = 0, validate_videos = 0;
  /// True where all of these were counted and have exactly one label each.
  bool one_label_each = false;
  std::int64_t max_frames = 0;  ///< of the longest feature of a video; 0 at video level
  /// Of the frames that all features of a video have.
  std::int64_t max_common_frames = 0;
  double mean_frames = 0;
  /// True where features are taken to have frame rates of their own; then of their longest:
  bool own_rates = false;
  double mean_longest_frames = 0;
  std::string vocabulary;    ///< file of the classes' names; empty: none
  std::string group;         ///< by what videos belong together (data.group); empty: by nothing
  std::string video_weight;  ///< what they weigh in the loss (data.video_weight); empty: nothing
  /// Empty where the numbers are of all records; else of which: "the first 2 of 40 train files".
  std::string seen;
};

/// Looks at a folder: its manifest.json where `data import` wrote one, else the records, of which
/// the first files up to 256 MiB of each split are read. Train files are called train* or lie in a
/// folder train, validate files likewise (validate, val, eval). Throws UsageError where there are
/// none, InputError and DataError for what the files hold, and for an unfinished folder.
[[nodiscard]] DataFolder LookAtDataFolder(const std::filesystem::path& folder);

}  // namespace beamgrid
