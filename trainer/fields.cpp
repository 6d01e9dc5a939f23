#include "trainer/fields.h"

#include <torch/version.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <tuple>

#include "registry/criteria.h"

// The symbol that plugins of the same build ask for. Its value is for people who look at the
// binary.
extern "C" {
const char BEAMGRID_INTERFACE_SYMBOL[] = BEAMGRID_VERSION;
}

namespace beamgrid::trainer {
namespace {

/// Criteria of a role stand together, in the order of the pipeline; unknown ones come last.
bool ByRoleAndName(const ComponentInfo& left, const ComponentInfo& right) {
  const auto key = [](const ComponentInfo& info) {
    const Criterion* end = std::end(kCriteria);
    const Criterion* criterion = std::ranges::find(kCriteria, info.criterion, &Criterion::name);
    const auto role = criterion == end ? CriterionRole::kSettings : criterion->role;
    return std::tuple(role, criterion, info.criterion, info.name);
  };
  return key(left) < key(right);
}

/// All registrations. Function-local, so that the list exists before the first static registration
/// asks for it: the order of static variables of different files is not defined.
std::vector<Registration>& Registrations() {
  static std::vector<Registration> registrations;
  return registrations;
}

bool IsName(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && std::ranges::all_of(text, allowed);
}

[[noreturn]] void ThrowWrongType(const char* name, const OptionValue& value, const char* wanted) {
  throw std::invalid_argument("option '" + std::string(name) +
                              "' = " + boost::json::serialize(value) + " is not " + wanted);
}

std::vector<OptionValue> Values(const Choices& choices) {
  std::vector<OptionValue> values;
  for (const std::string& word : choices.words) values.emplace_back(word);
  return values;
}

OptionInfo Numeric(const char* name, OptionType type, OptionValue value, Range range,
                   std::string help) {
  return {.name = name,
          .type = type,
          .default_value = std::move(value),
          .minimum = range.minimum,
          .maximum = range.maximum,
          .help = std::move(help)};
}

/// What is wrong with one registration on its own.
std::vector<std::string> OwnErrors(const Registration& registration) {
  const ComponentInfo& info = registration.info;
  const std::string who = info.criterion + " '" + info.name + "' (" + registration.file + ")";
  std::vector<std::string> errors;
  if (FindCriterion(info.criterion) == nullptr) {
    errors.push_back(who + ": there is no criterion '" + info.criterion + "'");
  }
  if (!IsName(info.name)) errors.push_back(who + ": a name is made of a-z, 0-9 and _");
  if (!registration.problem.empty()) {
    errors.push_back(who + ": its options cannot be listed: " + registration.problem);
  }
  std::vector<std::string> seen;
  for (const OptionInfo& option : info.options) {
    if (!IsName(option.name)) {
      errors.push_back(who + ": option '" + option.name + "': a name is made of a-z, 0-9 and _");
    }
    if (std::ranges::find(seen, option.name) != seen.end()) {
      errors.push_back(who + ": option '" + option.name + "' is described twice");
    }
    seen.push_back(option.name);
  }
  return errors;
}

}  // namespace

FieldHandle& FieldHandle::Tag(std::string tag) {
  if (info_ != nullptr) info_->tag = std::move(tag);
  return *this;
}

FieldHandle& FieldHandle::AlwaysNamed() {
  if (info_ != nullptr) info_->always_named = true;
  return *this;
}

FieldHandle Fields::Add(OptionInfo info) {
  return FieldHandle(&infos_.emplace_back(std::move(info)));
}

const OptionValue& Fields::At(const char* name) const {
  const auto found = values_->find(name);
  if (found == values_->end()) {
    throw std::invalid_argument("option '" + std::string(name) + "' is missing");
  }
  return found->second;
}

FieldHandle Fields::operator()(const char* name, bool& value, std::string help) {
  if (values_ == nullptr) {
    return Add(
        {.name = name, .type = OptionType::kBool, .default_value = value, .help = std::move(help)});
  }
  const OptionValue& given = At(name);
  if (!given.is_bool()) ThrowWrongType(name, given, "true or false");
  value = given.get_bool();
  return FieldHandle(nullptr);
}

FieldHandle Fields::operator()(const char* name, std::int64_t& value, Range range,
                               std::string help) {
  if (values_ == nullptr) {
    return Add(Numeric(name, OptionType::kInteger, value, range, std::move(help)));
  }
  const OptionValue& given = At(name);
  if (!given.is_int64()) ThrowWrongType(name, given, "an integer");
  value = given.get_int64();
  return FieldHandle(nullptr);
}

FieldHandle Fields::operator()(const char* name, double& value, Range range, std::string help) {
  if (values_ == nullptr) {
    return Add(Numeric(name, OptionType::kNumber, value, range, std::move(help)));
  }
  const OptionValue& given = At(name);
  if (!given.is_number()) ThrowWrongType(name, given, "a number");
  value = given.to_number<double>();
  return FieldHandle(nullptr);
}

FieldHandle Fields::operator()(const char* name, std::string& value, Choices choices,
                               std::string help) {
  if (values_ == nullptr) {
    return Add({.name = name,
                .type = OptionType::kString,
                .default_value = boost::json::string(value),
                .choices = Values(choices),
                .help = std::move(help)});
  }
  const OptionValue& given = At(name);
  if (!given.is_string()) ThrowWrongType(name, given, "a string");
  value = std::string(given.get_string());
  return FieldHandle(nullptr);
}

FieldHandle Fields::operator()(const char* name, OptionValue& value, Range range, Choices words,
                               std::string help) {
  if (values_ == nullptr) {
    // The default says which kind of number it is.
    const auto type = value.is_double() ? OptionType::kNumber : OptionType::kInteger;
    OptionInfo info = Numeric(name, type, value, range, std::move(help));
    info.choices = Values(words);
    return Add(std::move(info));
  }
  const OptionValue& given = At(name);
  if (!given.is_string() && !given.is_number()) ThrowWrongType(name, given, "a number or a word");
  value = given;
  return FieldHandle(nullptr);
}

FieldHandle Fields::operator()(const char* name, NamedFile& value, std::string help) {
  if (values_ == nullptr) {
    return Add({.name = name, .type = OptionType::kFile, .help = std::move(help)});
  }
  const std::optional<NamedFile> file = NamedFileFrom(At(name));
  if (!file) ThrowWrongType(name, At(name), "a file");
  value = *file;
  return FieldHandle(nullptr);
}

std::string CriterionOf(const std::string& base_class) {
  // The two whose criterion is not the class's own name: a model has many extras, and frame
  // classifiers are chosen where classifiers are.
  if (base_class == "Extra") return "extras";
  if (base_class == "FrameClassifier") return "classifier";
  std::string criterion;
  for (const char c : base_class) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !criterion.empty()) criterion += '_';
    criterion += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return criterion;
}

