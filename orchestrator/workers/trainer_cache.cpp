#include "orchestrator/workers/trainer_cache.h"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// The name has the format's version: another one is another file.
constexpr char kCountsFile[] = "counts-1";
/// A plan may count a million models: so much of what one process adds is kept.
constexpr std::size_t kMostAddedBytes = kLargeLineFile;
constexpr std::size_t kUnsavedBytes = 64 << 10;

std::optional<FileStamp> StampIfThere(const fs::path& path) {
  try {
    return StampOf(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string TextOf(const std::optional<FileStamp>& stamp) {
  if (!stamp) return "none";
  return std::to_string(stamp->device) + " " + std::to_string(stamp->inode) + " " +
         std::to_string(stamp->size) + " " + std::to_string(stamp->modified_ns) + " " +
         std::to_string(stamp->changed_ns);
}

/// Returns the variables by which the dynamic linker chooses libraries, sorted.
std::string LinkerVariables() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view(*variable).starts_with("LD_")) variables.emplace_back(*variable);
  }
  std::ranges::sort(variables);
  std::string text;
  for (const std::string& variable : variables) text += variable + "\n";
  return text;
}

/// Returns the files that the trainer says it depends on; a trainer that names none (another
/// program in its place) depends on its own file.
std::vector<std::string> LoadedFiles(const json::value& answer) {
  std::vector<std::string> files;
  const json::object* object = answer.if_object();
  const json::value* loaded = object == nullptr ? nullptr : object->if_contains("loaded");
  if (loaded == nullptr || !loaded->is_array()) return files;
  for (const json::value& file : loaded->get_array()) {
    if (file.is_string()) files.emplace_back(file.get_string());
  }
  return files;
}

bool IsYoung(const FileStamp& stamp, std::chrono::system_clock::time_point asked) {
  // As in a HashCache: it may be touched again without a change of its stamp.
  constexpr std::chrono::seconds kYoung{2};
  const std::int64_t newest =
      std::chrono::duration_cast<std::chrono::nanoseconds>((asked - kYoung).time_since_epoch())
          .count();
  return stamp.modified_ns > newest || stamp.changed_ns > newest;
}

}  // namespace

DescribedTrainer::DescribedTrainer(const fs::path& trainer, const std::vector<NamedFile>& plugins)
    : trainer_(trainer), stamp_(StampIfThere(trainer)) {
  key_ = trainer.string() + "\n" + LinkerVariables();
  for (const NamedFile& plugin : plugins) key_ += "\n" + plugin.path + "\n" + plugin.hash;
  if (const std::optional<fs::path> folder = CacheFolder()) {
    file_ = *folder / ("catalogue-" + HashBytes(key_));
  }
}

std::string DescribedTrainer::IdentityOf(const json::value& answer) const {
  std::string text = key_ + "\n" + TextOf(StampIfThere(trainer_));
  for (const std::string& file : LoadedFiles(answer)) {
    text += "\n" + file + " " + TextOf(StampIfThere(file));
  }
  return HashBytes(text);
}

std::optional<DescribedTrainer::Kept> DescribedTrainer::Read() const {
  if (file_.empty() || !stamp_) return std::nullopt;
  const std::optional<std::string> text = ReadCached(file_);
  if (!text || text->size() < kHashDigits) return std::nullopt;
  try {
    Kept kept{.answer = ParseJson(text->substr(kHashDigits)),
              .identity = text->substr(0, kHashDigits)};
    if (kept.identity != IdentityOf(kept.answer)) return std::nullopt;
    return kept;
  } catch (const std::invalid_argument&) {
    return std::nullopt;  // it is asked for again
  }
}

std::optional<json::value> DescribedTrainer::Find() const {
  std::optional<Kept> kept = Read();
  if (!kept) return std::nullopt;
  return std::move(kept->answer);
}

std::optional<std::string> DescribedTrainer::Identity() const {
  std::optional<Kept> kept = Read();
  if (!kept) return std::nullopt;
  return std::move(kept->identity);
}

void DescribedTrainer::Keep(const std::string& answer,
                            std::chrono::system_clock::time_point asked) const {
  if (file_.empty() || !stamp_ || StampIfThere(trainer_) != stamp_) return;
  const json::value parsed = ParseJson(answer);
  for (const std::string& file : LoadedFiles(parsed)) {
    const std::optional<FileStamp> stamp = StampIfThere(file);
    if (stamp && IsYoung(*stamp, asked)) return;
  }
  WriteCached(file_, IdentityOf(parsed) + answer);
}

KeptCounts::KeptCounts(const fs::path& trainer)
    : trainer_(trainer, {}), identity_(trainer_.Identity()) {
  const std::optional<fs::path> folder = CacheFolder();
  if (!identity_ || !folder) return;
  file_ = *folder / kCountsFile;
  size_ = ReadCheckedLines(file_, [this](std::string_view line) {
    if (line.size() <= kHashDigits + 1) return;
    known_.insert_or_assign(std::string(line.substr(0, kHashDigits)),
                            std::string(line.substr(kHashDigits + 1)));
  });
  begin_anew_ = size_ == LineFileSize::kLarge;
}

KeptCounts::~KeptCounts() { Save(); }

std::string KeptCounts::KeyOf(const std::string& question) const {
  return HashBytes(*identity_ + "\n" + question);
}

std::optional<CountAnswer> KeptCounts::Find(const std::string& question) {
  if (!identity_) return std::nullopt;
  const std::string key = KeyOf(question);
  const auto found = known_.find(key);
  if (found == known_.end()) return std::nullopt;
  try {
    const json::value value = ParseJson(found->second);
    const JsonReader answer(value, "count");
    // The file is begun anew with what is used.
    if (begin_anew_) unsaved_ += CheckedLine(key + " " + found->second);
    if (answer.Has("refusal")) return answer.Text("refusal");
    return ModelSize{answer.Integer("parameters"), answer.Integer("size_bytes")};
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

void KeptCounts::Add(const std::string& question, const CountAnswer& answer) {
  if (!identity_ || added_bytes_ > kMostAddedBytes) return;
  json::object object;
  if (const auto* size = std::get_if<ModelSize>(&answer)) {
    object = {{"parameters", size->parameters}, {"size_bytes", size->size_bytes}};
  } else {
    object = {{"refusal", std::get<std::string>(answer)}};
  }
  const std::string line = CheckedLine(KeyOf(question) + " " + CanonicalJson(object));
  added_bytes_ += line.size();
  unsaved_ += line;
  if (unsaved_.size() > kUnsavedBytes) Save();
}

void KeptCounts::OnTrainerStarted() {
  // Replaced since the identity was read: nobody knows which of the two has answered.
  if (identity_ && trainer_.Identity() != identity_) identity_.reset();
}

void KeptCounts::Save() {
  if (file_.empty() || unsaved_.empty()) return;
  AppendLines(file_, std::exchange(unsaved_, {}), std::exchange(size_, LineFileSize::kSmall));
}

}  // namespace beamgrid
