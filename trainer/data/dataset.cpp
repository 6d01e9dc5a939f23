#include "trainer/data/dataset.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "trainer/data/frame_values.h"

namespace beamgrid {
namespace {

/// A fault maps up to 64 KiB around the byte (the kernel's fault-around), so that much is counted
/// for each record beside its own bytes.
constexpr std::uint64_t kFaultAround = 64 << 10;
/// Mapped pages count as the worker's memory, and as many workers as there are cores read the same
/// files: without a bound each would seem to need the whole dataset. They stay in the page cache.
constexpr std::uint64_t kResidentBytes = 128 << 20;

// What the bit widths of Dataset::Example can hold.
constexpr std::uint64_t kMaximumFileBytes = std::uint64_t{1} << 40;
constexpr std::uint64_t kMaximumFiles = std::uint64_t{1} << 24;

// ---- Batches ------------------------------------------------------------------------------------

/// The length of a protobuf varint: 7 bits of the value a byte.
std::uint64_t VarintBytes(std::uint64_t value) {
  std::uint64_t bytes = 1;
  while (value >>= 7) ++bytes;
  return bytes;
}

/// The bytes of a length-delimited field of `bytes`: its tag (one byte below field number 16), its
/// length and itself.
std::uint64_t FieldBytes(std::uint64_t bytes) { return 1 + VarintBytes(bytes) + bytes; }

/// The weight of each class in the loss; empty where all weigh the same.
std::vector<float> ClassWeights(const DataSpec& spec) {
  if (spec.weighted_classes.empty()) return {};
  std::vector<float> weights(static_cast<std::size_t>(spec.classes), 1.0F);
  for (const std::int32_t label : spec.weighted_classes) {
    weights.at(static_cast<std::size_t>(label)) = static_cast<float>(spec.class_weight);
  }
  return weights;
}

/// The most frames that a record of so many payload bytes can have (at most max_frames): every
/// frame costs its bytes and what the wire format puts around them. Exact for ordinary records.
std::int64_t MostFrames(const DataSpec& spec, std::uint64_t payload_bytes) {
  if (spec.format == "video") return 1;
  std::uint64_t frame_bytes = 0, least = UINT64_MAX;
  for (const auto& [name, width] : spec.features) {
    const FrameType type = FrameTypeOf(spec, name);
    const std::uint64_t bytes = FrameBytes(type, static_cast<std::size_t>(width));
    // FeatureList.feature { Feature.bytes_list { BytesList.value { the numbers } } }, and the same
    // of a packed float_list; floats that are not packed have a tag each, which is less for one.
    const std::uint64_t value =
        type == FrameType::kFloat32
            ? std::min(FieldBytes(bytes), bytes + static_cast<std::uint64_t>(width))
            : FieldBytes(bytes);
    frame_bytes += FieldBytes(FieldBytes(value));
    least = std::min(least, FieldBytes(FieldBytes(value)));
  }
  // The feature that has the most frames may be any of them, and the others may have next to none.
  if (spec.frame_alignment == FrameAlignment::kNearest) frame_bytes = std::min(frame_bytes, least);
  // Whole payload by bytes of a frame. What the record holds beside its frames only makes this
  // larger, so no record has more frames; a few unknown fields more are a few rows too many, cut by
  // Finish.
  const std::uint64_t most = frame_bytes == 0 ? 1 : payload_bytes / frame_bytes;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(most), 1, spec.max_frames);
}

/// Moves rows of `built` values each together, so that each has its first `wanted` values.
template <typename Value>
void MoveTogether(std::vector<Value>& rows, std::size_t count, std::size_t built,
                  std::size_t wanted) {
  // From the first row on: each row moves towards the front, over rows that have moved already.
  for (std::size_t i = 1; i < count && wanted < built; ++i) {
    std::memmove(rows.data() + i * wanted, rows.data() + i * built, wanted * sizeof(Value));
  }
  rows.resize(count * wanted);
}

/// BatchBuilder lays decoded videos out as one batch, each as soon as it is decoded: while its
/// bytes, just read for the CRC, are still in the processor's cache.
class BatchBuilder {
 public:
  /// Empties `batch` (keeping its memory) for at most `capacity` videos of at most `most_frames`.
  BatchBuilder(const DataSpec& spec, std::int64_t capacity, std::int64_t most_frames, Batch& batch)
      : spec_(spec),
        form_(spec.format == "video"     ? Form::kVideos
              : spec.frame_types.empty() ? Form::kCodes
                                         : Form::kFloats),
        batch_(batch),
        row_frames_(most_frames) {
    // clear and resize keep the memory: a batch of the same size allocates nothing.
    batch_.ids.clear();
    batch_.labels.clear();
    batch_.label_offsets.assign(1, 0);
    batch_.rated.clear();
    batch_.rated_offsets.assign(spec.format == "segment" ? 1 : 0, 0);
    batch_.unrated_weight = spec.format == "segment" && spec.unrated == "ignore" ? 0 : 1;
    batch_.class_weights = ClassWeights(spec);
    batch_.video_weights.clear();
    batch_.lengths.clear();
    batch_.longest = 1;
    batch_.width = 0;
    for (const Feature& feature : spec.features) {
      batch_.width += feature.second;
      types_.push_back(FrameTypeOf(spec, feature.first));
    }
    // For the longest video there can be; how long the longest is shows only when all are decoded.
    const auto values = static_cast<std::size_t>(
        capacity * (form_ == Form::kVideos ? 1 : row_frames_) * batch_.width);
    batch_.features.resize(form_ == Form::kVideos ? values : 0);
    batch_.frames.resize(form_ == Form::kCodes ? values : 0);
    batch_.float_frames.resize(form_ == Form::kFloats ? values : 0);
  }

