#include "trainer/data/census.h"

#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "registry/util/cache_folder.h"
#include "registry/util/files.h"
#include "registry/util/hash_cache.h"
#include "registry/util/printable.h"
#include "trainer/data/census_file.h"
#include "trainer/data/decoder.h"
#include "trainer/data/digest.h"
#include "trainer/data/unfinished.h"
#include "trainer/data/video_group_records.h"

namespace beamgrid {
namespace {

/// Counts up whenever RecordDecoder accepts or refuses other records than before, or a census finds
/// something else in the same bytes: conclusions that are kept would be wrong.
constexpr int kCensusVersion = 2;

/// Bytes that a reader maps before it gives the pages back.
constexpr std::uint64_t kMappedBytes = 32 << 20;
/// Bytes that it brings in at once.
constexpr std::uint64_t kLoadedBytes = 4 << 20;

// What the bit widths of IdAt can hold; Dataset has the same limits.
constexpr int kOffsetBits = 40;
constexpr std::uint64_t kLargestFile = std::uint64_t{1} << kOffsetBits;
constexpr std::size_t kMostFiles = std::size_t{1} << 24;

/// IdAt is an id by its hash, of 128 bits so that equal hashes are equal ids, and its record.
struct IdAt {
  std::uint64_t high = 0, low = 0;
  std::uint64_t place = 0;  ///< file and offset in one number, in the order of both
  auto operator<=>(const IdAt&) const = default;
  [[nodiscard]] bool SameId(const IdAt& other) const {
    return high == other.high && low == other.low;
  }
};

IdAt IdAtPlace(std::string_view id, const PlaceInFiles& place) {
  const XXH128_hash_t hash = XXH3_128bits(id.data(), id.size());
  return {
      .high = hash.high64, .low = hash.low64, .place = place.file << kOffsetBits | place.offset};
}

PlaceInFiles PlaceOf(const IdAt& id) {
  return {.file = id.place >> kOffsetBits, .offset = id.place & (kLargestFile - 1)};
}

std::string SegmentId(std::string_view video, std::int64_t start) {
  return std::string(video) + ":" + std::to_string(start);
}

// ---- One file -----------------------------------------------------------------------------------

/// FileScan is what one file holds.
struct FileScan {
  FileStamp stamp;
  std::string hash;  ///< empty: it was known
  SplitCensus found;
  std::vector<IdAt> examples;
  std::vector<IdAt> videos;  ///< with format "segment"; else the examples are the videos
  GroupNotes groups;
};

enum class Hashing { kNo, kYes };

/// FileTask is a file to read.
struct FileTask {
  const std::string* path = nullptr;
  std::size_t index = 0;  ///< in its list
  bool in_train = true;
  Hashing hashing = Hashing::kYes;
};

/// FileReader reads files one after the other.
class FileReader {
 public:
  FileReader(const DataSpec& spec, const std::string& group, std::atomic<std::uint64_t>& bytes_done)
      : segments_(spec.format == "segment"),
        group_(group),
        decoder_(spec, LabelPolicy::kRequired),
        bytes_done_(bytes_done) {}

  [[nodiscard]] FileScan Read(const FileTask& task) {
    const std::string& path = *task.path;
    const std::size_t index = task.index;
    const Hashing hashing = task.hashing;
    in_train_ = task.in_train;
    scan_ = {.stamp = StampOf(path), .groups = GroupNotes(group_)};
    const TfRecordFile file(path);
    if (file.size_bytes() >= kLargestFile || index >= kMostFiles) {
      throw Error(path + ": more than 1 TiB in a file or 2^24 files are not supported");
    }
    if (file.size_bytes() == 0) scan_.found.empty_files.push_back(index);
    ContentHash hash;
    std::uint64_t released = 0, loaded = 0;
    for (PlaceInFiles place{.file = index}; place.offset < file.size_bytes();) {
      // Ahead of the record: a disk that fails is an error then, and no end of the process.
      loaded = std::max(loaded, place.offset);
      for (; loaded < place.offset + kLoadedBytes / 2; loaded += kLoadedBytes) {
        file.Prefetch(loaded, kLoadedBytes);
      }
      const std::uint64_t next = ReadRecord(file, place);
      if (hashing == Hashing::kYes) {
        // Just read for its CRC: the bytes are still in the processor's cache.
        hash.Add(file.Bytes(place.offset, next - place.offset).data(), next - place.offset);
      }
      bytes_done_ += next - place.offset;
      place.offset = next;
      if (place.offset - released < kMappedBytes) continue;
      file.ReleasePages();
      released = place.offset;
    }
    if (StampOf(path) != scan_.stamp) RefuseChanging(path);
    if (hashing == Hashing::kYes) scan_.hash = hash.Digits();
    return std::move(scan_);
  }

