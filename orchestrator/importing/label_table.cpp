#include "orchestrator/importing/label_table.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "orchestrator/inputs/csv_table.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/utf8.h"
#include "registry/util/words.h"

namespace beamgrid {
namespace {

constexpr std::int64_t kMostClasses = 1'048'576;  // data.classes takes no more
constexpr std::size_t kLongestText = 1000;        // of an id or a class, in bytes

constexpr Word<Split> kSplitWords[] = {
    {Split::kTrain, "train"},         {Split::kTrain, "training"}, {Split::kValidate, "validate"},
    {Split::kValidate, "validation"}, {Split::kValidate, "valid"}, {Split::kValidate, "val"},
    {Split::kValidate, "dev"},        {Split::kTest, "test"}};

std::string Quoted(std::string_view text) { return "'" + PrintableLine(text.substr(0, 60)) + "'"; }

/// LabelRow is a row of the table as it stands there.
struct LabelRow {
  std::uint64_t line = 0;
  std::string id, labels, weights, video_weight, group, held_out_by, split;
};

/// Whether a cell is a list of classes or one of them.
enum class Cells { kLists, kSingle };

std::optional<std::int64_t> NumberOf(std::string_view label) {
  const auto number = ParseNumber<std::int64_t>(label);
  return number && *number >= 0 ? number : std::nullopt;
}

/// Vocabulary turns labels into the numbers of classes.
class Vocabulary {
 public:
  /// `given`: LabelOptions::classes.
  explicit Vocabulary(const std::string& given) {
    if (given.empty()) return;
    if (const auto number = NumberOf(given)) {
      if (*number < 1 || *number > kMostClasses) {
        throw UsageError("--classes = " + given + ", must be 1.." + std::to_string(kMostClasses) +
                         ", or a file of their names");
      }
      count_ = *number;
      return;
    }
    ReadNames(given);
    file_ = given;
  }

  /// Notes that a label is there, before any is numbered.
  void Meet(const std::string& label) { met_.insert(label); }

  /// Decides what the classes are from all labels that there are, in the table `path`.
  void Settle(const std::string& path) {
    if (!names_.empty()) return;
    const auto is_number = [](const std::string& label) { return NumberOf(label).has_value(); };
    all_numbers_ = std::ranges::all_of(met_, is_number);
    if (all_numbers_ || count_) return;
    const auto number = std::ranges::find_if(met_, is_number);
    if (number != met_.end()) {
      // Taken as names they would be numbered anew: class 0 would be another than "0".
      throw InputError(path + ": has labels that are numbers, as " + Quoted(*number) + ", and " +
                       Quoted(*std::ranges::find_if_not(met_, is_number)) +
                       ", which is none from 0; leave a video's cell empty where it has no label, "
                       "or say by --classes FILE what the classes are called");
    }
    const auto other_number = std::ranges::find_if(met_, [](const std::string& label) {
      const auto value = ParseNumber<double>(label);
      return value && std::isfinite(*value);
    });
    if (other_number != met_.end()) {
      throw InputError(path + ": has the label " + Quoted(*other_number) +
                       ", a number that is no class's: these are 0, 1, 2 and so on. Where pandas "
                       "wrote whole numbers as 1.0: astype('Int64') keeps them; where it is a "
                       "name, say by --classes FILE what the classes are called");
    }
    names_.assign(met_.begin(), met_.end());
    Index();
  }

  [[nodiscard]] std::int64_t Number(const std::string& place, const std::string& label) {
    if (const auto found = numbers_.find(label); found != numbers_.end()) {
      if (found->second != kAmbiguous) return found->second;
      throw InputError(place + ": several classes of " + file_ + " are called " + Quoted(label) +
                       "; give the class's number");
    }
    const auto number = NumberOf(label);
    const std::int64_t classes =
        count_.value_or(names_.empty() ? kMostClasses : std::ssize(names_));
    if (!number || *number >= classes) {
      throw InputError(place + ": " + Quoted(label) + " is no class, must be " +
                       (file_.empty() ? "" : "one of those of " + file_ + ", or ") + "0.." +
                       std::to_string(classes - 1) + Suggestion(label, names_));
    }
    highest_ = std::max(highest_, *number);
    return *number;
  }

  /// True if a file names this class.
  [[nodiscard]] bool Knows(const std::string& label) const { return numbers_.contains(label); }