  /// Copies a video behind those that are there.
  void Add(std::string_view id, const DecodedVideo& video) {
    if (form_ == Form::kVideos) AddFeatures(video);
    if (form_ == Form::kCodes) AddFrames(video);
    if (form_ == Form::kFloats) AddFloatFrames(video);
    batch_.ids.emplace_back(id);
    batch_.labels.insert(batch_.labels.end(), video.labels.begin(), video.labels.end());
    batch_.label_offsets.push_back(std::ssize(batch_.labels));
    if (!batch_.rated_offsets.empty()) {
      batch_.rated.insert(batch_.rated.end(), video.rated.begin(), video.rated.end());
      batch_.rated_offsets.push_back(std::ssize(batch_.rated));
    }
    if (!spec_.video_weight.empty()) {
      batch_.video_weights.push_back(static_cast<float>(video.weight));
    }
    batch_.lengths.push_back(video.length);
    batch_.longest = std::max(batch_.longest, video.length);
  }

  /// Moves the rows together, so that each is as long as the longest video that came.
  void Finish() {
    const auto width = static_cast<std::size_t>(batch_.width);
    const auto count = static_cast<std::size_t>(batch_.Size());
    const std::size_t built = static_cast<std::size_t>(row_frames_) * width;
    const std::size_t wanted = static_cast<std::size_t>(batch_.longest) * width;
    if (form_ == Form::kVideos) batch_.features.resize(count * width);
    if (form_ == Form::kCodes) MoveTogether(batch_.frames, count, built, wanted);
    if (form_ == Form::kFloats) MoveTogether(batch_.float_frames, count, built, wanted);
  }

 private:
  enum class Form { kVideos, kCodes, kFloats };

  void AddFeatures(const DecodedVideo& video) {
    std::span<float> rest =
        std::span(batch_.features).subspan(static_cast<std::size_t>(batch_.Size() * batch_.width));
    for (std::size_t i = 0; i < spec_.features.size(); ++i) {
      const auto width = static_cast<std::size_t>(spec_.features[i].second);
      ReadFloats(video.values[i], rest.first(width));
      rest = rest.subspan(width);
    }
  }

