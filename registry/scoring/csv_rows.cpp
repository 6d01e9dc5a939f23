#include "registry/scoring/csv_rows.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <span>
#include <system_error>

#include "registry/scoring/repeated_labels.h"
#include "registry/util/input_error.h"
#include "registry/util/system_error.h"
#include "registry/util/text_file.h"

namespace beamgrid {
namespace {

/// What is read at once: fits into a core's cache beside what is made of it.
constexpr std::size_t kPiece = 1 << 17;

UniqueFd OpenToRead(const std::filesystem::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw SystemError(path, "cannot read", errno);
  return file;
}

/// Returns what makes a first line another one than it seems.
std::string HintOf(std::string_view first) {
  if (first.find('\r') != std::string_view::npos)
    return ": its lines end with CR alone, must with LF";
  if (first.starts_with('"')) return ": write the file without quotes";
  return "";
}

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

std::int32_t TakeLabel(const CsvRowReader& rows, std::string_view& list) {
  const std::string_view from = list;
  std::int32_t label = 0;
  if (TakeNumber(list, label) != std::errc() || label < 0 || label >= kMaxClasses) {
    rows.Refuse("label '" + ShownWord(from) + "' is not an integer in 0.." +
                std::to_string(kMaxClasses - 1));
  }
  return label;
}

double TakeConfidence(const CsvRowReader& rows, std::int32_t label, std::string_view& list) {
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

void RefuseRepeated(const CsvRowReader& rows, std::span<const std::int32_t> unsorted) {
  if (!HasRepeated(unsorted)) return;
  std::vector<std::int32_t> labels(unsorted.begin(), unsorted.end());
  std::ranges::sort(labels);
  const auto repeated = std::ranges::adjacent_find(labels);
  if (repeated != labels.end()) rows.Refuse("label " + std::to_string(*repeated) + " is repeated");
}

}  // namespace

CsvRowReader::CsvRowReader(const std::filesystem::path& path, std::string_view header)
    : path_(path), file_(OpenToRead(path)), bytes_(kPiece) {
  NextLine();
  std::string_view first = text_;
  if (first.starts_with(kByteOrderMark)) first.remove_prefix(kByteOrderMark.size());
  line_ = 1;
  if (first == header) return;
  const std::string problem = ProblemOfText(first);
  if (!problem.empty()) throw InputError(path_.string() + ": " + problem);
  Refuse("the first line must be '" + std::string(header) + "', is '" +
         std::string(first.substr(0, 60)) + "'" + HintOf(first));
}

CsvRowReader::CsvRowReader(const std::filesystem::path& path, std::int64_t first, std::int64_t end)
    : path_(path), file_(OpenToRead(path)), bytes_(kPiece), position_(first - 1), end_(end) {
  if (::lseek(file_.get(), position_, SEEK_SET) < 0) {
    throw SystemError(path_, "cannot read", errno);
  }
  NextLine();  // the rest of the row before, or its end alone
}

bool CsvRowReader::Next(std::string_view& id, std::string_view& list) {
  while (NextLine()) {
    if (text_.empty()) continue;
    const std::size_t comma = text_.find(',');
    if (comma == std::string_view::npos) Refuse("must be 'id,list', has no comma");
    id = text_.substr(0, comma);
    list = text_.substr(comma + 1);
    if (id.empty()) Refuse("the video's id is empty");
    return true;
  }
  return false;
}

void CsvRowReader::RefuseAt(std::int64_t line, const std::string& what) const {
  throw InputError(path_.string() + ':' + std::to_string(line) + ": " + what);
}

bool CsvRowReader::NextLine() {
  if (position_ >= end_) return false;
  std::size_t searched = begin_;
  const void* line_end = nullptr;
  while ((line_end = std::memchr(bytes_.data() + searched, '\n', filled_ - searched)) == nullptr) {
    const std::size_t rest = filled_ - begin_;
    if (!ReadOn()) break;
    searched = begin_ + rest;
  }
  if (line_end == nullptr && begin_ == filled_) return false;
  const char* const line = bytes_.data() + begin_;
  const std::size_t size =
      line_end == nullptr ? filled_ - begin_
                          : static_cast<std::size_t>(static_cast<const char*>(line_end) - line);
  text_ = {line, size};
  begin_ = std::min(begin_ + size + 1, filled_);
  ++line_;
  position_ += std::ssize(text_) + 1;
  if (text_.ends_with('\r')) text_.remove_suffix(1);
  return true;
}

bool CsvRowReader::ReadOn() {
  std::copy(bytes_.data() + begin_, bytes_.data() + filled_, bytes_.data());
  filled_ -= begin_;
  begin_ = 0;
  if (filled_ == bytes_.size()) bytes_.resize(2 * bytes_.size());
  ssize_t got = 0;
  do {
    got = ::read(file_.get(), bytes_.data() + filled_, bytes_.size() - filled_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw SystemError(path_, "cannot read", errno);
  filled_ += static_cast<std::size_t>(got);
  return got > 0;
}

std::vector<ScoredLabelDouble>& PairsParser::Parse(const CsvRowReader& rows,
                                                   std::string_view list) {
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

void AppendLabels(const CsvRowReader& rows, std::string_view list,
                  std::vector<std::int32_t>& labels) {
  const auto before = static_cast<std::ptrdiff_t>(labels.size());
  for (SkipSpaces(list); !list.empty(); SkipSpaces(list)) labels.push_back(TakeLabel(rows, list));
  const std::span<std::int32_t> added(labels.begin() + before, labels.end());
  RefuseRepeated(rows, added);
  std::ranges::sort(added);
}

}  // namespace beamgrid
