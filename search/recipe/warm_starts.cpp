// Trials that others start from: the values of `from` in [train] and wherever else training
// settings may stand.
#include <algorithm>

#include "search/recipe/sections.h"
#include "search/recipe/warm_start_name.h"

namespace beamgrid {
namespace {

class WarmStartsReader {
 public:
  WarmStartsReader(Mistakes& mistakes, std::vector<WarmStartReference>& starts)
      : mistakes_(mistakes), starts_(starts) {}

  /// Reads `from` of `train`: a table of training settings, or anything else, which has been
  /// refused.
  void ReadTable(const toml::node_view<const toml::node> train, const std::string& path) {
    const toml::node* from = train["from"].node();
    if (from == nullptr) return;
    const std::string key = path + ".from";
    const toml::array* list = from->as_array();
    if (list == nullptr) return ReadValue(*from, key);
    for (std::size_t i = 0; i < list->size(); ++i) {
      ReadValue((*list)[i], key + "[" + std::to_string(i) + "]");
    }
  }

 private:
  void ReadValue(const toml::node& node, const std::string& key) {
    const auto* text = node.as_string();
    if (text == nullptr || text->get().empty()) return;
    if (!ParseWarmStartName(text->get())) {
      mistakes_.Add(node.source(), key,
                    "is \"" + text->get() +
                        "\", must name a finished trial as STUDY/NAME (each seed starts from the "
                        "same seed), STUDY/NAME/SEED, STUDY/* (each model's twin) or 8 to 32 "
                        "digits of a fingerprint");
      return;
    }
    // Each text once: it is looked up in the record once, however many variants name it.
    const bool known =
        std::ranges::any_of(starts_, [&](const auto& start) { return start.text == text->get(); });
    if (!known) starts_.push_back({text->get(), mistakes_.PlaceOf(node.source()), key});
  }

  Mistakes& mistakes_;
  std::vector<WarmStartReference>& starts_;
};

}  // namespace

void ReadWarmStarts(Section& root, Recipe& recipe) {
  const toml::node& top = root.table();
  const toml::node_view<const toml::node> whole(top);
  WarmStartsReader reader(root.mistakes(), recipe.warm_starts);
  reader.ReadTable(whole["train"], "train");
  reader.ReadTable(whole["grid"]["train"], "grid.train");
  reader.ReadTable(whole["search"]["baseline"]["train"], "search.baseline.train");
  const toml::array* stages = whole["search"]["stage"].as_array();
  for (std::size_t i = 0; stages != nullptr && i < stages->size(); ++i) {
    reader.ReadTable(toml::node_view<const toml::node>((*stages)[i])["fix"]["train"],
                     "search.stage[" + std::to_string(i) + "].fix.train");
  }
}

}  // namespace beamgrid
