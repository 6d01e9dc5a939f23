// Beam search over a planted pool, timed, on one thread and on more. Prints one JSON object. With
// --pool it writes the pool to a file as well, so that ensemble_vs_numpy.py can do the same work on
// the same numbers.
//
// The pool: a video has its true labels (--labels: those of real videos, otherwise about 3 at
// random) and 150 plausible ones, drawn as often as they occur; a model sees each plausible label's
// evidence through noise that it shares with the models of its family and noise of its own, and
// lists its best 50. Every number is a hash of video, label and model, so models can be made one
// after the other, as a study's files are read.
//
// Times are processor time of all threads, which other work on the machine disturbs less than the
// clock's, and the clock's beside it.

#include <malloc.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "registry/util/scratch_memory.h"
#include "registry/util/threads.h"
#include "search/ensemble/gpu/device.h"
#include "search/ensemble/models.h"

namespace beamgrid {
namespace {

struct Settings {
  int models = 200;
  int videos = 10000;
  int list_length = 50;
  std::int64_t members = 3;
  std::int64_t beam_width = 2;
  std::vector<int> threads = {1};
  std::string labels_file;
  std::string pool_file;
  std::string scratch;
  bool gpu = false;
};

constexpr std::int32_t kClasses = 3862;  // below 65,536
constexpr std::size_t kPlausible = 150;
constexpr int kFamilies = 8;

/// Source: Steele, Lea and Flood 2014, SplitMix64.
std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

/// Stream is random numbers of a named place.
class Stream {
 public:
  Stream(std::uint64_t video, std::uint64_t salt) : state_(Mix(Mix(video + 1) + salt)) {}
  std::uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15); }

 private:
  std::uint64_t state_;
};

/// Normals draws them from a table that stays in the processor's first cache, five for one random
/// number: hundreds a list would else take longer than the search.
class Normals {
 public:
  Normals() {
    std::mt19937 random(8);
    std::normal_distribution<float> normal;
    for (float& value : table_) value = normal(random);
  }
  /// Adds `scale` times a normal number to each.
  void AddTo(std::span<float> values, float scale, Stream stream) const {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      bits = i % kPerNumber == 0 ? stream.Next() : bits >> kBits;
      values[i] += scale * table_[bits % table_.size()];
    }
  }

 private:
  static constexpr int kBits = 12, kPerNumber = 64 / kBits;
  std::array<float, std::size_t{1} << kBits> table_;
};

std::vector<std::vector<std::int32_t>> ReadLabels(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::vector<std::int32_t>> videos;
  std::string line;
  std::getline(file, line);  // id,split,labels
  while (std::getline(file, line)) {
    std::istringstream numbers(line.substr(line.rfind(',') + 1));
    std::vector<std::int32_t>& labels = videos.emplace_back();
    for (std::int32_t label = 0; numbers >> label;) labels.push_back(label);
    std::sort(labels.begin(), labels.end());
  }
  if (videos.empty()) throw std::runtime_error(path + ": no labels");
  return videos;
}

std::vector<std::vector<std::int32_t>> RandomLabels(int videos) {
  std::vector<std::vector<std::int32_t>> all;
  for (int v = 0; v < videos; ++v) {
    Stream stream(static_cast<std::uint64_t>(v), 1);
    std::vector<std::int32_t>& labels = all.emplace_back();
    for (std::uint64_t left = 1 + stream.Next() % 5; left > 0; --left) {
      labels.push_back(static_cast<std::int32_t>(stream.Next() % kClasses));
    }
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  }
  return all;
}

class Planter {
 public:
  explicit Planter(const Settings& settings)
      : settings_(settings),
        labels_(settings.labels_file.empty() ? RandomLabels(settings.videos)
                                             : ReadLabels(settings.labels_file)),
        plausible_(static_cast<std::size_t>(settings.videos) * kPlausible) {
    ForVideos([this](std::size_t v, std::vector<char>& seen) { DrawPlausible(v, seen); });
  }

