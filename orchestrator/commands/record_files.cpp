#include "orchestrator/commands/record_files.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "orchestrator/inputs/import_manifest.h"
#include "orchestrator/inputs/vocabulary_files.h"
#include "registry/util/error.h"
#include "registry/util/input_error.h"
#include "registry/util/piped_file.h"
#include "registry/util/text_file.h"
#include "registry/util/threads.h"
#include "trainer/data/truth.h"
#include "trainer/data/unfinished.h"

namespace beamgrid {
namespace {

/// True for a CSV file: one that is called so, or begins with the word that both competition
/// formats begin with; a TFRecord begins with a length.
bool IsCsv(const std::filesystem::path& path) {
  if (path.extension() == ".csv") return true;
  constexpr std::string_view kStart = "VideoId,";
  std::ifstream in(path, std::ios::binary);
  std::string start(kByteOrderMark.size() + kStart.size(), '\0');
  in.read(start.data(), std::ssize(start));
  return start.starts_with(kStart) || start == std::string(kByteOrderMark) + std::string(kStart);
}

std::vector<std::filesystem::path> RecordsOfFolder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".tfrecord") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Throws where a class's number means two classes in records of several folders.
void RequireOneVocabulary(const std::vector<std::filesystem::path>& files) {
  static_cast<void>(NamesBesideFiles({files.begin(), files.end()}));
}

}  // namespace

void RequireFile(const std::filesystem::path& path) {
  KeepPiped(path);
  const std::filesystem::file_status status = std::filesystem::status(path);
  if (std::filesystem::is_regular_file(status)) return;
  throw UsageError(path.string() +
                   (!std::filesystem::exists(status)        ? ": no such file"
                    : std::filesystem::is_directory(status) ? ": is a folder, not a file"
                    : std::filesystem::is_fifo(status)
                        ? ": is a named pipe, which can be read once only; give it as <(cat " +
                              path.string() + ")"
                        : ": is no regular file"));
}

std::vector<std::filesystem::path> RecordFiles(const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files = RecordFilesThere(names);
  const std::vector<std::string> missing = MissingBeside(names);
  if (!missing.empty()) throw InputError(missing.front());
  return files;
}

std::vector<std::string> MissingBeside(const std::vector<std::string>& names) {
  std::map<std::filesystem::path, std::set<std::string>> named;  // by folder; none: all of it
  for (const std::filesystem::path path : names) {
    if (!std::filesystem::is_directory(path)) named[path.parent_path()].insert(path.filename());
  }
  for (const std::filesystem::path path : names) {
    if (std::filesystem::is_directory(path)) named[path].clear();
  }
  std::vector<std::string> missing;
  for (const auto& [folder, files] : named) {
    if (IsUnfinished(folder)) {
      missing.push_back((folder.empty() ? "." : folder.string()) +
                        ": unfinished: `beamgrid data synth` or `beamgrid data import` was stopped "
                        "here before all files were those of one dataset; run it again");
    } else if (std::string gone = GoneFileOf(folder, files); !gone.empty()) {
      missing.push_back(std::move(gone));
    }
  }
  return missing;
}

std::vector<std::filesystem::path> RecordFilesThere(const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files;
  for (const std::string& name : names) {
    if (!std::filesystem::is_directory(name)) {
      RequireFile(name);
      files.emplace_back(name);
      continue;
    }
    const std::vector<std::filesystem::path> inside = RecordsOfFolder(name);
    if (inside.empty()) throw UsageError(name + ": the folder holds no *.tfrecord file");
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

Truth ReadTruth(const std::vector<std::string>& names) {
  const std::vector<std::filesystem::path> files = RecordFiles(names);
  const auto csv = std::find_if(files.begin(), files.end(), IsCsv);
  if (csv == files.end()) {
    RequireOneVocabulary(files);
    return ReadTruthRecords(files);
  }
  if (files.size() > 1) {
    throw UsageError("--truth takes one CSV file or any number of record files; " + csv->string() +
                     " is a CSV file beside others");
  }
  return ReadTruthCsv(*csv);
}

std::future<Truth> ReadTruthMeanwhile(const std::vector<std::string>& names) {
  const bool now = UsableThreads() > 1 && std::ranges::any_of(names, IsCsv);
  return std::async(now ? std::launch::async : std::launch::deferred,
                    [names] { return ReadTruth(names); });
}

std::optional<SegmentTruth> ReadRatings(const std::vector<std::string>& names) {
  const std::vector<std::filesystem::path> files = RecordFiles(names);
  if (std::any_of(files.begin(), files.end(), IsCsv)) return std::nullopt;
  RequireOneVocabulary(files);
  return ReadSegmentTruth(files);
}

Truth ReadTruthFor(const Predictions& predictions, const std::vector<std::string>& names) {
  std::optional<SegmentTruth> ratings;
  if (AreSegments(predictions)) ratings = ReadRatings(names);
  if (!ratings) return ReadTruth(names);
  Truth truth;
  for (auto& [id, segment] : *ratings) truth.emplace(id, std::move(segment.positive));
  return truth;
}

}  // namespace beamgrid