  [[nodiscard]] std::int64_t classes() const {
    if (!names_.empty()) return std::ssize(names_);
    return count_.value_or(highest_ + 1);
  }
  [[nodiscard]] std::vector<std::string> TakeNames() { return std::move(names_); }

 private:
  /// Reads a CSV with a column Name (and, where there is one, Index), or a name per line.
  void ReadNames(const std::string& path) {
    CsvTable table(path);
    const auto name = table.Find({"name", "display_name"});
    const auto index = table.Find({"index"});
    if (!name && table.columns().size() > 1) {
      throw InputError(path + ": a table of classes needs a column Name (and may have Index)");
    }
    if (!name) {
      table.RefuseEmptyLineBefore();
      names_.push_back(table.columns().front());
    }
    std::map<std::int64_t, std::string> by_index;
    while (table.Next()) {
      const std::string text(table.Cell(name.value_or(0)));
      if (!index) {
        table.RefuseEmptyLineBefore();
        names_.push_back(text);
        continue;
      }
      const auto number = NumberOf(table.Cell(*index));
      if (!number || *number >= kMostClasses) {
        throw InputError(table.Place() + ": Index " + Quoted(table.Cell(*index)) + ", must be 0.." +
                         std::to_string(kMostClasses - 1));
      }
      if (!by_index.emplace(*number, text).second) {
        throw InputError(table.Place() + ": Index " + std::to_string(*number) + " is there twice");
      }
    }
    for (const auto& [number, text] : by_index) {
      if (number != std::ssize(names_)) {
        throw InputError(path + ": no class has Index " + std::to_string(names_.size()) +
                         "; they must be 0, 1, 2 and so on");
      }
      names_.push_back(text);
    }
    for (const std::string& text : names_) {
      // Some classes of the released vocabularies have no name.
      const std::string problem = text.empty() ? "" : ProblemOfName(text);
      if (!problem.empty()) throw InputError(path + ": the class " + Quoted(text) + problem);
    }
    Index();
  }

  void Index() {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto [known, is_new] = numbers_.emplace(names_[i], static_cast<std::int64_t>(i));
      if (!is_new) known->second = kAmbiguous;
    }
  }

 public:
  /// Returns what is wrong with the name of a class; empty where nothing is.
  static std::string ProblemOfName(std::string_view name) {
    if (name.empty()) return " has no letter";
    if (name.size() > kLongestText) return " is longer than 1000 bytes";
    if (!IsWellFormedUtf8(name)) return " is no UTF-8 text";
    if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
      return " has a control character";
    }
    return "";
  }

 private:
  static constexpr std::int64_t kAmbiguous = -1;

  std::string file_;
  std::optional<std::int64_t> count_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::set<std::string> met_;
  bool all_numbers_ = false;
  std::int64_t highest_ = -1;
};

/// TableReader reads the rows, decides how lists are parted, then numbers the classes.
class TableReader {
 public:
  explicit TableReader(const LabelOptions& options)
      : options_(options), table_(options.path), vocabulary_(options.classes) {}

  LabelTable Read() {
    FindColumns();
    ReadRows();
    separator_ = Separator();
    ForEachLabel([this](const LabelRow& /*row*/, const std::string& label,
                        std::optional<float> /*weight*/) { vocabulary_.Meet(label); });
    vocabulary_.Settle(options_.path);
    LabelTable result;
    for (const LabelRow& row : rows_) AddVideo(row, &result);
    ForEachLabel([&](const LabelRow& row, const std::string& label, std::optional<float> weight) {
      AddLabel(row, vocabulary_.Number(PlaceOf(row), label), weight, &result);
    });
    result.light_labels = light_;
    for (auto& [id, video] : result.videos) SortLabels(&video);
    result.classes = vocabulary_.classes();
    result.class_names = vocabulary_.TakeNames();
    result.hash = HashFile(options_.path);
    result.column = table_.columns()[labels_];
    result.columns = table_.columns();
    result.lists = cells_ == Cells::kLists;
    return result;
  }

