#pragma once
// A pilot as the orchestrator knows it: by what it reports and what the queue shows of its job.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/shared_files.h"
#include "orchestrator/slurm/slurm_client.h"
#include "orchestrator/slurm/watched_time.h"

namespace beamgrid {

/// ClusterPatience is how long what is seen may differ from what is. It counts only where the
/// cluster answers and the files can be read.
struct ClusterPatience {
  using Milliseconds = std::chrono::milliseconds;

  Milliseconds queue{3'000};  ///< between two looks at the queue
  Milliseconds beat{2'000};   ///< between two signs of life of a pilot
  /// A job that is in no queue, and whose pilot says nothing, for so long is lost.
  Milliseconds lost{60'000};
  /// A pilot whose job has ended, by Slurm's word, and that has said nothing for so long, says
  /// nothing more.
  Milliseconds ended{15'000};
  /// A pilot that says nothing for so long, though its job runs, is ended: its process is gone or
  /// hangs.
  Milliseconds silent{180'000};
  /// What a file names is not to be seen for so long: then it is not there.
  Milliseconds files{60'000};
  /// A job that has begun, and whose pilot has not spoken for so long, is told of: its prologue
  /// does not end.
  Milliseconds prologue{300'000};
  /// A pilot that was told to stop a worker at once has so long, beyond the grace.
  Milliseconds stopping{20'000};
};

/// PilotStanding is what is known of a pilot's job.
enum class PilotStanding {
  kFine,      ///< it waits, runs, or nothing speaks against it
  kLost,      ///< it will never say anything any more
  kRestarts,  ///< Slurm has ended it and will start it again: what it carried out is not at work
  kHangs      ///< it runs and says nothing
};

/// KnownPilot follows one pilot. Not thread-safe.
class KnownPilot {
 public:
  using Milliseconds = std::chrono::milliseconds;

  /// Follows the pilot of the folder, whose name is that of its job.
  KnownPilot(std::filesystem::path folder, PilotSettings settings, Milliseconds now);

  /// Reads what it has said since, up to some, and tells it after it was taken in.
  void Hear(Milliseconds now, const std::function<void(const Report&)>& on_report);
  /// Reads all that it has said, of which nobody is told, and whether it was told to leave.
  void HearAll(Milliseconds now);
  /// Says again what was read so far of the attempt in the directory; the rest is still to come. A
  /// key may have been an other attempt's before: of a trial that was removed since, or of another
  /// database.
  void Repeat(const AttemptKey& key, const std::filesystem::path& directory,
              const std::function<void(const Report&)>& on_report) const;
  /// Takes in what the queue, which answered, shows of its job; null: nothing.
  void See(const QueuedJob* job, Milliseconds now);
  /// Takes in what the accounting says of its job.
  void SeeEnded(const EndedJob& job);
  void Tell(const Order& order);

  [[nodiscard]] PilotStanding StandingBy(const ClusterPatience& patience) const;
  /// Returns why its job is gone: "job 17 was over its time limit (TIMEOUT)".
  [[nodiscard]] std::string Fate() const;
  /// True where the cluster took its job for too large in memory.
  [[nodiscard]] bool RanOutOfMemory() const { return state_.starts_with("OUT_OF_MEM"); }
  /// True if its job has ended by itself, for good: nobody has cancelled it.
  [[nodiscard]] bool EndedByItself() const;
  /// True if the queue does not show its job though it was asked for.
  [[nodiscard]] bool missing() const { return missing_.watched().count() > 0; }

  /// Returns Slurm's word for why its job waits; empty where it does not, or nobody knows.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// Returns for how long its job has run, by Slurm's word, and it has not spoken: 0 where it has.
  [[nodiscard]] Milliseconds mute() const { return mute_.watched(); }
  /// Returns where its job runs, by Slurm's word.
  [[nodiscard]] const std::string& nodes() const { return nodes_; }
  /// Returns how long it has said nothing.
  [[nodiscard]] Milliseconds silent() const { return silent_.watched(); }

  [[nodiscard]] std::string name() const { return folder_.filename().string(); }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const PilotSettings& settings() const { return settings_; }
  [[nodiscard]] bool begun() const { return begun_; }          ///< in its present life
  [[nodiscard]] bool asked_for() const { return asked_for_; }  ///< sbatch may have taken its job
  [[nodiscard]] bool has_lived() const { return has_lived_; }
  [[nodiscard]] bool left() const { return left_; }
  [[nodiscard]] bool told_to_leave() const { return told_to_leave_; }
  [[nodiscard]] const std::string& node() const { return node_; }
  /// The node's name alone.
  [[nodiscard]] std::string host() const { return node_.substr(0, node_.find(',')); }
  [[nodiscard]] const std::string& why_left() const { return why_left_; }

  /// The attempt that it was told to carry out, until it has ended.
  [[nodiscard]] const std::optional<AttemptKey>& work() const { return work_; }
  [[nodiscard]] bool idle() const { return begun_ && !left_ && !told_to_leave_ && !work_; }
  /// Returns the directory of the attempt that it has taken up last.
  [[nodiscard]] const std::string& took() const { return took_; }
  void DropWork() { work_.reset(); }
  /// It carries out an attempt that an earlier orchestrator gave it.
  void NoteWork(const AttemptKey& key) { work_ = key; }
  /// True if a report says that it carries nothing out, though it has read what it was told.
  [[nodiscard]] bool DeniesWork(const Report& report) const {
    return report.what == Report::What::kLives && !report.key && work_ &&
           report.orders >= told_until_;
  }
  /// Its job was asked for, and the answer is `id` (empty: none came).
  void NoteSubmitted(const std::string& id, Milliseconds now);
  /// It waits for a new start: what it carried out is not at work.
  void NoteRestart() {
    begun_ = false;
    work_.reset();
  }

 private:
  std::filesystem::path folder_;
  PilotSettings settings_;
  LineTail reports_;
  GrowingLines orders_;
  bool begun_ = false, has_lived_ = false, left_ = false, told_to_leave_ = false;
  bool asked_for_ = false;
  std::string node_, why_left_, id_, state_, reason_, took_;
  std::optional<AttemptKey> work_;
  std::int64_t told_until_ = 0;  ///< bytes of its orders, with the latest attempt's
  std::string nodes_;
  WatchedTime silent_, missing_, mute_;
};

}  // namespace beamgrid