  [[nodiscard]] const std::vector<std::int32_t>& TruthOf(std::size_t video) const {
    return labels_[video % labels_.size()];
  }

  /// Plants a model into `predictions`, whose memory is used again.
  void Plant(int model, Predictions& predictions) const {
    predictions.classes = kClasses;
    predictions.top_k = settings_.list_length;
    predictions.videos.resize(static_cast<std::size_t>(settings_.videos));
    ForVideos(
        [&](std::size_t v, std::vector<char>&) { PlantVideo(model, v, predictions.videos[v]); });
  }

 private:
  void ForVideos(const std::function<void(std::size_t, std::vector<char>&)>& body) const {
    constexpr std::size_t kAtOnce = 1000;
    const auto videos = static_cast<std::size_t>(settings_.videos);
    ForEachOnThreads(UsableThreads(), videos / kAtOnce + 1, [&](std::size_t part) {
      std::vector<char> seen(kClasses);
      const std::size_t begin = part * kAtOnce;
      for (std::size_t v = begin; v < std::min(begin + kAtOnce, videos); ++v) body(v, seen);
    });
  }

  /// The true labels and those of other videos: as often as they occur.
  void DrawPlausible(std::size_t v, std::vector<char>& seen) {
    const std::span<std::uint16_t> plausible =
        std::span(plausible_).subspan(v * kPlausible, kPlausible);
    std::size_t count = 0;
    const auto add = [&](std::int32_t label) {
      char& there = seen[static_cast<std::size_t>(label)];
      if (there != 0 || count == kPlausible) return;
      there = 1;
      plausible[count++] = static_cast<std::uint16_t>(label);
    };
    std::ranges::for_each(TruthOf(v), add);
    Stream drawn(v, 2);
    while (count < kPlausible) std::ranges::for_each(labels_[drawn.Next() % labels_.size()], add);
    for (const std::uint16_t label : plausible) seen[label] = 0;
  }

  void PlantVideo(int model, std::size_t v, VideoPrediction& video) const {
    if (video.id.empty()) {
      video.id = "v" + std::to_string(10'000'000 + v);
      video.labels = TruthOf(v);
    }
    std::array<float, kPlausible> evidence;
    evidence.fill(-5);
    std::fill_n(evidence.begin(), std::min(video.labels.size(), kPlausible), 1.0F);
    normals_.AddTo(evidence, 1.5F, Stream(v, 3));
    normals_.AddTo(evidence, 0.8F, Stream(v, 10 + static_cast<std::uint64_t>(model % kFamilies)));
    normals_.AddTo(evidence, 0.5F + 0.005F * static_cast<float>(model % 100),
                   Stream(v, 1000 + static_cast<std::uint64_t>(model)));
    std::array<std::pair<float, std::int32_t>, kPlausible> seen_as;
    for (std::size_t l = 0; l < kPlausible; ++l) {
      seen_as[l] = {evidence[l], plausible_[v * kPlausible + l]};
    }
    const auto end = seen_as.begin() + std::min<std::ptrdiff_t>(settings_.list_length, kPlausible);
    std::nth_element(seen_as.begin(), end - 1, seen_as.end(), std::greater<>());
    std::sort(seen_as.begin(), end, std::greater<>());
    video.top.clear();
    for (auto entry = seen_as.begin(); entry != end; ++entry) {
      video.top.push_back({entry->second, 1 / (1 + std::exp(-entry->first))});
    }
  }

  const Settings& settings_;
  std::vector<std::vector<std::int32_t>> labels_;
  std::vector<std::uint16_t> plausible_;  ///< [videos, kPlausible]
  Normals normals_;
};

