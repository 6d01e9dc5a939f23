#include "orchestrator/importing/import_plan.h"

#include <xxhash.h>

#include <algorithm>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "orchestrator/importing/near_names.h"
#include "orchestrator/importing/values.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/words.h"

namespace beamgrid {
namespace {

constexpr Word<Element> kElementWords[] = {{Element::kUint8, "uint8"},
                                           {Element::kFloat16, "float16"},
                                           {Element::kFloat32, "float32"},
                                           {Element::kFloat64, "float64"}};
constexpr Word<Element> kRecordWords[] = {
    {Element::kFloat32, "float32"}, {Element::kFloat16, "float16"}, {Element::kUint8, "uint8"}};

/// Not the hash by which ensembles hold out a part of validate: of that one, all would lie on one
/// side.
constexpr XXH64_hash_t kSplitSeed = 0x494D504F5254;

/// A file of this size has a thousand videos of 300 frames of YouTube-8M's width or so.
constexpr std::uint64_t kShardBytes = 128ULL << 20;
/// As many shards as let a few cores work, where there are enough videos for that.
constexpr std::size_t kUsualShards = 8;
constexpr std::size_t kVideosOfSmallShard = 100;
constexpr std::int64_t kMostShards = 99'999;
constexpr std::size_t kShownIds = 5;

std::string QuotedId(const std::string& id) { return "'" + PrintableLine(id) + "'"; }

std::string ShapeText(const ArrayForm& form) {
  if (form.level == ArrayLevel::kVideo) return "[" + std::to_string(form.width) + "]";
  return "[" + std::to_string(form.frames) + ", " + std::to_string(form.width) + "]";
}

/// Returns the value that occurs most often, the smallest of several.
template <typename Value>
std::pair<Value, std::size_t> MostFrequent(const std::map<Value, std::size_t>& counts) {
  const auto most =
      std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
  return *most;
}

/// FeatureCheck looks at all arrays of one feature: what they must have in common.
class FeatureCheck {
 public:
  FeatureCheck(const ImportedFeature& feature, std::optional<Element> as)
      : feature_(feature), arrays_(feature.source->arrays()), as_(as) {}

  void RequireIds() const {
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      const std::string problem = ProblemOfId(arrays_[i].id);
      if (!problem.empty()) {
        throw InputError(Place(i) + ": the id " + QuotedId(arrays_[i].id) + problem);
      }
      if (i > 0 && arrays_[i].id == arrays_[i - 1].id) {
        throw InputError(Place(i) + ": the video " + QuotedId(arrays_[i].id) +
                         " is there twice, also in " + Place(i - 1));
      }
    }
  }

  void RequireLevel(ArrayLevel level) const {
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      if (arrays_[i].form.level == level) continue;
      throw InputError(Place(i) + ": has the shape " + ShapeText(arrays_[i].form) +
                       ", other arrays are " +
                       (level == ArrayLevel::kFrame ? "[frames, width]" : "[width]") +
                       "; a feature is of frames or of whole videos");
    }
  }

  /// Returns the width that all must have.
  [[nodiscard]] std::uint64_t Width() const {
    std::map<std::uint64_t, std::size_t> widths, lengths;
    for (const SourceArray& array : arrays_) {
      ++widths[array.form.width];
      ++lengths[array.form.frames];
    }
    const auto [width, count] = MostFrequent(widths);
    const auto [length, equally_long] = MostFrequent(lengths);
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      const ArrayForm& form = arrays_[i].form;
      if (form.width == width) continue;
      const bool all =
          arrays_.size() > 2 && count * 2 < arrays_.size() && equally_long * 2 > arrays_.size();
      throw InputError(
          Place(i) + ": has the shape " + ShapeText(form) +
          (all ? ", others are of other widths but as long: are they all transposed? An array is "
                 "[frames, width]: save a.T"
               : ", most arrays of '" + feature_.input.name + "' have the width " +
                     std::to_string(width) +
                     (form.frames == width ? ": it is transposed, save a.T" : "")));
    }
    return width;
  }

  /// Returns the type in which records will have it.
  [[nodiscard]] Element Type() const {
    Element type = arrays_.front().form.element;
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      const Element element = arrays_[i].form.element;
      if ((element == Element::kUint8) != (arrays_.front().form.element == Element::kUint8)) {
        throw InputError(Place(i) + ": has values of " + NameOf(element) + ", " + Place(0) +
                         " of " + NameOf(arrays_.front().form.element) +
                         "; bytes and other numbers cannot be mixed");
      }
      type = std::max(type, element);
    }
    if (type == Element::kFloat64) type = Element::kFloat32;
    if (as_) {
      if (const std::string problem = ProblemOfCoding(type, *as_); !problem.empty()) {
        throw InputError(Place(0) + ": --as " + NameOf(*as_) + ": " + problem);
      }
      type = *as_;
    }
    return type;
  }

 private:
  [[nodiscard]] std::string Place(std::size_t index) const {
    return feature_.source->PlaceOf(index);
  }

  const ImportedFeature& feature_;
  const std::vector<SourceArray>& arrays_;
  std::optional<Element> as_;
};

