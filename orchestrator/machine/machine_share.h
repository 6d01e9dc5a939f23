#pragma once
// Several studies (processes) of one user on one machine: together they hold no more than its
// devices have. Each keeps a note in a folder that all know, locked for its life, which says what
// it holds and waits for; the notes of the living are the whole state. A note whose lock is free is
// a dead study's: the kernel released it, and with it what the study held.
//
// A unit of the CPU is a core, a worker takes as many as it has threads; a unit of a GPU is a
// worker.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/workers/process.h"

namespace beamgrid {

/// DeviceClaim is one study's part of one device, in units.
struct DeviceClaim {
  std::int64_t capacity = 1;  ///< what the machine has, as this study counts
  std::int64_t held = 0;
  std::int64_t wanted = 0;         ///< what its next worker takes; 0: the study does not wait
  std::int64_t asked_at_ms = 0;    ///< when it began to wait
  std::int64_t renewed_at_ms = 0;  ///< when it asked last; the wish counts for kWishMs from then on
};
inline constexpr std::int64_t kWishMs = 5000;

/// StudyNote is what a study tells the others.
struct StudyNote {
  std::string study;
  std::int64_t pid = 0;
  std::int64_t since = 0;  ///< seconds of the wall clock, for people
  std::int64_t priority = 1;
  std::map<std::string, DeviceClaim> devices;
};

/// MayTake says whether `own` may take now what it wants of the device: there must be room for it
/// beside what all hold and the wishes that come before it. The study with the smallest
/// held / priority comes first, of equal ones the one that waits longest; so units are collected
/// for one that wants many, and nobody overtakes it with them. Where studies count different
/// capacities (one asked for more slots than there are cores), each keeps to its own.
[[nodiscard]] bool MayTake(const std::string& device, const StudyNote& own,
                           const std::vector<StudyNote>& others, std::int64_t now_ms);

/// The folder is $BEAMGRID_SHARE_DIR, else /tmp/beamgrid-<uid>: $XDG_RUNTIME_DIR is not the same
/// for all of a user's sessions, and goes when the last one ends, which a study may outlive.
[[nodiscard]] std::filesystem::path DefaultShareFolder();

/// Returns why studies could not tell each other what they hold in that folder, which may not be
/// there yet; empty: nothing is seen to be in the way. Makes nothing.
[[nodiscard]] std::string ProblemOfShare(const std::filesystem::path& folder);

/// Returns the notes of the studies that live, by study: for whoever only looks, changes nothing
/// and takes no seat. None where the folder is not there, cannot be read or is being written to.
[[nodiscard]] std::vector<StudyNote> LivingNotes(const std::filesystem::path& folder);

/// ShareMode says what a study does where others hold what it wants.
enum class ShareMode { kWaitForSlots, kStartAtOnce };

/// MachineShare is one study's seat among the others. Not thread-safe. Nothing blocks for longer
/// than 0.1 s. The constructor and TryTake throw Error where the folder cannot be used.
class MachineShare {
 public:
  /// The clock is the same for all processes and never goes back.
  using Clock = std::function<std::chrono::milliseconds()>;

  MachineShare(std::filesystem::path folder, std::string study, std::int64_t priority,
               ShareMode mode, Clock clock);
  ~MachineShare();
  MachineShare(const MachineShare&) = delete;
  MachineShare& operator=(const MachineShare&) = delete;

  /// False: the study waits until it gets the units, calls StopWaiting or has not asked for
  /// kWishMs. The device is named as by DeviceMemory::Identity.
  [[nodiscard]] bool TryTake(const std::string& device, std::int64_t capacity, std::int64_t units);
  void GiveBack(const std::string& device, std::int64_t units);
  void StopWaiting();
  /// Refresh, to be called often, writes the note again once a second: somebody may have removed or
  /// damaged it, and cleaners of /tmp remove what is old.
  void Refresh();
  /// "study 'other' (pid 123, since 2024-05-03 14:02)": who held units at the last TryTake.
  [[nodiscard]] std::string Holders(const std::string& device) const;

 private:
  [[nodiscard]] std::optional<UniqueFd> Lock() const;
  void Write(const UniqueFd& folder);
  [[nodiscard]] std::optional<std::vector<StudyNote>> ReadOthers(const UniqueFd& folder);
  void Tell();
  [[noreturn]] void Fail(const std::string& what) const;

  std::filesystem::path folder_;
  std::string name_;  ///< of the note's file
  StudyNote own_;
  ShareMode mode_;
  Clock clock_;
  UniqueFd note_;                     ///< locked
  bool others_may_be_absent_ = true;  ///< the note is new: the folder may have been emptied
  std::chrono::milliseconds told_at_{0};
  /// Notes at the last TryTake; nothing where not all could be read.
  std::optional<std::vector<StudyNote>> others_;
};

}  // namespace beamgrid
