#pragma once
// Options that take several values: one after the other, or with commas between.

#include <string>
#include <vector>

namespace beamgrid {

/// Returns the values of a list option, however they were given: `1G 2G`, `1G,2G`, `"1G, 2G"`.
/// A comma inside brackets does not separate: `window=[5,9]` is one value. None is empty.
[[nodiscard]] std::vector<std::string> ListItems(const std::vector<std::string>& given);

/// Returns the same for sizes, which spaces separate too: `"1 GiB 2GiB"` are two. A word that is no
/// number belongs to the number before it.
[[nodiscard]] std::vector<std::string> SizeItems(const std::vector<std::string>& given);

/// Returns the same for names of files: where a file or folder of exactly the name given is there,
/// commas are part of it. `~` and `$NAME` are replaced (user_path.h); UsageError where they cannot
/// be.
[[nodiscard]] std::vector<std::string> ListedFiles(const std::vector<std::string>& given);

}  // namespace beamgrid
