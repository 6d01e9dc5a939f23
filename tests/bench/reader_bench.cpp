// Reading, checking and batching records beside a plain read() of the same bytes, both from the
// page cache, in one run on one core. Prints MB/s and the ratio (goal: at least 0.5).
//
//   reader_bench [FOLDER] [MEGABYTES]

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "trainer/data/batches.h"
#include "trainer/data/dataset.h"
#include "trainer/data/example_writer.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {
namespace {

constexpr int kRounds = 5;

/// Processor time of this process, which has one thread.
double Now() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::string RandomBytes(std::size_t count, Random& random) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

/// Records like the dataset's: real widths, 300 frames.
ExampleContent FrameLevelVideo(Random& random) {
  return {.id = "abcd",
          .labels = {1, 20, 300},
          .frames = {{.name = "rgb", .width = 1024, .bytes = RandomBytes(300 * 1024, random)},
                     {.name = "audio", .width = 128, .bytes = RandomBytes(300 * 128, random)}}};
}

ExampleContent VideoLevelVideo(Random& random) {
  const auto floats = [&](std::size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random.Uniform());
    return values;
  };
  return {.id = "abcd",
          .labels = {1, 20, 300},
          .values = {{.name = "mean_rgb", .values = floats(1024)},
                     {.name = "mean_audio", .values = floats(128)}}};
}

template <typename MakeVideo>
std::uint64_t WriteFile(const std::filesystem::path& path, std::uint64_t bytes, MakeVideo make) {
  Random random(1);
  TfRecordWriter writer(path);
  std::uint64_t written = 0;
  while (written < bytes) {
    const std::string record = EncodeExample(make(random), random);
    writer.Write(record);
    written += record.size() + kRecordOverhead;
  }
  writer.Close();
  return written;
}

/// Fills the page cache as a first reading from disk does.
void LoadIntoPageCache(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY);
  fsync(file);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  std::vector<char> buffer(1 << 20);
  while (read(file, buffer.data(), buffer.size()) > 0) {
  }
  close(file);
}

double PlainReadSeconds(const std::string& path) {
  std::vector<char> buffer(1 << 20);
  const double start = Now();
  const int file = open(path.c_str(), O_RDONLY);
  while (read(file, buffer.data(), buffer.size()) > 0) {
  }
  close(file);
  return Now() - start;
}

/// Maps the file, checks both CRCs of every record and gives `use` each.
template <typename Use>
double CheckSeconds(const std::string& path, Use use) {
  const double start = Now();
  {
    const TfRecordFile file(path);
    for (std::uint64_t offset = 0; offset < file.size_bytes();) {
      const Record record = file.Read(offset);
      use(record);
      offset = record.next_offset;
    }
  }
  return Now() - start;
}

/// An epoch of an opened dataset, into a batch whose memory is recycled, as training does it.
double BatchSeconds(Dataset& dataset, BatchOrder order, std::int64_t batch_size, Batch& batch) {
  const auto examples = EpochOrder(dataset.Size(), 1, 1, order);
  const auto size = static_cast<std::size_t>(batch_size);
  const double start = Now();
  for (std::size_t at = 0; at < examples.size(); at += size) {
    dataset.Read(std::span(examples).subspan(at, std::min(size, examples.size() - at)), batch);
  }
  return Now() - start;
}

/// Rounds alternate, and the best of each counts: other load on the machine only ever adds.
void Compare(const char* name, const DataSpec& spec, const std::string& path, std::uint64_t bytes,
             std::int64_t batch_size) {
  LoadIntoPageCache(path);
  Dataset dataset(spec, {path}, LabelPolicy::kRequired);
  RecordDecoder decoder(spec, LabelPolicy::kRequired);
  DecodedVideo video;
  Batch batch;
  double plain = 1e9, check = 1e9, parse = 1e9, in_order = 1e9, shuffled = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    plain = std::min(plain, PlainReadSeconds(path));
    check = std::min(check, CheckSeconds(path, [](const Record&) {}));
    parse = std::min(parse, CheckSeconds(path, [&](const Record& record) {
                       decoder.Decode(record, path, video);
                     }));
    in_order =
        std::min(in_order, BatchSeconds(dataset, BatchOrder::kSequential, batch_size, batch));
    shuffled = std::min(shuffled, BatchSeconds(dataset, BatchOrder::kShuffled, batch_size, batch));
  }
  const double megabytes = static_cast<double>(bytes) / 1e6;
  const auto line = [&](const char* what, double seconds) {
    std::printf("%-12s %-34s %7.0f MB/s  ratio %.2f\n", name, what, megabytes / seconds,
                plain / seconds);
  };
  line("plain read()", plain);
  line("read, check", check);
  line("read, check, parse", parse);
  line("read, check, parse, batch in order", in_order);
  line("read, check, parse, batch shuffled", shuffled);
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  using namespace beamgrid;
  const std::filesystem::path folder =
      argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path();
  const std::uint64_t bytes = std::strtoull(argc > 2 ? argv[2] : "500", nullptr, 10) * 1'000'000;
  DataSpec spec{.format = "frame", .classes = 3862, .features = {{"rgb", 1024}, {"audio", 128}}};
  const std::string frame = (folder / "reader_bench_frame.tfrecord").string();
  Compare("frame level", spec, frame, WriteFile(frame, bytes, FrameLevelVideo), 128);
  std::filesystem::remove(frame);
  spec.format = "video";
  spec.features = {{"mean_rgb", 1024}, {"mean_audio", 128}};
  const std::string video = (folder / "reader_bench_video.tfrecord").string();
  Compare("video level", spec, video, WriteFile(video, bytes, VideoLevelVideo), 1024);
  std::filesystem::remove(video);
}
