#pragma once
// The models that an ensemble may be made of: taken in one at a time, checked, and brought onto one
// set of videos. Everything behind FindEnsemble works on these.

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "search/ensemble/ensemble.h"
#include "search/ensemble/model_lists.h"

namespace beamgrid {

/// StoredModel is a model with its lists of all videos of a pool.
struct StoredModel {
  std::string name;
  std::int64_t size_bytes = 0;
  std::optional<Missing> missing;  ///< nothing: as the question says
  std::int64_t classes = 0;        ///< as its predictions say
  int top_k = 0;                   ///< likewise
  ModelLists lists;
};

/// VideoRows is places in a pool's table, ascending.
using VideoRows = std::vector<std::uint32_t>;

/// AlignedModel is one model over some of a pool's videos, the same ones for all models of a set.
/// Cheap to copy; keeps what it needs of the pool alive.
struct AlignedModel {
  std::shared_ptr<const StoredModel> model;
  std::shared_ptr<const VideoTable> table;
  std::shared_ptr<const VideoRows> rows;

  [[nodiscard]] std::size_t size() const { return rows->size(); }
  [[nodiscard]] const std::string& id(std::size_t video) const { return table->id((*rows)[video]); }
  [[nodiscard]] std::span<const std::int32_t> LabelsOf(std::size_t video) const {
    return table->LabelsOf((*rows)[video]);
  }
  /// Puts the model's list of a video, with its id and truth, into `into`, whose memory is used
  /// again. All is as it was given.
  void Read(std::size_t video, VideoPrediction& into) const;
};

/// EnsembleModels is the pool of a question. A model's predictions are copied into six bytes an
/// entry when it is added, so the caller need not hold those of two models at once.
class EnsembleModels {
 public:
  /// Makes a pool over the videos, and the truth, of the first model. kTruth: every model must be
  /// over exactly these; kCommon: those count that all models have.
  explicit EnsembleModels(VideoSet videos = VideoSet::kTruth);
  /// Makes a pool over the videos of a truth, for files.
  EnsembleModels(const Truth& truth, VideoSet videos);

  /// Adds a model. Throws UsageError if its name is there already, its size is negative, it lists a
  /// video twice, or a score is not in 0..1 or of no class.
  void Add(const std::string& name, std::int64_t size_bytes, const Predictions& predictions,
           std::optional<Missing> missing = std::nullopt);
  /// Adds a file: it may hold videos beyond the pool's, which are ignored, and its own idea of the
  /// truth does not count. Throws like Add.
  void AddFile(const std::string& name, std::int64_t size_bytes, const Predictions& predictions,
               std::optional<Missing> missing = std::nullopt);

  /// Says which videos belong together; null: none do, but for segments those of one video.
  void set_groups(std::shared_ptr<const VideoGroups> groups) { groups_ = std::move(groups); }

  /// Says where the lists of models that are added from now on lie; it must outlive the pool and
  /// every AlignedModel of it. The ordinary memory, if nothing is said.
  void set_memory(std::pmr::memory_resource* memory) { memory_ = memory; }

  [[nodiscard]] VideoSet videos() const { return videos_; }
  /// Returns the most classes that the predictions of a model say to be of; 0: none says.
  [[nodiscard]] std::int64_t classes() const;
  /// Returns the models by name, over the videos that count, by id. Throws UsageError if there is
  /// no model or video, or the videos or truths of two models differ (which, how many); of files
  /// that lack videos it names all. Throws InputError where videos have groups and one has none.
  [[nodiscard]] std::vector<AlignedModel> Aligned() const;

  /// Returns a model's predictions of the videos that count, as they were given but for their order
  /// and, of a file, the truth. There must be such a model.
  [[nodiscard]] Predictions PredictionsOf(const std::string& name) const;
  /// Returns what was said of a model's missing labels. There must be such a model.
  [[nodiscard]] std::optional<Missing> MissingOf(const std::string& name) const;

 private:
  enum class Kind { kTrial, kFile };
  /// Gap is what a file lacks of the pool's videos.
  struct Gap {
    std::string model;
    std::size_t lacking = 0;
    std::string example;
    std::string other;  ///< an id of the file's own, where it has none of the pool's
  };
  /// OtherTruth is a video of which a model has another truth than the pool.
  struct OtherTruth {
    std::string model;
    std::uint32_t row = 0;
  };

