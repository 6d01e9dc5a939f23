#include "registry/catalogue.h"

#include <algorithm>
#include <stdexcept>

#include "registry/util/words.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

constexpr Word<OptionType> kTypes[] = {
    {OptionType::kBool, "bool"},     {OptionType::kInteger, "integer"},
    {OptionType::kNumber, "number"}, {OptionType::kString, "string"},
    {OptionType::kList, "list"},     {OptionType::kFile, "file"}};

OptionType TypeFrom(const JsonReader& reader) {
  const std::string name = reader.Text("type");
  if (const auto type = FindValue(kTypes, name)) return *type;
  throw std::invalid_argument(reader.PathOf("type") + ": '" + name + "' is not a type");
}

json::object OptionJson(const OptionInfo& option) {
  json::object object = {{"name", option.name},
                         {"type", WordFor(kTypes, option.type)},
                         {"default", option.default_value},
                         {"allowed", AllowedText(option)},
                         {"help", option.help},
                         {"tag", option.tag},
                         {"always_named", option.always_named}};
  if (option.minimum) object["minimum"] = *option.minimum;
  if (option.maximum) object["maximum"] = *option.maximum;
  if (!option.choices.empty()) {
    object["choices"] = json::array(option.choices.begin(), option.choices.end());
  }
  return object;
}

json::object ComponentJson(const ComponentInfo& component) {
  json::object object = {
      {"criterion", component.criterion}, {"name", component.name},
      {"label", component.label},         {"source", component.source},
      {"help", component.help},           {"options", JsonList(component.options, OptionJson)}};
  if (component.plugin) object["plugin"] = ToJson(*component.plugin);
  if (component.least_features > 1) object["least_features"] = component.least_features;
  if (component.most_features) object["most_features"] = *component.most_features;
  return object;
}

OptionInfo OptionFrom(const JsonReader& reader) {
  OptionInfo option{.name = reader.Text("name"),
                    .type = TypeFrom(reader),
                    .default_value = reader.At("default"),
                    .minimum = std::nullopt,
                    .maximum = std::nullopt,
                    .choices = {},
                    .help = reader.Text("help"),
                    .tag = reader.Text("tag"),
                    .always_named = reader.Boolean("always_named")};
  if (reader.Has("minimum")) option.minimum = reader.Number("minimum");
  if (reader.Has("maximum")) option.maximum = reader.Number("maximum");
  if (reader.Has("choices")) {
    const json::array& choices = reader.List("choices");
    option.choices.assign(choices.begin(), choices.end());
  }
  return option;
}

std::string IndexedPath(const JsonReader& reader, const char* key, std::size_t index) {
  return reader.PathOf(key) + '[' + std::to_string(index) + ']';
}

ComponentInfo ComponentFrom(const JsonReader& reader) {
  ComponentInfo component{.criterion = reader.Text("criterion"),
                          .name = reader.Text("name"),
                          .label = reader.Text("label"),
                          .source = reader.Text("source"),
                          .help = reader.Text("help"),
                          .options = {},
                          .plugin = {},
                          .most_features = {}};
  if (reader.Has("least_features")) component.least_features = reader.Integer("least_features");
  if (reader.Has("most_features")) component.most_features = reader.Integer("most_features");
  if (reader.Has("plugin")) component.plugin = NamedFileFrom(reader.At("plugin"));
  const json::array& options = reader.List("options");
  for (std::size_t i = 0; i < options.size(); ++i) {
    component.options.push_back(
        OptionFrom(JsonReader(options[i], IndexedPath(reader, "options", i))));
  }
  return component;
}

}  // namespace

const ComponentInfo* Catalogue::Find(std::string_view criterion, std::string_view name) const {
  const auto found = std::ranges::find_if(components, [&](const ComponentInfo& component) {
    return component.criterion == criterion && component.name == name;
  });
  return found == components.end() ? nullptr : &*found;
}

std::vector<const ComponentInfo*> Catalogue::OfCriterion(std::string_view criterion) const {
  std::vector<const ComponentInfo*> found;
  for (const ComponentInfo& component : components) {
    if (component.criterion == criterion) found.push_back(&component);
  }
  return found;
}

const OptionInfo* ComponentInfo::FindOption(std::string_view option) const {
  const auto found = std::ranges::find(options, option, &OptionInfo::name);
  return found == options.end() ? nullptr : &*found;
}

json::object ToJson(const Catalogue& catalogue) {
  return {{"trainer_version", catalogue.trainer_version},
          {"libtorch_version", catalogue.libtorch_version},
          {"components", JsonList(catalogue.components, ComponentJson)}};
}

Catalogue CatalogueFromJson(const json::value& value) {
  const JsonReader reader(value, "");
  Catalogue catalogue{.trainer_version = reader.Text("trainer_version"),
                      .libtorch_version = reader.Text("libtorch_version"),
                      .components = {}};
  const json::array& components = reader.List("components");
  for (std::size_t i = 0; i < components.size(); ++i) {
    catalogue.components.push_back(
        ComponentFrom(JsonReader(components[i], IndexedPath(reader, "components", i))));
  }
  return catalogue;
}

std::string FeatureCountText(const ComponentInfo& component) {
  const auto counted = [](std::int64_t count) {
    return count == 1   ? std::string("one feature")
           : count == 2 ? std::string("two features")
                        : std::to_string(count) + " features";
  };
  const std::int64_t least = component.least_features;
  if (!component.most_features) {
    return least <= 1
               ? "any number of features"
               : (least == 2 ? std::string("two") : std::to_string(least)) + " or more features";
  }
  if (least == *component.most_features) return "exactly " + counted(least);
  return std::to_string(least) + " to " + counted(*component.most_features);
}

bool TakesFeatures(const ComponentInfo& component, std::size_t count) {
  const auto features = static_cast<std::int64_t>(count);
  return features >= component.least_features &&
         features <= component.most_features.value_or(features);
}

std::vector<NamedFile> PluginsOf(const Catalogue& catalogue, const ModelSpec& model) {
  std::vector<const ComponentInfo*> used;
  for (const auto& [criterion, variant] : model.parts) {
    used.push_back(catalogue.Find(criterion, variant.component));
  }
  for (const auto& [name, options] : model.extras) used.push_back(catalogue.Find("extras", name));
  std::vector<NamedFile> plugins;
  for (const ComponentInfo* component : used) {
    if (component == nullptr || !component->plugin) continue;
    if (std::ranges::find(plugins, *component->plugin) == plugins.end()) {
      plugins.push_back(*component->plugin);
    }
  }
  // By hash, for paths differ from machine to machine: one model has one text.
  std::ranges::sort(plugins, {}, &NamedFile::hash);
  return plugins;
}

Options DefaultOptions(const ComponentInfo& component) {
  Options options;
  for (const OptionInfo& option : component.options) options[option.name] = option.default_value;
  return options;
}

}  // namespace beamgrid
