#pragma once
// What keeps an attempt on a shared file system from being carried out twice, and two from being
// believed. Beside the files of the worker (trainer/protocol) an attempt's directory then holds
//
//   ordered.json  the pilot that is told to carry it out; written before it is told
//   claim.json    the one that may: made once (PublishOnce), by a pilot before it begins, or by an
//                 orchestrator that gives up an attempt that was not begun
//   end.json      how it ended: made once, by the pilot, or by an orchestrator that gave it up.
//                 A pilot that finds another's stops its worker. What is in no end.json does not
//                 count, whatever else lies there.
//
// So an attempt has one worker and one end, whichever machines live, die or come back.

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "orchestrator/study/executor.h"
#include "registry/outcome.h"

namespace beamgrid {

/// Says that a pilot will be told to carry out the attempt of the directory. Throws Error.
void WriteOrdered(const std::filesystem::path& directory, const std::string& pilot);
/// Returns the pilot that was, or was to be, told; nothing where none was, or the file names
/// nobody.
[[nodiscard]] std::optional<std::string> OrderedPilot(const std::filesystem::path& directory);
/// True if some pilot was, or was to be, told, whatever the file names: else none knows of it.
[[nodiscard]] bool WasOrdered(const std::filesystem::path& directory);

/// Claims the attempt for `who`: a pilot, or empty for nobody, so that none can carry it out any
/// more. False where it is claimed already. Throws Error.
[[nodiscard]] bool Claim(const std::filesystem::path& directory, const std::string& who);
/// Returns who has claimed it; nothing where nobody has, it cannot be seen yet, or the file names
/// nobody.
[[nodiscard]] std::optional<std::string> ClaimedBy(const std::filesystem::path& directory);

/// Returns the claim's file.
[[nodiscard]] std::filesystem::path ClaimFile(const std::filesystem::path& directory);

/// AttemptEnd is what end.json says.
struct AttemptEnd {
  AttemptKey key;
  std::string by;  ///< the pilot, with its node; or the orchestrator
  int exit_code = 0;
  /// Why the file, which is whole JSON, is none of ours; empty: it is. Such an end is an
  /// interruption by nobody: nothing beside it is believed, and no other end can take its place.
  std::string garbage;
  /// A complete one: the hash of its result.json, so that a half-seen one is told from it.
  std::variant<std::string, AttemptFailure> what;
};

/// Ends the attempt of the directory, whose result.json is there where it is complete. False where
/// it has ended already: then the other end counts. Throws Error.
[[nodiscard]] bool PublishEnd(const std::filesystem::path& directory, const AttemptKey& key,
                              const std::string& by, const AttemptOutcome& outcome);
/// Returns how it ended; nothing where it has not, or it cannot be seen yet.
[[nodiscard]] std::optional<AttemptEnd> ReadEnd(const std::filesystem::path& directory);

/// Returns the outcome that the end and the files beside it tell; or, in words, what of a complete
/// one is not to be seen yet: on a shared file system it comes. Throws Error where the machine
/// keeps us from looking.
[[nodiscard]] std::variant<AttemptOutcome, std::string> SeenOutcome(
    const std::filesystem::path& directory, const AttemptEnd& end);

/// Returns what became of an attempt whose worker nobody has heard the end of and that is not at
/// work any more: complete where its files are whole, else a failure of that kind and message.
[[nodiscard]] AttemptOutcome OutcomeUnheard(const std::filesystem::path& directory,
                                            FailureKind kind, const std::string& message);

}  // namespace beamgrid
