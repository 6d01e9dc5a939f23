#pragma once
// What both programs do before anything else, so that neither a limit nor a closed descriptor of
// whoever started them can do more than make a call fail.

#include "registry/util/unique_fd.h"

namespace beamgrid {

/// Opens /dev/null in the place of each of standard input, output and error that is closed: the
/// next file that is opened would else take its number, and be written to by whoever prints. Makes
/// errors of SIGXFSZ (a file beyond `ulimit -f`) and SIGTTOU (a background job that writes to a
/// terminal), which would end or stop the process. To be called first thing in main; never throws.
void PrepareStart();

/// Returns a copy of the descriptor that is none of standard input, output and error and closes
/// with exec. Throws SystemError where there is none left.
[[nodiscard]] UniqueFd CopyAboveStandard(int fd);

/// Takes a standard descriptor for us alone: returns a copy of it, and puts `replacement` in its
/// place, so that whatever else in this process reads or writes it meets that. Throws SystemError.
[[nodiscard]] UniqueFd TakeStandard(int standard, int replacement);
/// Takes standard input; /dev/null is in its place.
[[nodiscard]] UniqueFd TakeStandardInput();

}  // namespace beamgrid
