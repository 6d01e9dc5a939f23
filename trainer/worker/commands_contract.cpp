#include <algorithm>
#include <ostream>

#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "trainer/contract/cases.h"
#include "trainer/contract/checks.h"
#include "trainer/training/device.h"
#include "trainer/worker/commands.h"

namespace beamgrid::trainer {
namespace {

using contract::Question;
using contract::Shape;

std::string FullName(const ComponentInfo& info) { return info.criterion + "." + info.name; }

/// By its name, or by criterion and name where several criteria have one of that name.
ComponentInfo FindComponent(const std::string& name) {
  std::vector<ComponentInfo> found;
  std::vector<std::string> names;
  for (const ComponentInfo& info : contract::Components()) {
    if (name == info.name || name == FullName(info)) found.push_back(info);
    names.insert(names.end(), {info.name, FullName(info)});
  }
  if (found.empty()) {
    throw UsageError("no component '" + name + "' to test" + Suggestion(name, names));
  }
  if (found.size() == 1) return found.front();
  throw UsageError("'" + name + "' is the name of several components; name " +
                   Join(found, " or ", FullName));
}

/// "rgb=1024"
Feature ParseFeature(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) {
    const auto width = ParseNumber<std::int64_t>(text.substr(equals + 1));
    if (width && *width > 0) return {text.substr(0, equals), *width};
  }
  throw UsageError("--feature: '" + text + "' must be NAME=WIDTH, as in rgb=1024");
}

std::vector<Shape> ShapesOf(const ContractArguments& arguments) {
  std::vector<Shape> shapes = contract::Shapes();
  if (!arguments.features.empty()) {
    Shape asked;
    for (const std::string& text : arguments.features) asked.features.push_back(ParseFeature(text));
    shapes = {asked};
  }
  for (Shape& shape : shapes) shape.classes = arguments.classes;
  return shapes;
}

Options GivenOptions(const ComponentInfo& info, const std::string& file) {
  Options given;
  for (const OptionInfo& option : info.options) {
    if (option.type != OptionType::kFile) continue;
    if (file.empty()) {
      throw UsageError(FullName(info) + " needs a file; name it with --file");
    }
    given[option.name] = ToJson(LookAtFile(file, std::filesystem::current_path()));
  }
  // Not ignored: who names a file believes that it is tested.
  if (given.empty() && !file.empty()) throw UsageError(FullName(info) + " takes no --file");
  return given;
}

}  // namespace

int ContractCommand(const ContractArguments& arguments, std::ostream& out) {
  // Deterministic kernels as in a trial: some checks compare bit by bit.
  PrepareProcess(1);
  const ComponentInfo info = FindComponent(arguments.component);
  const Question question{.component = info,
                          .given = GivenOptions(info, arguments.file),
                          .shapes = ShapesOf(arguments)};
  for (const contract::Check& check : contract::Checks()) {
    const boost::json::object answer = {{"component", FullName(info)},
                                        {"check", check.promise},
                                        {"problems", boost::json::value_from(check.run(question))}};
    out << boost::json::serialize(answer) << std::endl;
  }
  return static_cast<int>(out ? TrainerExit::kDone : TrainerExit::kBroken);
}

}  // namespace beamgrid::trainer
