#pragma once
// A TorchScript module, written by a user in Python, as a part of one of our modules.
//
// The script is run operation by operation, never by the optimising executor: that one measures the
// first calls and fuses the later ones, so a resumed trial would differ from one that ran through.

#include <torch/csrc/jit/api/module.h>
#include <torch/torch.h>

#include <string>
#include <vector>

#include "registry/named_file.h"

namespace beamgrid::trainer {

/// ScriptModule is a TorchScript module inside one of our components, the owner. Not thread-safe.
class ScriptModule {
 public:
  /// Loads the module and checks that `forward` takes tensors of these names' number and returns
  /// one. Its parameters and buffers become `owner`'s, under the names that they have in Python.
  /// Where it exports `reset_parameters`, that is called, so that the seed decides its initial
  /// values; otherwise it starts with those of the file. Throws SpecError, saying what is wrong
  /// with the file.
  ScriptModule(const NamedFile& file, const std::vector<std::string>& inputs,
               torch::nn::Module& owner);

  /// The sizes of what forward gives for small inputs that are only good for their shapes, on the
  /// CPU and in evaluation mode, also while models are built without memory. Throws SpecError where
  /// it fails or the sizes are not `wanted`; -1 stands for any size. `meaning` says them in words:
  /// "[batch, width]".
  [[nodiscard]] std::vector<std::int64_t> Try(const std::vector<torch::Tensor>& inputs,
                                              const std::vector<std::int64_t>& wanted,
                                              const std::string& meaning);

  /// Runs forward. An exception in the script becomes a c10::Error with the file's name and the
  /// script's own message.
  torch::Tensor Run(const std::vector<torch::Tensor>& inputs);

  /// Puts the script and its parts into training or evaluation mode, as torch::nn::Module::train
  /// does.
  void Train(bool on);

 private:
  [[noreturn]] void Refuse(const std::string& why) const;

  std::string path_;
  torch::jit::Module module_;
};

/// ScriptComponent is what a component of the class Base and its script have in common.
template <typename Base>
class ScriptComponent : public Base {
 public:
  /// As ScriptModule's constructor.
  ScriptComponent(const NamedFile& file, const std::vector<std::string>& inputs)
      : script_(file, inputs, *this) {}

  void train(bool on = true) override {
    Base::train(on);
    script_.Train(on);
  }

 protected:
  [[nodiscard]] ScriptModule& script() { return script_; }

 private:
  ScriptModule script_;
};

/// The frames and the mask of two videos, of three frames and of one, for ScriptModule::Try.
[[nodiscard]] std::vector<torch::Tensor> TrialFrames(std::int64_t width);

}  // namespace beamgrid::trainer
