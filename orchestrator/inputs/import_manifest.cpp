#include "orchestrator/inputs/import_manifest.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kManifestName[] = "manifest.json";

struct WrittenFeature {
  std::string name, type;
  std::int64_t width = 0;
};

/// ImportedFolder is what a manifest says: the names of its files by split, and their features.
struct ImportedFolder {
  std::vector<std::set<std::string>> splits;
  std::vector<WrittenFeature> features;
};

std::optional<ImportedFolder> ReadManifest(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  try {
    const boost::json::value manifest = ParseJson(ReadFile(path));
    const JsonReader reader(manifest, "");
    if (!reader.Has("beamgrid_import")) return std::nullopt;
    ImportedFolder folder;
    for (const auto& split : reader.Object("splits").object()) {
      std::set<std::string>& files = folder.splits.emplace_back();
      for (const auto& file : JsonReader(split.value(), "splits").List("files")) {
        files.emplace(file.as_string());
      }
    }
    for (const auto& value : reader.List("features")) {
      const JsonReader feature(value, "features");
      folder.features.push_back({.name = feature.Text("name"),
                                 .type = feature.Text("type"),
                                 .width = feature.Integer("width")});
    }
    return folder;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

/// Returns "16 of float16": what a recipe would have to say.
std::string FeatureText(std::int64_t width, const std::string& type, bool of_frames) {
  return std::to_string(width) + (of_frames ? " of " + type : "");
}

bool HaveCommon(const std::set<std::string>& left, const std::set<std::string>& right) {
  return std::ranges::any_of(left, [&](const std::string& name) { return right.contains(name); });
}

}  // namespace

std::string GoneFileOf(const fs::path& folder, const std::set<std::string>& names) {
  const fs::path path = folder / kManifestName;
  const auto manifest = ReadManifest(path);
  if (!manifest) return "";
  std::error_code ignored;
  for (const std::set<std::string>& files : manifest->splits) {
    if (!names.empty() && !HaveCommon(files, names)) continue;
    for (const std::string& file : files) {
      if (fs::exists(folder / file, ignored)) continue;
      return path.string() + " lists " + file +
             ", which is not there: copy the folder again, or import again";
    }
  }
  return "";
}

std::vector<std::string> WhatManifestsSayOtherwise(const DataSpec& data) {
  std::map<fs::path, std::set<std::string>> files;  // by folder
  for (const auto* list : {&data.train, &data.validate}) {
    for (const std::string& file : *list) {
      files[fs::path(file).parent_path()].insert(fs::path(file).filename().string());
    }
  }
  const bool of_frames = data.format != "video";
  std::vector<std::string> mistakes;
  for (const auto& [folder, names] : files) {
    const fs::path path = folder / kManifestName;
    const auto manifest = ReadManifest(path);
    if (!manifest) continue;
    if (std::ranges::none_of(manifest->splits,
                             [&](const auto& split) { return HaveCommon(split, names); })) {
      continue;
    }
    if (std::string gone = GoneFileOf(folder, names); !gone.empty()) {
      mistakes.push_back(std::move(gone));
    }
    for (const WrittenFeature& written : manifest->features) {
      const auto said = std::ranges::find(data.features, written.name, &Feature::first);
      if (said == data.features.end()) continue;
      const std::string type = WordFor(kFrameTypes, FrameTypeOf(data, written.name));
      const std::string ours = FeatureText(said->second, type, of_frames);
      const std::string theirs = FeatureText(written.width, written.type, of_frames);
      if (ours == theirs) continue;
      mistakes.push_back(
          "the feature '" + written.name + "' is " + ours + " here, and " + theirs + " in " +
          path.string() + "; write features = { " + written.name + " = " +
          std::to_string(written.width) + ", ... }" +
          (of_frames && written.type != "uint8"
               ? " and frame_types = { " + written.name + " = \"" + written.type + "\", ... }"
               : ""));
    }
  }
  return mistakes;
}

}  // namespace beamgrid
