#include "trainer/script_module.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "trainer/component.h"
#include "trainer/without_memory.h"

namespace beamgrid::trainer {
namespace {

/// The last line of a text: TorchScript's messages are tracebacks, and what happened is at their
/// end.
std::string LastLine(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  const std::size_t newline = text.rfind('\n');
  return newline == std::string::npos ? text : text.substr(newline + 1);
}

/// What went wrong inside of LibTorch, in one line.
std::string Reason(const std::exception& error) {
  if (const auto* of_libtorch = dynamic_cast<const c10::Error*>(&error)) {
    return FirstLine(of_libtorch->what_without_backtrace());
  }
  return LastLine(error.what());
}

/// "forward(frames: Tensor, mask: Tensor) -> Tensor"
std::string Written(const c10::FunctionSchema& schema) {
  std::ostringstream text;
  text << "forward(";
  for (std::size_t i = 1; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    text << (i == 1 ? "" : ", ") << argument.name() << ": " << argument.type()->annotation_str();
  }
  text << ") -> ";
  for (const c10::Argument& result : schema.returns()) text << result.type()->annotation_str();
  return text.str();
}

std::string Wanted(const std::vector<std::string>& inputs) {
  std::string text = "forward(";
  for (const std::string& input : inputs)
    text += (text.back() == '(' ? "" : ", ") + input + ": Tensor";
  return text + ") -> Tensor";
}

bool IsTensor(const c10::Argument& argument) {
  return argument.type()->kind() == c10::TypeKind::TensorType;
}

/// True where forward takes `self`, then as many tensors as there are inputs; anything more must
/// have a default.
bool Fits(const c10::FunctionSchema& schema, std::size_t inputs) {
  const auto& arguments = schema.arguments();
  if (arguments.size() < inputs + 1) return false;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (i <= inputs ? !IsTensor(arguments[i]) : !arguments[i].default_value()) return false;
  }
  return schema.returns().size() == 1 && IsTensor(schema.returns()[0]);
}

/// Registers the script's tensors with `owner` in a tree of the same names, so that training,
/// counting, saving and moving to a device find them. One that two places share is registered once:
/// it would be counted and stepped twice.
void RegisterState(const torch::jit::Module& script, torch::nn::Module& owner,
                   std::set<const void*>& known) {
  const auto is_new = [&known](const torch::Tensor& tensor) {
    return tensor.defined() && known.insert(tensor.unsafeGetTensorImpl()).second;
  };
  for (const auto& parameter : script.named_parameters(/*recurse=*/false)) {
    if (!is_new(parameter.value)) continue;
    owner.register_parameter(parameter.name, parameter.value, parameter.value.requires_grad());
  }
  for (const auto& buffer : script.named_buffers(/*recurse=*/false)) {
    if (is_new(buffer.value)) owner.register_buffer(buffer.name, buffer.value);
  }
  for (const auto& child : script.named_children()) {
    const auto module = std::make_shared<torch::nn::Module>(child.name);
    RegisterState(child.value, *module, known);
    owner.register_module(child.name, module);
  }
}

torch::jit::Module LoadScript(const NamedFile& file) {
  try {
    CheckUnchanged(file);
  } catch (const Error& error) {
    throw SpecError(error.what());
  }
  try {
    return torch::jit::load(file.path, torch::kCPU);
  } catch (const std::exception& error) {
    throw SpecError(
        file.path +
        ": is no TorchScript module, which torch.jit.script(module).save(...) writes: " +
        Reason(error));
  }
}

}  // namespace

ScriptModule::ScriptModule(const NamedFile& file, const std::vector<std::string>& inputs,
                           torch::nn::Module& owner)
    : path_(file.path) {
  // Also where a model is built for its size alone: the file's values have to be read to know its
  // shapes.
  const WithMemory memory;
  module_ = LoadScript(file);
  const auto forward = module_.find_method("forward");
  if (!forward) Refuse("has no forward, must have " + Wanted(inputs));
  const c10::FunctionSchema& schema = forward->function().getSchema();
  if (!Fits(schema, inputs.size()))
    Refuse("has " + Written(schema) + ", must have " + Wanted(inputs));
  if (const auto reset = module_.find_method("reset_parameters")) {
    try {
      (*reset)({});
    } catch (const std::exception& error) {
      Refuse("reset_parameters fails: " + Reason(error));
    }
  }
  std::set<const void*> known;
  RegisterState(module_, owner, known);
}

std::vector<std::int64_t> ScriptModule::Try(const std::vector<torch::Tensor>& inputs,
                                            const std::vector<std::int64_t>& wanted,
                                            const std::string& meaning) {
  const WithMemory memory;
  Train(false);
  torch::Tensor output;
  try {
    output = Run(inputs);
  } catch (const std::exception& error) {
    throw SpecError(Reason(error));
  }
  Train(true);
  const auto fits = [](std::int64_t size, std::int64_t asked) {
    return asked < 0 || size == asked;
  };
  const std::vector<std::int64_t> sizes = output.sizes().vec();
  if (output.is_floating_point() && std::ranges::equal(sizes, wanted, fits)) return sizes;
  std::ostringstream text;
  text << "forward gives " << output.dtype() << " of " << output.sizes() << ", must give float of "
       << meaning;
  Refuse(text.str());
}

torch::Tensor ScriptModule::Run(const std::vector<torch::Tensor>& inputs) {
  // The optimising executor measures the first calls and fuses the later ones: a resumed trial
  // would compute other last bits than one that ran through.
  const torch::jit::GraphOptimizerEnabledGuard step_by_step(false);
  try {
    return module_.forward({inputs.begin(), inputs.end()}).toTensor();
  } catch (const std::exception& error) {
    // As an error of LibTorch's, of which out-of-memory is told apart by its text.
    C10_THROW_ERROR(Error, c10::str(path_, ": forward fails: ", Reason(error)));
  }
}

void ScriptModule::Train(bool on) {
  for (torch::jit::Module module : module_.modules()) {
    // A frozen module has no such attribute.
    if (module.hasattr("training")) module.setattr("training", on);
  }
}

void ScriptModule::Refuse(const std::string& why) const { throw SpecError(path_ + ": " + why); }

std::vector<torch::Tensor> TrialFrames(std::int64_t width) {
  const WithMemory memory;
  const torch::Tensor mask = torch::arange(3).unsqueeze(0) < torch::tensor({{3}, {1}});
  return {torch::ones({2, 3, width}) * mask.unsqueeze(2), mask};
}

}  // namespace beamgrid::trainer
