#pragma once
// What a study's orchestrator and a pilot, the one process of a job, say to each other. A pilot has
// a folder, runs/<study>/slurm/<name of the job>, which the orchestrator makes before it asks for
// the job:
//
//   pilot.json      how attempts are carried out there
//   job.sh          the job's script, which becomes `beamgrid pilot FOLDER`
//   orders.jsonl    grows: what the pilot is to do
//   reports.jsonl   grows: what it does, what its workers say, and every few seconds that it lives
//   at_work.json    the attempt that it has claimed; for its next life, where Slurm starts it again
//   job.log         what else the job said
//
// Neither file decides anything: an attempt's own do (attempt_end.h).

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/study/executor.h"

namespace beamgrid {

inline constexpr char kOrders[] = "orders.jsonl";
inline constexpr char kReports[] = "reports.jsonl";
inline constexpr char kJobScript[] = "job.sh";
inline constexpr char kJobLog[] = "job.log";

/// PilotSettings is pilot.json.
struct PilotSettings {
  std::string trainer;
  std::string device = "cpu";
  std::int64_t threads = 1;
  std::chrono::milliseconds silence{60'000};  ///< of a worker, after which it hangs
  std::chrono::milliseconds idle{60'000};     ///< without an order, after which the pilot leaves
  std::chrono::milliseconds grace{25'000};    ///< for a checkpoint, where the job is to end
  std::chrono::milliseconds beat{2'000};      ///< between two signs of life
  /// Of the whole job; 0: nobody knows. Near its end no attempt is begun.
  std::chrono::milliseconds time{0};
  std::int64_t memory_bytes = 0;  ///< that the job has; 0: what the cluster gives
  /// What else its job was asked for (job_script.h, TermsOf).
  std::string terms;
  /// The pilot's folder, absolute, as it was made.
  std::string folder;
};
void WritePilotSettings(const std::filesystem::path& folder, const PilotSettings& settings);
/// Throws Error where they are not there or not to be understood.
[[nodiscard]] PilotSettings ReadPilotSettings(const std::filesystem::path& folder);
/// True if the folder was copied, or moved, from where it was made: its pilot, if it lives, works
/// there, and its job is another study's.
[[nodiscard]] bool IsElsewhere(const std::filesystem::path& folder, const PilotSettings& settings);

/// Waits until the settings are to be seen, for a minute: a shared file system may show them late.
/// `sleep` waits between two looks.
void AwaitPilotFolder(const std::filesystem::path& folder,
                      const std::function<void(std::chrono::milliseconds)>& sleep);

/// Order is what a pilot is to do.
struct Order {
  enum class What {
    kCarryOut,  ///< an attempt, when those before it have ended
    kCancel,    ///< one: `span` is the grace
    kLeave      ///< when what it carries out has ended
  };
  What what = What::kLeave;
  AttemptKey key;
  std::string directory;
  std::chrono::milliseconds span{0};  ///< of kCarryOut: its timeout
  bool alone = false;
};
[[nodiscard]] std::string ToLine(const Order& order);
/// Returns nothing for half a line, or one of another version.
[[nodiscard]] std::optional<Order> OrderFromLine(std::string_view line);

/// Report is what a pilot says.
struct Report {
  enum class What {
    kBegun,    ///< the pilot, or its next life: `text` is its node
    kLives,    ///< `key`: what it carries out, if anything; `orders`: how far it has read them
    kTook,     ///< it carries out the attempt now; `text` is its directory
    kHeard,    ///< `text` is a worker's message
    kEnded,    ///< end.json of the attempt is there
    kRefused,  ///< the attempt was not to be carried out (any more); `text` says why
    kLeft      ///< nothing follows; `text` says why
  };
  What what = What::kLives;
  std::optional<AttemptKey> key;
  std::string text;
  std::int64_t orders = 0;  ///< bytes
};
[[nodiscard]] std::string ToLine(const Report& report);
[[nodiscard]] std::optional<Report> ReportFromLine(std::string_view line);

/// Why a pilot leaves whose job Slurm ends, and may queue again.
inline constexpr char kToldToEnd[] = "the job was told to end";

/// AtWork is at_work.json.
struct AtWork {
  AttemptKey key;
  std::string directory;
};
/// Nothing: it carries nothing out.
void WriteAtWork(const std::filesystem::path& folder, const std::optional<AtWork>& work);
[[nodiscard]] std::optional<AtWork> ReadAtWork(const std::filesystem::path& folder);

/// Returns the folder of the pilots of the study that an attempt's directory lies in:
/// <runs>/<study>/<trial>/<attempt>.
[[nodiscard]] std::filesystem::path PilotsBeside(const std::filesystem::path& attempt_directory);
/// Returns it for a study whose attempts lie in `study_folder`.
[[nodiscard]] std::filesystem::path PilotsOf(const std::filesystem::path& study_folder);

}  // namespace beamgrid
