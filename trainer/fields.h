#pragma once
// How a component states its options once (Describe) and puts itself into the catalogue
// (REGISTER_COMPONENT).

#include <torch/version.h>

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "beamgrid_interface.h"
#include "registry/catalogue.h"

// A symbol that is named after what it was compiled against: the interface of components (a hash of
// its headers), LibTorch and the C++ library's ABI. The trainer has its own; a plugin that asks for
// another one is not loaded.
#define BEAMGRID_JOIN_NAME(interface, major, minor, patch, abi) \
  beamgrid_interface_##interface##_libtorch_##major##_##minor##_##patch##_cxx11abi_##abi
#define BEAMGRID_EXPAND_NAME(interface, major, minor, patch, abi) \
  BEAMGRID_JOIN_NAME(interface, major, minor, patch, abi)
#define BEAMGRID_INTERFACE_SYMBOL                                                    \
  BEAMGRID_EXPAND_NAME(BEAMGRID_INTERFACE, TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, \
                       TORCH_VERSION_PATCH, _GLIBCXX_USE_CXX11_ABI)
extern "C" const char BEAMGRID_INTERFACE_SYMBOL[];

namespace beamgrid::trainer {

/// Range bounds a numeric option.
struct Range {
  double minimum, maximum;  ///< both inclusive
};
/// Choices lists the words that an option may have; none: any word.
struct Choices {
  std::vector<std::string> words;
};

/// FieldHandle refines the option just listed, as in `f(...).Tag("C")`.
class FieldHandle {
 public:
  explicit FieldHandle(OptionInfo* info) : info_(info) {}
  /// Sets the option's piece of a trial's name: Tag("C") makes clusters = 64 read C64. Without a
  /// tag a non-default option reads name=value.
  FieldHandle& Tag(std::string tag);
  /// Puts the option into the trial's name even at its default: MoE2.
  FieldHandle& AlwaysNamed();

 private:
  OptionInfo* info_;  ///< null while reading
};

/// Fields either collects OptionInfo from the defaults or fills the fields from complete, checked
/// options. While reading, a missing key or a value of another type throws std::invalid_argument
/// with the option's name (ranges and choices are CheckOption's, in registry/catalogue.h).
class Fields {
 public:
  Fields() = default;                                           ///< lists
  explicit Fields(const Options& values) : values_(&values) {}  ///< reads

  FieldHandle operator()(const char* name, bool& value, std::string help);
  FieldHandle operator()(const char* name, std::int64_t& value, Range range, std::string help);
  FieldHandle operator()(const char* name, double& value, Range range, std::string help);
  FieldHandle operator()(const char* name, std::string& value, Choices choices, std::string help);
  /// Takes a number in `range` or one of `words` (attention's window: 5 or "all").
  FieldHandle operator()(const char* name, OptionValue& value, Range range, Choices words,
                         std::string help);
  /// Takes a file that is part of the model: named relative to the recipe, never left out. Its
  /// content counts for the trial's identity.
  FieldHandle operator()(const char* name, NamedFile& value, std::string help);

  /// The options that were listed.
  [[nodiscard]] std::vector<OptionInfo> Take() { return std::move(infos_); }

 private:
  FieldHandle Add(OptionInfo info);
  const OptionValue& At(const char* name) const;

