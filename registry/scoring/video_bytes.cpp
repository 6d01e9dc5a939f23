#include "registry/scoring/video_bytes.h"

#include <algorithm>

namespace beamgrid {
namespace {

std::vector<ScoredLabel> StoredScores(const VideoPrediction& video) {
  std::vector<ScoredLabel> scores;
  for (const ScoredLabelDouble& item : video.top) {
    scores.push_back({item.label, static_cast<float>(item.score)});
  }
  std::ranges::sort(scores, RanksBefore<ScoredLabel>);
  return scores;
}

}  // namespace

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
  if (!reader.Holds(scores, kScoreBytes)) return video;
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

}  // namespace beamgrid
