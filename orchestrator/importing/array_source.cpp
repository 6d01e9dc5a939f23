#include "orchestrator/importing/array_source.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "orchestrator/importing/array_files.h"
#include "orchestrator/importing/csv_rows.h"
#include "orchestrator/importing/dataset_files.h"
#include "orchestrator/inputs/file_patterns.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

enum class Kind { kArrays, kDatasets, kTable };
struct Ending {
  const char* ending;
  Kind kind;
  bool has_members;
};
constexpr Ending kEndings[] = {{".npy", Kind::kArrays, false},  {".npz", Kind::kArrays, true},
                               {".h5", Kind::kDatasets, true},  {".hdf5", Kind::kDatasets, true},
                               {".hdf", Kind::kDatasets, true}, {".csv", Kind::kTable, false},
                               {".tsv", Kind::kTable, false}};

const Ending* EndingOf(const std::string& path) {
  const std::string extension = fs::path(path).extension().string();
  const auto* found = std::ranges::find(kEndings, extension, &Ending::ending);
  return found == std::end(kEndings) ? nullptr : found;
}

Kind KindOfFile(const FeatureInput& input, const std::string& path) {
  if (const Ending* ending = EndingOf(path)) return ending->kind;
  throw UsageError("--features " + input.name + ": " + path +
                   " is none of .npy, .npz, .h5, .hdf5, .csv, .tsv");
}

std::vector<std::string> FilesOfInput(const FeatureInput& input) {
  std::error_code ignored;
  const bool folder = fs::is_directory(input.pattern, ignored);
  std::vector<std::string> files;
  if (!folder) files = ExpandGlob(input.pattern, fs::current_path());
  for (const char* pattern : {"*.np[yz]", "*.h5", "*.hdf5"}) {
    if (folder && files.empty()) files = ExpandGlob(pattern, input.pattern);
  }
  if (!files.empty()) return files;
  throw UsageError("--features " + input.name + ": no file matches " + input.pattern +
                   (folder ? "/*.npy" : "") +
                   "; quote a pattern, so that the shell leaves it alone");
}

}  // namespace

FeatureInput ParseFeatureInput(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError("--features: '" + text +
                     "' must be NAME=FILES, as in rgb=features/rgb/*.npy, rgb=features.h5:rgb");
  }
  FeatureInput input{
      .name = text.substr(0, equals), .pattern = text.substr(equals + 1), .member = ""};
  // A colon may be part of a name: it parts only what follows a file that has members.
  const std::size_t colon = input.pattern.rfind(':');
  if (colon != std::string::npos) {
    const Ending* ending = EndingOf(input.pattern.substr(0, colon));
    if (ending != nullptr && ending->has_members) {
      input.member = input.pattern.substr(colon + 1);
      input.pattern.resize(colon);
    }
  }
  return input;
}

std::unique_ptr<ArraySource> OpenArraySource(const FeatureInput& input, const TableColumns& columns,
                                             int threads) {
  std::vector<std::string> files = FilesOfInput(input);
  const Kind kind = KindOfFile(input, files.front());
  for (const std::string& file : files) {
    if (KindOfFile(input, file) != kind) {
      throw UsageError("--features " + input.name + ": " + files.front() + " and " + file +
                       " are of different kinds; a feature comes from one");
    }
  }
  if (kind == Kind::kArrays) {
    return std::make_unique<ArrayFiles>(std::move(files), input.member, threads);
  }
  if (kind == Kind::kDatasets) {
    return std::make_unique<DatasetFiles>(std::move(files), input.member);
  }
  if (files.size() > 1) {
    throw UsageError("--features " + input.name + ": " + std::to_string(files.size()) +
                     " tables, must be one");
  }
  return std::make_unique<CsvRows>(files.front(), columns);
}

}  // namespace beamgrid
