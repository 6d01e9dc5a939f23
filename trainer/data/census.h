#pragma once
// One whole pass over a study's data before its first step: what they are and what training will
// meet in them. It decodes as Dataset does, so what it finds sound, training finds sound.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// PlaceInFiles is where a record begins.
struct PlaceInFiles {
  std::size_t file = 0;      ///< index in a list of DataSpec
  std::uint64_t offset = 0;  ///< byte of the file
  auto operator<=>(const PlaceInFiles&) const = default;
};

/// RecordFault is a record that training cannot use.
struct RecordFault {
  PlaceInFiles place;
  std::string what;  ///< names the video where its id can be read
  bool operator==(const RecordFault&) const = default;
};

/// RepeatedId is an id that two records have.
struct RepeatedId {
  std::string id;
  PlaceInFiles first, second;
  bool operator==(const RepeatedId&) const = default;
};

/// SplitCensus is what was found in one of the two lists of files. Where format is "segment" each
/// segment is an example, else each record. Lists hold the first kShownFaults by file and byte.
struct SplitCensus {
  std::int64_t examples = 0;    ///< that training uses
  std::int64_t labels = 0;      ///< of these, positive ratings with segments
  std::int64_t weightless = 0;  ///< of these, that weigh 0 in the loss (data.video_weight)
  /// Records that data.on_error = "skip" passes over (DatasetCounts::skipped).
  std::int64_t damaged = 0;
  std::vector<RecordFault> damages;
  std::int64_t contradicting = 0;  ///< records that contradict the recipe, which nothing skips
  std::vector<RecordFault> contradictions;
  std::int64_t unequal = 0;       ///< examples whose features differ in their number of frames
  std::int64_t most_unequal = 0;  ///< frames that one feature of an example has more than another
  std::int64_t without_segments = 0;  ///< sound records of which no rated segment can be used
  std::int64_t repeated = 0;          ///< examples whose id an earlier example has
  std::vector<RepeatedId> repeats;
  std::vector<std::size_t> empty_files;  ///< that hold no record at all

  /// Returns how many examples there are, with those that training cannot use.
  [[nodiscard]] std::int64_t read() const { return examples + damaged + contradicting; }
  bool operator==(const SplitCensus&) const = default;
};

inline constexpr std::size_t kShownFaults = 20;

/// Census is what a study's data are.
struct Census {
  std::string digest;  ///< DataDigest
  SplitCensus train, validate;
  std::int64_t shared = 0;                ///< videos of validate that are in train too
  std::vector<RepeatedId> shared_videos;  ///< of these; first: in train, second: in validate
  /// Files of the same content under two names or by two paths, as indices into the files of train
  /// followed by those of validate. Files without a record are not among them.
  std::vector<std::pair<std::size_t, std::size_t>> same_files;
  /// Folders in which `data synth` or `data import` was stopped before its end.
  std::vector<std::string> unfinished;
};

/// CensusOptions says how a census is taken.
struct CensusOptions {
  enum class Reading {
    kWhatIsNew,   ///< what is kept in the cache is believed
    kEverything,  ///< every byte is read, whatever is known; what is found is kept
  };
  Reading reading = Reading::kWhatIsNew;
  /// Where hashes of files and conclusions are kept (CacheFolder); nothing: nowhere.
  std::optional<std::filesystem::path> cache;
  /// By what videos belong together, as records say it (data.group). Where records are read and
  /// there is a cache, it is kept there for ReadVideoGroups; empty: by nothing.
  std::string group = {};
  int threads = 1;  ///< readers beside the caller's thread
  /// Called from the caller's thread about every `interval` while files are read, with bytes.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  std::chrono::milliseconds interval{200};
};

/// Reads every byte of every file once, hashes and decodes it; none where the cache knows the files
/// and what was found in them (Reading). Damage is a finding, not an error. Memory: 24 bytes a
/// video, and 128 MiB of mapped pages. Throws Error where a file cannot be read or is written to
/// meanwhile.
[[nodiscard]] Census TakeCensus(const DataSpec& data, const CensusOptions& options = {});

}  // namespace beamgrid
