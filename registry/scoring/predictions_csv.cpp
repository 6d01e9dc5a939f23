// Predictions and truth as the competition's CSV files.

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "registry/scoring/csv_rows.h"
#include "registry/scoring/predictions.h"
#include "registry/scoring/probabilities_csv.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/threads.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

void AppendNumber(std::string& text, double number) {
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
}

std::string RealText(double number) {
  std::string text;
  AppendNumber(text, number);
  return text;
}

/// Refuses a list that nobody should average with others.
void RequireProbabilities(const CsvRowReader& rows, const std::vector<ScoredLabelDouble>& pairs) {
  if (pairs.size() > kLongestList) {
    rows.Refuse("the list has " + std::to_string(pairs.size()) + " labels, at most " +
                std::to_string(kLongestList) + " are read; 20 to 50 for each video are enough");
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [label, confidence] = pairs[i];
    if (confidence < 0 || confidence > 1) {
      rows.Refuse("confidence " + RealText(confidence) + " of label " + std::to_string(label) +
                  " must be a probability, 0..1");
    }
    if (i > 0 && confidence > pairs[i - 1].score) {
      rows.Refuse("the list must be best first: label " + std::to_string(label) + " with " +
                  RealText(confidence) + " comes after " + RealText(pairs[i - 1].score));
    }
  }
}

/// SeenIds remembers the id of each row and where it stands, to name both places of a repeated one.
class SeenIds {
 public:
  void Add(const CsvRowReader& rows, std::string_view id) {
    // The first eight bytes as a number that is in the order of the bytes: most ids differ there,
    // and a text lies elsewhere in memory.
    std::uint64_t first = 0;
    std::memcpy(&first, id.data(), std::min(id.size(), sizeof first));
    keys_.push_back({__builtin_bswap64(first), lines_.size()});
    lines_.push_back(rows.line());
    texts_ += id;
    ends_.push_back(texts_.size());
  }

  /// Returns the id of a row, counted from 0.
  [[nodiscard]] std::string_view Id(std::size_t row) const {
    return std::string_view(texts_).substr(ends_[row], ends_[row + 1] - ends_[row]);
  }

  /// Returns the rows in the order of their ids. Refuses an id that is there twice; called after
  /// the last row.
  [[nodiscard]] std::vector<std::size_t> Order(const CsvRowReader& rows) {
    std::ranges::sort(keys_, [this](const Key& one, const Key& other) {
      if (one.first_bytes != other.first_bytes) return one.first_bytes < other.first_bytes;
      const int order = Id(one.row).compare(Id(other.row));
      return order != 0 ? order < 0 : one.row < other.row;
    });
    const auto repeated =
        std::ranges::adjacent_find(keys_, [this](const Key& one, const Key& other) {
          return one.first_bytes == other.first_bytes && Id(one.row) == Id(other.row);
        });
    if (repeated != keys_.end()) {
      rows.RefuseAt(lines_[repeated[1].row], "video '" + std::string(Id(repeated->row)) +
                                                 "' is repeated, it was in line " +
                                                 std::to_string(lines_[repeated->row]));
    }
    std::vector<std::size_t> order;
    order.reserve(keys_.size());
    for (const Key& key : keys_) order.push_back(key.row);
    return order;
  }

 private:
  struct Key {
    std::uint64_t first_bytes;
    std::size_t row;
  };
  std::vector<Key> keys_;
  std::vector<std::int64_t> lines_;      // by row
  std::string texts_;                    // of all ids
  std::vector<std::size_t> ends_ = {0};  // in these, of what is before each row, and of the last
};

/// Passes each list of the rows on, sorted; `check` may refuse it before. Returns the order of the
/// lists by id.
template <typename Check, typename Take>
std::vector<std::size_t> ForEachList(CsvRowReader& rows, const Check& check, const Take& take) {
  SeenIds seen;
  PairsParser parser;
  std::string_view id;
  std::string_view list;
  while (rows.Next(id, list)) {
    seen.Add(rows, id);
    std::vector<ScoredLabelDouble>& pairs = parser.Parse(rows, list);
    check(rows, pairs);
    if (!std::ranges::is_sorted(pairs, RanksBefore<ScoredLabelDouble>)) {
      std::ranges::sort(pairs, RanksBefore<ScoredLabelDouble>);
    }
    take(id, pairs);
  }
  return seen.Order(rows);
}

/// Reads rows of lists, each of which `check` may refuse. Returns the videos by id.
template <typename Check>
std::vector<VideoPrediction> ReadRows(CsvRowReader& rows, const Check& check) {
  std::vector<VideoPrediction> videos;  // in the order of the file
  const auto order =
      ForEachList(rows, check, [&](std::string_view id, const std::vector<ScoredLabelDouble>& top) {
        videos.push_back({std::string(id), top, {}});
      });
  std::vector<VideoPrediction> sorted;
  sorted.reserve(order.size());
  for (const std::size_t row : order) sorted.push_back(std::move(videos[row]));
  return sorted;
}

