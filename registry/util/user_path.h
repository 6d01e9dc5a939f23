#pragma once
// Names of files as people write them: `~/data`, `$DATA/train.tfrecord`.

#include <filesystem>
#include <functional>
#include <string>

namespace beamgrid {

/// Returns the name with the home folder in the place of `~` (at its start; `~USER`: that user's)
/// and the environment's values in the places of `$NAME` and `${NAME}`; `$$` is a dollar sign. Any
/// other `~` and `$` stay. `quote` is applied to what is put in, where the name is a pattern and
/// the value is none. Throws Error that says what is wrong: a variable that is not set, or empty; a
/// user that is not there; a brace that is not closed.
[[nodiscard]] std::string ExpandUserPath(
    const std::string& name, const std::function<std::string(const std::string&)>& quote = {});

/// Returns ExpandUserPath of the name, unless a file or folder of exactly this name is there
/// (relative to `folder`): then the name itself. A relative name stays relative.
[[nodiscard]] std::string UserPath(const std::string& name,
                                   const std::filesystem::path& folder = {});

}  // namespace beamgrid