  void AddModel(const std::string& name, std::int64_t size_bytes, const Predictions& predictions,
                std::optional<Missing> missing, Kind kind);
  void RefuseOtherVideos(const std::string& name, std::size_t videos,
                         const std::vector<std::string>& beyond, std::size_t lacking,
                         const std::string& lacked) const;
  [[nodiscard]] std::shared_ptr<const VideoRows> RowsThatCount() const;
  [[nodiscard]] const std::shared_ptr<const StoredModel>& Named(const std::string& name) const;

  VideoSet videos_;
  std::pmr::memory_resource* memory_ = std::pmr::get_default_resource();
  std::shared_ptr<const VideoGroups> groups_;
  bool has_table_ = false;
  std::shared_ptr<VideoTable> table_;
  std::vector<char> dropped_;  ///< [videos] some model lacks it
  std::vector<std::shared_ptr<const StoredModel>> models_;
  std::vector<Gap> gaps_;
  std::vector<OtherTruth> other_truths_;
};

/// Returns what a missing label is in each model's lists; `fallback` where the model does not say.
[[nodiscard]] std::vector<Missing> MissingOf(const std::vector<AlignedModel>& models,
                                             Missing fallback);

/// Restricts models that are over the same videos to those of which keep(key) is true, where the
/// key is a video's group (VideoTable::key).
template <typename Keep>
[[nodiscard]] std::vector<AlignedModel> Restrict(const std::vector<AlignedModel>& models,
                                                 const Keep& keep) {
  auto rows = std::make_shared<VideoRows>();
  for (const std::uint32_t row : *models[0].rows) {
    if (keep(models[0].table->key(row))) rows->push_back(row);
  }
  std::vector<AlignedModel> restricted = models;
  for (AlignedModel& model : restricted) model.rows = rows;
  return restricted;
}

/// Returns the models at the places.
[[nodiscard]] std::vector<AlignedModel> Pick(const std::vector<AlignedModel>& models,
                                             const std::vector<std::size_t>& places);

/// True if the video of this id, or the group of this name, is in the holdout part: by its hash
/// alone (XXH3), so it is the same in every study and on every machine.
[[nodiscard]] bool InHoldout(const std::string& key, double share);

/// Grouping is the groups of the videos of models that are over the same ones.
struct Grouping {
  std::vector<std::uint32_t> of_video;  ///< [videos]: the number of its group, from 0
  std::size_t groups = 0;               ///< as many as videos where these stand for themselves
};
[[nodiscard]] Grouping GroupingOf(const AlignedModel& model);

/// SplitModels is the same models over the two parts of the videos.
struct SplitModels {
  std::vector<AlignedModel> selection;
  std::vector<AlignedModel> holdout;
};
/// Returns the models over the selection part and over the holdout part.
[[nodiscard]] SplitModels SplitVideos(const std::vector<AlignedModel>& models, double holdout);

/// RowReader reads the lists of several models, one video after the other, into its own memory.
class RowReader {
 public:
  explicit RowReader(const std::vector<AlignedModel>& models);
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;
  /// Returns each model's list of a video; good until the next call.
  std::span<const VideoPrediction* const> Read(std::size_t video);

 private:
  const std::vector<AlignedModel>& models_;
  std::vector<VideoPrediction> lists_;
  std::vector<const VideoPrediction*> row_;
};

/// RankedLabel is a label of a ranking: its score and whether it is true.
struct RankedLabel {
  double score;
  bool positive;
};
/// Returns the 20 best of a list, equal scores by lower label.
[[nodiscard]] std::vector<RankedLabel> TopOf(const VideoPrediction& video);

/// Returns the GAP of a model alone, its lists as they are.
[[nodiscard]] double SingleGap(const AlignedModel& model);
/// Returns the GAPs of several models, each alone.
[[nodiscard]] std::vector<double> SingleGaps(const std::vector<AlignedModel>& models,
                                             const ForEach& for_each);

}  // namespace beamgrid
