#pragma once
// How many files this process may have open at once.

namespace beamgrid {

/// Raises the limit to what the system allows without asking: each worker needs two descriptors,
/// and the usual limit of 1024 is for programs that call select(2). Harmless where it cannot.
void AllowManyOpenFiles();

}  // namespace beamgrid
