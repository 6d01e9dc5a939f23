#include "orchestrator/inputs/vocabulary_files.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <map>
#include <set>

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

/// Returns whether an import's manifest speaks of one of these files; an old one names none.
bool IsManifestOf(const JsonReader& manifest, const std::set<std::string>& files) {
  if (!manifest.Has("splits")) return true;
  for (const auto& split : manifest.Object("splits").object()) {
    const JsonReader reader(split.value(), "splits");
    if (!reader.Has("files")) return true;
    for (const auto& file : reader.List("files")) {
      if (files.contains(std::string(file.as_string()))) return true;
    }
  }
  return false;
}

/// Returns the vocabulary beside records; of these files, where some are named.
std::optional<VocabularyFile> VocabularyOf(const fs::path& folder,
                                           const std::set<std::string>* files) {
  const fs::path path = folder / "manifest.json";
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  try {
    const boost::json::value json = ParseJson(ReadFile(path));
    const JsonReader manifest(json, "");
    if (!manifest.Has("beamgrid_import") || !manifest.Has("vocabulary")) return std::nullopt;
    if (files != nullptr && !IsManifestOf(manifest, *files)) return std::nullopt;
    const fs::path vocabulary = folder / manifest.Text("vocabulary");
    if (!fs::is_regular_file(vocabulary, ignored)) return std::nullopt;
    const std::int64_t classes = manifest.Integer("classes");
    if (classes < 1 || classes > kMaxClasses) return std::nullopt;
    return VocabularyFile{.path = vocabulary.string(), .classes = classes};
  } catch (const std::exception&) {
    return std::nullopt;  // somebody else's manifest
  }
}

/// FilesByFolder are names of files, the folders in the order in which they are met.
class FilesByFolder {
 public:
  explicit FilesByFolder(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
      const fs::path folder = fs::path(file).parent_path();
      const auto [entry, is_new] = files_.try_emplace(folder);
      entry->second.insert(fs::path(file).filename().string());
      if (is_new) folders_.push_back(folder);
    }
  }
  [[nodiscard]] std::vector<VocabularyFile> Vocabularies() const {
    std::vector<VocabularyFile> found;
    for (const fs::path& folder : folders_) {
      if (auto one = VocabularyOf(folder, &files_.at(folder))) found.push_back(std::move(*one));
    }
    return found;
  }

 private:
  std::vector<fs::path> folders_;
  std::map<fs::path, std::set<std::string>> files_;
};

/// Returns the first contradiction with those before; empty: there is none.
std::string ContradictionWith(const std::vector<NamedClasses>& before, const NamedClasses& names) {
  for (const NamedClasses& one : before) {
    const std::string what = Contradiction(one, names);
    if (what.empty()) continue;
    return what +
           ": their records number classes differently; import them again with one file of all "
           "names (`beamgrid data import --classes FILE`)";
  }
  return "";
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
  if (!named) {
    table.RefuseEmptyLineBefore();
    names.Add(path + ":1", next++, table.columns().front());
  }
  while (table.Next()) {
    if (!index) table.RefuseEmptyLineBefore();
    const std::size_t at = index ? IndexIn(table, *index) : next++;
    names.Add(table.Place(), at, table.Cell(named.value_or(0)));
  }
  return names.Take();
}

NamedClasses VocabularyFile::Read() const {
  return {.where = path, .names = ReadClassNames(path, classes)};
}

std::optional<VocabularyFile> VocabularyBeside(const fs::path& folder) {
  return VocabularyOf(folder, nullptr);
}

NamedClasses NamesBesideFiles(const std::vector<std::string>& files) {
  std::vector<NamedClasses> read;
  for (const VocabularyFile& file : FilesByFolder(files).Vocabularies()) {
    NamedClasses names = file.Read();
    const std::string contradiction = ContradictionWith(read, names);
    if (!contradiction.empty()) throw InputError(contradiction);
    read.push_back(std::move(names));
  }
  NamedClasses all;
  for (const NamedClasses& one : read) {
    if (all.where.empty()) all.where = one.where;
    all.names.resize(std::max(all.names.size(), one.names.size()));
    for (std::size_t i = 0; i < one.names.size(); ++i) {
      if (all.names[i].empty()) all.names[i] = one.names[i];
    }
  }
  return all;
}

NamedClasses NamesOfData(const DataSpec& data) {
  std::vector<std::string> files = data.train;
  files.insert(files.end(), data.validate.begin(), data.validate.end());
  return NamesBesideFiles(files);
}

std::vector<DataProblem> VocabularyMistakes(const DataSpec& data) {
  std::vector<DataProblem> mistakes;
  std::set<std::string> looked_at;
  std::vector<NamedClasses> read;
  for (const bool in_train : {true, false}) {
    for (const VocabularyFile& file :
         FilesByFolder(in_train ? data.train : data.validate).Vocabularies()) {
      if (!looked_at.insert(file.path).second) continue;
      if (file.classes > data.classes) {
        mistakes.push_back({in_train, "classes = " + std::to_string(data.classes) + " here, and " +
                                          std::to_string(file.classes) + " in " + file.path +
                                          "; write classes = " + std::to_string(file.classes)});
      }
      try {
        NamedClasses names = file.Read();
        const std::string contradiction = ContradictionWith(read, names);
        if (!contradiction.empty()) mistakes.push_back({in_train, contradiction});
        read.push_back(std::move(names));
      } catch (const InputError& error) {
        mistakes.push_back({in_train, error.what()});
      }
    }
  }
  return mistakes;
}

std::string SpareClassesNote(const DataSpec& data) {
  std::vector<std::string> files = data.train;
  files.insert(files.end(), data.validate.begin(), data.validate.end());
  const std::vector<VocabularyFile> found = FilesByFolder(files).Vocabularies();
  const auto most = std::ranges::max_element(found, {}, &VocabularyFile::classes);
  if (most == found.end() || most->classes >= data.classes) return "";
  return "data.classes = " + std::to_string(data.classes) + ", and " + most->path + " has " +
         std::to_string(most->classes) + ": the others have no name and no label";
}

}  // namespace beamgrid