std::vector<ComponentInfo> SortedComponents(const std::vector<Registration>& registrations) {
  std::vector<ComponentInfo> components;
  for (const Registration& registration : registrations) components.push_back(registration.info);
  // Independent of the linker's order, since catalogues are cached and compared.
  std::ranges::stable_sort(components, ByRoleAndName);
  return components;
}

std::vector<std::string> ErrorsOf(const std::vector<Registration>& registrations) {
  std::vector<std::string> errors;
  for (std::size_t i = 0; i < registrations.size(); ++i) {
    std::ranges::move(OwnErrors(registrations[i]), std::back_inserter(errors));
    // Every pair: some dozens of components, looked at once per process.
    for (std::size_t j = 0; j < i; ++j) {
      const ComponentInfo& one = registrations[j].info;
      const ComponentInfo& other = registrations[i].info;
      if (one.criterion != other.criterion || one.name != other.name) continue;
      errors.push_back(one.criterion + " '" + one.name + "' is registered by " +
                       registrations[j].file + " and " + registrations[i].file);
    }
  }
  // Sorted, because the order in which files register themselves is the linker's.
  std::ranges::sort(errors);
  return errors;
}

void AddToCatalogue(Registration registration, const char* /*interface*/) {
  Registrations().push_back(std::move(registration));
}

std::size_t RegistrationCount() { return Registrations().size(); }

void AttributeToPlugin(std::size_t count, const NamedFile& plugin) {
  for (std::size_t i = count; i < Registrations().size(); ++i) {
    Registrations()[i].info.plugin = plugin;
    Registrations()[i].file = plugin.path;
  }
}

Catalogue BuiltCatalogue() {
  return {.trainer_version = BEAMGRID_VERSION,
          .libtorch_version = TORCH_VERSION,
          .components = SortedComponents(Registrations())};
}

std::vector<std::string> RegistrationErrors() { return ErrorsOf(Registrations()); }

}  // namespace beamgrid::trainer
