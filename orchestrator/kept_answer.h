#pragma once
// What the last run of a study that found nothing to do came to and printed, kept in CacheFolder().
// While nothing has changed that it depends on, a run repeats it: it asks the strategy for no trial
// and makes no table, effects or ensemble anew.
//
// What it depends on: this program's file; the recipe, its path and the catalogue; the data, which
// were looked at before as ever, and the files that models name; the slots; all that the record
// holds of the study (RecordUpkeep::Digest) and where the record and its runs folder lie; the stamp
// of every file of a result that counts. One byte of these that is another, and all is done as if
// nothing had been kept. A cache that cannot be read or written is passed over.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/study/progress.h"
#include "orchestrator/study/scheduler.h"
#include "orchestrator/study/study_events.h"
#include "registry/catalogue.h"
#include "registry/model_spec.h"
#include "registry/named_file.h"
#include "registry/store/store.h"
#include "search/recipe.h"

namespace beamgrid {

/// KeptAnswer is the answer of one study, for one run of it. Not thread-safe.
class KeptAnswer {
 public:
  /// Subject is what a run is about, beside the record. What it points at must outlive the answer.
  struct Subject {
    const Recipe* recipe = nullptr;
    const Catalogue* catalogue = nullptr;
    DataSpec data;                 ///< with its digest
    std::vector<NamedFile> files;  ///< that models name
    std::vector<Slot> slots;
    std::filesystem::path database, trainer;
    std::filesystem::path program = "/proc/self/exe";
  };

  /// Printed is what a run prints when it is done.
  struct Printed {
    std::string data;
    std::string remark;          ///< is told within them; may be empty
    std::int64_t remark_at = 0;  ///< so many bytes of the data come before it
  };

  /// `form` says how the answer is printed, its kind in the first word ("json", "terminal 80"): one
  /// is kept of each kind.
  explicit KeptAnswer(std::string form) : form_(std::move(form)) {}

  void SetSubject(Subject subject);
  /// Looks for the answer; true where one is kept and nothing has changed since.
  [[nodiscard]] bool Find(Store& store);
  [[nodiscard]] bool found() const { return progress_.has_value(); }

  /// Tells what the run told and notes it in the record as that run did. Only where found().
  StudyResult Repeat(Store& store, ProgressDisplay& display,
                     std::chrono::milliseconds elapsed) const;
  /// Returns what was printed. Only where found().
  [[nodiscard]] const Printed& printed() const { return printed_; }

  /// Takes how a run ended for which nothing had changed since the one before, and the lines that
  /// it told. It can be repeated where it had nothing to do: no trial was begun or has failed, and
  /// each line is a refusal, which the next run tells as well.
  void Offer(const StudyResult& result, std::vector<std::string> lines);
  /// Returns what the answer depends on as it is now; nothing where it cannot be kept: no run was
  /// offered, a file of a result is missing or was touched just now, or the recipe starts from
  /// other studies' trials.
  [[nodiscard]] std::optional<std::string> Key(Store& store) const;
  /// Keeps the answer. `key`: of before it was made; where Key is another by now, nothing is kept.
  void Keep(Store& store, const std::optional<std::string>& key, const Printed& printed) const;

 private:
  /// `latest_ns`: a file of a result that was touched after it keeps the answer from having a key.
  [[nodiscard]] std::optional<std::string> KeyNow(Store& store, std::int64_t latest_ns) const;
  [[nodiscard]] std::filesystem::path File() const;  ///< empty: nothing is kept

  std::string form_;
  Subject subject_;
  bool repeatable_ = false;
  std::vector<std::string> lines_, decisions_;
  Printed printed_;
  std::optional<ProgressState> progress_;  ///< as the run noted it; nothing: not found
};

}  // namespace beamgrid
