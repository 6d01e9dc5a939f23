#include "search/ensemble/models.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <boost/json/serialize.hpp>
#include <map>
#include <string_view>
#include <unordered_map>

#include "registry/scoring/segments.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "search/ensemble/gap.h"

namespace beamgrid {
namespace {

/// Returns which segments belong together: those of one video, which are alike.
std::shared_ptr<const VideoGroups> VideosOfSegments(const VideoTable& table) {
  std::map<std::string, std::string, std::less<>> videos;
  for (std::size_t row = 0; row < table.size(); ++row) {
    std::string video(VideoOfSegment(table.id(row)));
    videos.emplace(video, video);
  }
  return std::make_shared<const VideoGroups>("video", std::move(videos));
}

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

using Videos = std::vector<const VideoPrediction*>;

Videos SortedById(const std::string& name, const Predictions& predictions) {
  Videos videos;
  videos.reserve(predictions.videos.size());
  for (const VideoPrediction& video : predictions.videos) videos.push_back(&video);
  // Our own files are sorted; to sort a million ids again takes longer than to read them.
  if (!std::ranges::is_sorted(videos, {}, &VideoPrediction::id)) {
    std::ranges::sort(videos, {}, &VideoPrediction::id);
  }
  const auto twice = std::ranges::adjacent_find(videos, {}, &VideoPrediction::id);
  if (twice != videos.end()) {
    throw UsageError("ensemble: model " + Quoted(name) + " lists video " + Quoted((*twice)->id) +
                     " twice");
  }
  return videos;
}

/// How far above 1 a probability may come to be by rounding: softmax over experts, in 32-bit
/// floats.
constexpr double kRounding = 1e-5;

void RefuseBadEntries(const std::string& name, const VideoPrediction& video) {
  const auto place = [&] {
    return "ensemble: model " + Quoted(name) + ", video " + Quoted(video.id);
  };
  for (const ScoredLabelDouble& entry : video.top) {
    // Said by what is right, so that NaN is refused too.
    if (!(entry.score >= 0 && entry.score <= 1 + kRounding && entry.label >= 0)) {
      throw UsageError(place() + ": label " + std::to_string(entry.label) + " has the score " +
                       boost::json::serialize(boost::json::value(entry.score)) +
                       "; scores must be probabilities, 0..1, of labels from 0");
    }
    if (entry.label >= kMaxClasses) {
      throw UsageError(place() + ": label " + std::to_string(entry.label) +
                       " is not a class index");
    }
  }
}

/// Adds the list to the model's, with no probability above 1.
void AddProbabilities(ModelLists& lists, const std::vector<ScoredLabelDouble>& top) {
  const auto is_above = [](const ScoredLabelDouble& entry) { return entry.score > 1; };
  if (std::ranges::none_of(top, is_above)) {
    lists.Add(top);
    return;
  }
  std::vector<ScoredLabelDouble> rounded = top;
  for (ScoredLabelDouble& entry : rounded) entry.score = std::min(entry.score, 1.0);
  lists.Add(rounded);
}

}  // namespace

void AlignedModel::Read(std::size_t video, VideoPrediction& into) const {
  const std::uint32_t row = (*rows)[video];
  into.id = table->id(row);
  const std::span<const std::int32_t> labels = table->LabelsOf(row);
  into.labels.assign(labels.begin(), labels.end());
  const auto [begin, end] = model->lists.Of(row);
  into.top.resize(end - begin);
  for (std::size_t i = begin; i < end; ++i) {
    into.top[i - begin] = {model->lists.label(i), model->lists.score(i)};
  }
}

EnsembleModels::EnsembleModels(VideoSet videos)
    : videos_(videos), table_(std::make_shared<VideoTable>()) {}

EnsembleModels::EnsembleModels(const Truth& truth, VideoSet videos) : EnsembleModels(videos) {
  for (const auto& [id, labels] : truth) table_->Add(id, labels);
  dropped_.resize(table_->size());
  has_table_ = true;
}

void EnsembleModels::Add(const std::string& name, std::int64_t size_bytes,
                         const Predictions& predictions, std::optional<Missing> missing) {
  AddModel(name, size_bytes, predictions, missing, Kind::kTrial);
}

void EnsembleModels::AddFile(const std::string& name, std::int64_t size_bytes,
                             const Predictions& predictions, std::optional<Missing> missing) {
  AddModel(name, size_bytes, predictions, missing, Kind::kFile);
}

void EnsembleModels::AddModel(const std::string& name, std::int64_t size_bytes,
                              const Predictions& predictions, std::optional<Missing> missing,
                              Kind kind) {
  if (size_bytes < 0) {
    throw UsageError("ensemble: model " + Quoted(name) + " has a size of " +
                     std::to_string(size_bytes) + " bytes");
  }
  if (std::ranges::any_of(models_, [&](const auto& model) { return model->name == name; })) {
    throw UsageError("ensemble: two models are called " + Quoted(name));
  }
  const Videos videos = SortedById(name, predictions);
  if (!has_table_) {
    for (const VideoPrediction* video : videos) table_->Add(video->id, video->labels);
    dropped_.resize(table_->size());
    has_table_ = true;
  }
  auto model = std::make_shared<StoredModel>(StoredModel{
      name, size_bytes, missing, predictions.classes, predictions.top_k, ModelLists(memory_)});
  std::size_t entries = 0;
  for (const VideoPrediction* video : videos) entries += video->top.size();
  model->lists.Reserve(table_->size(), entries);

  // Both are sorted: one pass over both.
  Gap gap{.model = name};
  std::vector<std::string> beyond;
  auto video = videos.begin();
  const auto pass_beyond = [&](const auto& still_before) {
    for (; video != videos.end() && still_before(**video); ++video) beyond.push_back((*video)->id);
  };
  for (std::size_t row = 0; row < table_->size(); ++row) {
    pass_beyond([&](const VideoPrediction& other) { return other.id < table_->id(row); });
    if (video == videos.end() || (*video)->id != table_->id(row)) {
      if (gap.lacking++ == 0) gap.example = table_->id(row);
      dropped_[row] = 1;
      model->lists.Add({});
      continue;
    }
    RefuseBadEntries(name, **video);
    AddProbabilities(model->lists, (*video)->top);
    if (kind == Kind::kTrial && !std::ranges::equal((*video)->labels, table_->LabelsOf(row))) {
      other_truths_.push_back({name, static_cast<std::uint32_t>(row)});
    }
    ++video;
  }
  pass_beyond([](const VideoPrediction&) { return true; });

  if (videos_ == VideoSet::kTruth && kind == Kind::kTrial) {
    RefuseOtherVideos(name, videos.size(), beyond, gap.lacking, gap.example);
  }
  if (gap.lacking == table_->size() && !beyond.empty()) gap.other = beyond.front();
  if (gap.lacking > 0) gaps_.push_back(std::move(gap));
  models_.push_back(std::move(model));
}

void EnsembleModels::RefuseOtherVideos(const std::string& name, std::size_t videos,
                                       const std::vector<std::string>& beyond, std::size_t lacking,
                                       const std::string& lacked) const {
  const auto refuse = [](const std::string& lacks, std::size_t count, std::size_t of,
                         const std::string& has, const std::string& example) {
    throw UsageError("ensemble: model " + Quoted(lacks) + " lacks " + std::to_string(count) +
                     " of the " + CountText(of, "video") + " of model " + Quoted(has) +
                     ", such as " + Quoted(example) + "; all models must be over the same videos" +
                     (count < of ? "; --common-videos takes those that every model has" : ""));
  };
  if (lacking > 0) refuse(name, lacking, table_->size(), models_.front()->name, lacked);
  if (!beyond.empty()) {
    refuse(models_.front()->name, beyond.size(), videos, name, beyond.front());
  }
}

std::shared_ptr<const VideoRows> EnsembleModels::RowsThatCount() const {
  auto rows = std::make_shared<VideoRows>();
  for (std::size_t row = 0; row < table_->size(); ++row) {
    if (dropped_[row] == 0) rows->push_back(static_cast<std::uint32_t>(row));
  }
  return rows;
}

std::vector<AlignedModel> EnsembleModels::Aligned() const {
  if (models_.empty()) throw UsageError("ensemble: there is no model to choose from");
  if (videos_ == VideoSet::kTruth && !gaps_.empty()) {
    std::string text;
    for (const Gap& gap : gaps_) {
      text += "\n  '" + gap.model + "' lacks " + std::to_string(gap.lacking) + " of " +
              std::to_string(table_->size()) + ", such as '" + gap.example + "'" +
              (gap.other.empty() ? "" : "; its own are others, such as '" + gap.other + "'");
    }
    throw UsageError("ensemble: videos of the truth are missing in the predictions:" + text +
                     "\nuse --common-videos to restrict all to the videos that every file has");
  }
  for (const OtherTruth& other : other_truths_) {
    if (dropped_[other.row] != 0) continue;
    throw UsageError("ensemble: models " + Quoted(models_.front()->name) + " and " +
                     Quoted(other.model) + " disagree on the true labels of video " +
                     Quoted(table_->id(other.row)) + "; they were made on different data");
  }
  const std::shared_ptr<const VideoRows> rows = RowsThatCount();
  if (table_->size() == 0) {
    throw UsageError("ensemble: the truth, or the first model's predictions, hold no video");
  }
  if (rows->empty()) {
    const auto stranger =
        std::ranges::find_if(gaps_, [](const Gap& gap) { return !gap.other.empty(); });
    throw UsageError(
        "ensemble: there is no video that all " + std::to_string(models_.size()) +
        " models have, of the " + CountText(table_->size(), "video") + " of the truth" +
        (stranger == gaps_.end()
             ? ""
             : ": '" + stranger->model + "' has none of them, " + "such as '" + stranger->example +
                   "'; its own are others, such as '" + stranger->other + "'"));
  }
  if (groups_) {
    table_->SetGroups(groups_, *rows);
  } else if (table_->AreSegments()) {
    table_->SetGroups(VideosOfSegments(*table_), *rows);
  }
  std::vector<AlignedModel> aligned;
  for (const auto& model : models_) aligned.push_back({model, table_, rows});
  std::ranges::sort(aligned, {}, [](const AlignedModel& model) { return model.model->name; });
  return aligned;
}

std::int64_t EnsembleModels::classes() const {
  std::int64_t classes = 0;
  for (const auto& model : models_) classes = std::max(classes, model->classes);
  return classes;
}

Predictions EnsembleModels::PredictionsOf(const std::string& name) const {
  const AlignedModel aligned{Named(name), table_, RowsThatCount()};
  Predictions predictions{.classes = aligned.model->classes, .top_k = aligned.model->top_k};
  predictions.videos.resize(aligned.size());
  for (std::size_t v = 0; v < aligned.size(); ++v) aligned.Read(v, predictions.videos[v]);
  return predictions;
}

std::optional<Missing> EnsembleModels::MissingOf(const std::string& name) const {
  return Named(name)->missing;
}

const std::shared_ptr<const StoredModel>& EnsembleModels::Named(const std::string& name) const {
  return *std::ranges::find(models_, name, [](const auto& model) { return model->name; });
}

std::vector<Missing> MissingOf(const std::vector<AlignedModel>& models, Missing fallback) {
  std::vector<Missing> missing;
  for (const AlignedModel& model : models) {
    missing.push_back(model.model->missing.value_or(fallback));
  }
  return missing;
}

std::vector<AlignedModel> Pick(const std::vector<AlignedModel>& models,
                               const std::vector<std::size_t>& places) {
  std::vector<AlignedModel> picked;
  for (const std::size_t place : places) picked.push_back(models[place]);
  return picked;
}

bool InHoldout(const std::string& key, double share) {
  const XXH64_hash_t hash = XXH3_64bits(key.data(), key.size());
  // 53 bits: each is an exact double in [0, 1).
  return static_cast<double>(hash >> 11) * 0x1p-53 < share;
}

SplitModels SplitVideos(const std::vector<AlignedModel>& models, double holdout) {
  return {
      Restrict(models, [&](const std::string& key) { return !InHoldout(key, holdout); }),
      Restrict(models, [&](const std::string& key) { return InHoldout(key, holdout); }),
  };
}

Grouping GroupingOf(const AlignedModel& model) {
  Grouping grouping;
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  for (const std::uint32_t row : *model.rows) {
    const auto number = static_cast<std::uint32_t>(numbers.size());
    grouping.of_video.push_back(numbers.emplace(model.table->key(row), number).first->second);
  }
  grouping.groups = numbers.size();
  return grouping;
}

RowReader::RowReader(const std::vector<AlignedModel>& models)
    : models_(models), lists_(models.size()) {
  for (const VideoPrediction& list : lists_) row_.push_back(&list);
}

std::span<const VideoPrediction* const> RowReader::Read(std::size_t video) {
  for (std::size_t m = 0; m < models_.size(); ++m) models_[m].Read(video, lists_[m]);
  return row_;
}

std::vector<RankedLabel> TopOf(const VideoPrediction& video) {
  const auto before = [](const ScoredLabelDouble& a, const ScoredLabelDouble& b) {
    return a.score != b.score ? a.score > b.score : a.label < b.label;
  };
  const auto rank = [&](const std::vector<ScoredLabelDouble>& list) {
    std::vector<RankedLabel> top;
    const std::size_t count = std::min<std::size_t>(list.size(), kGapTop);
    top.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const bool positive =
          std::find(video.labels.begin(), video.labels.end(), list[i].label) != video.labels.end();
      top.push_back({list[i].score, positive});
    }
    return top;
  };
  // Our own files are sorted; only lists of others need a copy.
  if (std::is_sorted(video.top.begin(), video.top.end(), before)) return rank(video.top);
  std::vector<ScoredLabelDouble> sorted = video.top;
  std::sort(sorted.begin(), sorted.end(), before);
  return rank(sorted);
}

