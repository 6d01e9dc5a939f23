#include "trainer/data/dataset.h"

#include <algorithm>
#include <limits>

#include "trainer/data/batch_builder.h"

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

}  // namespace

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
  if (video.unequal_lengths && !seen_unequal_[example]) {
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