 private:
  /// Returns where the next record begins; the file's end behind a damaged length.
  std::uint64_t ReadRecord(const TfRecordFile& file, const PlaceInFiles& place) {
    std::uint64_t next = file.size_bytes();
    try {
      next = file.Skip(place.offset);
      const Record record = file.Read(place.offset);
      if (segments_) {
        ReadSegments(record, file.path(), place);
      } else {
        decoder_.Decode(record, file.path(), video_);
        AddExample(IdAtPlace(video_.id, place));
        AddGroup();
      }
    } catch (const DataError& error) {
      AddFault(error, place);
    }
    return next;
  }

  void ReadSegments(const Record& record, const std::string& path, const PlaceInFiles& place) {
    const std::vector<std::int64_t> starts = decoder_.SegmentStarts(record, path);
    if (starts.empty()) ++scan_.found.without_segments;
    bool any = false;
    for (const std::int64_t start : starts) {
      try {
        decoder_.DecodeSegment(record, path, start, video_);
        AddExample(IdAtPlace(SegmentId(video_.id, start), place));
        any = true;
      } catch (const DataError& error) {
        AddFault(error, place);  // by segment, as training counts them
      }
    }
    if (!any) return;
    scan_.videos.push_back(IdAtPlace(video_.id, place));
    AddGroup();
  }

  void AddGroup() {
    if (group_.empty()) return;
    if (in_train_) {
      scan_.groups.AddTraining(decoder_.example());
    } else {
      scan_.groups.AddValidation(decoder_.example());
    }
  }

  void AddExample(const IdAt& id) {
    scan_.examples.push_back(id);
    ++scan_.found.examples;
    if (video_.frames_apart > 0) ++scan_.found.unequal;
    scan_.found.most_unequal = std::max(scan_.found.most_unequal, video_.frames_apart);
    scan_.found.labels += std::ssize(video_.labels);
    if (video_.weight == 0) ++scan_.found.weightless;
  }

  void AddFault(const DataError& error, const PlaceInFiles& place) {
    const bool contradicts = error.fault() == DataFault::kContradiction;
    SplitCensus& found = scan_.found;
    ++(contradicts ? found.contradicting : found.damaged);
    std::vector<RecordFault>& shown = contradicts ? found.contradictions : found.damages;
    if (shown.size() < kShownFaults) shown.push_back({place, PrintableLine(error.reason())});
  }

  bool segments_, in_train_ = true;
  std::string group_;
  RecordDecoder decoder_;
  std::atomic<std::uint64_t>& bytes_done_;
  DecodedVideo video_;
  FileScan scan_;
};

// ---- All files ----------------------------------------------------------------------------------

/// ReadAll reads the files with several readers. Returns the scans in the order of the tasks.
class ReadAll {
 public:
  ReadAll(const DataSpec& spec, const CensusOptions& options, const std::vector<FileTask>& tasks)
      : spec_(spec), options_(options), tasks_(tasks), scans_(tasks.size()) {}

