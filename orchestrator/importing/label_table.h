#pragma once
// Which classes each video has, from a CSV or TSV file.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace beamgrid {

/// LabelOptions says how a table of labels is to be read. Names of columns are empty where they are
/// to be found by what they are usually called.
struct LabelOptions {
  std::string path;
  std::string id_column;
  std::string labels_column;        ///< lists of classes, a row per video
  std::string label_column;         ///< one class per row, any number of rows per video
  std::string weight_column;        ///< empty: none
  std::string video_weight_column;  ///< empty: none
  std::string group_column;         ///< by which videos belong together; empty: holdout_column
  std::string holdout_column;       ///< by which they are held out; empty: group_column
  std::string split_column;         ///< empty: none
  /// Between the classes of a list: ";", " ", another letter; empty: as the lists have it.
  std::string separator;
  std::string classes;  ///< how many there are, or a file that names them; empty: found
  std::optional<double> min_weight;  ///< labels of less weight are left out

  /// The column of the groups that records say; empty: none.
  [[nodiscard]] const std::string& grouped_by() const {
    return group_column.empty() ? holdout_column : group_column;
  }
  /// The column whose values are in one split each; empty: none, each video is held out alone.
  [[nodiscard]] const std::string& held_out_by() const {
    return holdout_column.empty() ? group_column : holdout_column;
  }
};

/// Split is a part of a dataset.
enum class Split { kTrain, kValidate, kTest };

/// VideoLabels is what the table says of one video.
struct VideoLabels {
  std::uint64_t line = 0;
  std::vector<std::int64_t> labels;   ///< sorted, each once
  std::vector<float> weights;         ///< of the labels; empty: the table has none
  std::optional<float> video_weight;  ///< of video_weight_column
  std::string group;                  ///< of grouped_by()
  std::string held_out_by;            ///< of held_out_by()
  Split split = Split::kTrain;        ///< of split_column
};

/// LabelTable is a table that was read whole.
struct LabelTable {
  std::map<std::string, VideoLabels> videos;  ///< by id; without labels where their cell is empty
  std::vector<std::string> class_names;       ///< by class; empty: classes are numbers
  std::int64_t classes = 0;
  std::uint64_t light_labels = 0;    ///< left out because of min_weight
  std::string hash;                  ///< of the file's content
  std::string column;                ///< that the classes stand in
  std::vector<std::string> columns;  ///< all of them
  bool lists = true;                 ///< a list per video; else a class per row
};

/// The most that a video may weigh in the loss, which is what training takes.
inline constexpr float kMostVideoWeight = 1e6F;

/// Reads a table. Names of classes are numbered in their order. Throws InputError with file and
/// line for what is no class, a list that Python printed, an id or a video's list that is there
/// twice, a cell that may be one class or several, rows of one video that differ in group, weight
/// or split, a weight or split that is none.
[[nodiscard]] LabelTable ReadLabelTable(const LabelOptions& options);

/// Returns the text of a vocabulary: Index,Name,TrainVideoCount and a line per class.
[[nodiscard]] std::string VocabularyText(const std::vector<std::string>& names,
                                         const std::vector<std::int64_t>& train_videos);

/// Returns what is wrong with a video's id; empty where nothing is.
[[nodiscard]] std::string ProblemOfId(std::string_view id);

}  // namespace beamgrid
