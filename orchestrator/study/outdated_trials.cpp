#include "orchestrator/study/outdated_trials.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "orchestrator/study/older_digest.h"
#include "registry/named_file.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

constexpr std::size_t kListedFiles = 3;

/// ContentChange is why one trial is outdated: the texts of its group.
struct ContentChange {
  std::string change, made;
  Outdated::Return comes_back = Outdated::Return::kWithContent;
  auto operator<=>(const ContentChange&) const = default;
};

json::object CanonicalData(const DataSpec& data) {
  return ParseJson(CanonicalText({.data = data})).at("data").as_object();
}

std::set<std::string> FileNames(const std::vector<std::string>& paths) {
  std::set<std::string> names;
  for (const std::string& path : paths) {
    names.insert(std::filesystem::path(path).filename().string());
  }
  return names;
}

/// Returns "lacks a, has b besides (2 files, were 2)"; empty where the names are the same.
std::string ListChange(const std::vector<std::string>& then, const std::vector<std::string>& now) {
  const std::set<std::string> old_names = FileNames(then), new_names = FileNames(now);
  std::set<std::string> gone, added;
  std::ranges::set_difference(old_names, new_names, std::inserter(gone, gone.end()));
  std::ranges::set_difference(new_names, old_names, std::inserter(added, added.end()));
  if (gone.empty() && added.empty() && then.size() == now.size()) return "";
  std::string text;
  if (!gone.empty()) text += "lacks " + JoinFirst(gone, kListedFiles) + " ";
  if (!added.empty())
    text += (text.empty() ? "" : "and ") + ("has " + JoinFirst(added, kListedFiles)) + " besides ";
  return text + "(" + CountText(now.size(), "file") + ", were " + std::to_string(then.size()) + ")";
}

/// Returns what the data were when a trial was made, beside what they are.
ContentChange DataCause(const DataSpec& then, const DataSpec& now) {
  if (then.digest == now.digest) {
    const bool weights =
        then.weighted_classes != now.weighted_classes || then.class_weight != now.class_weight;
    if (!weights)
      return {"data: the settings of [data] mean something else", "trained on other data"};
    return {"data: the class list is another (" +
                CountText(now.weighted_classes.size(), "weighted class") + ", were " +
                std::to_string(then.weighted_classes.size()) + ")",
            "trained with another class list"};
  }
  std::string change;
  for (const auto& [list, old_files, new_files] :
       {std::tuple("train", &then.train, &now.train),
        std::tuple("validate", &then.validate, &now.validate)}) {
    const std::string difference = ListChange(*old_files, *new_files);
    if (difference.empty()) continue;
    change += (change.empty() ? "" : ", ") + std::string(list) + " " + difference;
  }
  if (!change.empty()) return {"data: " + change, "trained on other data"};
  if (OlderDigest(now) == then.digest) {
    return {
        "data: an earlier version digested the names, sizes and ends of these files only, by "
        "which they are the same; whether all of them is, that digest cannot say",
        "recorded with an older digest of the data", Outdated::Return::kNever};
  }
  return {"data: the files have the same names, what is in them is another",
          "trained on other data"};
}

/// Adds every file in `value`, however deep.
void AddFiles(const json::value& value, std::vector<NamedFile>* files) {
  if (auto file = NamedFileFrom(value)) return files->push_back(*std::move(file));
  if (const json::array* list = value.if_array()) {
    for (const json::value& item : *list) AddFiles(item, files);
  } else if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) AddFiles(member.value(), files);
  }
}

class ContentComparison {
 public:
  ContentComparison(const Store& store, const Recipe& recipe, const DataSpec& data,
                    const WarmStarts& starts)
      : store_(store),
        folder_(std::filesystem::absolute(recipe.path).parent_path()),
        recipe_(recipe),
        data_(data),
        canonical_data_(CanonicalJson(CanonicalData(data))),
        starts_(starts) {}

  std::optional<ContentChange> CauseFor(const TrialRecord& trial) {
    const json::object canonical = ParseJson(store_.Canonical(trial.id)).as_object();
    const std::string data = CanonicalJson(canonical.at("data"));
    if (data != canonical_data_) return OfData(trial.id, data);
    const json::value* start = canonical.if_contains("start");
    // Most models have neither, and parsing each of a large record would take seconds.
    const bool names_files = trial.model_json.find("\"hash\"") != std::string::npos;
    if (!names_files && start == nullptr) return std::nullopt;
    const json::value model = ParseJson(trial.model_json);
    if (const auto cause = OfFiles(model)) return cause;
    if (start == nullptr) return std::nullopt;
    return OfStart(ModelSpecFromJson(model), trial.seed, std::string(start->as_string()));
  }

