#include "orchestrator/commands/class_names.h"

#include <exception>
#include <optional>

#include "registry/util/error.h"

namespace beamgrid {

KnownNames NamesBeside(const DataSpec& data) try {
  NamedClasses found = NamesOfData(data);
  if (found.names.empty()) return {};
  const std::int64_t classes = std::ssize(found.names);
  if (classes != data.classes) {
    return {{},
            found.where + " has " + std::to_string(classes) + " classes, the data of this model " +
                std::to_string(data.classes) + ": it is of other data"};
  }
  return {std::move(found.names), "the names of classes are those in " + found.where +
                                      " now: when the study was run, none were recorded"};
} catch (const std::exception& error) {
  return {{}, error.what()};
}

KnownNames NamesOf(const Store& store, StudyId study, const DataSpec& data) {
  auto noted = store.NotedClassNames(study);
  const auto found = noted.find(data.digest);
  if (found == noted.end()) return NamesBeside(data);
  KnownNames known{.names = std::move(found->second), .note = ""};
  known.names.resize(static_cast<std::size_t>(data.classes));
  std::string contradiction;
  try {
    contradiction = Contradiction({"the record", known.names}, NamesOfData(data));
  } catch (const std::exception&) {
    return known;  // what became of the files does not matter
  }
  if (!contradiction.empty()) {
    known.note = contradiction + ": the names are those of the record";
  }
  return known;
}

std::vector<std::string> ClassNamesInFolder(const std::filesystem::path& folder) try {
  const auto vocabulary = VocabularyBeside(folder);
  if (!vocabulary) return {};
  return vocabulary->Read().names;
} catch (const std::exception&) {
  return {};
}

NamedClasses NamesBesidePredictions(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  return {.where = file + " (by the vocabulary beside it)",
          .names = ClassNamesInFolder(folder.empty() ? "." : folder)};
}

void RequireSameClasses(const std::vector<std::string>& predictions,
                        std::vector<NamedClasses> known) {
  for (const std::string& file : predictions) {
    NamedClasses names = NamesBesidePredictions(file);
    for (const NamedClasses& one : known) {
      const std::string contradiction = Contradiction(names, one);
      if (contradiction.empty()) continue;
      throw UsageError(contradiction +
                       ": the numbers mean other classes. Where the predictions are not of the "
                       "records that they lie beside, put them elsewhere");
    }
    known.push_back(std::move(names));
  }
}

KnownNames ClassNamesOf(const std::string& option, const DataSpec& data, const KnownNames& known) {
  if (option.empty()) return {};
  if (option != kNamesBesideRecords) return {ReadClassNames(option, data.classes), ""};
  if (!known.names.empty()) return known;
  const std::string why =
      known.note.empty()
          ? "no vocabulary that `beamgrid data import` wrote lies beside the records of this model"
          : known.note;
  throw UsageError("--names: " + why + "; give a file with the columns Index and Name");
}

}  // namespace beamgrid
