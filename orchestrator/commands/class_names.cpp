#include "orchestrator/commands/class_names.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <filesystem>
#include <optional>

#include "orchestrator/inputs/csv_table.h"
#include "registry/scoring/metrics.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/json.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// NamesRead are those that a file has told so far.
class NamesRead {
 public:
  explicit NamesRead(std::int64_t classes) : names_(static_cast<std::size_t>(classes)) {}

  void Add(const std::string& place, std::size_t index, std::string_view name) {
    if (index >= names_.size()) {
      throw InputError(place + ": the class " + std::to_string(index) + ", must be 0.." +
                       std::to_string(names_.size() - 1) + ": the data have " +
                       std::to_string(names_.size()) + " classes");
    }
    if (!IsWellFormedUtf8(name)) throw InputError(place + ": the name is no UTF-8 text");
    if (name.empty()) return;
    if (!names_[index].empty()) {
      throw InputError(place + ": the class " + std::to_string(index) + " is there twice");
    }
    names_[index] = name;
  }
  std::vector<std::string> Take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
};

std::size_t IndexIn(const CsvTable& table, std::size_t column) {
  const std::string_view cell = table.Cell(column);
  std::size_t index = 0;
  const auto [end, failed] = std::from_chars(cell.data(), cell.data() + cell.size(), index);
  if (failed != std::errc() || end != cell.data() + cell.size()) {
    throw InputError(table.Place() + ": Index is '" + std::string(cell) +
                     "', must be the number of a class, from 0");
  }
  return index;
}

/// Vocabulary is a file that is there, of so many classes.
struct Vocabulary {
  std::string path;
  std::int64_t classes = 0;
};

/// Returns the vocabulary that a manifest beside the records names.
std::optional<Vocabulary> VocabularyBeside(const fs::path& folder) {
  const fs::path path = folder / "manifest.json";
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  try {
    const boost::json::value json = ParseJson(ReadFile(path));
    const JsonReader manifest(json, "");
    if (!manifest.Has("beamgrid_import") || !manifest.Has("vocabulary")) return std::nullopt;
    const fs::path vocabulary = folder / manifest.Text("vocabulary");
    if (!fs::is_regular_file(vocabulary, ignored)) return std::nullopt;
    const std::int64_t classes = manifest.Integer("classes");
    if (classes < 1 || classes > kMaxClasses) return std::nullopt;
    return Vocabulary{.path = vocabulary.string(), .classes = classes};
  } catch (const std::exception&) {
    return std::nullopt;  // somebody else's manifest
  }
}

}  // namespace

std::vector<std::string> ReadClassNames(const std::string& path, std::int64_t classes) {
  CsvTable table(path);
  const auto named = table.Find({"name", "display_name"});
  const auto index = table.Find({"index"});
  if (!named && table.columns().size() > 1) {
    throw InputError(path + ": a table of classes needs a column Name (and may have Index)");
  }
  NamesRead names(classes);
  std::size_t next = 0;
  if (!named) names.Add(path + ":1", next++, table.columns().front());
  while (table.Next()) {
    const std::size_t at = index ? IndexIn(table, *index) : next++;
    names.Add(table.Place(), at, table.Cell(named.value_or(0)));
  }
  return names.Take();
}

std::vector<std::string> ClassNamesBeside(const DataSpec& data) {
  if (data.train.empty()) return {};
  const auto vocabulary = VocabularyBeside(fs::path(data.train.front()).parent_path());
  if (!vocabulary || vocabulary->classes != data.classes) return {};
  return ReadClassNames(vocabulary->path, data.classes);
}

std::vector<std::string> ClassNamesIfSound(const DataSpec& data, std::string* problem) try {
  return ClassNamesBeside(data);
} catch (const std::exception& error) {
  if (problem != nullptr) *problem = error.what();
  return {};
}

std::vector<std::string> ClassNamesInFolder(const fs::path& folder) try {
  const auto vocabulary = VocabularyBeside(folder);
  if (!vocabulary) return {};
  return ReadClassNames(vocabulary->path, vocabulary->classes);
} catch (const std::exception&) {
  return {};
}

std::vector<std::string> ClassNamesOf(const std::string& option, const DataSpec& data) {
  if (option.empty()) return {};
  if (option != kNamesBesideRecords) return ReadClassNames(option, data.classes);
  std::vector<std::string> names = ClassNamesBeside(data);
  if (names.empty()) {
    throw UsageError(
        "--names: no vocabulary that `beamgrid data import` wrote lies beside the records of this "
        "model; give a file with the columns Index and Name");
  }
  return names;
}

}  // namespace beamgrid
