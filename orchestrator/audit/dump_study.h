#pragma once
// A study's record as JSON lines: the study, its trials by name, seed and fingerprint, its
// ensembles. Reads the record only, no artifact.

#include <ostream>

#include "registry/store/store.h"

namespace beamgrid {

/// DumpForm says how much of the record is printed.
enum class DumpForm {
  kWhole,      ///< all that is recorded, with attempts, environment, times and notes
  kCanonical,  ///< what is equal for any number of workers and any history of a finished study
};

/// Prints the study. What the canonical form leaves out beyond times, attempts and environment:
/// - the order in which the trials were asked for: they are a set;
/// - trials that the study does not count (any more);
/// - messages of failures, for they may name a process or a path; the kind stays;
/// - refused models: they have no trial, and are missing in the same way everywhere;
/// - ensembles but the last: a run that is repeated picks one each time. No clock decides which.
/// A study that another process carries out meanwhile is read trial by trial, not as of one moment.
void DumpStudy(std::ostream& out, const Store& store, const StudyRecord& study, DumpForm form);

}  // namespace beamgrid