 private:
  void FindColumns() {
    id_ = table_.RequireId(options_.id_column);
    if (!options_.labels_column.empty() && !options_.label_column.empty()) {
      throw UsageError("--labels-column and --label-column exclude each other");
    }
    cells_ = Cells::kLists;
    if (!options_.labels_column.empty()) {
      labels_ = table_.Require(options_.labels_column, "--labels-column");
    } else if (!options_.label_column.empty()) {
      labels_ = table_.Require(options_.label_column, "--label-column");
      cells_ = Cells::kSingle;
    } else if (const auto lists = table_.Find({"labels", "classes"})) {
      labels_ = *lists;
    } else if (const auto single = table_.Find({"label", "class"})) {
      labels_ = *single;
      cells_ = Cells::kSingle;
    } else {
      throw InputError(options_.path +
                       ": no column is called labels (a list per video) or label (one per row); "
                       "name it with --labels-column or --label-column; a table with a column for "
                       "each class must be made one of these first; the columns: " +
                       JoinFirst(table_.columns(), 12));
    }
    const auto find = [this](const std::string& name, const char* option) {
      return name.empty() ? std::nullopt : std::optional(table_.Require(name, option));
    };
    weight_ = find(options_.weight_column, "--weight-column");
    if (options_.min_weight && !weight_) {
      throw UsageError("--min-weight needs --weight-column");
    }
    video_weight_ = find(options_.video_weight_column, "--video-weight-column");
    const char* const group_option = options_.group_column.empty() ? "--holdout-by" : "--group";
    group_ = find(options_.grouped_by(), group_option);
    held_out_by_ = find(options_.held_out_by(),
                        options_.holdout_column.empty() ? group_option : "--holdout-by");
    split_ = find(options_.split_column, "--split-column");
  }

  void ReadRows() {
    const auto cell = [this](std::optional<std::size_t> column) {
      return column ? std::string(table_.Cell(*column)) : std::string();
    };
    while (table_.Next()) {
      LabelRow row{.line = table_.line(),
                   .id = cell(id_),
                   .labels = cell(labels_),
                   .weights = cell(weight_),
                   .video_weight = cell(video_weight_),
                   .group = cell(group_),
                   .held_out_by = cell(held_out_by_),
                   .split = cell(split_)};
      if (const std::string problem = ProblemOfId(row.id); !problem.empty()) {
        throw InputError(PlaceOf(row) + ": the id " + Quoted(row.id) + problem);
      }
      if (group_) RequireGroup(row, options_.grouped_by(), row.group);
      if (held_out_by_) RequireGroup(row, options_.held_out_by(), row.held_out_by);
      rows_.push_back(std::move(row));
    }
    if (rows_.empty()) throw InputError(options_.path + ": has no row below its heading");
  }

  void RequireGroup(const LabelRow& row, const std::string& column,
                    const std::string& group) const {
    const std::string place = PlaceOf(row) + ": column '" + column + "'";
    if (group.empty()) {
      throw InputError(place + " is empty: to which group does the video belong?");
    }
    if (!IsWellFormedUtf8(group)) throw InputError(place + ": " + Quoted(group) + " is no UTF-8");
    if (group.size() > kLongestText) throw InputError(place + ": is longer than 1000 bytes");
  }

  /// Returns the first row with the letter in its classes that a file of classes does not name as a
  /// whole; null: there is none.
  [[nodiscard]] const LabelRow* FirstWith(const std::string& letter) const {
    const auto found = std::ranges::find_if(rows_, [&](const LabelRow& row) {
      return row.labels.find(letter) != std::string::npos && !vocabulary_.Knows(row.labels);
    });
    return found == rows_.end() ? nullptr : &*found;
  }
  [[nodiscard]] bool AllNumbers(const std::string& separator) const {
    return std::ranges::all_of(rows_, [&](const LabelRow& row) {
      return std::ranges::all_of(Parts(row.labels, separator), [](const std::string& part) {
        return NumberOf(part).has_value();
      });
    });
  }

  /// True where each comma may also part the thousands of one number: "1,024".
  [[nodiscard]] bool AllThousands() const {
    return std::ranges::all_of(rows_, [](const LabelRow& row) {
      const std::vector<std::string> parts = Parts(row.labels, ",");
      return parts.empty() ||
             (parts.front().size() <= 3 &&
              std::all_of(parts.begin() + 1, parts.end(),
                          [](const std::string& part) { return part.size() == 3; }));
    });
  }

