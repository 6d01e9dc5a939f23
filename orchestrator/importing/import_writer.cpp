#include "orchestrator/importing/import_writer.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "orchestrator/importing/values.h"
#include "registry/util/checked_lines.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/half_written.h"
#include "registry/util/input_error.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "registry/util/threads.h"
#include "registry/util/unique_fd.h"
#include "registry/util/utf8.h"
#include "trainer/data/example_writer.h"
#include "trainer/data/tfrecord.h"
#include "trainer/data/unfinished.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kManifest[] = "manifest.json";
constexpr char kVocabulary[] = "vocabulary.csv";
constexpr char kJournal[] = ".import-finished-shards";
/// Of the left out videos of one kind, so many are named in the manifest.
constexpr std::size_t kNamedInManifest = 1000;

/// Other readers of protocol buffers take no message of 2 GiB.
constexpr std::size_t kLargestRecord = (std::size_t{1} << 31) - 1;

/// FinishedShard is a line of the journal.
struct FinishedShard {
  std::string name, key;
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> clipped, vanished;  ///< by feature
};

void RemoveIfThere(const fs::path& path) {
  std::error_code failure;
  fs::remove(path, failure);
  if (failure) throw SystemError(path, "cannot remove", failure.value());
}

/// Journal is the list of the shards that are finished, in a file of the folder.
class Journal {
 public:
  explicit Journal(const fs::path& folder) : file_(folder / kJournal) {
    ReadCheckedLines(file_, [this](std::string_view line) {
      std::istringstream words{std::string(line)};
      FinishedShard shard;
      if (!(words >> shard.name >> shard.key >> shard.bytes)) return;
      for (std::uint64_t clipped = 0, vanished = 0; words >> clipped >> vanished;) {
        shard.clipped.push_back(clipped);
        shard.vanished.push_back(vanished);
      }
      shards_[shard.name] = shard;
    });
  }

  [[nodiscard]] bool IsThere() const {
    std::error_code ignored;
    return fs::exists(file_, ignored);
  }
  /// Makes the file.
  void Begin() const { WriteFileAtomically(file_, ""); }
  void Add(const FinishedShard& shard) const {
    std::ostringstream text;
    text << shard.name << ' ' << shard.key << ' ' << shard.bytes;
    for (std::size_t i = 0; i < shard.clipped.size(); ++i) {
      text << ' ' << shard.clipped[i] << ' ' << shard.vanished[i];
    }
    AppendLines(file_, CheckedLine(text.str()), LineFileSize::kSmall);
  }
  void Remove() const { RemoveIfThere(file_); }
  [[nodiscard]] const std::map<std::string, FinishedShard>& shards() const { return shards_; }

 private:
  fs::path file_;
  std::map<std::string, FinishedShard> shards_;
};

