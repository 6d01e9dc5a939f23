// Predictions and truth as the competition's CSV files.

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "registry/scoring/predictions.h"
#include "registry/scoring/probabilities_csv.h"
#include "registry/scoring/repeated_labels.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/system_error.h"
#include "registry/util/text_file.h"
#include "registry/util/threads.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTruthHeader = "VideoId,Labels";

std::ifstream OpenToRead(const fs::path& path) {
  std::error_code error;
  // A stream opens a folder without complaint and reads nothing from it.
  const bool is_folder = fs::is_directory(path, error);
  std::ifstream file(path, std::ios::binary);
  if (is_folder || !file) throw SystemError(path, "cannot read", is_folder ? EISDIR : errno);
  return file;
}

/// Returns what makes a first line another one than it seems.
std::string HintOf(std::string_view first) {
  if (first.find('\r') != std::string_view::npos)
    return ": its lines end with CR alone, must with LF";
  if (first.starts_with('"')) return ": write the file without quotes";
  return "";
}

/// RowReader reads the lines of a CSV file of two columns, the second a list of words separated by
/// spaces.
class RowReader {
 public:
  RowReader(const fs::path& path, std::string_view header)
      : path_(path.string()), file_(OpenToRead(path)) {
    NextLine();
    std::string_view first = text_;
    if (first.starts_with(kByteOrderMark)) first.remove_prefix(kByteOrderMark.size());
    line_ = 1;
    if (first == header) return;
    const std::string problem = ProblemOfText(first);
    if (!problem.empty()) throw InputError(path_ + ": " + problem);
    Refuse("the first line must be '" + std::string(header) + "', is '" +
           std::string(first.substr(0, 60)) + "'" + HintOf(first));
  }
  /// Reads the rows that begin at one of the bytes first, ..., end - 1, of which the first is not
  /// the file's. Counts no lines of the others.
  RowReader(const fs::path& path, std::int64_t first, std::int64_t end)
      : path_(path.string()), file_(OpenToRead(path)), position_(first - 1), end_(end) {
    file_.seekg(position_);
    NextLine();  // the rest of the row before, or its end alone
  }
  void ReadUntil(std::int64_t end) { end_ = end; }

  /// Reads the next row's id and list, which stay until the next call; empty lines are skipped.
  /// False at the end.
  bool Next(std::string_view& id, std::string_view& list) {
    while (NextLine()) {
      if (text_.empty()) continue;
      const std::string_view line = text_;
      const std::size_t comma = line.find(',');
      if (comma == std::string_view::npos) Refuse("must be 'id,list', has no comma");
      id = line.substr(0, comma);
      list = line.substr(comma + 1);
      if (id.empty()) Refuse("the video's id is empty");
      return true;
    }
    return false;
  }

  [[noreturn]] void Refuse(const std::string& what) const { RefuseAt(line_, what); }
  [[noreturn]] void RefuseAt(std::int64_t line, const std::string& what) const {
    throw InputError(path_ + ':' + std::to_string(line) + ": " + what);
  }
  [[nodiscard]] std::int64_t line() const { return line_; }

 private:
  bool NextLine() {
    if (position_ >= end_) return false;
    if (!std::getline(file_, text_)) {
      if (file_.bad()) throw SystemError(path_, "cannot read", errno);
      return false;
    }
    ++line_;
    position_ += std::ssize(text_) + 1;
    if (text_.ends_with('\r')) text_.pop_back();
    return true;
  }

  std::string path_;
  std::ifstream file_;
  std::string text_;  ///< of the line
  std::int64_t line_ = 0;
  std::int64_t position_ = 0;  ///< of the next line's first byte
  std::int64_t end_ = std::numeric_limits<std::int64_t>::max();
};

void SkipSpaces(std::string_view& list) {
  while (list.starts_with(' ')) list.remove_prefix(1);
}

std::string FirstWord(std::string_view list) { return std::string(list.substr(0, list.find(' '))); }

/// Returns the first word as messages show it: of a list with other separators it is all of it.
std::string ShownWord(std::string_view list) {
  constexpr std::size_t kShown = 40;
  const std::string word = FirstWord(list);
  return word.size() <= kShown ? word : word.substr(0, kShown) + "...";
}

/// Cuts off the number that the list's first word is. Returns what from_chars says of it; where
/// that is an error, the list is as it was.
template <typename Number>
std::errc TakeNumber(std::string_view& list, Number& number) {
  const char* const end = list.data() + list.size();
  const auto [rest, error] = std::from_chars(list.data(), end, number);
  if (rest != end && *rest != ' ') return std::errc::invalid_argument;
  if (error == std::errc()) list.remove_prefix(static_cast<std::size_t>(rest - list.data()));
  return error;
}

