#pragma once
// What a trainer has answered before, kept in CacheFolder(): to ask it anew loads LibTorch, which
// takes half a second.
//
// What it answers depends on its file, on the libraries that it loads and on what the dynamic
// linker looks for them by. It names these files itself (`loaded` in the answer to `describe`);
// what is kept counts only while the stamps of all of them, and the linker's variables (LD_*), are
// what they were. A cache that cannot be read or written is passed over.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/study/model_counter.h"
#include "registry/named_file.h"
#include "registry/util/checked_lines.h"
#include "registry/util/file_stamp.h"
#include "registry/util/json.h"

namespace beamgrid {

/// DescribedTrainer is the answer to `describe` with some plugins.
class DescribedTrainer {
 public:
  /// Takes the trainer's stamp: an answer that is kept later is of the trainer as it is now.
  DescribedTrainer(const std::filesystem::path& trainer, const std::vector<NamedFile>& plugins);

  /// Returns the answer that is kept; nothing where there is none of this very trainer.
  [[nodiscard]] std::optional<boost::json::value> Find() const;
  /// Keeps an answer that was asked for after this object was made. Not kept is one of a trainer
  /// that was replaced meanwhile, or loaded what was touched less than two seconds before `asked`.
  void Keep(const std::string& answer,
            std::chrono::system_clock::time_point asked = std::chrono::system_clock::now()) const;
  /// Returns a text that is equal as long as nothing has changed that the answers of this trainer
  /// depend on; nothing where that is not known because no answer is kept.
  [[nodiscard]] std::optional<std::string> Identity() const;

 private:
  struct Kept {
    boost::json::value answer;
    std::string identity;
  };
  [[nodiscard]] std::optional<Kept> Read() const;
  [[nodiscard]] std::string IdentityOf(const boost::json::value& answer) const;

  std::filesystem::path trainer_;
  std::string key_;  ///< the trainer's path, the linker's variables, the plugins
  std::optional<FileStamp> stamp_;
  std::filesystem::path file_;  ///< empty: nothing is kept
};

/// KeptCounts are sizes and refusals of models that this very trainer counted before, by the
/// questions. Not thread-safe.
class KeptCounts {
 public:
  explicit KeptCounts(const std::filesystem::path& trainer);
  /// Saves what was added.
  ~KeptCounts();
  KeptCounts(const KeptCounts&) = delete;
  KeptCounts& operator=(const KeptCounts&) = delete;

  [[nodiscard]] std::optional<CountAnswer> Find(const std::string& question);
  void Add(const std::string& question, const CountAnswer& answer);
  /// To be told of each trainer that has begun to answer: whether it is this one is looked at then.
  void OnTrainerStarted();

 private:
  [[nodiscard]] std::string KeyOf(const std::string& question) const;
  void Save();

  DescribedTrainer trainer_;
  std::optional<std::string> identity_;  ///< nothing: nothing is found and nothing added
  std::filesystem::path file_;
  LineFileSize size_ = LineFileSize::kSmall;  ///< of the file, as the next Save will find it
  bool begin_anew_ = false;                   ///< the file has grown large
  std::map<std::string, std::string, std::less<>> known_;  ///< lines by key, of the file
  std::string unsaved_;
  std::size_t added_bytes_ = 0;
};

}  // namespace beamgrid
