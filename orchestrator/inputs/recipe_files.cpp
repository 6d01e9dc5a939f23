#include "orchestrator/inputs/recipe_files.h"

#include <algorithm>

#include "orchestrator/workers/trainer_client.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

std::vector<NamedFile> FoundPlugins(const std::vector<PluginReference>& references,
                                    const std::filesystem::path& recipe) {
  const FindFile find = FilesBeside(recipe);
  std::vector<NamedFile> plugins;
  std::vector<Diagnostic> diagnostics;
  for (const PluginReference& reference : references) {
    try {
      plugins.push_back(find(reference.text));
    } catch (const Error& error) {
      if (IsMachineFault(SystemCode(error))) throw;
      diagnostics.push_back({reference.place, reference.key, error.what()});
    }
  }
  if (!diagnostics.empty()) throw RecipeError(std::move(diagnostics));
  return plugins;
}

/// Returns the plugin that a message speaks of; the first where it does not say.
const PluginReference& Meant(const std::vector<PluginReference>& references,
                             const std::vector<NamedFile>& plugins, const std::string& message) {
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    if (message.find(plugins[i].path + ":") != std::string::npos) return references[i];
  }
  return references.front();
}

bool IsAtHand(const NamedFile& plugin) {
  try {
    CheckUnchanged(plugin);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::string RecipeText(const std::filesystem::path& recipe) {
  try {
    return ReadFile(recipe);
  } catch (const Error& error) {
    if (IsMachineFault(SystemCode(error))) throw;
    throw UsageError(error.what());
  }
}

FindFile FilesBeside(const std::filesystem::path& recipe) {
  const std::filesystem::path folder = std::filesystem::absolute(recipe).parent_path();
  return [folder](const std::string& name) { return LookAtFile(name, folder); };
}

Catalogue CatalogueFor(const std::filesystem::path& trainer, const std::filesystem::path& recipe) {
  const std::vector<PluginReference> references =
      PluginsOfRecipe(RecipeText(recipe), recipe.string());
  const std::vector<NamedFile> plugins = FoundPlugins(references, recipe);
  try {
    return LoadCatalogue(trainer, plugins);
  } catch (const UsageError& refusal) {
    if (plugins.empty()) throw;
    const PluginReference& meant = Meant(references, plugins, refusal.what());
    throw RecipeError({{meant.place, meant.key, refusal.what()}});
  }
}

std::vector<NamedFile> PluginsAtHand(const std::vector<std::string>& models) {
  std::vector<NamedFile> seen, plugins;
  for (const std::string& model : models) {
    // Most models have none, and parsing each of a large record would take seconds.
    if (model.find("\"plugins\"") == std::string::npos) continue;
    for (const NamedFile& plugin : ModelSpecFromJson(ParseJson(model)).plugins) {
      // Each file is hashed once, however many models use it.
      if (std::ranges::find(seen, plugin) != seen.end()) continue;
      seen.push_back(plugin);
      if (IsAtHand(plugin)) plugins.push_back(plugin);
    }
  }
  return plugins;
}

}  // namespace beamgrid