class Planning {
 public:
  explicit Planning(const ImportOptions& options) : options_(options) {}

  ImportPlan Plan() {
    CheckOptions();
    plan_.labelled = !options_.labels.path.empty();
    if (plan_.labelled) plan_.labels = ReadLabelTable(options_.labels);
    OpenFeatures();
    Join();
    Refuse();
    CountClasses();
    CountGroups();
    MakeShards();
    return std::move(plan_);
  }

 private:
  void CheckOptions() const {
    if (options_.features.empty()) throw UsageError("--features: name at least one feature");
    // A record's map has one entry of each name, and these are taken.
    std::set<std::string> names = {"id", "video_id", "labels", kWeights};
    const bool by_group = !options_.labels.group_column.empty();
    for (const auto& [option, column] :
         {std::pair(by_group ? "--group" : "--holdout-by", options_.labels.grouped_by()),
          std::pair("--video-weight-column", options_.labels.video_weight_column)}) {
      if (column.empty() || names.insert(column).second) continue;
      throw UsageError(std::string(option) + ": '" + column +
                       "' is what something else in a record is called; rename the column");
    }
    const std::set<std::string> taken = names;
    for (const FeatureInput& input : options_.features) {
      const std::string refused =
          "--features: " + QuotedId(input.name) + " cannot be a feature's name";
      if (!ProblemOfId(input.name).empty()) throw UsageError(refused);
      if (taken.contains(input.name)) {
        throw UsageError(refused +
                         ": a record has it for its id, labels, group or weight; rename "
                         "the feature or the column");
      }
      if (!names.insert(input.name).second) {
        throw UsageError("--features: '" + input.name + "' is named twice");
      }
    }
    if (options_.shards && (*options_.shards < 1 || *options_.shards > kMostShards)) {
      throw UsageError("--shards = " + std::to_string(*options_.shards) + ", must be 1.." +
                       std::to_string(kMostShards));
    }
    if (!(options_.holdout > 0 && options_.holdout < 1)) {
      throw UsageError("--holdout must be more than 0 and less than 1");
    }
    if (!options_.labels.split_column.empty() && !options_.labels.holdout_column.empty()) {
      throw UsageError("--split-column and --holdout-by exclude each other");
    }
  }

  void OpenFeatures() {
    for (const FeatureInput& input : options_.features) {
      ImportedFeature& feature = plan_.features.emplace_back();
      feature.input = input;
      feature.source =
          OpenArraySource(input, {.id = options_.labels.id_column, .labels = plan_.labels.columns},
                          options_.threads);
      if (feature.source->arrays().empty()) {
        throw InputError("--features " + input.name + ": " + input.pattern + " holds no array");
      }
    }
    const auto is_of_frames = [](const ImportedFeature& feature) {
      return feature.source->arrays().front().form.level == ArrayLevel::kFrame;
    };
    plan_.level =
        std::ranges::any_of(plan_.features, is_of_frames) ? ArrayLevel::kFrame : ArrayLevel::kVideo;
    for (ImportedFeature& feature : plan_.features) {
      const FeatureCheck check(feature, options_.as);
      check.RequireIds();
      check.RequireLevel(feature.source->arrays().front().form.level);
      if (plan_.level == ArrayLevel::kFrame && !is_of_frames(feature)) RequireUnequal(feature);
      feature.width = check.Width();
      feature.type = check.Type();
      if (plan_.level == ArrayLevel::kVideo && feature.type == Element::kUint8) {
        throw InputError(
            feature.source->PlaceOf(0) +
            ": one vector per video is written as float32, and these are bytes" +
            (options_.as ? " (--as uint8)" : "; save the numbers that they stand for"));
      }
      if (plan_.level == ArrayLevel::kVideo) {
        if (options_.as && *options_.as != Element::kFloat32) {
          throw UsageError(std::string("--as ") + NameOf(*options_.as) +
                           ": one vector per video is written as float32; leave the option out");
        }
        feature.type = Element::kFloat32;
      }
    }
  }