  [[nodiscard]] std::vector<FileScan> Run(std::uint64_t total_bytes) {
    {
      std::vector<std::jthread> readers;
      const auto count = std::clamp<std::size_t>(static_cast<std::size_t>(options_.threads), 1,
                                                 std::max<std::size_t>(1, tasks_.size()));
      running_ = count;
      for (std::size_t i = 0; i < count; ++i) readers.emplace_back([this] { ReadSome(); });
      std::unique_lock lock(mutex_);
      while (!ended_.wait_for(lock, options_.interval, [this] { return running_ == 0; })) {
        if (options_.progress) options_.progress(bytes_done_, total_bytes);
      }
    }
    if (error_) std::rethrow_exception(error_);
    return std::move(scans_);
  }

 private:
  void ReadSome() {
    try {
      FileReader reader(spec_, options_.group, bytes_done_);
      for (std::size_t i = next_++; i < tasks_.size(); i = next_++) {
        scans_[i] = reader.Read(tasks_[i]);
      }
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!error_) error_ = std::current_exception();  // handed to the caller
      next_ = tasks_.size();
    }
    const std::scoped_lock lock(mutex_);
    --running_;
    ended_.notify_all();
  }

  const DataSpec& spec_;
  const CensusOptions& options_;
  const std::vector<FileTask>& tasks_;
  std::vector<FileScan> scans_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::uint64_t> bytes_done_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;   ///< readers
  std::exception_ptr error_;  ///< the first
};

template <typename Item>
void AppendFirst(std::vector<Item>&& items, std::vector<Item>& all) {
  for (Item& item : items) {
    if (all.size() < kShownFaults) all.push_back(std::move(item));
  }
}

void Append(std::vector<IdAt>&& ids, std::vector<IdAt>& all) {
  all.insert(all.end(), ids.begin(), ids.end());
  ids = {};
}

/// SplitIds is the ids of a list of files, sorted once all files are in.
struct SplitIds {
  std::vector<IdAt> examples, videos;
  [[nodiscard]] const std::vector<IdAt>& OfVideos() const {
    return videos.empty() ? examples : videos;
  }
};

void Add(FileScan&& scan, SplitCensus& split, SplitIds& ids) {
  split.examples += scan.found.examples;
  split.labels += scan.found.labels;
  split.weightless += scan.found.weightless;
  split.damaged += scan.found.damaged;
  split.contradicting += scan.found.contradicting;
  split.unequal += scan.found.unequal;
  split.most_unequal = std::max(split.most_unequal, scan.found.most_unequal);
  split.without_segments += scan.found.without_segments;
  AppendFirst(std::move(scan.found.damages), split.damages);
  AppendFirst(std::move(scan.found.contradictions), split.contradictions);
  split.empty_files.insert(split.empty_files.end(), scan.found.empty_files.begin(),
                           scan.found.empty_files.end());
  Append(std::move(scan.examples), ids.examples);
  Append(std::move(scan.videos), ids.videos);
}

// ---- Ids that are there twice -------------------------------------------------------------------

/// Returns the id of a record whose hash is known, read again.
std::string IdTextAt(const DataSpec& spec, const std::string& path, const IdAt& id) {
  const PlaceInFiles place = PlaceOf(id);
  const TfRecordFile file(path);
  const Record record = file.Read(place.offset);
  ExampleView example;
  ParseExample(record.payload, example);
  const std::string video(IdOf(example));
  if (IdAtPlace(video, place).SameId(id)) return PrintableLine(video);
  for (const std::int64_t start :
       RecordDecoder(spec, LabelPolicy::kRequired).SegmentStarts(record, path)) {
    if (IdAtPlace(SegmentId(video, start), place).SameId(id)) {
      return PrintableLine(SegmentId(video, start));
    }
  }
  RefuseChanging(path);
}

using IdPair = std::pair<IdAt, IdAt>;

/// Returns the first pairs by the place of the second, whose file is one of `files`.
std::vector<RepeatedId> FirstRepeats(const DataSpec& spec, std::vector<IdPair> pairs,
                                     const std::vector<std::string>& files) {
  const std::size_t count = std::min(pairs.size(), kShownFaults);
  std::partial_sort(
      pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(count), pairs.end(),
      [](const IdPair& a, const IdPair& b) { return a.second.place < b.second.place; });
  std::vector<RepeatedId> repeats;
  for (std::size_t i = 0; i < count; ++i) {
    const PlaceInFiles first = PlaceOf(pairs[i].first), second = PlaceOf(pairs[i].second);
    repeats.push_back({.id = IdTextAt(spec, files.at(second.file), pairs[i].second),
                       .first = first,
                       .second = second});
  }
  return repeats;
}

/// Finds the examples of one list that are there twice. Sorts them.
void FindRepeats(const DataSpec& spec, const std::vector<std::string>& files,
                 std::vector<IdAt>& examples, SplitCensus& split) {
  std::ranges::sort(examples);
  std::vector<IdPair> pairs;
  for (std::size_t i = 1, first = 0; i < examples.size(); ++i) {
    if (!examples[i].SameId(examples[first])) {
      first = i;
    } else {
      pairs.emplace_back(examples[first], examples[i]);
    }
  }
  split.repeated = std::ssize(pairs);
  split.repeats = FirstRepeats(spec, std::move(pairs), files);
}

/// Finds the videos of validate that are in train. Both are sorted.
void FindShared(const DataSpec& spec, const std::vector<IdAt>& train,
                const std::vector<IdAt>& validate, Census& census) {
  std::vector<IdPair> pairs;
  auto known = train.begin();
  for (auto video = validate.begin(); video != validate.end(); ++video) {
    // Each id once, however often it is in either list.
    if (video != validate.begin() && video->SameId(*std::prev(video))) continue;
    const auto before = [](const IdAt& a, const IdAt& b) {
      return std::pair(a.high, a.low) < std::pair(b.high, b.low);
    };
    while (known != train.end() && before(*known, *video)) ++known;
    if (known != train.end() && known->SameId(*video)) pairs.emplace_back(*known, *video);
  }
  census.shared = std::ssize(pairs);
  census.shared_videos = FirstRepeats(spec, std::move(pairs), spec.validate);
}

Census Conclude(const DataSpec& spec, std::vector<FileScan> scans) {
  Census census;
  SplitIds train, validate;
  std::size_t train_examples = 0;
  for (std::size_t i = 0; i < spec.train.size(); ++i) train_examples += scans[i].examples.size();
  train.examples.reserve(train_examples);  // a vector that grows may hold twice its elements
  for (std::size_t i = 0; i < scans.size(); ++i) {
    const bool in_train = i < spec.train.size();
    Add(std::move(scans[i]), in_train ? census.train : census.validate,
        in_train ? train : validate);
  }
  FindRepeats(spec, spec.train, train.examples, census.train);
  FindRepeats(spec, spec.validate, validate.examples, census.validate);
  std::ranges::sort(train.videos);
  std::ranges::sort(validate.videos);
  FindShared(spec, train.OfVideos(), validate.OfVideos(), census);
  return census;
}

// ---- What is known already ----------------------------------------------------------------------

/// Returns the name of what was concluded: all that a conclusion depends on, in the order of the
/// files, because it names them by their numbers.
std::string ConclusionKey(const DataSpec& spec, const std::vector<std::string>& hashes) {
  std::string text = std::to_string(kCensusVersion) + "\n" + spec.format + "\n" +
                     std::to_string(spec.classes) + " " + std::to_string(spec.max_frames) + "\n";
  for (const auto& [name, width] : spec.features) {
    text += name + "=" + std::to_string(width) + "\n";
  }
  // Behind a word that is no feature: conclusions about what has none of these stay those they
  // were.
  for (const auto& [name, type] : spec.frame_types) {
    text += "type " + name + " " + WordFor(kFrameTypes, type) + "\n";
  }
  if (spec.frame_alignment != FrameAlignment::kCut) {
    text += std::string("frames ") + WordFor(kFrameAlignments, spec.frame_alignment) + "\n";
  }
  if (spec.multi_class) text += "multi_class\n";
  if (!spec.video_weight.empty()) text += "video_weight " + spec.video_weight + "\n";
  text += std::to_string(spec.train.size());
  for (const std::string& hash : hashes) text += "\n" + hash;
  return HashBytes(text);
}

/// Taking is one census being taken.
class Taking {
 public:
  Taking(const DataSpec& spec, const CensusOptions& options)
      : spec_(spec), options_(options), cache_(options.cache) {
    for (const std::string& file : spec.train)
      tasks_.push_back({.path = &file, .index = tasks_.size()});
    for (const std::string& file : spec.validate) {
      tasks_.push_back(
          {.path = &file, .index = tasks_.size() - spec.train.size(), .in_train = false});
    }
  }

