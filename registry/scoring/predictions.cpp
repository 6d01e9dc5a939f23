#include "registry/scoring/predictions.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

#include "registry/scoring/predictions_check.h"
#include "registry/scoring/video_bytes.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

// The file, all numbers little-endian:
//   "BGPREDS\0", u32 version, u32 top_k, i64 classes, u64 videos,
//   per video: u32 bytes of id, u32 scores, u32 labels, id, {i32 label, f32 score}..., i32 label...
//   32 hex digits of the XXH3-128 of everything before.
static_assert(std::endian::native == std::endian::little, "the file is written in memory order");
constexpr std::string_view kMagic("BGPREDS\0", 8);
constexpr std::uint32_t kVersion = 1;

/// Returns the videos in the order of the file, by id. Throws std::invalid_argument for what no
/// reader could trust.
std::vector<const VideoPrediction*> SortedVideos(const Predictions& predictions) {
  std::vector<const VideoPrediction*> videos;
  for (const VideoPrediction& video : predictions.videos) {
    if (std::cmp_greater(video.top.size(), predictions.top_k)) {
      throw std::invalid_argument("video '" + video.id + "' lists " +
                                  std::to_string(video.top.size()) + " labels, top_k is " +
                                  std::to_string(predictions.top_k));
    }
    if (std::ranges::any_of(video.top, [](const auto& item) { return std::isnan(item.score); })) {
      throw std::invalid_argument("video '" + video.id + "' has a score that is NaN");
    }
    videos.push_back(&video);
  }
  // By id: equal predictions are equal bytes, and a video is found by bisection.
  std::ranges::sort(videos, {}, &VideoPrediction::id);
  const auto repeated = std::ranges::adjacent_find(videos, {}, &VideoPrediction::id);
  if (repeated != videos.end())
    throw std::invalid_argument("video '" + (*repeated)->id + "' is repeated");
  return videos;
}

[[noreturn]] void RefuseFile(const fs::path& path, const std::string& why) {
  throw Error(path.string() + ": " + why);
}

/// Returns what precedes the hash, after it has been checked.
std::string_view CheckedBody(const fs::path& path, std::string_view file) {
  // First: a file of another kind is not called damaged.
  if (!file.starts_with(kMagic)) RefuseFile(path, "is not a predictions file of beamgrid");
  if (file.size() < kMagic.size() + kHashDigits) RefuseFile(path, "predictions file is cut off");
  const std::string_view body = file.substr(0, file.size() - kHashDigits);
  if (HashBytes(body) != file.substr(body.size())) {
    RefuseFile(path,
               "predictions file is damaged or cut off (its hash does not match); "
               "train or predict again");
  }
  return body.substr(kMagic.size());
}

}  // namespace

std::string PredictionsBytes(const Predictions& predictions) {
  const std::vector<const VideoPrediction*> videos = SortedVideos(predictions);
  std::string bytes(kMagic);
  Put(bytes, kVersion);
  Put(bytes, static_cast<std::uint32_t>(predictions.top_k));
  Put(bytes, predictions.classes);
  Put(bytes, static_cast<std::uint64_t>(videos.size()));
  for (const VideoPrediction* video : videos) PutVideo(bytes, *video);
  bytes += HashBytes(bytes);
  return bytes;
}

void WritePredictions(const fs::path& path, const Predictions& predictions) {
  WriteFileAtomically(path, PredictionsBytes(predictions));
}

Predictions ReadPredictions(const fs::path& path) {
  const std::string file = ReadFile(path);
  ByteReader reader(CheckedBody(path, file));
  const auto version = reader.Take<std::uint32_t>();
  if (version != kVersion) {
    RefuseFile(path, "predictions file has version " + std::to_string(version) +
                         ", this program reads " + std::to_string(kVersion));
  }
  Predictions predictions;
  predictions.top_k = static_cast<int>(reader.Take<std::uint32_t>());
  predictions.classes = reader.Take<std::int64_t>();
  const auto videos = reader.Take<std::uint64_t>();
  if (reader.Holds(videos, kVideoHeader)) predictions.videos.reserve(videos);
  for (std::uint64_t i = 0; i < videos && reader.ok(); ++i) {
    predictions.videos.push_back(TakeVideo(reader));
  }
  if (!reader.ok() || !reader.at_end()) RefuseFile(path, "predictions file contradicts itself");
  const std::string problem = PredictionsCheck().ProblemOf(predictions);
  if (!problem.empty()) RefuseFile(path, "predictions file contradicts itself: " + problem);
  return predictions;
}

Metrics Score(const Predictions& predictions, const Truth& truth, int threads) {
  MetricsAccumulator metrics;
  metrics.Reserve(static_cast<std::int64_t>(truth.size()));
  std::string first_missing;
  std::size_t missing = 0;
  auto video = predictions.videos.begin();
  for (const auto& [id, labels] : truth) {
    // Both are sorted by id.
    while (video != predictions.videos.end() && video->id < id) ++video;
    if (video != predictions.videos.end() && video->id == id) {
      metrics.AddSparse(video->top, labels);
    } else if (missing++ == 0) {
      first_missing = id;
    }
  }
  if (missing > 0) {
    const bool strangers = missing == truth.size() && !predictions.videos.empty();
    throw InputError(
        "the predictions lack " + std::to_string(missing) + " of the truth's " +
        std::to_string(truth.size()) + " videos (the first is '" + first_missing + "'" +
        (strangers ? "; theirs are others, the first '" + predictions.videos[0].id + "'" : "") +
        "); every video of the truth must be predicted (--common-videos scores those "
        "that are)");
  }
  return metrics.Compute(threads);
}

}  // namespace beamgrid
