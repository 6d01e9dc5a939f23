#pragma once
// How the orchestrator finds beamgrid-trainer and asks it things without training: its catalogue,
// the size of models, its devices. All calls block; all failures are Error with the trainer's own
// words.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/study/model_counter.h"
#include "orchestrator/workers/trainer_cache.h"
#include "registry/catalogue.h"
#include "registry/model_spec.h"

namespace beamgrid {

/// Returns $BEAMGRID_TRAINER, or `beamgrid-trainer` beside this program. Throws Error saying where
/// it was looked for.
[[nodiscard]] std::filesystem::path FindTrainer();

/// Returns the answer to `beamgrid-trainer describe`; a kept one (trainer_cache.h) where the
/// trainer, its libraries and the plugins are what they were. Throws UsageError where the trainer
/// refuses a plugin.
[[nodiscard]] Catalogue LoadCatalogue(const std::filesystem::path& trainer,
                                      const std::vector<NamedFile>& plugins = {});

/// How long a trainer may be silent over a question whose answer takes seconds.
inline constexpr std::chrono::milliseconds kTrainerPatience = std::chrono::minutes(5);
/// For one that works on a question for as long as it takes, and answers at its end.
inline constexpr std::chrono::milliseconds kAnyTime{0};

/// Returns the standard output of `trainer arguments...`. Throws UsageError with its words where it
/// refuses the question (exit 2), and Error with its last words where it exits with anything else
/// but 0, or has been silent for `patience`.
[[nodiscard]] std::string AskTrainer(const std::filesystem::path& trainer,
                                     const std::vector<std::string>& arguments,
                                     std::chrono::milliseconds patience = kTrainerPatience);

/// TrainerCounter knows the sizes that this very trainer has told before (trainer_cache.h), of
/// models that use no plugin and no file. For all others it asks a `beamgrid-trainer count` that
/// runs beside us, from the first such question on: one JSON line a question, which says of the
/// data all but their files. It takes only an answer that names the question; the trainer ends with
/// this object. Where it dies or says nothing for `patience` it is started anew and asked again;
/// the second time the model is refused, or it is an Error if no model has been counted yet. Not
/// thread-safe.
class TrainerCounter : public ModelCounter {
 public:
  explicit TrainerCounter(std::filesystem::path trainer,
                          std::chrono::milliseconds patience = kTrainerPatience);
  ~TrainerCounter() override;
  CountAnswer Count(const ModelSpec& model, const DataSpec& data) override;
  std::string WhyNoStart(const ModelSpec& model, const DataSpec& data, const TrialSpec& start,
                         const std::string& fingerprint) override;

  /// Answered is an answer, and whether the same question always has it: a model that killed the
  /// trainer, or found no memory, may not do so the next time.
  struct Answered {
    CountAnswer answer;
    bool is_lasting = false;
  };

 private:
  struct Process;
  /// Returns the answer to a question about the model, the kept one where there is one.
  CountAnswer Asked(const ModelSpec& model, boost::json::object question);
  /// Returns the trainer's answer to a whole question, the last one.
  Answered AskedAnew(const std::string& question);
  /// Returns the answering line; nothing where there came none, and the process is gone then.
  std::optional<std::string> Ask(const std::string& question);

  std::filesystem::path trainer_;
  std::chrono::milliseconds patience_;
  KeptCounts kept_;
  std::unique_ptr<Process> process_;
  std::string last_words_;
  bool has_answered_ = false;
  std::int64_t questions_ = 0;  ///< the last one's id
};

}  // namespace beamgrid