namespace {

/// Appends the packed scores (PackedGap, one tag bit) of the 20 best labels of a model's list of a
/// video.
void AppendTop(const AlignedModel& model, std::size_t video, std::vector<std::int64_t>& pool) {
  const auto add = [&pool](double score, bool positive) {
    // A double's bits, when it is not negative, order as it does; those of 0..1 leave a bit free.
    // + 0.0 turns -0 into 0.
    pool.push_back(std::bit_cast<std::int64_t>(score + 0.0) << 1 | (positive ? 1 : 0));
  };
  const ModelLists& lists = model.model->lists;
  const auto [begin, end] = lists.Of((*model.rows)[video]);
  const auto after = [&](std::size_t i) {
    const double a = lists.score(i - 1), b = lists.score(i);
    return a != b ? a > b : lists.label(i - 1) < lists.label(i);
  };
  bool sorted = true;
  for (std::size_t i = begin + 1; i < end; ++i) sorted = sorted && after(i);
  if (!sorted) {
    VideoPrediction copy;
    model.Read(video, copy);
    for (const RankedLabel& entry : TopOf(copy)) add(entry.score, entry.positive);
    return;
  }
  const std::span<const std::int32_t> truth = model.LabelsOf(video);
  for (std::size_t i = begin; i < std::min<std::size_t>(end, begin + kGapTop); ++i) {
    add(lists.score(i), std::ranges::find(truth, lists.label(i)) != truth.end());
  }
}

}  // namespace

std::vector<double> SingleGaps(const std::vector<AlignedModel>& models, const ForEach& for_each) {
  HarmonicNumbers harmonic;
  harmonic.Reserve(models.empty() ? 0 : models[0].size() * kGapTop);
  std::vector<double> gaps(models.size());
  for_each(models.size(), [&](std::size_t m) {
    std::vector<std::int64_t> pool;
    pool.reserve(models[m].size() * kGapTop);
    std::int64_t positives = 0;
    for (std::size_t v = 0; v < models[m].size(); ++v) {
      positives += std::ssize(models[m].LabelsOf(v));
      AppendTop(models[m], v, pool);
    }
    gaps[m] = PackedGap(1, positives, harmonic)(pool);
  });
  return gaps;
}

double SingleGap(const AlignedModel& model) { return SingleGaps({model}, Serially)[0]; }

}  // namespace beamgrid