  void AddFrames(const DecodedVideo& video) {
    const std::int64_t row_bytes = row_frames_ * batch_.width;
    std::uint8_t* const row = batch_.frames.data() + batch_.Size() * row_bytes;
    std::uint8_t* out = row;
    for (std::size_t t = 0; t < static_cast<std::size_t>(video.length); ++t) {
      for (std::size_t i = 0; i < spec_.features.size(); ++i) {
        const auto width = static_cast<std::size_t>(spec_.features[i].second);
        // Features side by side in each frame: the concatenation that fusion begins with costs
        // nothing.
        std::memcpy(out, video.frames[i][t], width);
        out += width;
      }
    }
    // The memory is recycled from other batches, so the padding must be written too.
    std::fill(out, row + row_bytes, std::uint8_t{0});
  }

  void AddFloatFrames(const DecodedVideo& video) {
    const auto row_values = static_cast<std::size_t>(row_frames_ * batch_.width);
    std::span<float> rest = std::span(batch_.float_frames)
                                .subspan(static_cast<std::size_t>(batch_.Size()) * row_values)
                                .first(row_values);
    for (std::size_t t = 0; t < static_cast<std::size_t>(video.length); ++t) {
      for (std::size_t i = 0; i < spec_.features.size(); ++i) {
        const auto width = static_cast<std::size_t>(spec_.features[i].second);
        ReadFrame(types_[i], video.frames[i][t], rest.first(width));
        rest = rest.subspan(width);
      }
    }
    std::ranges::fill(rest, 0.0F);
  }

  const DataSpec& spec_;
  Form form_;
  std::vector<FrameType> types_;  ///< by feature
  Batch& batch_;
  std::int64_t row_frames_;  ///< frames between one video and the next while building
};

}  // namespace

// ---- The dataset --------------------------------------------------------------------------------

Dataset::Dataset(const DataSpec& spec, const std::vector<std::string>& files, LabelPolicy labels)
    : spec_(spec), decoder_(spec, labels) {
  // Indexing touches the 12 header bytes of each record and no payload, but with format "segment".
  files_.reserve(files.size());
  touched_.resize(files.size());
  for (const std::string& file : files) {
    files_.emplace_back(file);
    total_bytes_ += files_.back().size_bytes();
    IndexFile(files_.size() - 1);
  }
  if (examples_.empty()) {
    throw Error((files.empty() ? "no files" : files.front()) + ": no usable records in " +
                std::to_string(files.size()) + " file(s)");
  }
  // Orders and lists of damaged records number examples in 4 bytes.
  if (examples_.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(std::to_string(examples_.size()) +
                " records, more than 2^32 - 1 are not supported");
  }
  // A vector that grew may hold twice its elements, and this one stays for the whole trial.
  examples_.shrink_to_fit();
  seen_unequal_.resize(examples_.size());
}

void Dataset::IndexFile(std::size_t file) {
  const TfRecordFile& records = files_[file];
  if (records.size_bytes() > kMaximumFileBytes || file >= kMaximumFiles) {
    throw Error(records.path() + ": more than 1 TiB in a file or 2^24 files are not supported");
  }
  try {
    for (std::uint64_t offset = 0; offset < records.size_bytes();) {
      const std::uint64_t next = records.Skip(offset);
      IndexRecord(file, offset);
      Touch(file, next - offset);
      ReleaseTouched();
      offset = next;
    }
  } catch (const DataError& error) {
    // Behind a damaged length no record can be found: what is left of the file counts as one.
    if (error.fault() != DataFault::kDamagedLength || !Skips(error)) throw;
    ++skipped_;
  }
  records.ReleasePages();
}

void Dataset::IndexRecord(std::size_t file, std::uint64_t offset) {
  // Masked for the compiler, which warns of narrowing; IndexFile has checked the limits.
  const Example example{.offset = offset & (kMaximumFileBytes - 1),
                        .file = file & (kMaximumFiles - 1)};
  if (spec_.format != "segment") {
    examples_.push_back(example);
    return;
  }
  try {
    const SegmentsOfRecord segments =
        decoder_.ReadSegments(files_[file].Read(offset), files_[file].path());
    for (const std::int64_t start : segments.starts) {
      examples_.push_back(example);
      segment_starts_.push_back(static_cast<std::int32_t>(start));
    }
    AddRatedClasses(segments.rated);
  } catch (const DataError& error) {
    if (!Skips(error)) throw;
    ++skipped_;
  }
}

