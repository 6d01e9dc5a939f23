#pragma once
// A user's components, compiled into a shared library with the same REGISTER_COMPONENT line as
// ours.
//
// A plugin is loaded into the process and stays there. What it registers is in the catalogue from
// then on, and says that it came with the plugin.

#include <filesystem>
#include <string>

#include "registry/named_file.h"

namespace beamgrid::trainer {

/// Loads a plugin, unless it is loaded already. Throws SpecError with the reason and the fix: no
/// such file, changed since it was looked at, not a shared library, compiled against another
/// LibTorch or another beamgrid, no components in it, a component that there is already, options
/// that cannot be listed.
void LoadPlugin(const NamedFile& plugin);

/// Loads the plugin at a path that was given on the command line.
void LoadPlugin(const std::filesystem::path& path);

/// Why the dynamic linker refuses a plugin, from its own words: a symbol that says what the plugin
/// was compiled against is turned into a sentence.
[[nodiscard]] std::string LoaderProblem(const std::string& message);

}  // namespace beamgrid::trainer
