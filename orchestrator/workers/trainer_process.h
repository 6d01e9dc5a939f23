#pragma once
// beamgrid-trainer started for a question: its log, its last words, and what its exit means.

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/workers/process.h"

namespace beamgrid {

/// TrainerProcess is a `beamgrid-trainer ARGUMENTS...` that runs beside us and is killed, with all
/// that it started, when this object goes.
class TrainerProcess {
 public:
  /// Throws Error with the system's reason where it cannot be started.
  TrainerProcess(const std::filesystem::path& trainer, const std::vector<std::string>& arguments,
                 std::int64_t threads, bool socket_stdin);
  ~TrainerProcess();
  TrainerProcess(const TrainerProcess&) = delete;
  TrainerProcess& operator=(const TrainerProcess&) = delete;

  [[nodiscard]] int standard_output() const { return child_.standard_output.get(); }
  /// Waits until there is something to read, or the end. False where it has said nothing for
  /// `patience`, in which we were awake to listen and it was given the processor; 0: waits for
  /// ever.
  [[nodiscard]] bool HasWords(std::chrono::milliseconds patience) const;
  /// Reads what is there, up to `size` bytes; 0 at the end. Blocks where nothing is.
  [[nodiscard]] std::size_t Read(char* bytes, std::size_t size) const;
  /// Writes to its standard input; false where it is gone. May block.
  [[nodiscard]] bool Write(std::string_view text) const;
  /// Kills it with all that it started. May be called from a signal handler.
  void Kill() const;
  /// Returns the last lines of its standard error so far.
  [[nodiscard]] std::string LastWords() const;
  /// Waits until it has ended. Throws UsageError with its words where it refused the question,
  /// InputError where it blames the data, Error where it exited with anything else but 0: with its
  /// own words where it had some, else with how it ended.
  void Finish();
  /// Kills it for its silence, and throws Error that says so.
  [[noreturn]] void GiveUp(std::chrono::milliseconds patience);

 private:
  std::string command_;  ///< for messages
  UniqueFd log_;
  ChildProcess child_;
};

/// Returns the command as messages show it.
[[nodiscard]] std::string CommandText(const std::filesystem::path& trainer,
                                      const std::vector<std::string>& arguments);

}  // namespace beamgrid
