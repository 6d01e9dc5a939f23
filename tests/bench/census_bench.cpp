// The look at a study's data before its first step, beside a plain read() of the same files: each
// from the disk and from the page cache, and with every file known already. One run.
//
//   census_bench FOLDER   of *.tfrecord files at the video level: mean_rgb 1024, mean_audio 128
//
// Copies the files into a folder of its own, until there are 200, with the name of each.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "registry/util/files.h"
#include "registry/util/hash_cache.h"
#include "trainer/data/census.h"
#include "trainer/data/data_verdict.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kShards = 200;
constexpr int kRounds = 5;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Takes the files out of the page cache, where the kernel heeds it.
void Forget(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const int fd = open(file.c_str(), O_RDONLY);
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
  }
}

double ReadSeconds(const std::vector<std::string>& files) {
  std::vector<char> buffer(1 << 20);
  const double start = Now();
  for (const std::string& file : files) {
    const int fd = open(file.c_str(), O_RDONLY);
    while (read(fd, buffer.data(), buffer.size()) > 0) {
    }
    close(fd);
  }
  return Now() - start;
}

void Print(const char* what, double seconds, std::uint64_t bytes) {
  std::printf("%-34s %8.1f ms %8.2f GB/s\n", what, seconds * 1e3,
              static_cast<double>(bytes) / seconds * 1e-9);
}

/// Makes 200 different files of those in `source`: each record file with the records of another
/// one behind its own.
std::vector<std::string> MakeShards(const fs::path& source, const fs::path& folder) {
  std::vector<fs::path> sources;
  for (const auto& entry : fs::directory_iterator(source)) {
    if (entry.path().extension() == ".tfrecord") sources.push_back(entry.path());
  }
  std::vector<std::string> files;
  for (std::size_t i = 0; i < kShards; ++i) {
    const std::size_t first = i % sources.size(),
                      second = (i / sources.size() + i) % sources.size();
    std::string bytes = ReadFile(sources[first]);
    if (i >= sources.size()) bytes += ReadFile(sources[second]);
    files.push_back((folder / ("train" + std::to_string(1000 + i) + ".tfrecord")).string());
    WriteFileAtomically(files.back(), bytes);
  }
  return files;
}

int Run(const fs::path& source) {
  std::string name = (fs::temp_directory_path() / "census-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return 1;
  const fs::path folder = name;
  DataSpec data{.format = "video",
                .train = MakeShards(source, folder),
                .classes = 4716,
                .features = {{"mean_rgb", 1024}, {"mean_audio", 128}},
                .max_frames = 1};
  data.validate = {data.train.back()};
  data.train.pop_back();
  std::uint64_t bytes = 0;
  for (const auto* files : {&data.train, &data.validate}) {
    for (const std::string& file : *files) bytes += fs::file_size(file);
  }
  std::vector<std::string> all = data.train;
  all.push_back(data.validate[0]);
  std::printf("%zu files, %.0f MB\n", all.size(), static_cast<double>(bytes) * 1e-6);
  Forget(all);
  Print("plain read(), from the disk", ReadSeconds(all), bytes);
  Print("plain read(), from the page cache", ReadSeconds(all), bytes);
  for (const int threads : {1, 2}) {
    Forget(all);
    for (const char* from : {"from the disk", "from the page cache"}) {
      const double start = Now();
      const Census census = TakeCensus(data, {.threads = threads});
      const double seconds = Now() - start;
      const std::string what = "census, " + std::to_string(threads) + " reader(s), " + from;
      Print(what.c_str(), seconds, bytes);
      if (census.train.damaged + census.train.contradicting > 0) return 1;
    }
  }
  // What was touched within two seconds is not kept.
  std::this_thread::sleep_for(std::chrono::seconds(3));
  const CensusOptions kept{.cache = folder / "cache"};
  static_cast<void>(TakeCensus(data, kept));
  double best = 1e9, stats = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    double start = Now();
    for (const std::string& file : all) static_cast<void>(StampOf(file));
    stats = std::min(stats, Now() - start);
    start = Now();
    static_cast<void>(JudgeData(data, TakeCensus(data, kept)));
    best = std::min(best, Now() - start);
  }
  std::printf("a stat of each %.2f ms, census of known files %.2f ms\n", stats * 1e3, best * 1e3);
  fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "census_bench FOLDER\n");
    return 2;
  }
  return beamgrid::Run(argv[1]);
}
