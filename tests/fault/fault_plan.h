#pragma once
// What faulty_io does to the calls with which a program touches the outside. Lives in a file that
// the test and all processes under test map, so that a fault is counted over all of them and can be
// mended while they run.

#include <atomic>
#include <cstdint>

namespace beamgrid {

/// Names the file; without it faulty_io does nothing.
inline constexpr char kFaultPlanVariable[] = "BEAMGRID_FAULT_PLAN";

enum class Fault : std::int32_t {
  kNone,
  kKill,           ///< SIGKILL before the call
  kNoSpace,        ///< ENOSPC for what takes room
  kBrokenDisk,     ///< EIO for reading, writing, names
  kReadOnly,       ///< EROFS for what changes a file or a name
  kNoAccess,       ///< EACCES for opening to write and for names
  kNoDescriptors,  ///< EMFILE for what makes a descriptor
  kNoQuota,        ///< EDQUOT for what takes room
  kStaleHandle,    ///< ESTALE as kBrokenDisk: a file server that forgot us
  kNotConnected,   ///< ENOTCONN as kBrokenDisk: a user-space file system that died
  kServerGone,     ///< ETIMEDOUT as kBrokenDisk
  kLargeFile,      ///< EFBIG for writing, as with `ulimit -f`
  kShortWrite,     ///< half of the bytes are written
  kClockJump,      ///< the wall clock is `clock_seconds` off
};

struct FaultPlan {
  char program[32];                ///< base name of the executable that it is about
  char root[256];                  ///< files elsewhere meet no errors (kills happen everywhere)
  char trace[256];                 ///< file that takes what all programs do to files; empty: none
  std::atomic<Fault> fault;        ///< may be changed at any time
  std::int64_t first;              ///< 1-based, among the calls that the fault concerns
  std::int64_t count;              ///< so many calls from `first` on
  std::int64_t clock_seconds;      ///< for kClockJump
  std::atomic<std::int64_t> seen;  ///< calls that the fault concerns, so far
  std::atomic<std::int64_t> hits;
  char first_hit[512];  ///< "rename runs/small/...": for messages of tests
};

// The trace: one line for each of these, words separated by tabs. What stands there in the end
// tells what a power cut might leave, for a write counts as lost until a sync that follows it.
//   write PATH           before a file is written or cut
//   sync PATH BYTES      after a file or folder was synced; the file's size
//   name FROM TO         after rename and link
//   folder PATH          after mkdir

}  // namespace beamgrid
