#include "search/recipe/zip.h"

#include <algorithm>
#include <optional>

#include "search/recipe/components.h"

namespace beamgrid {
namespace {

class Zip {
 public:
  Zip(const toml::node& node, std::string path, Mistakes& mistakes)
      : node_(node), path_(std::move(path)), mistakes_(mistakes) {}

  bool Apply(const ComponentInfo& component, std::vector<OptionAxis>& axes,
             const std::set<std::string>& wrong_lists) {
    const std::optional<std::vector<std::string>> names = ReadNames();
    if (!names || !CheckNames(*names, component, axes, wrong_lists)) return false;
    Tie(*names, axes);
    return true;
  }

 private:
  std::optional<std::vector<std::string>> ReadNames() {
    std::vector<std::string> names;
    const toml::array* list = node_.as_array();
    bool fine = list != nullptr && list->size() >= 2;
    for (std::size_t i = 0; fine && i < list->size(); ++i) {
      const auto* name = (*list)[i].as_string();
      fine = name != nullptr;
      if (fine) names.push_back(name->get());
    }
    if (fine) return names;
    Add("must be a list of two or more option names: zip = [\"hidden\", \"layers\"]");
    return std::nullopt;
  }

  bool CheckNames(const std::vector<std::string>& names, const ComponentInfo& component,
                  const std::vector<OptionAxis>& axes, const std::set<std::string>& wrong_lists) {
    bool fine = true;
    std::set<std::string> seen;
    std::set<std::size_t> lengths;
    for (const std::string& name : names) {
      if (!seen.insert(name).second) {
        fine = Add("names '" + name + "' twice");
      } else if (component.FindOption(name) == nullptr) {
        fine = Add("'" + name + "' is no option of '" + component.name + "'" +
                   Suggestion(name, OptionNames(component)));
      } else if (const auto axis = FindAxis(axes, name); axis != axes.end()) {
        lengths.insert(axis->steps.size());
      } else {
        // A list with a wrong value has been reported, and its length is unknown.
        fine = wrong_lists.contains(name) ? false : Add("'" + name + "' is not given as a list");
      }
    }
    if (fine && lengths.size() > 1) {
      std::vector<std::string> counts;
      for (const std::string& name : names) {
        counts.push_back(name + " has " + std::to_string(FindAxis(axes, name)->steps.size()));
      }
      fine = Add("the lists must be of one length: " + Join(counts));
    }
    return fine;
  }

  static void Tie(const std::vector<std::string>& names, std::vector<OptionAxis>& axes) {
    OptionAxis tied;
    std::size_t place = axes.size();
    for (const std::string& name : names) {
      const auto axis = FindAxis(axes, name);
      place = std::min(place, static_cast<std::size_t>(axis - axes.begin()));
      tied.names.push_back(name);
      tied.steps.resize(axis->steps.size());
      for (std::size_t i = 0; i < axis->steps.size(); ++i) {
        tied.steps[i].push_back(axis->steps[i].front());
      }
    }
    axes[place] = std::move(tied);
    std::erase_if(axes, [&names](const OptionAxis& axis) {
      return axis.names.size() == 1 &&
             std::find(names.begin(), names.end(), axis.names.front()) != names.end();
    });
  }

  static std::vector<OptionAxis>::const_iterator FindAxis(const std::vector<OptionAxis>& axes,
                                                          const std::string& name) {
    return std::find_if(axes.begin(), axes.end(),
                        [&name](const OptionAxis& axis) { return axis.names.front() == name; });
  }

  bool Add(std::string message) {
    mistakes_.Add(node_.source(), path_, std::move(message));
    return false;
  }

  const toml::node& node_;
  std::string path_;
  Mistakes& mistakes_;
};

}  // namespace

bool ApplyZip(const toml::node& zip, const ComponentInfo& component, const std::string& path,
              const std::set<std::string>& wrong_lists, std::vector<OptionAxis>& axes,
              Mistakes& mistakes) {
  return Zip(zip, path, mistakes).Apply(component, axes, wrong_lists);
}

}  // namespace beamgrid
