#include "tests/fault/power_cut.h"

#include <fstream>
#include <set>
#include <sstream>
#include <vector>

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Database with its log and index, and the runs folder.
std::vector<fs::path> Things(const fs::path& folder) {
  std::vector<fs::path> things;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool lock = name.ends_with(".lock");
    if (name == "runs" || (name.starts_with("beamgrid.db") && !lock)) {
      things.push_back(entry.path());
    }
  }
  return things;
}

/// What the trace says of the disk.
class Disk {
 public:
  explicit Disk(const fs::path& trace) {
    std::ifstream file(trace);
    for (std::string line; std::getline(file, line);) Take(line);
  }

  /// Nothing where the file is unknown.
  [[nodiscard]] bool Knows(const std::string& path) const { return contents_.contains(path); }
  [[nodiscard]] bool NameIsLost(const std::string& path) const { return new_names_.contains(path); }
  /// How many bytes are safe; nothing lost: -1.
  [[nodiscard]] std::int64_t SafeBytes(const std::string& path) const {
    const Content& content = contents_.at(path);
    return content.dirty ? content.synced_bytes : -1;
  }

 private:
  struct Content {
    bool dirty = true;
    std::int64_t synced_bytes = 0;
  };

  void Take(const std::string& line) {
    std::istringstream words(line);
    std::string what, path, more;
    std::getline(words, what, '\t');
    std::getline(words, path, '\t');
    std::getline(words, more, '\t');
    if (what == "write") contents_[path].dirty = true;
    if (what == "sync") Sync(path, std::stoll(more));
    if (what == "name") Name(path, more);
    if (what == "folder") new_names_.insert(path);
  }

  void Sync(const std::string& path, std::int64_t bytes) {
    contents_[path] = {.dirty = false, .synced_bytes = bytes};
    std::erase_if(new_names_,
                  [&](const std::string& name) { return fs::path(name).parent_path() == path; });
  }

  void Name(const std::string& from, const std::string& to) {
    const bool replaced = contents_.contains(to) && !new_names_.contains(to);
    contents_[to] = contents_[from];
    if (!replaced) new_names_.insert(to);
  }

  std::map<std::string, Content> contents_;
  std::set<std::string> new_names_;
};

}  // namespace

PowerCut::PowerCut(const fs::path& study, const fs::path& aside) : study_(study), aside_(aside) {
  fs::create_directories(aside);
  for (const fs::path& thing : Things(study)) {
    fs::copy(thing, aside / thing.filename(), fs::copy_options::recursive);
  }
}

void PowerCut::LoseWhatWasNotSynced(const fs::path& trace) {
  const Disk disk(trace);
  fs::remove(aside_ / "beamgrid.db-shm");
  const auto original_of = [&](const fs::path& path) {
    return (study_ / path.lexically_relative(aside_)).string();
  };
  std::vector<fs::path> files, lost_folders;
  for (fs::recursive_directory_iterator entry(aside_), end; entry != end; ++entry) {
    if (entry->is_regular_file()) files.push_back(entry->path());
    if (!entry->is_directory() || !disk.NameIsLost(original_of(entry->path()))) continue;
    lost_folders.push_back(entry->path());
    entry.disable_recursion_pending();
  }
  for (const fs::path& folder : lost_folders) fs::remove_all(folder);
  for (const fs::path& file : files) {
    const std::string original = original_of(file);
    const auto bytes = static_cast<std::int64_t>(fs::file_size(file));
    if (disk.NameIsLost(original)) {
      fs::remove(file);
    } else if (!disk.Knows(original)) {
      fs::resize_file(file, static_cast<std::uintmax_t>(bytes / 2));
    } else if (const std::int64_t safe = disk.SafeBytes(original); safe >= 0 && safe < bytes) {
      fs::resize_file(file, static_cast<std::uintmax_t>(safe));
    }
  }
}

void PowerCut::PutBack() {
  for (const fs::path& thing : Things(study_)) fs::remove_all(thing);
  for (const fs::path& thing : Things(aside_)) fs::rename(thing, study_ / thing.filename());
  fs::remove_all(aside_);
}

}  // namespace beamgrid
