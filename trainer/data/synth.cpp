#include "trainer/data/synth.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <iomanip>
#include <set>
#include <sstream>
#include <system_error>

#include "registry/util/error.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"
#include "registry/util/words.h"
#include "trainer/data/decoder.h"
#include "trainer/data/example_writer.h"
#include "trainer/data/frame_values.h"
#include "trainer/data/quantise.h"
#include "trainer/data/synth_video.h"
#include "trainer/data/synth_world.h"
#include "trainer/data/tfrecord.h"
#include "trainer/data/unfinished.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

// ---- The options, completed and checked ---------------------------------------------------------

/// A maximum that stands for "no limit" and is not worth saying in a message.
constexpr double kAnyNumber = 1e9;

template <typename Number>
void CheckRange(const char* name, Number value, Number minimum, Number maximum) {
  if (value >= minimum && value <= maximum) return;
  std::ostringstream text;
  text << name << " = " << value << ", must be " << minimum;
  if (static_cast<double>(maximum) < kAnyNumber) {
    text << ".." << maximum;
  } else {
    text << " or more";
  }
  throw UsageError(text.str());
}

void CheckCounts(const SynthOptions& options) {
  constexpr auto kMost = static_cast<std::int64_t>(kAnyNumber);
  CheckRange<std::int64_t>("videos", options.videos, 2, kMost);
  CheckRange<std::int64_t>("classes", options.classes, 1, 1'000'000);
  CheckRange<std::int64_t>("max-frames", options.max_frames, 1, 100'000);
  CheckRange<std::int64_t>("min-frames", options.min_frames, 1, options.max_frames);
  CheckRange<std::int64_t>("shards", options.shards, 1, 9999);
  CheckRange<std::int64_t>("audio-lag", options.audio_lag, 1, 1000);
  CheckRange<std::int64_t>("shot-frames", options.shot_frames, 1, 100'000);
  CheckRange("signal", options.signal, 0.0, 2.0);
  CheckRange("noise", options.noise, 0.0, 2.0);
  CheckRange("background", options.background, 0.0, 0.95);
  CheckRange("labels-per-video", options.labels_per_video, 1.0, 20.0);
  CheckRange("long-tail", options.long_tail, 0.0, 5.0);
  CheckRange("co-occurrence", options.co_occurrence, 0.0, 1.0);
  CheckRange("rare", options.rare, 0.0, 0.9);
  CheckRange("label-noise", options.label_noise, 0.0, 1.0);
}

void CheckPlants(const SynthPlants& plants) {
  CheckRange("lag", plants.lag, 0.0, 1.0);
  CheckRange("order", plants.order, 0.0, 1.0);
  CheckRange("salience", plants.salience, 0.0, 1.0);
  CheckRange("modes", plants.modes, 0.0, 1.0);
  CheckRange("change", plants.change, 0.0, 1.0);
  CheckRange("dependency", plants.dependency, 0.0, 1.0);
  const double sum = plants.lag + plants.order + plants.salience + plants.modes + plants.change +
                     plants.dependency;
  // 0.2 + 0.4 + 0.3 + 0.1 is a little more than 1 in binary.
  constexpr double kRounding = 1e-9;
  if (sum > 1 + kRounding) {
    std::ostringstream text;
    text << "lag + order + salience + modes + change + dependency = " << sum
         << ", must be at most 1: they are shares of the classes";
    throw UsageError(text.str());
  }
}

void CheckFeatures(const std::vector<Feature>& features) {
  std::set<std::string> names;
  for (const auto& [name, width] : features) {
    // A record's map has one entry of each name, and these two are taken.
    if (name.empty() || name == "id" || name == "labels") {
      throw UsageError("features: '" + name + "' cannot be a feature's name");
    }
    if (!names.insert(name).second) throw UsageError("features: '" + name + "' is named twice");
    CheckRange<std::int64_t>(("features: " + name).c_str(), width, 1, 65'536);
  }
}

void CheckFrameTypes(const SynthOptions& options) {
  for (const auto& [name, type] : options.frame_types) {
    if (options.format == "video") {
      throw UsageError("frame-types: format video has no frames; its features are floats");
    }
    if (std::ranges::find(options.features, name, &Feature::first) == options.features.end()) {
      std::vector<std::string> names;
      for (const Feature& feature : options.features) names.push_back(feature.first);
      throw UsageError("frame-types: '" + name + "' is no feature; " + RefusalOf(name, names));
    }
  }
}

/// `options` with the usual features where none are named. Throws UsageError naming the option, its
/// value and what is allowed.
SynthOptions CheckedSynthOptions(const SynthOptions& options) {
  SynthOptions checked = options;
  if (checked.out.empty()) throw UsageError("out: name the folder to write to");
  if (checked.format != "video" && checked.format != "frame" && checked.format != "segment") {
    throw UsageError("format = \"" + checked.format + "\", must be video, frame or segment");
  }
  if (checked.features.empty()) checked.features = UsualFeatures(checked.format);
  CheckCounts(checked);
  CheckPlants(checked.plants);
  CheckFeatures(checked.features);
  CheckFrameTypes(checked);
  return checked;
}

// ---- The records --------------------------------------------------------------------------------

/// The noise of a mean over 32 frames is 0.18 of a single frame's; more would take longer to draw.
constexpr std::int64_t kAveragedFrames = 32;
constexpr std::int64_t kRatings = 5;         // per video in the 2019 release
constexpr std::int64_t kPositiveFrames = 3;  // a segment shows a class if most of its 5 frames do

/// Four or more characters, different for different videos, as in the releases since 2018. A step
/// through all names that shares no factor with their number comes to each of them once, in an
/// order that looks random.
std::string IdOfVideo(std::uint64_t video, std::uint64_t seed) {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::uint64_t names = 62ULL * 62 * 62 * 62;
  while (names <= video) names *= 62;
  constexpr std::uint64_t kStep = 7919;  // has no factor in common with a power of 62
  std::uint64_t rest = (video * kStep + seed % names) % names;
  std::string id;
  for (; names > 1; names /= 62, rest /= 62) id += kDigits[rest % 62];
  return id;
}

constexpr char kPartial[] = ".partial";

void SyncToDisk(const fs::path& file) {
  const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) {
    throw SystemError(file, "cannot write to the disk", errno);
  }
}

/// ShardWriter writes to temporary names; the files get their own names all together at the end.
class ShardWriter {
 public:
  ShardWriter(const fs::path& folder, const std::string& split, std::int64_t videos,
              std::int64_t shards)
      : videos_(videos), shards_(std::min(videos, shards)) {
    for (std::int64_t shard = 0; shard < shards_; ++shard) {
      std::ostringstream name;
      name << split << std::setw(4) << std::setfill('0') << shard << ".tfrecord";
      files_.push_back(folder / name.str());
    }
  }
  ~ShardWriter() {
    std::error_code ignored;  // leaving by exception: take the unfinished files away
    for (const fs::path& file : files_) fs::remove(Temporary(file), ignored);
  }
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  [[nodiscard]] const std::vector<fs::path>& files() const { return files_; }

  /// `make(video)` gives the record of a split's n-th video.
  template <typename Make>
  void Write(Make make) {
    std::int64_t video = 0;
    for (std::int64_t shard = 0; shard < shards_; ++shard) {
      TfRecordWriter writer(Temporary(files_[static_cast<std::size_t>(shard)]));
      // Shards differ by one video at most, and none is empty: shards_ is at most videos_.
      const std::int64_t end = videos_ * (shard + 1) / shards_;
      for (; video < end; ++video) writer.Write(make(video));
      writer.Close();
      // Before the rename: after a power cut the name might else stand for an empty file.
      SyncToDisk(Temporary(files_[static_cast<std::size_t>(shard)]));
    }
  }

  /// Returns the bytes written.
  std::uint64_t Publish() const {
    std::uint64_t bytes = 0;
    for (const fs::path& file : files_) {
      std::error_code failure;
      fs::rename(Temporary(file), file, failure);
      if (failure) throw Error(file.string() + ": cannot write: " + failure.message());
      bytes += fs::file_size(file);
    }
    return bytes;
  }

 private:
  static fs::path Temporary(const fs::path& file) {
    fs::path temporary = file;
    return temporary += kPartial;  // outside *.tfrecord, should one be left behind
  }

  std::int64_t videos_, shards_;
  std::vector<fs::path> files_;
};

/// A feature's frames of these codes in the type.
FrameFeature FrameFeatureOf(const std::string& name, std::size_t width, const std::string& codes,
                            FrameType type) {
  FrameFeature feature{.name = name, .width = width, .bytes = codes, .type = type};
  if (type == FrameType::kUint8) return feature;
  std::vector<float> values(codes.size());
  ReadFrame(FrameType::kUint8, codes.data(), values);
  feature.bytes = FrameOf(type, values);
  return feature;
}

/// RecordMaker makes records; each video has a random stream of its own, so shards do not change
/// its content.
class RecordMaker {
 public:
  explicit RecordMaker(const SynthOptions& options) : options_(options), world_(options) {}

  enum class Labels { kNoisy, kClean };

  [[nodiscard]] std::string Make(std::int64_t video, Labels labels) const {
    const auto number = static_cast<std::uint64_t>(video);
    Random random(options_.seed, number + 1);  // stream 0 is the world's
    ExampleContent content;
    content.id = IdOfVideo(number, options_.seed);
    // The order of the draws is part of what equal options promise: equal bytes.
    const std::vector<std::int64_t> truth = world_.DrawLabels(random);
    const SynthVideo shown = MakeVideo(options_, world_, truth, DrawLength(random), random);
    if (options_.format == "video") {
      content.values = Means(shown);
    } else {
      content.frames = Frames(shown);
    }
    if (options_.format == "segment") content.ratings = Rate(shown, truth, random);
    // The frames show the truth; only what is said of them is wrong.
    content.labels = labels == Labels::kNoisy ? AddNoise(truth, random) : truth;
    return EncodeExample(content, random);
  }

 private:
  [[nodiscard]] std::int64_t DrawLength(Random& random) const {
    const auto range = static_cast<std::uint32_t>(options_.max_frames - options_.min_frames + 1);
    const std::int64_t length =
        // The mean is 225 of 300 frames, close to the 230 of YouTube-8M 2018, and batches are
        // ragged.
        random.Chance(0.5) ? options_.max_frames : options_.min_frames + random.Below(range);
    return options_.format == "video" ? std::min(length, kAveragedFrames) : length;
  }

  [[nodiscard]] std::vector<FloatFeature> Means(const SynthVideo& video) const {
    std::vector<FloatFeature> features;
    for (std::size_t i = 0; i < options_.features.size(); ++i) {
      const auto& [name, width] = options_.features[i];
      std::vector<double> sums(static_cast<std::size_t>(width));
      for (std::size_t at = 0; at < video.codes[i].size(); ++at) {
        // Of the codes, not of the values before them: the release's means are of dequantised
        // frames.
        sums[at % sums.size()] += Dequantise(static_cast<std::uint8_t>(video.codes[i][at]));
      }
      std::vector<float> means;
      for (const double sum : sums) {
        means.push_back(static_cast<float>(sum / static_cast<double>(video.length)));
      }
      features.push_back({.name = name, .values = std::move(means)});
    }
    return features;
  }

  [[nodiscard]] std::vector<FrameFeature> Frames(const SynthVideo& video) const {
    std::vector<FrameFeature> features;
    for (std::size_t i = 0; i < options_.features.size(); ++i) {
      const auto& [name, width] = options_.features[i];
      const auto type = options_.frame_types.find(name);
      features.push_back(
          FrameFeatureOf(name, static_cast<std::size_t>(width), video.codes[i],
                         type == options_.frame_types.end() ? FrameType::kUint8 : type->second));
    }
    return features;
  }

  [[nodiscard]] std::vector<std::int64_t> AddNoise(const std::vector<std::int64_t>& truth,
                                                   Random& random) const {
    // A set, because a random label may be one that the video has.
    std::set<std::int64_t> labels;
    for (const std::int64_t label : truth) {
      const bool replaced = random.Chance(options_.label_noise);
      labels.insert(replaced ? random.Below(static_cast<std::uint32_t>(options_.classes)) : label);
    }
    return {labels.begin(), labels.end()};
  }

  /// Rates some segments, each for one class: half of the time one of the video's, so that there
  /// are both positive and negative ratings.
  [[nodiscard]] std::vector<SegmentRating> Rate(const SynthVideo& video,
                                                const std::vector<std::int64_t>& truth,
                                                Random& random) const {
    const auto segments =
        static_cast<std::uint32_t>((video.length + kSegmentFrames - 1) / kSegmentFrames);
    std::vector<SegmentRating> ratings;
    for (std::int64_t i = 0; i < kRatings; ++i) {
      const std::int64_t start = kSegmentFrames * random.Below(segments);
      const std::int64_t label = random.Chance(0.5)
                                     ? truth[random.Below(static_cast<std::uint32_t>(truth.size()))]
                                     : world_.DrawClass(random);
      const auto begin = video.owners.begin() + start;
      const auto end = begin + std::min(kSegmentFrames, video.length - start);
      const bool shown = std::count(begin, end, label) >= kPositiveFrames;
      ratings.push_back({.label = label,
                         .start = start,
                         .end = start + kSegmentFrames,
                         .score = shown ? 1.0F : 0.0F});
    }
    return ratings;
  }

  const SynthOptions& options_;
  SynthWorld world_;
};

void CreateFolder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw SystemError(folder, "cannot create the folder", failure.value());
}

/// Refuses a folder in which a recipe's globs would find other records too; takes away what a run
/// that was killed has left. Nobody else writes here.
void PrepareFolder(const fs::path& folder, const std::vector<fs::path>& files) {
  std::error_code failure;
  std::vector<fs::path> partial;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failure)) {
    const fs::path& path = entry.path();
    const std::string name = path.filename().string();
    if (!name.starts_with("train") && !name.starts_with("validate")) continue;
    if (name.ends_with(std::string(".tfrecord") + kPartial)) partial.push_back(path);
    if (path.extension() == ".tfrecord" &&
        std::find(files.begin(), files.end(), path) == files.end()) {
      throw UsageError(path.string() +
                       ": is of another dataset, which train*.tfrecord and validate*.tfrecord "
                       "would mix with the new one; remove it or choose another folder");
    }
  }
  if (failure) throw SystemError(folder, "cannot read the folder", failure.value());
  for (const fs::path& path : partial) fs::remove(path, failure);
}

}  // namespace

