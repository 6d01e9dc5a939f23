#pragma once
// What a power cut may leave of a study's files.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace beamgrid {

/// The files of a study, taken away while nobody moves, and put back after everybody is dead.
class PowerCut {
 public:
  /// Copies database and runs folder of `study` to `aside`.
  PowerCut(const std::filesystem::path& study, const std::filesystem::path& aside);

  /// Takes from the copy what was not synced according to the trace (fault_plan.h), new folders
  /// with all that is in them, and the ends of files that nobody syncs: the worst that the file
  /// system may do without breaking its promises, but for names that were replaced, which keep the
  /// new content.
  void LoseWhatWasNotSynced(const std::filesystem::path& trace);

  /// The copy takes the place of database and runs folder.
  void PutBack();

 private:
  std::filesystem::path study_, aside_;
};

}  // namespace beamgrid