  const Options* values_ = nullptr;
  std::vector<OptionInfo> infos_;
};

/// ComponentText is what REGISTER_COMPONENT says beside the options.
struct ComponentText {
  std::string label;   ///< piece of paper-style names; empty: unnamed
  std::string source;  ///< paper, year, section
  std::string help;    ///< one or two sentences, the reading of an ambiguous paper included
  /// How many features of the data it works for: a multimodal component that joins them.
  std::int64_t least_features = 1;
  std::optional<std::int64_t> most_features = std::nullopt;
};

struct BuildContext;

/// Makers holds the makers of one base class, by name. Filled before main by the components'
/// registrations, and by a plugin's while it is loaded.
template <typename Base>
class Makers {
 public:
  using Make = std::function<std::shared_ptr<Base>(const BuildContext&, const Options&)>;
  // In a function, so that the map exists before the first registration of any file.
  static std::map<std::string, Make>& All() {
    static std::map<std::string, Make> makers;
    return makers;
  }
};

/// Registration is one REGISTER_COMPONENT line, as found.
struct Registration {
  ComponentInfo info;
  std::string file;     ///< the source file, or the plugin
  std::string problem;  ///< why its options could not be listed; empty: they could
};

/// Records a component, whatever it is: nothing may throw before main. `interface` is
/// BEAMGRID_INTERFACE_SYMBOL; it is not read, but naming it makes a plugin ask the dynamic linker
/// for it.
void AddToCatalogue(Registration registration, const char* interface);
/// How many components are registered so far.
[[nodiscard]] std::size_t RegistrationCount();
/// Says of all registrations after the first `count` that they came with `plugin`.
void AttributeToPlugin(std::size_t count, const NamedFile& plugin);
/// All registered components.
[[nodiscard]] Catalogue BuiltCatalogue();
/// What is wrong with the registrations ("temporal 'x' is registered by a.cpp and b.cpp"); main
/// refuses to start with these.
[[nodiscard]] std::vector<std::string> RegistrationErrors();

/// The components by pipeline order and name: BuiltCatalogue for any set of registrations.
[[nodiscard]] std::vector<ComponentInfo> SortedComponents(
    const std::vector<Registration>& registrations);
/// What is wrong with a set of registrations (unknown criterion, bad name, two of one name, an
/// option described twice, options that could not be listed): RegistrationErrors for any set.
[[nodiscard]] std::vector<std::string> ErrorsOf(const std::vector<Registration>& registrations);

/// The options that OptionsStruct's Describe lists, with their defaults.
template <typename OptionsStruct>
[[nodiscard]] std::vector<OptionInfo> ListOptions() {
  Fields fields;
  OptionsStruct defaults;
  Describe(fields, defaults);
  return fields.Take();
}

/// An OptionsStruct filled from complete, checked options. Throws std::invalid_argument as Fields
/// does.
template <typename OptionsStruct>
[[nodiscard]] OptionsStruct ReadOptions(const Options& values) {
  Fields fields(values);
  OptionsStruct read;
  Describe(fields, read);
  return read;
}

/// The criterion of a base class: "temporal" for "Temporal", "label_processing" for
/// "LabelProcessing", "extras" for "Extra", "classifier" for "Classifier" and "FrameClassifier".
[[nodiscard]] std::string CriterionOf(const std::string& base_class);

/// Puts a component into the catalogue and its maker into Makers; REGISTER_COMPONENT calls it.
/// Returns true, so that a static variable can be initialised with it.
template <typename Base, typename Component, typename OptionsStruct>
bool Register(const char* base, const char* name, const char* file, ComponentText text) {
  Registration registration{.info = {.criterion = CriterionOf(base),
                                     .name = name,
                                     .label = std::move(text.label),
                                     .source = std::move(text.source),
                                     .help = std::move(text.help),
                                     .least_features = text.least_features,
                                     .most_features = text.most_features},
                            .file = file};
  try {
    registration.info.options = ListOptions<OptionsStruct>();
  } catch (const std::exception& error) {
    registration.problem = error.what();
  }
  AddToCatalogue(std::move(registration), BEAMGRID_INTERFACE_SYMBOL);
  // The first of a name stays: the second one is refused, and nothing may depend on it.
  Makers<Base>::All().emplace(name, [](const BuildContext& context, const Options& values) {
    return std::make_shared<Component>(context, ReadOptions<OptionsStruct>(values));
  });
  return true;
}

/// Registers a component. Stands at the end of its file, inside the unnamed namespace, once per
/// component:
///   REGISTER_COMPONENT(Temporal, "netvlad", NetVlad, NetVladOptions,
///                      {.label = "NetVLAD", .source = "...", .help = "..."});
#define REGISTER_COMPONENT(Base, name, Component, OptionsStruct, ...)                     \
  [[maybe_unused]] const bool registered_##Component =                                    \
      ::beamgrid::trainer::Register<::beamgrid::trainer::Base, Component, OptionsStruct>( \
          #Base, name, __FILE__, ::beamgrid::trainer::ComponentText __VA_ARGS__)

}  // namespace beamgrid::trainer
