// Predictions and truth as the competition's CSV files.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "registry/scoring/predictions.h"
#include "registry/scoring/probabilities_csv.h"
#include "registry/scoring/repeated_labels.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTruthHeader = "VideoId,Labels";

/// RowReader reads the lines of a CSV file of two columns, the second a list of words separated by
/// spaces.
class RowReader {
 public:
  RowReader(const fs::path& path, std::string_view header)
      : path_(path.string()), content_(ReadFile(path)), rest_(content_) {
    // Spreadsheets write it.
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    const std::string_view first = rest_.empty() ? "" : NextLine();
    line_ = 1;
    if (first != header) {
      Refuse("the first line must be '" + std::string(header) + "', is '" +
             std::string(first.substr(0, 60)) + "'");
    }
  }

  /// Reads the next row's id and list, empty lines skipped; false at the end.
  bool Next(std::string_view& id, std::string_view& list) {
    while (!rest_.empty()) {
      const std::string_view line = NextLine();
      if (line.empty()) continue;
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
  std::string_view NextLine() {
    ++line_;
    const std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  std::string path_;
  std::string content_;
  std::string_view rest_;
  std::int64_t line_ = 0;
};

/// Returns the first word of `list`, which is cut from it; empty at the end.
std::string_view TakeWord(std::string_view& list) {
  list.remove_prefix(std::min(list.find_first_not_of(' '), list.size()));
  const std::string_view word = list.substr(0, list.find(' '));
  list.remove_prefix(word.size());
  return word;
}

std::int32_t ParseLabel(const RowReader& rows, std::string_view word) {
  const auto label = ParseNumber<std::int32_t>(word);
  if (!label || *label < 0 || *label >= kMaxClasses) {
    rows.Refuse("label '" + std::string(word) + "' is not an integer in 0.." +
                std::to_string(kMaxClasses - 1));
  }
  return *label;
}

/// Returns the number that the word is. One too small for a double is 0, or the smallest there is,
/// and no mistake; from_chars calls it out of range as it does one too large.
std::optional<double> ParseReal(std::string_view word) {
  double number = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, number);
  if (rest != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range)
    number = std::strtod(std::string(word).c_str(), nullptr);
  return number;
}

double ParseConfidence(const RowReader& rows, std::int32_t label, std::string_view word) {
  const auto confidence = ParseReal(word);
  if (!confidence || !std::isfinite(*confidence)) {
    rows.Refuse("confidence '" + std::string(word) + "' of label " + std::to_string(label) +
                " is not a finite number");
  }
  return *confidence;
}

void RefuseRepeated(const RowReader& rows, const std::vector<std::int32_t>& unsorted) {
  if (!HasRepeated(unsorted)) return;
  std::vector<std::int32_t> labels = unsorted;
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
    for (std::string_view word = TakeWord(list); !word.empty(); word = TakeWord(list)) {
      const std::int32_t label = ParseLabel(rows, word);
      const std::string_view confidence = TakeWord(list);
      if (confidence.empty()) rows.Refuse("label " + std::to_string(label) + " has no confidence");
      pairs_.push_back({label, ParseConfidence(rows, label, confidence)});
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

std::vector<std::int32_t> ParseLabels(const RowReader& rows, std::string_view list) {
  std::vector<std::int32_t> labels;
  for (std::string_view word = TakeWord(list); !word.empty(); word = TakeWord(list)) {
    labels.push_back(ParseLabel(rows, word));
  }
  RefuseRepeated(rows, labels);
  std::ranges::sort(labels);
  return labels;
}

/// SeenIds remembers where each id stands, to name both places of a repeated one.
class SeenIds {
 public:
  void Add(const RowReader& rows, std::string_view id) {
    // The first eight bytes as a number that is in the order of the bytes: most ids differ there,
    // and a text lies elsewhere in memory.
    std::uint64_t first = 0;
    std::memcpy(&first, id.data(), std::min(id.size(), sizeof first));
    ids_.push_back({__builtin_bswap64(first), id, rows.line(), ids_.size()});
  }

  /// Returns the rows, counted from 0, in the order of their ids. Refuses an id that is there
  /// twice; called after the last row.
  [[nodiscard]] std::vector<std::size_t> Order(const RowReader& rows) {
    std::ranges::sort(ids_, [](const Seen& one, const Seen& other) {
      return std::tie(one.first_bytes, one.id, one.row) <
             std::tie(other.first_bytes, other.id, other.row);
    });
    const auto repeated = std::ranges::adjacent_find(ids_, {}, &Seen::id);
    if (repeated != ids_.end()) {
      rows.RefuseAt(std::next(repeated)->line, "video '" + std::string(repeated->id) +
                                                   "' is repeated, it was in line " +
                                                   std::to_string(repeated->line));
    }
    std::vector<std::size_t> order;
    order.reserve(ids_.size());
    for (const Seen& seen : ids_) order.push_back(seen.row);
    return order;
  }

 private:
  struct Seen {
    std::uint64_t first_bytes;
    std::string_view id;
    std::int64_t line;
    std::size_t row;
  };
  std::vector<Seen> ids_;
};

/// Passes each list of a file on, sorted; `check` may refuse it before. Returns the order of the
/// lists by id.
template <typename Check, typename Take>
std::vector<std::size_t> ForEachList(const fs::path& path, const Check& check, const Take& take) {
  RowReader rows(path, kPredictionsCsvHeader);
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

/// Reads a file of lists, each of which `check` may refuse.
template <typename Check>
Predictions ReadLists(const fs::path& path, const Check& check) {
  std::vector<VideoPrediction> videos;  // in the order of the file
  Predictions predictions;
  const auto order =
      ForEachList(path, check, [&](std::string_view id, const std::vector<ScoredLabelDouble>& top) {
        videos.push_back({std::string(id), top, {}});
        predictions.top_k = std::max(predictions.top_k, static_cast<int>(top.size()));
      });
  predictions.videos.reserve(order.size());
  for (const std::size_t row : order) predictions.videos.push_back(std::move(videos[row]));
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
  static_cast<void>(ForEachList(path, check, take));
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
  std::vector<std::pair<std::string_view, std::vector<std::int32_t>>> videos;
  while (rows.Next(id, list)) {
    seen.Add(rows, id);
    videos.emplace_back(id, ParseLabels(rows, list));
  }
  // In order, each behind the last: a map that is searched for each place takes as long as reading.
  for (const std::size_t row : seen.Order(rows)) {
    truth.emplace_hint(truth.end(), videos[row].first, std::move(videos[row].second));
  }
  return truth;
}

}  // namespace beamgrid