  /// A vector of the whole video is one frame of it, beside features of more.
  void RequireUnequal(const ImportedFeature& feature) const {
    if (options_.unequal_frames == ImportOptions::UnequalFrames::kAllow) return;
    throw InputError(feature.source->PlaceOf(0) + ": has the shape " +
                     ShapeText(feature.source->arrays().front().form) +
                     ", other features are [frames, width]; --allow-unequal-frames takes a vector "
                     "of a whole video for its one frame, and data.frame_alignment = \"nearest\" "
                     "puts it beside each frame of the others");
  }

  /// Goes through all ids, in order, and takes the videos that are whole.
  void Join() {
    std::vector<std::size_t> at(plan_.features.size());
    auto label = plan_.labels.videos.begin();
    for (;;) {
      const std::string* id = nullptr;
      const auto consider = [&id](const std::string& other) {
        if (id == nullptr || other < *id) id = &other;
      };
      for (std::size_t i = 0; i < at.size(); ++i) {
        const auto& arrays = plan_.features[i].source->arrays();
        if (at[i] < arrays.size()) consider(arrays[at[i]].id);
      }
      if (label != plan_.labels.videos.end()) consider(label->first);
      if (id == nullptr) break;
      ImportedVideo video{.id = *id};
      std::string missing;
      for (std::size_t i = 0; i < at.size(); ++i) {
        const auto& arrays = plan_.features[i].source->arrays();
        if (at[i] < arrays.size() && arrays[at[i]].id == video.id) {
          video.arrays.push_back(at[i]++);
        } else {
          missing += (missing.empty() ? "" : ", ") + plan_.features[i].input.name;
        }
      }
      if (label != plan_.labels.videos.end() && label->first == video.id) {
        video.labels = &label->second;
        ++label;
      }
      Consider(std::move(video), missing);
    }
  }

  void Consider(ImportedVideo video, const std::string& missing) {
    if (plan_.labelled && video.labels == nullptr) {
      return Leave(kNotLabelled, video.id);
    }
    if (!missing.empty()) {
      const bool none = video.arrays.empty();
      return Leave(none ? kNoArray : "no array of " + missing, video.id);
    }
    if (plan_.labelled && video.labels->labels.empty()) {
      return Leave("no class in the table of labels", video.id);
    }
    std::uint64_t shortest = UINT64_MAX, longest = 0;
    for (std::size_t i = 0; i < video.arrays.size(); ++i) {
      const std::uint64_t frames = FormOf(i, video).frames;
      shortest = std::min(shortest, frames);
      longest = std::max(longest, frames);
    }
    if (shortest == 0) return Leave("no frames", video.id);
    if (shortest != longest) RefuseUnequal(video);
    plan_.min_frames = taken_ == 0 ? shortest : std::min(plan_.min_frames, shortest);
    plan_.max_common_frames = std::max(plan_.max_common_frames, shortest);
    plan_.max_frames = std::max(plan_.max_frames, longest);
    plan_.frames += shortest;
    plan_.longest_frames += longest;
    ++taken_;
    const Split split = SplitOf(video);
    plan_.videos[static_cast<std::size_t>(split)].push_back(std::move(video));
  }

  void RefuseUnequal(const ImportedVideo& video) {
    ++plan_.unequal;
    if (options_.unequal_frames == ImportOptions::UnequalFrames::kAllow) return;
    std::string counts;
    for (std::size_t i = 0; i < video.arrays.size(); ++i) {
      counts += (i == 0 ? "" : ", ") + plan_.features[i].source->PlaceOf(video.arrays[i]) +
                " has " + CountText(FormOf(i, video).frames, "frame");
    }
    throw InputError("the video " + QuotedId(video.id) + ": " + counts +
                     "; frames are joined one by one, so they must be of the same moments. "
                     "--allow-unequal-frames takes such videos; training then uses the frames that "
                     "all have, from the first on, or where features have frame rates of their own "
                     "the nearest ones (data.frame_alignment)");
  }

  [[nodiscard]] Split SplitOf(const ImportedVideo& video) const {
    if (!plan_.labelled) return Split::kTest;
    if (!options_.labels.split_column.empty()) return video.labels->split;
    const std::string& key =
        options_.labels.held_out_by().empty() ? video.id : video.labels->held_out_by;
    const XXH64_hash_t hash = XXH3_64bits_withSeed(key.data(), key.size(), kSplitSeed);
    const double place = static_cast<double>(hash >> 11) * 0x1.0p-53;
    return place < options_.holdout ? Split::kValidate : Split::kTrain;
  }

