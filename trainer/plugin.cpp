#include "trainer/plugin.h"

#include <dlfcn.h>

#include <map>
#include <regex>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

/// "interface 1a2b, LibTorch 2.11.0, C++11 ABI 1" from the name of such a symbol.
std::string BuildText(const std::smatch& symbol) {
  return "interface " + symbol[1].str() + ", LibTorch " + symbol[2].str() + "." + symbol[3].str() +
         "." + symbol[4].str() + ", C++11 ABI " + symbol[5].str();
}

const std::regex& SymbolPattern() {
  static const std::regex pattern(
      R"(beamgrid_interface_([0-9a-f]+)_libtorch_(\d+)_(\d+)_(\d+)_cxx11abi_(\d))");
  return pattern;
}

// Two macros: # does not expand its argument, so the name is expanded on the way to it.
#define BEAMGRID_TEXT(name) #name
#define BEAMGRID_TEXT_OF(name) BEAMGRID_TEXT(name)

std::string OwnBuildText() {
  const std::string own = BEAMGRID_TEXT_OF(BEAMGRID_INTERFACE_SYMBOL);
  std::smatch symbol;
  std::regex_match(own, symbol, SymbolPattern());
  return BuildText(symbol);
}

/// Loads a plugin. Returns what is wrong with it; empty: nothing, and its components are
/// registered. It is never closed: makers and destructors of its classes are called until the
/// process ends.
std::string OpenPlugin(const NamedFile& plugin) {
  const std::size_t before = RegistrationCount();
  // RTLD_NOW: a missing symbol is to be known here, not in the middle of a training. RTLD_LOCAL:
  // two plugins may call their own things by one name.
  if (::dlopen(plugin.path.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    return LoaderProblem(::dlerror());
  }
  AttributeToPlugin(before, plugin);
  if (RegistrationCount() == before) {
    return "registers no component; each needs a REGISTER_COMPONENT line";
  }
  return Join(RegistrationErrors(), "; ");
}

}  // namespace

std::string LoaderProblem(const std::string& message) {
  std::smatch symbol;
  if (std::regex_search(message, symbol, SymbolPattern())) {
    return "was compiled against " + BuildText(symbol) + ", this trainer against " +
           OwnBuildText() + "; compile it again with this beamgrid's beamgrid_plugin()";
  }
  if (message.find("undefined symbol") != std::string::npos) {
    return "cannot be loaded: " + message +
           "; was it compiled and linked with this beamgrid's beamgrid_plugin()?";
  }
  return "cannot be loaded as a shared library: " + message;
}

void LoadPlugin(const NamedFile& plugin) {
  // By path, of the plugins that were tried. A library is loaded once, so its registrations run
  // once: asked a second time, it would seem to register nothing.
  static std::map<std::string, std::string> problems;
  const auto known = problems.find(plugin.path);
  // The hash is part of a trial's identity: another file would be another component under its name.
  if (known == problems.end()) {
    try {
      CheckUnchanged(plugin);
    } catch (const Error& error) {
      throw SpecError(std::string("plugin ") + error.what());
    }
  }
  const std::string& problem =
      known != problems.end() ? known->second : problems[plugin.path] = OpenPlugin(plugin);
  if (!problem.empty()) throw SpecError("plugin " + plugin.path + ": " + problem);
}

void LoadPlugin(const std::filesystem::path& path) {
  NamedFile plugin;
  try {
    plugin = LookAtFile(path.string(), std::filesystem::current_path());
  } catch (const Error& error) {
    throw SpecError(std::string("plugin ") + error.what());
  }
  LoadPlugin(plugin);
}

}  // namespace beamgrid::trainer