 private:
  ContentChange OfData(TrialId trial, const std::string& data) {
    const auto [entry, is_new] = data_causes_.try_emplace(data);
    // The lists of files are long: read once for each data that the study has had.
    if (is_new) entry->second = DataCause(store_.Spec(trial).data, data_);
    return entry->second;
  }

  std::optional<ContentChange> OfFiles(const json::value& model) {
    const json::object& parts = model.as_object();
    std::vector<NamedFile> files;
    AddFiles(model, &files);
    for (const NamedFile& file : files) {
      const std::string now = HashNow(file.name);
      if (now == file.hash) continue;
      const auto is_of = [&](const char* key) {
        std::vector<NamedFile> named;
        if (const json::value* part = parts.if_contains(key)) AddFiles(*part, &named);
        return std::ranges::find(named, file) != named.end();
      };
      const std::string what = (is_of("plugins") ? "plugin "
                                : is_of("train") ? "teacher "
                                                 : "script ") +
                               file.name;
      return ContentChange{what + (now.empty() ? " is gone" : " has changed"),
                           "trained with another " + what};
    }
    return std::nullopt;
  }

  std::optional<ContentChange> OfStart(const ModelSpec& model, std::int64_t seed,
                                       const std::string& then) const {
    const std::string text = WarmStartText(model);
    const bool meant = std::ranges::find(recipe_.warm_starts, text, &WarmStartReference::text) !=
                           recipe_.warm_starts.end() &&
                       std::ranges::find(recipe_.seeds, seed) != recipe_.seeds.end();
    if (meant && starts_.For(model, seed).fingerprint == then) return std::nullopt;
    return ContentChange{"start: " + text + " is another trial", "started from another trial"};
  }

  /// Returns the hash of the file as it is now, empty where it is gone.
  std::string HashNow(const std::string& name) {
    const auto [entry, is_new] = hashes_.try_emplace(name);
    if (!is_new) return entry->second;
    try {
      // As the recipe means the name: a record that was moved has paths of another place.
      entry->second = LookAtFile(name, folder_).hash;
    } catch (const Error& error) {
      if (IsMachineFault(SystemCode(error))) throw;
    }
    return entry->second;
  }

  const Store& store_;
  std::filesystem::path folder_;
  const Recipe& recipe_;
  const DataSpec& data_;
  std::string canonical_data_;
  const WarmStarts& starts_;
  std::map<std::string, ContentChange> data_causes_;  ///< by canonical data
  std::map<std::string, std::string> hashes_;         ///< by name
};

}  // namespace

std::vector<Outdated> FindOutdated(const Store& store, const std::vector<TrialRecord>& trials,
                                   const Recipe& recipe, const DataSpec& data,
                                   const WarmStarts& starts) {
  ContentComparison comparison(store, recipe, data, starts);
  std::vector<Outdated> outdated;
  std::map<ContentChange, std::size_t> places;
  for (const TrialRecord& trial : trials) {
    const std::optional<ContentChange> cause = comparison.CauseFor(trial);
    if (!cause) continue;
    const auto [place, is_new] = places.try_emplace(*cause, outdated.size());
    if (is_new) {
      outdated.push_back({.change = cause->change,
                          .made = cause->made,
                          .comes_back = cause->comes_back,
                          .trials = {}});
    }
    outdated[place->second].trials.push_back(trial.id);
  }
  return outdated;
}

std::vector<std::string> LinesOf(const std::vector<Outdated>& outdated) {
  std::vector<std::string> lines;
  for (const Outdated& group : outdated) {
    const std::size_t count = group.trials.size();
    lines.push_back(group.change + "; " + CountText(count, "trial") +
                    (count == 1 ? " that was " : " that were ") + group.made +
                    (count == 1 ? " no longer counts" : " no longer count"));
  }
  if (!lines.empty()) {
    const bool any_comes_back = std::ranges::any_of(outdated, [](const Outdated& group) {
      return group.comes_back == Outdated::Return::kWithContent;
    });
    lines.push_back(std::string("they stay in the record") +
                    (any_comes_back ? " and count again when the content is what it was" : "") +
                    "; `beamgrid trials STUDY --all` lists them");
  }
  return lines;
}

}  // namespace beamgrid