void Publish(const fs::path& temporary, const fs::path& file) {
  {
    const UniqueFd opened(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
    // Before the rename: after a power cut the name might else stand for an empty file.
    if (opened.get() < 0 || ::fsync(opened.get()) != 0) {
      throw SystemError(temporary, "cannot write to the disk", errno);
    }
  }
  std::error_code failure;
  fs::rename(temporary, file, failure);
  if (failure) throw SystemError(file, "cannot rename to its final name", failure.value());
  // The name reaches the disk with the manifest's at the latest: a shard whose name a power cut
  // took is written again, whatever the journal says of it.
}

FrameType FrameTypeOf(Element element) {
  return element == Element::kUint8     ? FrameType::kUint8
         : element == Element::kFloat16 ? FrameType::kFloat16
                                        : FrameType::kFloat32;
}

/// RecordCoder makes the records of a plan's videos. May be used by several threads.
class RecordCoder {
 public:
  RecordCoder(const ImportPlan& plan, const LabelOptions& names) : plan_(plan), names_(names) {}

  /// The numbers of `counts` are added to.
  [[nodiscard]] std::string Encode(const ImportedVideo& video, FinishedShard* counts) const {
    ExampleContent content{.id = video.id};
    if (video.labels != nullptr) AddLabels(*video.labels, &content);
    for (std::size_t i = 0; i < plan_.features.size(); ++i) {
      const ImportedFeature& feature = plan_.features[i];
      const ArraySource& source = *feature.source;
      const std::size_t index = video.arrays[i];
      CodedValues coded = Code(source.PlaceOf(index), source.arrays()[index].form,
                               source.Read(index), feature.type);
      counts->clipped[i] += coded.clipped;
      counts->vanished[i] += coded.vanished;
      if (plan_.level == ArrayLevel::kVideo) {
        content.values.push_back({.name = feature.input.name, .values = Floats(coded.bytes)});
      } else {
        content.frames.push_back({.name = feature.input.name,
                                  .width = feature.width,
                                  .bytes = std::move(coded.bytes),
                                  .type = FrameTypeOf(feature.type)});
      }
    }
    // The order of a record's entries depends on the video alone.
    Random random(XXH3_64bits(video.id.data(), video.id.size()));
    std::string record = EncodeExample(content, random);
    if (record.size() > kLargestRecord) {
      throw InputError("the video '" + video.id +
                       "' makes a record of more than 2 GiB; cut it into several");
    }
    return record;
  }

 private:
  void AddLabels(const VideoLabels& labels, ExampleContent* content) const {
    content->labels = labels.labels;
    if (!labels.weights.empty()) {
      content->values.push_back({.name = kWeights, .values = labels.weights});
    }
    if (labels.video_weight) {
      content->values.push_back(
          {.name = names_.video_weight_column, .values = {*labels.video_weight}});
    }
    if (!names_.grouped_by().empty()) {
      content->texts.push_back({.name = names_.grouped_by(), .text = labels.group});
    }
  }

  static std::vector<float> Floats(const std::string& bytes) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  const ImportPlan& plan_;
  const LabelOptions& names_;  ///< of columns
};

/// ImportWriter writes the shards that are not there yet.
class ImportWriter {
 public:
  ImportWriter(const ImportOptions& options, const ImportPlan& plan, const ImportProgress& progress)
      : options_(options), plan_(plan), progress_(progress), coder_(plan, options.labels) {}

  ImportReport Write() {
    report_.clipped.assign(plan_.features.size(), 0);
    report_.vanished.assign(plan_.features.size(), 0);
    if (WasThere()) return std::move(report_);
    PrepareFolder();
    const FolderLock lock(options_.out);
    const Journal journal(options_.out);
    BeginFolder(journal);
    std::vector<std::size_t> todo;
    for (std::size_t i = 0; i < plan_.shards.size(); ++i) {
      total_ += plan_.BytesOf(plan_.shards[i]);
      if (!Keep(plan_.shards[i], journal)) todo.push_back(i);
    }
    ForEachOnThreads(options_.threads, todo.size(), [&](std::size_t i) {
      const FinishedShard finished = WriteShard(plan_.shards[todo[i]]);
      const std::lock_guard lock_report(mutex_);
      journal.Add(finished);
      Count(finished);
    });
    FinishFolder(journal);
    return std::move(report_);
  }

 private:
  /// True if a finished import of this plan is in the folder.
  bool WasThere() {
    std::error_code ignored;
    const fs::path path = options_.out / kManifest;
    if (IsUnfinished(options_.out) || !fs::exists(path, ignored)) return false;
    report_.manifest = ReadFile(path);
    try {
      const boost::json::value manifest = ParseJson(report_.manifest);
      const JsonReader reader(manifest, "");
      // The key is that of all shards in a row, which does not say where a split ends.
      report_.was_there = reader.Text("key") == plan_.key && FilesOf(reader) == FilesOf(plan_);
    } catch (const std::invalid_argument&) {
      // Somebody else's file: the folder is not empty, which is said later.
    }
    // Of an import that was killed when all else was done: with its journal, another import would
    // take the folder for its own and write over what is finished.
    if (HoldsImport()) Journal(options_.out).Remove();
    if (report_.was_there) RequireFiles();
    return report_.was_there;
  }

  /// Throws where a file of a finished import is gone.
  void RequireFiles() const {
    std::error_code ignored;
    for (const ImportedShard& shard : plan_.shards) {
      if (fs::exists(options_.out / shard.name, ignored)) continue;
      throw InputError(options_.out.string() + ": holds an import of these videos whose file " +
                       shard.name + " is gone; delete the folder and import again");
    }
  }

  static std::set<std::string> FilesOf(const JsonReader& manifest) {
    std::set<std::string> files;
    for (const auto& split : manifest.Object("splits").object()) {
      for (const auto& file : JsonReader(split.value(), "splits").List("files")) {
        files.emplace(file.as_string());
      }
    }
    return files;
  }
  static std::set<std::string> FilesOf(const ImportPlan& plan) {
    std::set<std::string> files;
    for (const ImportedShard& shard : plan.shards) files.insert(shard.name);
    return files;
  }

  /// True if an import, of whatever, was finished in the folder.
  [[nodiscard]] bool HoldsImport() const {
    std::error_code ignored;
    const fs::path path = options_.out / kManifest;
    return fs::is_regular_file(path, ignored) &&
           ReadFile(path).find("\"beamgrid_import\"") != std::string::npos;
  }

  void PrepareFolder() const {
    std::error_code failure;
    fs::create_directories(options_.out, failure);
    if (failure) throw SystemError(options_.out, "cannot create the folder", failure.value());
  }

  /// Refuses a folder of others; takes away what a stopped import left that is of no use.
  void BeginFolder(const Journal& journal) const {
    std::error_code failure;
    // Of an import that was killed before it had begun.
    RemoveHalfWrittenOf(options_.out / kJournal);
    if (!journal.IsThere()) {
      for (const fs::directory_entry& entry : fs::directory_iterator(options_.out, failure)) {
        throw UsageError(options_.out.string() + ": is not empty (" +
                         WellFormedUtf8(entry.path().filename().string()) + ")" +
                         (HoldsImport()
                              ? "; it holds an import of other arrays, labels or options: delete "
                                "it, or name a new folder with --out"
                              : "; name a new folder with --out"));
      }
      if (failure) throw SystemError(options_.out, "cannot list the folder", failure.value());
      journal.Begin();
    }
    MarkUnfinished(options_.out, "beamgrid data import");
    RemoveHalfWritten(options_.out);
    // A shard may also have been finished a moment before its line was written.
    std::vector<fs::path> stale;
    for (const fs::directory_entry& entry : fs::directory_iterator(options_.out, failure)) {
      const std::string name = entry.path().filename().string();
      const bool ours = std::ranges::any_of(kAllSplits, [&](Split split) {
        return name.starts_with(NameOf(split) + std::string("-")) && name.ends_with(".tfrecord");
      });
      if (ours &&
          std::ranges::find(plan_.shards, name, &ImportedShard::name) == plan_.shards.end()) {
        stale.push_back(entry.path());
      }
    }
    if (failure) throw SystemError(options_.out, "cannot list the folder", failure.value());
    for (const fs::path& path : stale) RemoveIfThere(path);
  }

  bool Keep(const ImportedShard& shard, const Journal& journal) {
    const auto known = journal.shards().find(shard.name);
    if (known == journal.shards().end() || known->second.key != shard.key ||
        known->second.clipped.size() != plan_.features.size()) {
      return false;
    }
    std::error_code missing;
    const std::uintmax_t size = fs::file_size(options_.out / shard.name, missing);
    if (missing || size != known->second.bytes) return false;
    Count(known->second);
    ++report_.kept_shards;
    done_ += plan_.BytesOf(shard);
    return true;
  }

  void Count(const FinishedShard& shard) {
    report_.bytes += shard.bytes;
    for (std::size_t i = 0; i < shard.clipped.size(); ++i) {
      report_.clipped[i] += shard.clipped[i];
      report_.vanished[i] += shard.vanished[i];
    }
  }

  FinishedShard WriteShard(const ImportedShard& shard) {
    const fs::path file = options_.out / shard.name;
    const fs::path temporary = HalfWrittenName(file);
    FinishedShard finished{.name = shard.name, .key = shard.key};
    finished.clipped.assign(plan_.features.size(), 0);
    finished.vanished.assign(plan_.features.size(), 0);
    try {
      TfRecordWriter writer(temporary);
      for (std::size_t i = shard.begin; i < shard.end; ++i) {
        const ImportedVideo& video = plan_.VideosOf(shard.split)[i];
        const std::string record = coder_.Encode(video, &finished);
        writer.Write(record);
        finished.bytes += record.size() + kRecordOverhead;
        Advance(shard, i);
      }
      writer.Close();
      Publish(temporary, file);
    } catch (const std::exception&) {
      std::error_code ignored;
      fs::remove(temporary, ignored);
      throw;
    }
    return finished;
  }

  void Advance(const ImportedShard& shard, std::size_t video) {
    const std::uint64_t bytes =
        plan_.BytesOf({.begin = video, .end = video + 1, .split = shard.split});
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    progress_(done_, total_);
  }

  void FinishFolder(const Journal& journal) {
    if (!plan_.labels.class_names.empty()) {
      WriteFileAtomically(options_.out / kVocabulary,
                          VocabularyText(plan_.labels.class_names, plan_.train_videos));
    } else {
      RemoveIfThere(options_.out / kVocabulary);  // of other labels, that was stopped at its end
    }
    report_.manifest = CanonicalJson(Manifest()) + "\n";
    WriteFileAtomically(options_.out / kManifest, report_.manifest);
    MarkFinished(options_.out);
    // Last: as long as it is there, a next import knows the folder as its own.
    journal.Remove();
  }

  [[nodiscard]] boost::json::object Manifest() const {
    boost::json::object splits;
    for (const Split split : kAllSplits) {
      boost::json::array files;
      for (const ImportedShard& shard : plan_.shards) {
        if (shard.split == split) files.emplace_back(shard.name);
      }
      if (files.empty()) continue;
      splits[NameOf(split)] = boost::json::object{
          {"files", std::move(files)},
          {"videos", plan_.VideosOf(split).size()},
          {"videos_with_one_class", plan_.with_one_class[static_cast<std::size_t>(split)]}};
    }
    boost::json::array features;
    for (std::size_t i = 0; i < plan_.features.size(); ++i) {
      const ImportedFeature& feature = plan_.features[i];
      boost::json::object one{{"name", feature.input.name},
                              {"width", feature.width},
                              {"type", NameOf(feature.type)},
                              {"from", WellFormedUtf8(feature.input.pattern)}};
      if (!feature.input.member.empty()) one["member"] = WellFormedUtf8(feature.input.member);
      if (feature.type == Element::kUint8) one["clipped"] = report_.clipped[i];
      if (report_.vanished[i] > 0) one["vanished"] = report_.vanished[i];
      features.push_back(std::move(one));
    }
    boost::json::array left_out;
    for (const LeftOutVideos& group : plan_.left_out) {
      boost::json::array ids;
      for (std::size_t i = 0; i < std::min(group.ids.size(), kNamedInManifest); ++i) {
        ids.emplace_back(WellFormedUtf8(group.ids[i]));
      }
      left_out.push_back(boost::json::object{
          {"why", group.why}, {"videos", group.ids.size()}, {"ids", std::move(ids)}});
    }
    const std::uint64_t videos = VideosInAll();
    boost::json::object manifest{
        {"beamgrid_import", 1},
        {"key", plan_.key},
        {"format", plan_.level == ArrayLevel::kVideo ? "video" : "frame"},
        {"features", std::move(features)},
        {"classes", plan_.labels.classes},
        {"classes_without_training_videos", std::ranges::count(plan_.train_videos, 0)},
        {"splits", std::move(splits)},
        {"split_by", SplitBy()},
        {"left_out", std::move(left_out)}};
    if (plan_.labelled) {
      manifest["labels"] =
          boost::json::object{{"from", WellFormedUtf8(options_.labels.path)},
                              {"column", plan_.labels.column},
                              {"hash", plan_.labels.hash},
                              {"left_out_for_their_weight", plan_.labels.light_labels}};
    }
    if (!options_.labels.video_weight_column.empty()) {
      manifest["video_weight"] = options_.labels.video_weight_column;
    }
    if (!options_.labels.grouped_by().empty()) manifest["groups"] = Groups();
    if (!plan_.labels.class_names.empty()) manifest["vocabulary"] = kVocabulary;
    if (plan_.level == ArrayLevel::kFrame) {
      manifest["frames"] = boost::json::object{
          {"min", plan_.min_frames},
          {"mean", static_cast<double>(plan_.frames) / static_cast<double>(videos)},
          {"max_common", plan_.max_common_frames},
          {"max", plan_.max_frames},
          {"videos_with_unequal_features", plan_.unequal}};
      if (plan_.unequal > 0) {
        manifest["frames"].as_object()["mean_of_longest"] =
            static_cast<double>(plan_.longest_frames) / static_cast<double>(videos);
        manifest["frames"].as_object()["own_rates"] = plan_.HasOwnRates();
      }
    }
    return manifest;
  }

  [[nodiscard]] boost::json::object Groups() const {
    boost::json::object groups{{"by", options_.labels.grouped_by()},
                               {"in_train_and_validate", plan_.groups_in_both}};
    for (const Split split : kAllSplits) {
      const std::size_t number = plan_.groups[static_cast<std::size_t>(split)];
      if (number > 0) groups[NameOf(split)] = number;
    }
    return groups;
  }

  [[nodiscard]] std::uint64_t VideosInAll() const {
    std::uint64_t videos = 0;
    for (const auto& split : plan_.videos) videos += split.size();
    return videos;
  }

  [[nodiscard]] boost::json::object SplitBy() const {
    if (!options_.labels.split_column.empty()) {
      return {{"column", options_.labels.split_column}};
    }
    if (!plan_.labelled) return {};
    boost::json::object by{{"holdout", options_.holdout}};
    if (!options_.labels.held_out_by().empty()) by["groups_of"] = options_.labels.held_out_by();
    return by;
  }

  const ImportOptions& options_;
  const ImportPlan& plan_;
  const ImportProgress& progress_;
  RecordCoder coder_;
  ImportReport report_;
  std::mutex mutex_;  ///< of report_, done_ and progress_
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

ImportReport WriteImport(const ImportOptions& options, const ImportPlan& plan,
                         const ImportProgress& progress) {
  return ImportWriter(options, plan, progress).Write();
}

}  // namespace beamgrid