  /// Returns what parts the classes of a list; empty: nothing does.
  [[nodiscard]] std::string Separator() const {
    RefuseListsOfPython();
    if (cells_ == Cells::kSingle) {
      if (options_.label_column.empty()) RefuseListsInSingle();
      return "";
    }
    if (!options_.separator.empty()) return options_.separator;
    if (FirstWith(";") != nullptr) return ";";
    for (const std::string letter : {" ", "|", ","}) {
      const LabelRow* const row = FirstWith(letter);
      if (row == nullptr) continue;
      if (AllNumbers(letter) && !(letter == "," && AllThousands())) return letter;
      throw InputError(PlaceOf(*row) + ": " + Quoted(row->labels) +
                       " may be one class or several; say which with --separator ';' (one) or "
                       "--separator '" +
                       letter + "' (several)");
    }
    return ";";
  }

  /// A list that Python printed, "['cat', 'dog']", would be taken for one class, or for several
  /// with brackets in their names.
  void RefuseListsOfPython() const {
    const auto found = std::ranges::find_if(rows_, [this](const LabelRow& row) {
      const std::string_view cell = row.labels;
      return ((cell.starts_with('[') && cell.ends_with(']')) ||
              (cell.starts_with('{') && cell.ends_with('}'))) &&
             !vocabulary_.Knows(row.labels);
    });
    if (found == rows_.end()) return;
    throw InputError(PlaceOf(*found) + ": " + Quoted(found->labels) +
                     " is a list as Python prints it; write its classes with ';' between them: "
                     "';'.join(map(str, classes))");
  }

  /// A column that is only called like that of one class per row may have lists.
  void RefuseListsInSingle() const {
    for (const std::string letter : {";", "|"}) {
      const LabelRow* const row = FirstWith(letter);
      if (row == nullptr) continue;
      const std::string& column = table_.columns()[labels_];
      throw InputError(PlaceOf(*row) + ": " + Quoted(row->labels) +
                       " may be one class or several; say which with --label-column " + column +
                       " (one) or --labels-column " + column + " --separator '" + letter +
                       "' (several)");
    }
  }

  /// Returns the parts of a list that are not empty, or all of them.
  enum class Empty { kLeaveOut, kKeep };
  static std::vector<std::string> Parts(std::string_view list, const std::string& separator,
                                        Empty empty = Empty::kLeaveOut) {
    std::vector<std::string> parts;
    while (!list.empty()) {
      const std::size_t end =
          separator.empty() ? list.size() : std::min(list.find(separator), list.size());
      const std::string_view part = Trimmed(list.substr(0, end));
      if (!part.empty() || empty == Empty::kKeep) parts.emplace_back(part);
      list.remove_prefix(std::min(end + separator.size(), list.size()));
    }
    return parts;
  }

  /// Calls `with` for each label whose weight is not too small.
  template <typename With>
  void ForEachLabel(const With& with) {
    light_ = 0;
    for (const LabelRow& row : rows_) {
      // A label and its weight have one place in their lists. Blanks may stand in rows.
      const Empty empty = weight_ && !Trimmed(separator_).empty() ? Empty::kKeep : Empty::kLeaveOut;
      const std::vector<std::string> labels = Parts(row.labels, separator_, empty);
      const std::vector<std::string> weights = Parts(row.weights, separator_, empty);
      if (weight_ && weights.size() != labels.size()) {
        throw InputError(PlaceOf(row) + ": " + CountText(labels.size(), "label") + " and " +
                         CountText(weights.size(), "weight") + ", must be equally many");
      }
      for (std::size_t i = 0; i < labels.size(); ++i) {
        if (weight_ && labels[i].empty() && weights[i].empty()) continue;
        if (const std::string problem = Vocabulary::ProblemOfName(labels[i]); !problem.empty()) {
          throw InputError(PlaceOf(row) + ": the class " + Quoted(labels[i]) + problem);
        }
        std::optional<float> weight;
        if (weight_) weight = WeightOf(row, weights[i]);
        if (weight && options_.min_weight && *weight < *options_.min_weight) {
          ++light_;
        } else {
          with(row, labels[i], weight);
        }
      }
    }
  }

  float WeightOf(const LabelRow& row, const std::string& text) const {
    const auto weight = ParseNumber<float>(text);
    if (!weight || !std::isfinite(*weight)) {
      throw InputError(PlaceOf(row) + ": the weight " + Quoted(text) + " must be a number");
    }
    return *weight;
  }

