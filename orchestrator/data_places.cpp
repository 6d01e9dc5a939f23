#include "orchestrator/data_places.h"

#include <algorithm>
#include <set>
#include <utility>

#include "orchestrator/inputs/data_files.h"
#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "search/recipe.h"
#include "trainer/data/digest.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Returns the data as they would be in these files.
template <typename Files>
DataSpec At(DataSpec data, const Files& files) {
  data.train = files.train;
  data.validate = files.validate;
  return data;
}

/// Returns what is wrong with the files; empty: they hold these data.
std::string WhatIsWrong(const DataSpec& data, HashCache& cache) {
  try {
    if (DataDigest(data, cache) == data.digest) return "";
    return "other content";
  } catch (const Error& error) {
    return error.what();
  }
}

bool AllThere(const DataSpec& data) {
  const auto is_there = [](const std::string& file) {
    std::error_code ignored;
    return fs::is_regular_file(file, ignored);
  };
  return std::ranges::all_of(data.train, is_there) && std::ranges::all_of(data.validate, is_there);
}

/// Returns the folders of the files, each once.
std::string FoldersOf(const DataSpec& data) {
  std::set<std::string> folders;
  for (const auto* files : {&data.train, &data.validate}) {
    for (const std::string& file : *files) folders.insert(fs::path(file).parent_path().string());
  }
  return Join(folders, " and ");
}

std::vector<std::string> Texts(const boost::json::value& list) {
  std::vector<std::string> texts;
  for (const boost::json::value& text : list.as_array()) texts.emplace_back(text.as_string());
  return texts;
}

}  // namespace

DataPlaces::DataPlaces(const Store& store, StudyRecord study)
    : store_(store), study_(std::move(study)) {}

DataSpec DataPlaces::WithContent(const TrialRecord& trial) {
  const DataSpec data = store_.Spec(trial.id).data;
  if (const auto known = found_.find(data.digest); known != found_.end()) {
    return At(data, known->second);
  }
  HashCache cache(CacheFolder());
  std::vector<std::string> tried;
  const auto place = FirstPlace(trial, data, [&](const DataSpec& there) {
    const std::string problem = WhatIsWrong(there, cache);
    if (!problem.empty()) tried.push_back(FoldersOf(there) + " (" + problem + ")");
    return problem.empty();
  });
  cache.Save();
  if (place) {
    found_[data.digest] = *place;
    return At(data, *place);
  }
  throw UsageError(
      "the data of study '" + study_.name + "' (digest " + data.digest +
      ") are in none of the places that the record knows: " + Join(tried, "; ") +
      "; put them back, or name their new place in the study's recipe and run that once "
      "(`beamgrid run` trains nothing again where their content is the same)");
}

DataSpec DataPlaces::AsNamed(const TrialRecord& trial) const {
  const DataSpec data = store_.Spec(trial.id).data;
  const auto place = FirstPlace(trial, data, AllThere);
  return place ? At(data, *place) : data;
}

std::optional<DataPlaces::Files> DataPlaces::FirstPlace(
    const TrialRecord& trial, const DataSpec& data,
    const std::function<bool(const DataSpec&)>& suits) const {
  std::vector<Files> seen;
  const auto try_all = [&](const std::vector<Files>& places) -> std::optional<Files> {
    for (const Files& place : places) {
      if (std::ranges::find(seen, place) != seen.end()) continue;
      seen.push_back(place);
      if (suits(At(data, place))) return place;
    }
    return std::nullopt;
  };
  if (const auto place = try_all(PlacesOf(trial, data))) return place;
  // As many as there are trials: only where nothing else is left.
  std::vector<Files> of_others;
  for (const TrialRecord& other : store_.Trials(study_.id, Counting::kAll)) {
    const DataSpec theirs = store_.Spec(other.id).data;
    if (theirs.digest == data.digest) of_others.push_back({theirs.train, theirs.validate});
  }
  return try_all(of_others);
}

std::vector<DataPlaces::Files> DataPlaces::PlacesOf(const TrialRecord& trial,
                                                    const DataSpec& data) const {
  std::vector<Files> places;
  AddRecipePlaces(places);
  places.push_back({data.train, data.validate});
  try {
    const auto file = ParseJson(ReadFile(fs::path(trial.directory) / "trial.json"));
    const boost::json::value& read = file.at("spec").at("data");
    places.push_back({Texts(read.at("train")), Texts(read.at("validate"))});
  } catch (const std::exception&) {  // removed or damaged: the other places are left
  }
  return places;
}

void DataPlaces::AddRecipePlaces(std::vector<Files>& places) const {
  std::error_code ignored;
  for (const fs::path& folder : {store_.runs().parent_path(), fs::current_path(ignored)}) {
    try {
      const Recipe recipe =
          DataOfRecipe(RecipeSource(study_.recipe_text, (folder / "recipe.toml").string()));
      const DataSpec found = LookForDataFiles(recipe).spec;
      if (found.train.empty() || found.validate.empty()) continue;
      places.push_back({found.train, found.validate});
    } catch (const std::exception&) {  // a recipe that this program does not read
    }
  }
}

}  // namespace beamgrid