void Dataset::AddRatedClasses(const std::vector<std::int32_t>& rated) {
  for (const std::int32_t label : rated) {
    // The 2019 data rate 1000 classes: inserting into a sorted list is cheap enough.
    const auto place = std::ranges::lower_bound(rated_classes_, label);
    if (place == rated_classes_.end() || *place != label) rated_classes_.insert(place, label);
  }
}

bool Dataset::Skips(const DataError& error) const {
  // A contradiction is a mistake of the recipe, which holds for all records: skipping would hide
  // it.
  return spec_.on_error == "skip" && error.fault() != DataFault::kContradiction;
}

bool Dataset::DecodeExample(std::uint32_t example, DecodedVideo& video) {
  const auto [offset, file] = examples_[example];
  const TfRecordFile& records = files_[file];
  try {
    const Record record = records.Read(offset);
    Touch(file, record.next_offset - offset);
    if (segment_starts_.empty()) {
      decoder_.Decode(record, records.path(), video);
    } else {
      decoder_.DecodeSegment(record, records.path(), segment_starts_[example], video);
    }
  } catch (const DataError& error) {
    if (!Skips(error)) throw;
    CountDamaged(example);
    return false;
  }
  // Noted by example, not counted as it is read: an example is read once in each epoch.
  if (video.frames_apart > 0 && !seen_unequal_[example]) {
    seen_unequal_[example] = true;
    ++unequal_lengths_;
  }
  return true;
}

void Dataset::Read(std::span<const std::uint32_t> examples, Batch& batch) {
  BatchBuilder builder(spec_, std::ssize(examples), MostFramesOf(examples), batch);
  for (const std::uint32_t example : examples) {
    if (!DecodeExample(example, video_)) continue;
    std::string id(video_.id);
    // Segments of one video must differ in predictions: "VIDEO:START", as the 2019 challenge names
    // them.
    if (!segment_starts_.empty()) id.append(":").append(std::to_string(segment_starts_[example]));
    builder.Add(id, video_);
  }
  builder.Finish();
  ReleaseTouched();
}

std::int64_t Dataset::MostFramesOf(std::span<const std::uint32_t> examples) const {
  if (spec_.format == "video") return 1;
  if (spec_.format == "segment") return std::min(kSegmentFrames, spec_.max_frames);
  std::int64_t most = 1;
  for (const std::uint32_t example : examples) {
    const auto [offset, file] = examples_[example];
    // Skip reads the length alone; decoding first would read each record twice.
    most = std::max(most, MostFrames(spec_, files_[file].Skip(offset) - offset));
  }
  return most;
}

void Dataset::Touch(std::size_t file, std::uint64_t bytes) {
  touched_[file] = true;
  touched_bytes_ += bytes + kFaultAround;
}

/// Takes all touched files out of resident memory once enough was touched: one system call a file
/// for thousands of records instead of one for each record. Datasets that are smaller than the
/// bound stay mapped.
void Dataset::ReleaseTouched() {
  if (std::min(touched_bytes_, total_bytes_) < kResidentBytes) return;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (touched_[i]) files_[i].ReleasePages();
  }
  touched_.assign(files_.size(), false);
  touched_bytes_ = 0;
}

void Dataset::CountDamaged(std::uint32_t example) {
  const std::scoped_lock lock(damaged_mutex_);
  // Read again in each epoch, but damaged once.
  if (damaged_.insert(example).second) ++skipped_;
}

std::vector<std::uint32_t> Dataset::Damaged() const {
  const std::scoped_lock lock(damaged_mutex_);
  return {damaged_.begin(), damaged_.end()};
}

void Dataset::RecallDamaged(std::span<const std::uint32_t> examples) {
  for (const std::uint32_t example : examples) {
    if (example < examples_.size()) CountDamaged(example);
  }
}

DatasetCounts Dataset::counts() const {
  return {.skipped = skipped_.load(), .unequal_lengths = unequal_lengths_.load()};
}

}  // namespace beamgrid