/// PoolFile is int32 models, videos, list length; int64 sizes; then per model all videos' labels
/// (int32) and scores (float32); then each video's number of true labels and the labels (int32).
class PoolFile {
 public:
  explicit PoolFile(const std::string& path) : path_(path), file_(path, std::ios::binary) {}
  void Put(const auto& value) { file_.write(reinterpret_cast<const char*>(&value), sizeof value); }
  void Put(const Predictions& predictions) {
    for (const auto& video : predictions.videos) {
      for (const auto& entry : video.top) Put(entry.label);
    }
    for (const auto& video : predictions.videos) {
      for (const auto& entry : video.top) Put(static_cast<float>(entry.score));
    }
  }
  void Close() {
    if (!file_.flush()) throw std::runtime_error("cannot write " + path_);
  }

 private:
  std::string path_;
  std::ofstream file_;
};

std::int64_t SizeOf(int model) {
  return static_cast<std::int64_t>(100 + Mix(static_cast<std::uint64_t>(model)) % 200) << 20;
}

EnsembleModels PlantAll(const Settings& settings, std::pmr::memory_resource* memory) {
  const Planter planter(settings);
  std::optional<PoolFile> file;
  if (!settings.pool_file.empty()) {
    file.emplace(settings.pool_file);
    for (const int number : {settings.models, settings.videos, settings.list_length}) {
      file->Put(number);
    }
    for (int m = 0; m < settings.models; ++m) file->Put(SizeOf(m));
  }
  EnsembleModels models;
  models.set_memory(memory);
  Predictions predictions;
  for (int m = 0; m < settings.models; ++m) {
    planter.Plant(m, predictions);
    if (file) file->Put(predictions);
    models.Add("model" + std::to_string(1000 + m), SizeOf(m), predictions);
  }
  for (std::size_t v = 0; file && v < predictions.videos.size(); ++v) {
    file->Put(static_cast<std::int32_t>(planter.TruthOf(v).size()));
    for (const std::int32_t label : planter.TruthOf(v)) file->Put(label);
  }
  if (file) file->Close();
  return models;
}

double ProcessorSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double ClockSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Returns GB/s that one thread reads from memory, best of five passes over 512 MB.
double ReadBandwidth() {
  const std::vector<std::uint64_t> numbers(std::size_t{64} << 20, 1);
  double best = 0;
  std::uint64_t sum = 0;
  for (int pass = 0; pass < 5; ++pass) {
    const double start = ProcessorSeconds();
    for (const std::uint64_t number : numbers) sum += number;
    best = std::max(best, static_cast<double>(numbers.size() * 8) / (ProcessorSeconds() - start));
  }
  // Used, so that the loop stays.
  if (sum != 5 * numbers.size()) throw std::runtime_error("the sum is wrong");
  return best / 1e9;
}

double Megabytes(const char* key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stod(line.substr(std::strlen(key) + 1)) / 1024;
  }
  return 0;
}

/// Searches, puts the answer into `result`, and returns what it took.
boost::json::object Search(const Settings& settings, const EnsembleQuestion& question,
                           const EnsembleModels& models, int threads,
                           const gpu::DeviceOffer& device, boost::json::object& result) {
  const double processor = ProcessorSeconds();
  const double clock = ClockSeconds();
  double resident_mb = 0;
  const ForEach for_each = [&](std::size_t count, const std::function<void(std::size_t)>& body) {
    ForEachOnThreads(threads, count, body);
    resident_mb = std::max(resident_mb, Megabytes("RssAnon"));
  };
  const EnsembleAnswer answer = FindEnsemble(question, models, for_each, device);
  const double seconds = ProcessorSeconds() - processor;
  const double per_set = seconds / static_cast<double>(answer.evaluated) / settings.videos;
  result["answer"] = ToJson(answer);
  return {{"threads", threads},
          {"processor_seconds", seconds},
          {"clock_seconds", ClockSeconds() - clock},
          {"microseconds_per_set_and_video", per_set * 1e6},
          {"resident_mb_without_files", resident_mb}};
}

