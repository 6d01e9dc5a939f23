#pragma once
// Commands that tidy up a record, disturbed at each of the calls with which they touch the outside.

#include <ostream>
#include <string>
#include <vector>

#include "tests/fault/faults.h"

namespace beamgrid {

struct UpkeepCase {
  std::string name;
  std::vector<std::string> command;  ///< on the record that UpkeepSweep makes
  Fault fault = Fault::kKill;
  std::int64_t points = 4;  ///< of the calls, evenly spread; kEver: all
};
inline void PrintTo(const UpkeepCase& sweep, std::ostream* out) { *out << sweep.name; }

/// The record: studies `small` of four trials and `other`, which has two of them and one more; a
/// folder that nobody knows; and `far/beamgrid.db` with a study `far` and one more trial of
/// `small`.
///
/// For each point: the command meets the fault there on a fresh copy; no trial's row names a file
/// that is gone; the command, given again, ends where the undisturbed one does.
void UpkeepSweep(const UpkeepCase& sweep);

}  // namespace beamgrid