  void Leave(const std::string& why, const std::string& id) {
    const auto known = std::ranges::find(plan_.left_out, why, &LeftOutVideos::why);
    if (known != plan_.left_out.end()) {
      known->ids.push_back(id);
    } else {
      plan_.left_out.push_back({.why = why, .ids = {id}});
    }
  }

  [[nodiscard]] std::vector<std::string> LeftOut(const std::string& why) const {
    const auto known = std::ranges::find(plan_.left_out, why, &LeftOutVideos::why);
    return known == plan_.left_out.end() ? std::vector<std::string>() : known->ids;
  }

  void Refuse() const {
    if (taken_ == 0) {
      const std::string& array = plan_.features.front().source->arrays().front().id;
      const std::string& labelled = plan_.labelled ? plan_.labels.videos.begin()->first : array;
      std::string why = beamgrid::Join(plan_.left_out, "; ", [](const LeftOutVideos& group) {
        return CountText(group.ids.size(), "video") + " (" + group.why + ")";
      });
      if (array != labelled) {
        why += ". The first id of " + options_.labels.path + " is " + QuotedId(labelled) +
               ", that of " + plan_.features.front().source->PlaceOf(0) + " is " + QuotedId(array) +
               ": the ids must be the same";
      }
      const std::vector<std::string> near = NearIds(LeftOut(kNotLabelled), LeftOut(kNoArray));
      if (!near.empty()) {
        why += "; these look alike, and are not: " + PrintableLine(JoinFirst(near, kShownIds));
      }
      throw InputError(std::string("no video has ") + (plan_.labelled ? "labels and " : "") +
                       "every feature: " + why);
    }
    if (options_.incomplete == ImportOptions::Incomplete::kRefuse && !plan_.left_out.empty()) {
      const LeftOutVideos& first = plan_.left_out.front();
      throw InputError("--strict: " + CountText(first.ids.size(), "video") + " (" + first.why +
                       "): " + PrintableLine(JoinFirst(first.ids, kShownIds)));
    }
    for (const Split split : {Split::kTrain, Split::kValidate}) {
      if (!plan_.labelled) break;
      if (!plan_.VideosOf(split).empty()) continue;
      throw InputError(std::string("no video is in ") + NameOf(split) + "; " +
                       (options_.labels.split_column.empty()
                            ? "choose another --holdout, or a column with more groups"
                            : "the column '" + options_.labels.split_column + "' names none"));
    }
  }

  void CountClasses() {
    plan_.train_videos.assign(static_cast<std::size_t>(plan_.labels.classes), 0);
    for (const ImportedVideo& video : plan_.VideosOf(Split::kTrain)) {
      for (const std::int64_t label : video.labels->labels) {
        ++plan_.train_videos[static_cast<std::size_t>(label)];
      }
    }
    for (const Split split : kAllSplits) {
      plan_.with_one_class[static_cast<std::size_t>(split)] = static_cast<std::size_t>(
          std::ranges::count_if(plan_.VideosOf(split), [](const ImportedVideo& video) {
            return video.labels != nullptr && video.labels->labels.size() == 1;
          }));
    }
  }

  void CountGroups() {
    if (!plan_.labelled || options_.labels.grouped_by().empty()) return;
    std::array<std::set<std::string_view>, std::size(kAllSplits)> groups;
    for (const Split split : kAllSplits) {
      auto& of_split = groups[static_cast<std::size_t>(split)];
      for (const ImportedVideo& video : plan_.VideosOf(split)) of_split.insert(video.labels->group);
      plan_.groups[static_cast<std::size_t>(split)] = of_split.size();
    }
    const auto& trained = groups[static_cast<std::size_t>(Split::kTrain)];
    for (const std::string_view group : groups[static_cast<std::size_t>(Split::kValidate)]) {
      plan_.groups_in_both += trained.contains(group) ? 1 : 0;
    }
  }

  void MakeShards() {
    ContentHash all;
    for (const Split split : kAllSplits) {
      const std::size_t videos = plan_.VideosOf(split).size();
      const std::size_t shards = std::min(videos, NumberOfShards(split));
      for (std::size_t i = 0; i < shards; ++i) {
        std::ostringstream name;
        name << NameOf(split) << '-' << std::setw(5) << std::setfill('0') << i << ".tfrecord";
        ImportedShard shard{.name = name.str(),
                            .begin = videos * i / shards,
                            .end = videos * (i + 1) / shards,
                            .split = split};
        shard.key = KeyOf(shard);
        all.Add(shard.key.data(), shard.key.size());
        plan_.shards.push_back(std::move(shard));
      }
    }
    // The names of the classes are no part of the records, but of what is written.
    for (const std::string& name : plan_.labels.class_names) all.Add(name.c_str(), name.size() + 1);
    all.Add(&plan_.labels.classes, sizeof plan_.labels.classes);
    plan_.key = all.Digits();
  }