/// Reads both halves of a file at once. Nothing where anything is wrong with it: what and in which
/// line is said by whoever reads it as a whole.
template <typename Check>
std::optional<std::vector<VideoPrediction>> ReadHalves(const fs::path& path, std::int64_t bytes,
                                                       const Check& check) {
  std::vector<VideoPrediction> halves[2];
  try {
    ForEachOnThreads(2, 2, [&](std::size_t half) {
      CsvRowReader rows = half == 0 ? CsvRowReader(path, kPredictionsCsvHeader)
                                    : CsvRowReader(path, bytes / 2, bytes);
      if (half == 0) rows.ReadUntil(bytes / 2);
      halves[half] = ReadRows(rows, check);
    });
  } catch (const std::exception&) {
    return std::nullopt;
  }
  std::vector<VideoPrediction> whole;
  whole.reserve(halves[0].size() + halves[1].size());
  const auto move = [](auto at) { return std::make_move_iterator(at); };
  std::merge(move(halves[0].begin()), move(halves[0].end()), move(halves[1].begin()),
             move(halves[1].end()), std::back_inserter(whole),
             [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto repeated = std::ranges::adjacent_find(whole, {}, &VideoPrediction::id);
  if (repeated != whole.end()) return std::nullopt;
  return whole;
}

/// Reads a file of lists, each of which `check` may refuse.
template <typename Check>
Predictions ReadLists(const fs::path& path, const Check& check) {
  constexpr std::uintmax_t kWorthAThread = 1 << 20;
  std::error_code unknown;
  const std::uintmax_t bytes = fs::file_size(path, unknown);
  std::optional<std::vector<VideoPrediction>> videos;
  if (!unknown && bytes > kWorthAThread && UsableThreads() > 1) {
    videos = ReadHalves(path, static_cast<std::int64_t>(bytes), check);
  }
  if (!videos) {
    CsvRowReader rows(path, kPredictionsCsvHeader);
    videos = ReadRows(rows, check);
  }
  Predictions predictions{.videos = *std::move(videos)};
  for (const VideoPrediction& video : predictions.videos) {
    predictions.top_k = std::max(predictions.top_k, static_cast<int>(video.top.size()));
  }
  return predictions;
}

}  // namespace

Predictions ReadPredictionsCsv(const fs::path& path) {
  return ReadLists(path, [](const CsvRowReader&, const std::vector<ScoredLabelDouble>&) {});
}

Predictions ReadProbabilitiesCsv(const fs::path& path) {
  return ReadLists(path, RequireProbabilities);
}

void ReadProbabilityLists(const fs::path& path, std::int64_t classes, const TakeList& take) {
  const auto check = [classes](const CsvRowReader& rows,
                               const std::vector<ScoredLabelDouble>& pairs) {
    RequireProbabilities(rows, pairs);
    const auto strange = std::ranges::find_if(
        pairs, [classes](const ScoredLabelDouble& pair) { return pair.label >= classes; });
    if (strange == pairs.end()) return;
    rows.Refuse("label " + std::to_string(strange->label) + " is none of the data's " +
                std::to_string(classes) + " classes, 0.." + std::to_string(classes - 1));
  };
  CsvRowReader rows(path, kPredictionsCsvHeader);
  static_cast<void>(ForEachList(rows, check, take));
}

void AppendCsvRow(std::string& text, const VideoPrediction& video, int top_k,
                  const std::string& where) {
  if (video.id.empty() || video.id.find_first_of(",\r\n") != std::string::npos) {
    throw InputError(where + ": the id '" + video.id + "' cannot be written to a CSV file");
  }
  text += video.id + ',';
  const std::size_t count = std::min(video.top.size(), static_cast<std::size_t>(top_k));
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) text += ' ';
    text += std::to_string(video.top[i].label) + ' ';
    AppendNumber(text, video.top[i].score);
  }
  text += '\n';
}

void WritePredictionsCsv(const fs::path& path, const Predictions& predictions, int top_k) {
  std::string text(kPredictionsCsvHeader);
  text += '\n';
  for (const VideoPrediction& video : predictions.videos) {
    AppendCsvRow(text, video, top_k, path.string());
  }
  WriteFileAtomically(path, text);
}

Truth ReadTruthCsv(const fs::path& path) {
  CsvRowReader rows(path, kTruthCsvHeader);
  Truth truth;
  SeenIds seen;
  std::string_view id;
  std::string_view list;
  std::vector<std::int32_t> labels;       // of all rows
  std::vector<std::size_t> begins = {0};  // of each row in these, and the end
  while (rows.Next(id, list)) {
    seen.Add(rows, id);
    AppendLabels(rows, list, labels);
    begins.push_back(labels.size());
  }
  // In order, each behind the last: a map that is searched for each place takes as long as reading,
  // and whoever walks through it walks through memory in order.
  for (const std::size_t row : seen.Order(rows)) {
    const std::span<const std::int32_t> of_row(labels.data() + begins[row],
                                               labels.data() + begins[row + 1]);
    truth.emplace_hint(truth.end(), std::piecewise_construct, std::forward_as_tuple(seen.Id(row)),
                       std::forward_as_tuple(of_row.begin(), of_row.end()));
  }
  return truth;
}

}  // namespace beamgrid
