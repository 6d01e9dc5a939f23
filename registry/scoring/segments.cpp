#include "registry/scoring/segments.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "registry/scoring/segment_map.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/text.h"
#include "registry/util/text_file.h"

namespace beamgrid {
namespace {

constexpr std::string_view kHeader = "Class,Segments";

std::vector<std::int32_t> RatedClasses(const SegmentTruth& truth) {
  std::set<std::int32_t> classes;
  for (const auto& [id, segment] : truth) {
    classes.insert(segment.rated.begin(), segment.rated.end());
  }
  return {classes.begin(), classes.end()};
}

std::string_view WithoutReturn(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Returns the first line without what is not of its text.
std::string_view Heading(std::string_view line) {
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  return WithoutReturn(line);
}

/// SegmentsRow is one row of the file.
class SegmentsRow {
 public:
  SegmentsRow(std::string place, std::string_view line) : place_(std::move(place)) {
    const std::size_t comma = line.find(',');
    if (comma == std::string_view::npos) Refuse("must be 'class,segments', has no comma");
    const std::string_view text = line.substr(0, comma);
    label_ = ParseNumber<std::int32_t>(text).value_or(-1);
    if (label_ < 0 || label_ >= kMaxClasses) {
      Refuse("'" + std::string(text.substr(0, 60)) + "' is no class");
    }
    std::istringstream words{std::string(line.substr(comma + 1))};
    for (std::string id; words >> id;) {
      if (!IsSegmentId(id)) Refuse("'" + id.substr(0, 60) + "' is no segment, must be VIDEO:START");
      ids_.push_back(std::move(id));
    }
  }

  /// Adds the row to `videos`, where each segment's list grows by one label.
  void AddTo(std::map<std::string, std::vector<ScoredLabelDouble>>& videos) const {
    double rank = 0;
    for (const std::string& id : ids_) {
      std::vector<ScoredLabelDouble>& list = videos[id];
      if (!list.empty() && list.back().label == label_) Refuse("'" + id + "' is repeated");
      // The file has no scores, only an order: 1, 1/2, 1/3 ... keep it within a class.
      list.push_back({label_, 1 / ++rank});
    }
  }

  [[noreturn]] void Refuse(const std::string& what) const {
    throw InputError(place_ + ": " + what);
  }
  [[nodiscard]] std::int32_t label() const { return label_; }

 private:
  std::string place_;
  std::int32_t label_ = 0;
  std::vector<std::string> ids_;
};

Predictions PredictionsOf(std::map<std::string, std::vector<ScoredLabelDouble>> videos) {
  Predictions predictions;
  for (auto& [id, list] : videos) {
    std::ranges::sort(list, RanksBefore<ScoredLabelDouble>);
    predictions.top_k = std::max(predictions.top_k, static_cast<int>(list.size()));
    predictions.videos.push_back({.id = id, .top = std::move(list)});
  }
  return predictions;
}

/// Ranked is a segment in a class's ranking.
struct Ranked {
  double score;
  const std::string* id;
};

std::map<std::int32_t, std::vector<Ranked>> RankingsOf(const Predictions& predictions,
                                                       const std::vector<std::int32_t>& classes) {
  std::map<std::int32_t, std::vector<Ranked>> rankings;
  for (const VideoPrediction& segment : predictions.videos) {
    for (const ScoredLabelDouble& item : segment.top) {
      if (!classes.empty() && !std::ranges::binary_search(classes, item.label)) continue;
      rankings[item.label].push_back({item.score, &segment.id});
    }
  }
  return rankings;
}

}  // namespace

bool IsSegmentId(std::string_view id) {
  const std::size_t colon = id.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == id.size()) return false;
  const std::string_view start = id.substr(colon + 1);
  return std::ranges::all_of(start, [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string_view VideoOfSegment(std::string_view id) { return id.substr(0, id.rfind(':')); }

bool AreSegments(const Predictions& predictions) {
  return !predictions.videos.empty() &&
         std::ranges::all_of(predictions.videos, IsSegmentId, &VideoPrediction::id);
}

Metrics ScoreSegments(const Predictions& predictions, const SegmentTruth& truth) {
  Truth labels;
  for (const auto& [id, segment] : truth) labels.emplace(id, segment.positive);
  Metrics metrics = Score(predictions, labels);
  metrics.segment_map = SegmentMap(predictions, truth);
  return metrics;
}

double SegmentMap(const Predictions& predictions, const SegmentTruth& truth) {
  // At most so many segments: the sum counts those twice that are in both, which does no harm.
  SegmentMapAccumulator map(RatedClasses(truth),
                            std::ssize(predictions.videos) + std::ssize(truth));
  std::set<std::string_view> predicted;
  for (const VideoPrediction& segment : predictions.videos) {
    predicted.insert(segment.id);
    const auto found = truth.find(segment.id);
    if (found == truth.end()) {
      map.AddSparse(segment.top, {});
    } else {
      map.AddSparse(segment.top, {found->second.positive, found->second.rated});
    }
  }
  for (const auto& [id, segment] : truth) {
    if (!predicted.contains(id)) map.AddSparse({}, {segment.positive, segment.rated});
  }
  return map.Compute();
}

std::string SegmentsCsvText(const Predictions& predictions,
                            const std::vector<std::int32_t>& classes, std::int64_t top) {
  std::string text(kHeader);
  text += '\n';
  for (auto& [label, ranking] : RankingsOf(predictions, classes)) {
    const auto count = std::min<std::ptrdiff_t>(std::ssize(ranking), top);
    // Ties by id: equal predictions are equal files.
    std::ranges::partial_sort(ranking, ranking.begin() + count,
                              [](const Ranked& a, const Ranked& b) {
                                return a.score > b.score || (a.score == b.score && *a.id < *b.id);
                              });
    text += std::to_string(label);
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      text += i == 0 ? ',' : ' ';
      text += *ranking[static_cast<std::size_t>(i)].id;
    }
    text += '\n';
  }
  return text;
}

Predictions ReadSegmentsCsv(const std::filesystem::path& path) {
  std::istringstream lines(ReadFile(path));
  std::string line;
  std::getline(lines, line);
  if (Heading(line) != kHeader) {
    throw InputError(path.string() + ":1: the first line must be '" + std::string(kHeader) +
                     "', is '" + line.substr(0, 60) + "'");
  }
  std::map<std::string, std::vector<ScoredLabelDouble>> videos;
  std::set<std::int32_t> classes;
  for (int number = 2; std::getline(lines, line); ++number) {
    if (WithoutReturn(line).empty()) continue;
    const SegmentsRow row(path.string() + ":" + std::to_string(number), WithoutReturn(line));
    if (!classes.insert(row.label()).second) {
      row.Refuse("class " + std::to_string(row.label()) + " is repeated");
    }
    row.AddTo(videos);
  }
  return PredictionsOf(std::move(videos));
}

bool IsSegmentsCsv(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  // Any file: it may have no line at all.
  std::string start(kByteOrderMark.size() + kHeader.size() + 2, '\0');
  file.read(start.data(), std::ssize(start));
  start.resize(static_cast<std::size_t>(file.gcount()));
  return Heading(std::string_view(start).substr(0, start.find('\n'))) == kHeader;
}

}  // namespace beamgrid
