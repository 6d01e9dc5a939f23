#include "orchestrator/inputs/recipe_files.h"

#include <algorithm>
#include <system_error>

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

/// FileList is files, each once.
class FileList {
 public:
  void Add(const NamedFile& file) {
    if (std::ranges::find(files_, file) == files_.end()) files_.push_back(file);
  }
  void Add(const Options& options) {
    for (const auto& [name, value] : options) Add(value);
  }
  void Add(const OptionAxis& axis) {
    for (const auto& step : axis.steps) {
      for (const OptionValue& value : step) Add(value);
    }
  }
  void Add(const VariantSet& set) {
    Add(set.fixed);
    for (const OptionAxis& axis : set.axes) Add(axis);
  }
  void Add(const Fixed& fixed) {
    for (const auto& [criterion, variant] : fixed.parts) Add(variant.options);
    for (const auto& [name, options] : fixed.extras.value_or(std::map<std::string, Options>())) {
      Add(options);
    }
    Add(fixed.train);
  }
  [[nodiscard]] std::vector<NamedFile> Take() { return std::move(files_); }

 private:
  void Add(const OptionValue& value) {
    if (const auto file = NamedFileFrom(value)) Add(*file);
  }

  std::vector<NamedFile> files_;
};

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

std::filesystem::path FolderOf(const std::filesystem::path& recipe) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(recipe, error) && std::filesystem::exists(recipe, error)) {
    return std::filesystem::current_path();
  }
  // A descriptor (/dev/stdin, /dev/fd/3) stands for the file that is open there.
  const std::string name = recipe.string();
  if (name.starts_with("/dev/") || name.starts_with("/proc/")) {
    const std::filesystem::path file = std::filesystem::canonical(recipe, error);
    if (!error) return file.parent_path();
  }
  return std::filesystem::absolute(recipe).parent_path();
}

RecipeSource ReadRecipe(const std::filesystem::path& recipe,
                        const std::vector<std::string>& settings) {
  return {RecipeText(recipe), recipe.string(), settings};
}

FindFile FilesBeside(const std::filesystem::path& recipe) {
  const std::filesystem::path folder = FolderOf(recipe);
  return [folder](const std::string& name) { return LookAtFile(name, folder); };
}

Catalogue CatalogueFor(const std::filesystem::path& trainer, const RecipeSource& recipe) {
  const std::vector<PluginReference> references = PluginsOfRecipe(recipe);
  const std::vector<NamedFile> plugins = FoundPlugins(references, recipe.path());
  try {
    return LoadCatalogue(trainer, plugins);
  } catch (const UsageError& refusal) {
    if (plugins.empty()) throw;
    const PluginReference& meant = Meant(references, plugins, refusal.what());
    throw RecipeError({{meant.place, meant.key, refusal.what()}});
  }
}

std::vector<NamedFile> NamedFilesOf(const Recipe& recipe, const Catalogue& catalogue) {
  FileList files;
  for (const ComponentInfo& component : catalogue.components) {
    if (component.plugin) files.Add(*component.plugin);
  }
  for (const auto& [criterion, sets] : recipe.grid) {
    for (const VariantSet& set : sets) files.Add(set);
  }
  for (const ExtraAxis& extra : recipe.extras) {
    for (const auto& set : extra.values) {
      if (set) files.Add(*set);
    }
  }
  files.Add(recipe.train);
  for (const OptionAxis& axis : recipe.train_grid) files.Add(axis);
  files.Add(recipe.search.baseline);
  for (const Stage& stage : recipe.search.stages) files.Add(stage.fix);
  return files.Take();
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
