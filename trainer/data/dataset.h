#pragma once
// A set of record files as a numbered list of examples, checked against the recipe as they are
// read.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "trainer/data/batch.h"
#include "trainer/data/decoder.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {

/// DatasetCounts says what was met while reading; each record is counted once per Dataset, however
/// often it is read.
struct DatasetCounts {
  std::int64_t skipped = 0;  ///< damaged records; the rest of a file behind a damaged length is one
  std::int64_t unequal_lengths = 0;  ///< examples whose features differ in their number of frames
};

/// Dataset numbers the examples of `files`: videos, or with format "segment" segments
/// (RecordDecoder::ReadSegments). The files stay mapped; memory grows by 8 bytes an example (12
/// with segments), and resident pages of the files stay under 128 MiB plus one batch's records,
/// however much is read.
///
/// Damaged records stop everything with a DataError, or are skipped and counted with
/// spec.on_error = "skip". Records that contradict the spec always stop.
class Dataset {
 public:
  /// Walks the length fields of all files (segments: reads them once). Throws Error (a file cannot
  /// be opened, no records at all) or DataError.
  Dataset(const DataSpec& spec, const std::vector<std::string>& files, LabelPolicy labels);
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  [[nodiscard]] std::int64_t Size() const { return std::ssize(examples_); }
  /// The classes that any segment is rated for; sorted, none twice. Empty but with format
  /// "segment".
  [[nodiscard]] const std::vector<std::int32_t>& RatedClasses() const { return rated_classes_; }
  /// The sum of the features' widths.
  [[nodiscard]] std::int64_t width() const { return decoder_.width(); }

  /// Replaces `batch` by these examples, in this order; skipped ones are missing, so the batch may
  /// be smaller than asked, even empty. One thread at a time.
  void Read(std::span<const std::uint32_t> examples, Batch& batch);

  /// What was met so far. May be called from any thread, as may the two below.
  [[nodiscard]] DatasetCounts counts() const;

  /// Numbers of the examples that turned out damaged when they were read.
  [[nodiscard]] std::vector<std::uint32_t> Damaged() const;
  /// Counts what another Dataset of the same files found damaged, each record once in all. Numbers
  /// of examples that do not exist are passed over.
  void RecallDamaged(std::span<const std::uint32_t> examples);

 private:
  /// Example says where a record begins, in 8 bytes: there are millions of them.
  struct Example {
    std::uint64_t offset : 40;  ///< byte of its file, up to 1 TiB
    std::uint64_t file : 24;    ///< index in files_
  };

  void IndexFile(std::size_t file);
  void IndexRecord(std::size_t file, std::uint64_t offset);
  void AddRatedClasses(const std::vector<std::int32_t>& rated);
  [[nodiscard]] bool Skips(const DataError& error) const;
  [[nodiscard]] bool DecodeExample(std::uint32_t example, DecodedVideo& video);
  [[nodiscard]] std::int64_t MostFramesOf(std::span<const std::uint32_t> examples) const;
  void CountDamaged(std::uint32_t example);
  void Touch(std::size_t file, std::uint64_t bytes);
  void ReleaseTouched();

  DataSpec spec_;
  RecordDecoder decoder_;
  std::vector<TfRecordFile> files_;
  std::vector<Example> examples_;
  std::vector<std::int32_t> segment_starts_;  ///< by example with format "segment", else empty
  std::vector<std::int32_t> rated_classes_;
  DecodedVideo video_;  ///< the one being read; kept for its memory

  mutable std::mutex damaged_mutex_;
  std::set<std::uint32_t> damaged_;  ///< numbers of examples; guarded by the mutex
  std::vector<bool> seen_unequal_;   ///< by example: counted in unequal_lengths_
  std::atomic<std::int64_t> skipped_ = 0, unequal_lengths_ = 0;

  std::vector<bool> touched_;  ///< files with pages in resident memory
  std::uint64_t touched_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;  ///< of all files
};

}  // namespace beamgrid
