#include "orchestrator/inputs/data_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "orchestrator/inputs/class_list.h"
#include "orchestrator/inputs/file_patterns.h"
#include "orchestrator/inputs/import_manifest.h"
#include "orchestrator/inputs/reading_progress.h"
#include "orchestrator/inputs/recipe_files.h"
#include "orchestrator/inputs/teachers.h"
#include "orchestrator/inputs/vocabulary_files.h"
#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"
#include "registry/util/user_path.h"
#include "registry/util/utf8.h"
#include "trainer/data/video_group_records.h"

namespace beamgrid {
namespace {

/// Reading is bound by the disk or by memory, and other studies train meanwhile.
constexpr int kMostReaders = 4;

/// Returns the pattern with its `~` and `$NAME` replaced by what they stand for, which is no
/// pattern; the pattern itself where a file of exactly this name is there.
std::string Expanded(const std::string& pattern, const std::filesystem::path& folder) {
  std::error_code unknown;
  if (std::filesystem::exists(folder / pattern, unknown)) return pattern;
  return ExpandUserPath(pattern, [](const std::string& value) {
    std::string quoted;
    for (const char c : value) {
      if (std::string_view("*?[]{},\\").find(c) != std::string_view::npos) quoted += '\\';
      quoted += c;
    }
    return quoted;
  });
}

/// Returns the files of all patterns, each once; a diagnostic for every pattern that matches none.
std::vector<std::string> FilesOf(const std::vector<std::string>& patterns,
                                 const std::filesystem::path& folder, const Place& place,
                                 const std::string& key, std::vector<Diagnostic>* diagnostics) {
  std::set<std::string> files;
  for (const std::string& pattern : patterns) {
    std::string expanded;
    std::vector<std::string> found;
    try {
      expanded = Expanded(pattern, folder);
      found = ExpandGlob(expanded, folder);
    } catch (const Error& error) {
      if (IsMachineFault(SystemCode(error))) throw;
      diagnostics->push_back({place, key, error.what()});
      continue;
    }
    files.insert(found.begin(), found.end());
    // One stands for all: most often it is their folder.
    const auto unnamed = std::ranges::find_if_not(found, IsWellFormedUtf8);
    if (unnamed != found.end()) diagnostics->push_back({place, key, ProblemOfPath(*unnamed)});
    if (!found.empty()) continue;
    diagnostics->push_back({place, key,
                            "\"" + pattern + "\" matches no file; it is looked for as " +
                                (folder / expanded).lexically_normal().string()});
  }
  std::vector<std::string> sorted(files.begin(), files.end());
  std::sort(sorted.begin(), sorted.end(), ByFileName);
  return sorted;
}

Diagnostic DiagnosticOf(const DataSettings& settings, const DataProblem& problem) {
  if (problem.in_train) return {settings.train_place, "data.train", problem.what};
  return {settings.validate_place, "data.validate", problem.what};
}

}  // namespace

FoundData LookForDataFiles(const Recipe& recipe) {
  const DataSettings& settings = recipe.data;
  const std::filesystem::path folder = FolderOf(recipe.path);
  FoundData found;
  found.spec = {
      .format = settings.format,
      .train = FilesOf(settings.train, folder, settings.train_place, "data.train", &found.missing),
      .validate = FilesOf(settings.validate, folder, settings.validate_place, "data.validate",
                          &found.missing),
      .classes = settings.classes,
      .features = settings.features,
      .frame_types = settings.frame_types,
      .normalise = settings.normalise,
      .max_frames = settings.max_frames,
      .frame_alignment = settings.frame_alignment,
      .on_error = settings.on_error,
      .unrated = settings.unrated,
      .multi_class = settings.multi_class,
      .video_weight = settings.video_weight};
  for (const std::string& mistake : WhatManifestsSayOtherwise(found.spec)) {
    found.missing.push_back({settings.train_place, "data.features", mistake});
  }
  for (const DataProblem& mistake : VocabularyMistakes(found.spec)) {
    found.missing.push_back(DiagnosticOf(settings, mistake));
  }
  // Only then: the classes are a part of the identity, and a list that weighs nothing must not make
  // other trials.
  if (settings.class_weight != 1) {
    found.spec.weighted_classes = WeightedClasses(settings, folder, &found.missing);
    found.spec.class_weight = settings.class_weight;
    if (settings.class_weight == 0 && std::ssize(found.spec.weighted_classes) == settings.classes) {
      found.missing.push_back({settings.weighted_classes_place, "data.weighted_classes",
                               "names all " + std::to_string(settings.classes) +
                                   " classes, and data.class_weight is 0: nothing to train on; "
                                   "leave a class out, or give them a weight"});
    }
  }
  return found;
}

DataSpec FindDataFiles(const Recipe& recipe) {
  FoundData found = LookForDataFiles(recipe);
  if (!found.missing.empty()) throw RecipeError(std::move(found.missing));
  return std::move(found.spec);
}

StudyData ReadStudyData(DataSpec found, const std::string& group, const ReadingVoice& voice,
                        CensusOptions::Reading reading) {
  ReadingProgress progress(voice.show_progress);
  StudyData data{.spec = std::move(found)};
  data.census = TakeCensus(data.spec, {.reading = reading,
                                       .cache = CacheFolder(),
                                       .group = group,
                                       .threads = std::clamp(UsableThreads() / 2, 1, kMostReaders),
                                       .progress = [&](std::uint64_t done, std::uint64_t total) {
                                         progress.Show(done, total);
                                       }});
  progress.End();
  data.spec.digest = data.census.digest;
  data.verdict = JudgeData(data.spec, data.census);
  const std::string spare = SpareClassesNote(data.spec);
  if (!spare.empty()) data.verdict.warnings.push_back(spare);
  return data;
}

std::vector<Diagnostic> DataMistakes(const Recipe& recipe, const DataVerdict& verdict) {
  std::vector<Diagnostic> mistakes;
  for (const DataProblem& problem : verdict.problems) {
    mistakes.push_back(DiagnosticOf(recipe.data, problem));
  }
  return mistakes;
}

DataSpec CheckedData(const Recipe& recipe, const ReadingVoice& voice) {
  StudyData data = ReadStudyData(FindDataFiles(recipe), recipe.data.group, voice);
  for (const std::string& warning : data.verdict.warnings) {
    if (voice.warn) voice.warn("warning: " + warning);
  }
  if (!data.verdict.problems.empty()) throw RecipeError(DataMistakes(recipe, data.verdict));
  std::vector<Diagnostic> mistakes = TeacherMistakes(recipe, data.spec);
  if (!mistakes.empty()) throw RecipeError(std::move(mistakes));
  return std::move(data.spec);
}

std::shared_ptr<const VideoGroups> GroupsOfVideos(const Recipe& recipe, const DataSpec& data,
                                                  const Warn& warn) {
  const DataSettings& settings = recipe.data;
  if (settings.group.empty()) return nullptr;
  ReadGroups read = ReadVideoGroups(data, settings.group, CacheFolder());
  if (read.without == 0) {
    const std::int64_t in_training = read.groups.in_training();
    if (in_training > 0) warn(SeenGroupsNote(settings.group, in_training));
    return std::make_shared<const VideoGroups>(std::move(read.groups));
  }
  std::vector<Diagnostic> mistakes;
  for (const std::string& example : read.examples) {
    mistakes.push_back({settings.group_place, "data.group", example});
  }
  const auto shown = std::ssize(mistakes);
  if (read.without > shown) {
    mistakes.push_back({settings.group_place, "data.group",
                        std::to_string(read.without - shown) + " more such validation records"});
  }
  throw RecipeError(std::move(mistakes));
}

}  // namespace beamgrid
