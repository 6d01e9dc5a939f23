#pragma once
// An audit trail of executed trials that is independent of the record.
//
// Where the environment variable BEAMGRID_EXECUTION_LOG names a file, each worker appends a line
// when it begins to carry out an attempt and one when the attempt's result.json is in place:
//
//   begin FINGERPRINT ATTEMPT_DIRECTORY PID
//   end FINGERPRINT ATTEMPT_DIRECTORY PID
//
// A line is one write to a file opened for appending, so that any number of workers may share it.
// The record is right if each complete trial has exactly one `end`; a `begin` without one is an
// attempt that was stopped, failed or killed. A directory may contain spaces: the fingerprint is
// the second word and the process id the last.

#include <filesystem>
#include <string>

namespace beamgrid::trainer {

/// ExecutionEvent is the first word of a line.
enum class ExecutionEvent { kBegin, kEnd };

/// Appends a line. Does nothing where the variable is unset or empty; throws Error where the file
/// cannot be written.
void LogExecution(ExecutionEvent event, const std::string& fingerprint,
                  const std::filesystem::path& directory);

}  // namespace beamgrid::trainer