std::int32_t TakeLabel(const RowReader& rows, std::string_view& list) {
  const std::string_view from = list;
  std::int32_t label = 0;
  if (TakeNumber(list, label) != std::errc() || label < 0 || label >= kMaxClasses) {
    rows.Refuse("label '" + ShownWord(from) + "' is not an integer in 0.." +
                std::to_string(kMaxClasses - 1));
  }
  return label;
}

double TakeConfidence(const RowReader& rows, std::int32_t label, std::string_view& list) {
  const std::string_view from = list;
  double confidence = 0;
  std::errc error = TakeNumber(list, confidence);
  if (error == std::errc::result_out_of_range) {
    // One too small for a double is 0, or the smallest there is, and no mistake; from_chars says
    // the same of it as of one too large.
    const std::string word = FirstWord(list);
    confidence = std::strtod(word.c_str(), nullptr);
    list.remove_prefix(word.size());
    error = {};
  }
  if (error != std::errc() || !std::isfinite(confidence)) {
    rows.Refuse("confidence '" + ShownWord(from) + "' of label " + std::to_string(label) +
                " is not a finite number");
  }
  return confidence;
}

void RefuseRepeated(const RowReader& rows, std::span<const std::int32_t> unsorted) {
  if (!HasRepeated(unsorted)) return;
  std::vector<std::int32_t> labels(unsorted.begin(), unsorted.end());
  std::ranges::sort(labels);
  const auto repeated = std::ranges::adjacent_find(labels);
  if (repeated != labels.end()) rows.Refuse("label " + std::to_string(*repeated) + " is repeated");
}

/// PairsParser reads lists of pairs, one after the other, with memory that it keeps.
class PairsParser {
 public:
  /// Returns the pairs of a list as they stand there, until the next call.
  std::vector<ScoredLabelDouble>& Parse(const RowReader& rows, std::string_view list) {
    pairs_.clear();
    labels_.clear();
    for (SkipSpaces(list); !list.empty(); SkipSpaces(list)) {
      const std::int32_t label = TakeLabel(rows, list);
      SkipSpaces(list);
      if (list.empty()) rows.Refuse("label " + std::to_string(label) + " has no confidence");
      pairs_.push_back({label, TakeConfidence(rows, label, list)});
      labels_.push_back(label);
    }
    RefuseRepeated(rows, labels_);
    return pairs_;
  }

 private:
  std::vector<ScoredLabelDouble> pairs_;
  std::vector<std::int32_t> labels_;
};

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
void RequireProbabilities(const RowReader& rows, const std::vector<ScoredLabelDouble>& pairs) {
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

/// Puts the labels of a list behind those that are there, sorted.
void AppendLabels(const RowReader& rows, std::string_view list, std::vector<std::int32_t>& labels) {
  const auto before = static_cast<std::ptrdiff_t>(labels.size());
  for (SkipSpaces(list); !list.empty(); SkipSpaces(list)) labels.push_back(TakeLabel(rows, list));
  const std::span<std::int32_t> added(labels.begin() + before, labels.end());
  RefuseRepeated(rows, added);
  std::ranges::sort(added);
}

/// SeenIds remembers the id of each row and where it stands, to name both places of a repeated one.
class SeenIds {
 public:
  void Add(const RowReader& rows, std::string_view id) {
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
  [[nodiscard]] std::vector<std::size_t> Order(const RowReader& rows) {
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
std::vector<std::size_t> ForEachList(RowReader& rows, const Check& check, const Take& take) {
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
std::vector<VideoPrediction> ReadRows(RowReader& rows, const Check& check) {
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
      RowReader rows =
          half == 0 ? RowReader(path, kPredictionsCsvHeader) : RowReader(path, bytes / 2, bytes);
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
    RowReader rows(path, kPredictionsCsvHeader);
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
  return ReadLists(path, [](const RowReader&, const std::vector<ScoredLabelDouble>&) {});
}

Predictions ReadProbabilitiesCsv(const fs::path& path) {
  return ReadLists(path, RequireProbabilities);
}

void ReadProbabilityLists(const fs::path& path, std::int64_t classes, const TakeList& take) {
  const auto check = [classes](const RowReader& rows, const std::vector<ScoredLabelDouble>& pairs) {
    RequireProbabilities(rows, pairs);
    const auto strange = std::ranges::find_if(
        pairs, [classes](const ScoredLabelDouble& pair) { return pair.label >= classes; });
    if (strange == pairs.end()) return;
    rows.Refuse("label " + std::to_string(strange->label) + " is none of the data's " +
                std::to_string(classes) + " classes, 0.." + std::to_string(classes - 1));
  };
  RowReader rows(path, kPredictionsCsvHeader);
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
  RowReader rows(path, kTruthHeader);
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