  [[nodiscard]] Census Run() {
    LookForHashes();
    std::optional<Census> census = Recall();
    if (!census) census = Read();
    cache_.Save();
    const auto validate = hashes_.begin() + std::ssize(spec_.train);
    census->digest = DataDigest(
        spec_, {.train = {hashes_.begin(), validate}, .validate = {validate, hashes_.end()}});
    if (options_.cache && groups_) KeepVideoGroups(*options_.cache, census->digest, *groups_);
    FindSameFiles(*census);
    FindUnfinished(*census);
    return *std::move(census);
  }

 private:
  void LookForHashes() {
    for (FileTask& task : tasks_) {
      const FileStamp stamp = StampOf(*task.path);
      std::optional<std::string> hash;
      if (options_.reading == CensusOptions::Reading::kWhatIsNew) hash = cache_.Find(stamp);
      task.hashing = hash ? Hashing::kNo : Hashing::kYes;
      all_known_ = all_known_ && hash;
      hashes_.push_back(hash.value_or(""));
      sizes_.push_back(stamp.size);
      total_bytes_ += stamp.size;
    }
  }

  [[nodiscard]] std::filesystem::path ConclusionPath() const {
    return *options_.cache / ("census-" + ConclusionKey(spec_, hashes_));
  }

  [[nodiscard]] std::optional<Census> Recall() const {
    if (!options_.cache || !all_known_) return std::nullopt;
    const std::optional<std::string> text = ReadCached(ConclusionPath());
    if (!text) return std::nullopt;
    return CensusFromText(*text, spec_.train.size(), spec_.validate.size());
  }