boost::json::object SearchOnGpu(const Settings& settings, const EnsembleQuestion& question,
                                const EnsembleModels& models, boost::json::object& result) {
  const boost::json::value on_processor = result.at("answer");
  std::string name;
  const gpu::DeviceOffer offer{
      .open =
          [&name] {
            std::unique_ptr<gpu::Device> device = gpu::FirstCudaDevice();
            if (device == nullptr) throw std::runtime_error("no GPU, or built without CUDA");
            name = device->name();
            return device;
          },
      .fewest_lists = 0,
      .warn = [](const std::string& why) { throw std::runtime_error(why); }};
  boost::json::object run =
      Search(settings, question, models, settings.threads.back(), offer, result);
  run["device"] = name;
  if (result.at("answer") != on_processor) throw std::runtime_error("the GPU's answer differs");
  return run;
}

void Run(const Settings& settings) {
  const double before_planting = ProcessorSeconds();
  std::optional<ScratchMemory> scratch;
  if (!settings.scratch.empty()) scratch.emplace(settings.scratch);
  const EnsembleModels models =
      PlantAll(settings, scratch ? &*scratch : std::pmr::get_default_resource());
  EnsembleQuestion question{.weights = Weighting::kUniform};
  question.size_limit = 1LL << 30;
  question.members = settings.members;
  question.beam_width = settings.beam_width;
  boost::json::object result;
  result["planting_seconds"] = ProcessorSeconds() - before_planting;
  // Without the pages of files, which the system keeps as long as it likes.
  result["pool_resident_mb"] = Megabytes("RssAnon");
  result["pool_file_mb"] = Megabytes("RssShmem") + Megabytes("RssFile");
  boost::json::array runs;
  for (const int threads : settings.threads) {
    runs.push_back(Search(settings, question, models, threads, {}, result));
  }
  if (settings.gpu) runs.push_back(SearchOnGpu(settings, question, models, result));
  // What must come from memory and go to it: all lists once for each size of set, and a set's 20
  // bins of a video, written and read. All else stays in the processor's caches.
  const double sets = result["answer"].at("evaluated").to_number<double>();
  const double bytes = 6.0 * settings.list_length * settings.models *
                           static_cast<double>(settings.members - 1) / sets +
                       2.0 * kGapTop * sizeof(std::uint16_t);
  const double bandwidth = ReadBandwidth();
  result["bytes_per_set_and_video"] = bytes;
  result["read_gb_per_second"] = bandwidth;
  result["share_of_bandwidth"] =
      bytes / bandwidth / 1e3 /
      runs.front().at("microseconds_per_set_and_video").to_number<double>();
  result["runs"] = std::move(runs);
  std::cout << boost::json::serialize(result) << "\n";
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  // As beamgrid does.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  beamgrid::Settings settings;
  CLI::App app("times the ensemble's beam search");
  app.add_option("--models", settings.models)->check(CLI::PositiveNumber);
  app.add_option("--videos", settings.videos)->check(CLI::PositiveNumber);
  app.add_option("--list-length", settings.list_length)->check(CLI::Range(1, 150));
  app.add_option("--members", settings.members)->check(CLI::PositiveNumber);
  app.add_option("--beam-width", settings.beam_width)->check(CLI::PositiveNumber);
  app.add_option("--threads", settings.threads, "a run for each of these numbers of threads")
      ->check(CLI::PositiveNumber);
  app.add_option("--labels", settings.labels_file, "CSV of id,split,labels of real videos")
      ->check(CLI::ExistingFile);
  app.add_option("--scratch", settings.scratch, "a folder that the pool's lists lie in")
      ->check(CLI::ExistingDirectory);
  app.add_option("--pool", settings.pool_file, "where to write the pool");
  app.add_flag("--gpu", settings.gpu,
               "one run more on the first GPU, with the last number of threads beside it; fails "
               "where there is none, or the answer is another");
  CLI11_PARSE(app, argc, argv);
  try {
    beamgrid::Run(settings);
  } catch (const std::exception& error) {
    std::cerr << "ensemble_bench: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