  [[nodiscard]] std::size_t NumberOfShards(Split split) const {
    if (options_.shards) return static_cast<std::size_t>(*options_.shards);
    const std::size_t videos = plan_.VideosOf(split).size();
    const std::uint64_t bytes = plan_.BytesOf({.begin = 0, .end = videos, .split = split});
    const auto by_size = static_cast<std::size_t>((bytes + kShardBytes - 1) / kShardBytes);
    const std::size_t by_videos =
        std::min(kUsualShards, (videos + kVideosOfSmallShard - 1) / kVideosOfSmallShard);
    return std::clamp<std::size_t>(by_size, by_videos, kMostShards);
  }

  /// Returns a hash of all that a shard's bytes depend on.
  [[nodiscard]] std::string KeyOf(const ImportedShard& shard) const {
    ContentHash hash;
    const auto number = [&hash](std::uint64_t value) { hash.Add(&value, sizeof value); };
    const auto text = [&](const std::string& value) {
      number(value.size());
      hash.Add(value.data(), value.size());
    };
    number(1);  // the way in which records are written
    number(static_cast<std::uint64_t>(plan_.level));
    for (const ImportedFeature& feature : plan_.features) {
      text(feature.input.name);
      text(feature.input.member);
      number(feature.width);
      number(static_cast<std::uint64_t>(feature.type));
    }
    const std::vector<ImportedVideo>& videos = plan_.VideosOf(shard.split);
    for (std::size_t i = shard.begin; i < shard.end; ++i) {
      text(videos[i].id);
      for (std::size_t j = 0; j < plan_.features.size(); ++j) {
        number(plan_.features[j].source->arrays()[videos[i].arrays[j]].stamp);
      }
      if (!plan_.labelled) continue;
      number(videos[i].labels->labels.size());
      for (const std::int64_t label : videos[i].labels->labels) {
        number(static_cast<std::uint64_t>(label));
      }
      number(videos[i].labels->weights.size());
      for (const float weight : videos[i].labels->weights) hash.Add(&weight, sizeof weight);
      // Behind words that say what they are, so that imports without them stay what they were.
      if (const auto weight = videos[i].labels->video_weight) {
        text(options_.labels.video_weight_column);
        hash.Add(&*weight, sizeof *weight);
      }
      if (!options_.labels.grouped_by().empty()) {
        text(options_.labels.grouped_by());
        text(videos[i].labels->group);
      }
    }
    return hash.Digits();
  }

  [[nodiscard]] const ArrayForm& FormOf(std::size_t feature, const ImportedVideo& video) const {
    return plan_.features[feature].source->arrays()[video.arrays[feature]].form;
  }

  const ImportOptions& options_;
  ImportPlan plan_;
  std::uint64_t taken_ = 0;
};

}  // namespace

std::uint64_t ImportPlan::BytesOf(const ImportedShard& shard) const {
  std::uint64_t bytes = 0;
  for (std::size_t i = shard.begin; i < shard.end; ++i) {
    const ImportedVideo& video = VideosOf(shard.split)[i];
    for (std::size_t j = 0; j < features.size(); ++j) {
      bytes += features[j].source->arrays()[video.arrays[j]].form.Bytes();
    }
  }
  return bytes;
}

bool ImportPlan::HasOwnRates() const {
  constexpr double kMostLost = 0.1;
  return static_cast<double>(frames) < (1 - kMostLost) * static_cast<double>(longest_frames);
}

bool ImportPlan::HasOneClassEach() const {
  return labels.classes > 1 &&
         std::ranges::all_of(std::array{Split::kTrain, Split::kValidate}, [this](Split split) {
           return with_one_class[static_cast<std::size_t>(split)] == VideosOf(split).size();
         });
}

const char* NameOf(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kValidate:
      return "validate";
    case Split::kTest:
      return "test";
  }
  return "";
}

const char* NameOf(Element element) { return WordFor(kElementWords, element); }

std::vector<std::string> RecordTypeNames() { return WordsOf(kRecordWords); }

Element RecordTypeOf(const std::string& name) { return ValueOf(kRecordWords, "--as", name); }

ImportPlan PlanImport(const ImportOptions& options) { return Planning(options).Plan(); }

}  // namespace beamgrid