  [[nodiscard]] Census Read() {
    std::vector<FileScan> scans = ReadAll(spec_, options_, tasks_).Run(total_bytes_);
    for (std::size_t i = 0; i < scans.size(); ++i) {
      if (tasks_[i].hashing == Hashing::kNo) continue;
      hashes_[i] = scans[i].hash;
      cache_.Add(scans[i].stamp, scans[i].hash);
    }
    if (!options_.group.empty()) {
      GroupNotes notes(options_.group);
      for (FileScan& scan : scans) notes.Merge(std::move(scan.groups));
      groups_ = std::move(notes).Done();
    }
    Census census = Conclude(spec_, std::move(scans));
    if (options_.cache) WriteCached(ConclusionPath(), CensusText(census));
    return census;
  }

  void FindSameFiles(Census& census) const {
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < hashes_.size(); ++i) {
      if (sizes_[i] == 0) continue;
      const auto [known, is_new] = first.try_emplace(hashes_[i], i);
      if (!is_new) census.same_files.emplace_back(known->second, i);
    }
  }

  void FindUnfinished(Census& census) const {
    std::set<std::filesystem::path> folders;
    for (const FileTask& task : tasks_) {
      folders.insert(std::filesystem::path(*task.path).parent_path());
    }
    for (const std::filesystem::path& folder : folders) {
      if (IsUnfinished(folder)) census.unfinished.push_back(folder.string());
    }
  }

  const DataSpec& spec_;
  const CensusOptions& options_;
  HashCache cache_;
  std::vector<FileTask> tasks_;      ///< files of train, then of validate
  std::vector<std::string> hashes_;  ///< of the tasks; empty until known
  std::vector<std::uint64_t> sizes_;
  std::uint64_t total_bytes_ = 0;
  bool all_known_ = true;
  std::optional<VideoGroups> groups_;
};

}  // namespace

Census TakeCensus(const DataSpec& data, const CensusOptions& options) {
  return Taking(data, options).Run();
}

}  // namespace beamgrid
