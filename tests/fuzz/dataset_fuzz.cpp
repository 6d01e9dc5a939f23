// Record files as a trial reads them: the census before it starts, the list of examples, its
// batches, its labels; as they are and with their CRCs made right.
#include <numeric>
#include <optional>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/record_support.h"
#include "trainer/data/census.h"
#include "trainer/data/census_file.h"
#include "trainer/data/data_verdict.h"
#include "trainer/data/dataset.h"
#include "trainer/data/label_lists.h"

namespace beamgrid {
namespace {

void CheckBatch(const DataSpec& spec, const Batch& batch) {
  const auto count = static_cast<std::size_t>(batch.Size());
  const auto cells = count * static_cast<std::size_t>(batch.longest * batch.width);
  fuzz::Require(batch.label_offsets.size() == count + 1, "every video has labels");
  fuzz::Require(batch.longest >= 1 && batch.longest <= spec.max_frames, "frames are as asked");
  const std::size_t stored = spec.format == "video"     ? batch.features.size()
                             : spec.frame_types.empty() ? batch.frames.size()
                                                        : batch.float_frames.size();
  fuzz::Require(stored == cells, "a batch is as large as its videos");
}

/// What reading batches came to.
struct BatchesRead {
  std::int64_t examples = 0, skipped = 0;
};

BatchesRead ReadBatches(const DataSpec& spec, const std::string& path) {
  Dataset dataset(spec, {path}, LabelPolicy::kRequired);
  std::vector<std::uint32_t> order(static_cast<std::size_t>(dataset.Size()));
  std::iota(order.begin(), order.end(), 0U);
  Batch batch;
  BatchesRead read;
  const std::span<const std::uint32_t> all(order);
  for (std::size_t begin = 0; begin < all.size(); begin += 3) {
    dataset.Read(all.subspan(begin, std::min<std::size_t>(3, all.size() - begin)), batch);
    CheckBatch(spec, batch);
    read.examples += batch.Size();
  }
  read.skipped = dataset.counts().skipped;
  fuzz::Require(read.skipped == 0 || spec.on_error == "skip", "nothing is skipped");
  return read;
}

/// What a census finds before a study, training must find in it.
void CheckCensus(const DataSpec& spec, const SplitCensus& census,
                 const std::optional<BatchesRead>& read) {
  if (census.examples == 0) return;
  const bool sound = census.contradicting == 0 && (census.damaged == 0 || spec.on_error == "skip");
  fuzz::Require(sound == read.has_value(), "training reads what the census finds sound");
  if (!read) return;
  fuzz::Require(read->examples == census.examples, "they count the same examples");
  fuzz::Require(read->skipped == census.damaged, "they skip the same records");
}

void ReadAs(DataSpec spec, const std::string& path) {
  if (spec.format == "video") spec.max_frames = 1;
  spec.train = {path};
  const Census census = TakeCensus(spec);
  static_cast<void>(JudgeData(spec, census));
  const std::optional<Census> kept = CensusFromText(CensusText(census), 1, 0);
  fuzz::Require(kept && kept->train == census.train, "what is kept comes back");
  std::optional<BatchesRead> read;
  fuzz::Accepts<Error>([&] { read = ReadBatches(spec, path); });
  CheckCensus(spec, census.train, read);
  fuzz::Accepts<Error>([&] { static_cast<void>(ReadLabelLists(spec, {path})); });
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  const std::string_view bytes = fuzz::TextOf(data, size);
  // Without true CRCs hardly anything gets past the framing, which all formats share.
  ReadAs(fuzz::SmallSpec("segment", "skip"), file.Holding(bytes));
  const std::string& path = file.Holding(fuzz::WithTrueCrcs(bytes));
  for (const char* format : {"video", "frame", "segment"}) {
    for (const char* on_error : {"stop", "skip"}) {
      ReadAs(fuzz::SmallSpec(format, on_error), path);
      ReadAs(fuzz::SmallFloatSpec(format, on_error), path);
    }
  }
  return 0;
}