std::vector<Feature> UsualFeatures(const std::string& format) {
  if (format == "video") return {{"mean_rgb", 1024}, {"mean_audio", 128}};
  return {{"rgb", 1024}, {"audio", 128}};
}

SynthReport WriteSynthetic(const SynthOptions& options) {
  const SynthOptions checked = CheckedSynthOptions(options);
  // A fifth, about as the real splits have it (1.1 of 5.0 million).
  const std::int64_t validate_videos = std::max<std::int64_t>(1, checked.videos / 5);
  const std::int64_t train_videos = checked.videos - validate_videos;
  ShardWriter train(checked.out, "train", train_videos, checked.shards);
  ShardWriter validate(checked.out, "validate", validate_videos, checked.shards);
  std::vector<fs::path> files = train.files();
  files.insert(files.end(), validate.files().begin(), validate.files().end());
  CreateFolder(checked.out);
  const FolderLock lock(checked.out);
  PrepareFolder(checked.out, files);

  const RecordMaker maker(checked);
  train.Write([&](std::int64_t video) { return maker.Make(video, RecordMaker::Labels::kNoisy); });
  validate.Write([&](std::int64_t video) {
    // Numbered on behind the training videos: no video is in both splits.
    return maker.Make(train_videos + video, RecordMaker::Labels::kClean);
  });
  SynthReport report{.train = train.files(),
                     .validate = validate.files(),
                     .train_videos = train_videos,
                     .validate_videos = validate_videos};
  // All are written by now, so the time in which old and new stand side by side is short. Whoever
  // is stopped within it leaves the mark.
  MarkUnfinished(checked.out, "beamgrid data synth");
  report.bytes = train.Publish();
  report.bytes += validate.Publish();
  MarkFinished(checked.out);
  return report;
}

}  // namespace beamgrid
