#pragma once
// `beamgrid data inspect` and `beamgrid data verify`: what record files hold, and whether every
// byte of them is sound. No recipe is needed.

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "registry/frame_type.h"

namespace beamgrid {

/// FrameCounts says how many frames the videos of a file have.
struct FrameCounts {
  std::int64_t min = 0;
  double mean = 0;
  std::int64_t max = 0;
};

/// FileReport says what one file holds.
struct FileReport {
  std::string file;
  std::string format;  ///< "video" | "frame" | "segment"; "" for a file without records
  std::int64_t records = 0;
  std::int64_t classes_seen = 0;  ///< number of different labels
  std::int64_t max_class = -1;    ///< highest label; -1: no labels
  double labels_per_video = 0;
  std::int64_t with_one_label = 0;               ///< number of videos
  FrameCounts frames;                            ///< 1 for video-level records
  std::map<std::string, std::int64_t> features;  ///< name -> width, as first met
  /// kFloat32 of the features whose frames are lists of floats. Strings of bytes are counted as
  /// codes: only a recipe can say that they are halves, of half that width.
  std::map<std::string, FrameType> frame_types;
};

/// Reads the whole file. Throws Error or DataError at the first damage.
[[nodiscard]] FileReport InspectFile(const std::filesystem::path& path);

/// The reports as JSON: [{"file", "format", "records", "classes_seen", "max_class",
/// "labels_per_video", "frames": {"min", "mean", "max"}, "features": {name: width}}], and
/// "frame_types": {name: type} where any frames are no strings of bytes.
[[nodiscard]] boost::json::array ToJson(const std::vector<FileReport>& reports);

/// Damage is one record that is not sound.
struct Damage {
  std::uint64_t offset = 0;  ///< byte of the file at which the record begins
  std::string what;
};

/// VerifyReport says whether one file's CRCs, wire format and numbers are sound.
struct VerifyReport {
  std::string file;
  std::int64_t records = 0;     ///< number of sound records
  std::uint64_t bytes = 0;      ///< size of the file
  std::vector<Damage> damages;  ///< in order; the records behind a damaged length are not readable
};

/// Reads every byte; damage is the result, not an error. Throws Error if the file cannot be opened.
[[nodiscard]] VerifyReport VerifyFile(const std::filesystem::path& path);

/// The reports as JSON: [{"file", "records", "bytes", "damages": [{"offset", "what"}]}].
[[nodiscard]] boost::json::array ToJson(const std::vector<VerifyReport>& reports);

}  // namespace beamgrid
