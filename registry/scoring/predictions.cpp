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

template <typename Number>
void Put(std::string& bytes, Number number) {
  static_assert(std::is_arithmetic_v<Number>);
  char raw[sizeof(Number)];
  std::memcpy(raw, &number, sizeof(Number));
  bytes.append(raw, sizeof(Number));
}

/// ByteReader takes numbers and texts from the front; not ok once something did not fit.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename Number>
  Number Take() {
    Number number{};
    const std::string_view raw = TakeBytes(sizeof(Number));
    if (ok_) std::memcpy(&number, raw.data(), sizeof(Number));
    return number;
  }
  std::string_view TakeBytes(std::size_t count) {
    ok_ = ok_ && count <= bytes_.size();
    if (!ok_) return {};
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  /// True if `count` things of `size` bytes may still follow: checked before memory is taken.
  bool Holds(std::uint64_t count, std::size_t size) {
    ok_ = ok_ && count <= bytes_.size() / size;
    return ok_;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

constexpr std::size_t kVideoHeader = 3 * sizeof(std::uint32_t);
constexpr std::size_t kPair = sizeof(std::int32_t) + sizeof(float);

/// Returns the scores as the file keeps them: float, best first; scores that only float makes equal
/// included.
std::vector<ScoredLabel> StoredScores(const VideoPrediction& video) {
  std::vector<ScoredLabel> scores;
  for (const ScoredLabelDouble& item : video.top) {
    scores.push_back({item.label, static_cast<float>(item.score)});
  }
  std::ranges::sort(scores, RanksBefore<ScoredLabel>);
  return scores;
}

void PutVideo(std::string& bytes, const VideoPrediction& video) {
  Put(bytes, static_cast<std::uint32_t>(video.id.size()));
  Put(bytes, static_cast<std::uint32_t>(video.top.size()));
  Put(bytes, static_cast<std::uint32_t>(video.labels.size()));
  bytes += video.id;
  for (const ScoredLabel& item : StoredScores(video)) {
    Put(bytes, item.label);
    Put(bytes, item.score);
  }
  std::vector<std::int32_t> labels = video.labels;
  std::ranges::sort(labels);
  for (const std::int32_t label : labels) Put(bytes, label);
}

VideoPrediction TakeVideo(ByteReader& reader) {
  VideoPrediction video;
  const auto id_bytes = reader.Take<std::uint32_t>();
  const auto scores = reader.Take<std::uint32_t>();
  const auto labels = reader.Take<std::uint32_t>();
  video.id = reader.TakeBytes(id_bytes);
  if (!reader.Holds(scores, kPair)) return video;
  video.top.reserve(scores);
  for (std::uint32_t i = 0; i < scores; ++i) {
    const auto label = reader.Take<std::int32_t>();
    video.top.push_back({label, reader.Take<float>()});
  }
  if (!reader.Holds(labels, sizeof(std::int32_t))) return video;
  video.labels.reserve(labels);
  for (std::uint32_t i = 0; i < labels; ++i) video.labels.push_back(reader.Take<std::int32_t>());
  return video;
}

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

void WritePredictions(const fs::path& path, const Predictions& predictions) {
  const std::vector<const VideoPrediction*> videos = SortedVideos(predictions);
  std::string bytes(kMagic);
  Put(bytes, kVersion);
  Put(bytes, static_cast<std::uint32_t>(predictions.top_k));
  Put(bytes, predictions.classes);
  Put(bytes, static_cast<std::uint64_t>(videos.size()));
  for (const VideoPrediction* video : videos) PutVideo(bytes, *video);
  bytes += HashBytes(bytes);
  WriteFileAtomically(path, bytes);
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

Metrics Score(const Predictions& predictions, const Truth& truth) {
  MetricsAccumulator metrics;
  metrics.Reserve(static_cast<std::int64_t>(truth.size()));
  std::string first_missing;
  std::size_t missing = 0;
  for (const auto& [id, labels] : truth) {
    const auto video = std::ranges::lower_bound(predictions.videos, id, {}, &VideoPrediction::id);
    if (video != predictions.videos.end() && video->id == id) {
      metrics.AddSparse(video->top, labels);
    } else if (missing++ == 0) {
      first_missing = id;
    }
  }
  if (missing > 0) {
    throw InputError("the predictions lack " + std::to_string(missing) + " of the truth's " +
                     std::to_string(truth.size()) + " videos (the first is '" + first_missing +
                     "'); every video of the truth must be predicted");
  }
  return metrics.Compute();
}

}  // namespace beamgrid
