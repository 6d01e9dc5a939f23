// plugins = [...]
#include "search/recipe/sections.h"

namespace beamgrid {

void ReadPlugins(Section& root, Recipe& recipe) {
  const toml::node* node = root.Find("plugins");
  if (node == nullptr) return;
  for (const PlacedWord& plugin : ReadWords(*node, "plugins", root.mistakes())) {
    recipe.plugins.push_back(
        {plugin.word, root.mistakes().PlaceOf(plugin.node->source()), plugin.path});
  }
}

}  // namespace beamgrid