  void AddVideo(const LabelRow& row, LabelTable* result) const {
    const auto [found, is_new] = result->videos.try_emplace(row.id);
    VideoLabels& video = found->second;
    if (!is_new && cells_ == Cells::kLists) {
      throw InputError(PlaceOf(row) + ": the video " + Quoted(row.id) +
                       " is there twice, first in "
                       "line " +
                       std::to_string(video.line) +
                       "; where each row has one class, name its column with --label-column");
    }
    const Split split = split_ ? SplitOf(row) : Split::kTrain;
    std::optional<float> weight;
    if (video_weight_) weight = VideoWeightOf(row);
    if (!is_new) {
      const bool same_group = video.group == row.group && video.held_out_by == row.held_out_by;
      if (same_group && video.split == split && video.video_weight == weight) return;
      throw InputError(PlaceOf(row) + ": the video " + Quoted(row.id) + " is of another " +
                       (!same_group            ? "group"
                        : video.split != split ? "split"
                                               : "weight") +
                       " than in line " + std::to_string(video.line));
    }
    video.line = row.line;
    video.video_weight = weight;
    video.group = row.group;
    video.held_out_by = row.held_out_by;
    video.split = split;
  }

  [[nodiscard]] float VideoWeightOf(const LabelRow& row) const {
    const auto weight = ParseNumber<float>(row.video_weight);
    if (weight && *weight >= 0 && *weight <= kMostVideoWeight) return *weight;
    throw InputError(PlaceOf(row) + ": column '" + options_.video_weight_column +
                     "': " + Quoted(row.video_weight) + " must be a number, 0..1000000");
  }

  Split SplitOf(const LabelRow& row) const {
    if (const auto split = FindValue(kSplitWords, row.split)) return *split;
    throw InputError(PlaceOf(row) + ": column '" + options_.split_column +
                     "': " + Quoted(row.split) + " must be one of " + Join(WordsOf(kSplitWords)));
  }

  void AddLabel(const LabelRow& row, std::int64_t label, std::optional<float> weight,
                LabelTable* result) const {
    VideoLabels& video = result->videos.at(row.id);
    if (std::ranges::count(video.labels, label) > 0) {
      if (!weight) return;  // said twice, and the same
      throw InputError(PlaceOf(row) + ": the video " + Quoted(row.id) + " has the class " +
                       std::to_string(label) + " twice, with a weight each");
    }
    video.labels.push_back(label);
    if (weight) video.weights.push_back(*weight);
  }

  static void SortLabels(VideoLabels* video) {
    std::vector<std::pair<std::int64_t, float>> pairs;
    for (std::size_t i = 0; i < video->labels.size(); ++i) {
      pairs.emplace_back(video->labels[i], video->weights.empty() ? 0.0F : video->weights[i]);
    }
    std::ranges::sort(pairs);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      video->labels[i] = pairs[i].first;
      if (!video->weights.empty()) video->weights[i] = pairs[i].second;
    }
  }

  [[nodiscard]] std::string PlaceOf(const LabelRow& row) const {
    return options_.path + ":" + std::to_string(row.line);
  }

  const LabelOptions& options_;
  CsvTable table_;
  Vocabulary vocabulary_;
  std::vector<LabelRow> rows_;
  std::string separator_;
  std::size_t id_ = 0, labels_ = 0;
  std::optional<std::size_t> weight_, video_weight_, group_, held_out_by_, split_;
  Cells cells_ = Cells::kLists;
  std::uint64_t light_ = 0;
};

}  // namespace

LabelTable ReadLabelTable(const LabelOptions& options) { return TableReader(options).Read(); }

std::string VocabularyText(const std::vector<std::string>& names,
                           const std::vector<std::int64_t>& train_videos) {
  std::string text = "Index,Name,TrainVideoCount\n";
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i];
    if (name.find_first_of(",\"") != std::string::npos) {
      for (std::size_t at = 0; (at = name.find('"', at)) != std::string::npos; at += 2) {
        name.insert(at, 1, '"');
      }
      name = '"' + name + '"';
    }
    text += std::to_string(i) + "," + name + "," + std::to_string(train_videos[i]) + "\n";
  }
  return text;
}

std::string ProblemOfId(std::string_view id) {
  if (id.empty()) return " is empty";
  if (id.size() > kLongestText) return " is longer than 1000 bytes";
  if (!IsWellFormedUtf8(id)) return " is no UTF-8 text; rename it";
  for (const char c : id) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return " has a control character; rename it";
    if (c == ',' || c == '"') {
      return std::string(" has a '") + c +
             "', which lists of predictions part their columns with; "
             "rename it";
    }
  }
  if (Trimmed(id).size() != id.size()) return " begins or ends with a blank; rename it";
  return "";
}

}  // namespace beamgrid
