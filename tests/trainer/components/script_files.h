#pragma once
// TorchScript modules made without Python, for the components whose `use` is "script".

#include <torch/script.h>

#include <string>

#include "registry/catalogue.h"
#include "tests/support/temporary_folder.h"
#include "trainer/contract/cases.h"

namespace beamgrid::trainer {

/// A module with a parameter `weight` [width, out], a method `forward` of this text, and `training`
/// as Python's modules have it.
inline torch::jit::Module MakeScript(const std::string& source, std::int64_t width = 1,
                                     std::int64_t out = 1) {
  torch::jit::Module module("Script");
  torch::manual_seed(17);
  module.register_attribute("training", torch::jit::BoolType::get(), true);
  module.register_parameter("weight", torch::randn({width, out}).set_requires_grad(true),
                            /*is_buffer=*/false);
  module.define(source);
  return module;
}

/// Mean over the valid frames through a gate per feature that any width of frames fits.
inline constexpr char kMeanScript[] = R"(
def forward(self, frames, mask):
    valid = mask.unsqueeze(2).to(frames.dtype)
    return (frames * valid).sum(1) / valid.sum(1) * torch.sigmoid(self.weight[0, 0])
)";

inline constexpr char kScaledFramesScript[] = R"(
def forward(self, frames, mask):
    return frames * self.weight[0, 0] + self.weight[0, 0]
)";

/// Four classes for an embedding of any width.
inline constexpr char kClassifierScript[] = R"(
def forward(self, embedding):
    return torch.sigmoid(embedding.sum(1, keepdim=True) * self.weight)
)";

/// A folder with a sound module for each criterion that takes one.
class ScriptFiles {
 public:
  ScriptFiles() {
    Save("temporal", MakeScript(kMeanScript));
    Save("multimodal", MakeScript(kScaledFramesScript));
    Save("classifier", MakeScript(kClassifierScript, 1, 4));
  }

  /// The files that a component of the catalogue needs before it can be built.
  [[nodiscard]] Options GivenFor(const ComponentInfo& info) const {
    if (!contract::NeedsFile(info)) return {};
    return {{"file", ToJson(LookAtFile(info.criterion + ".pt", folder_.path()))}};
  }

 private:
  void Save(const std::string& criterion, const torch::jit::Module& module) const {
    module.save((folder_ / (criterion + ".pt")).string());
  }

  TemporaryFolder folder_;
};

}  // namespace beamgrid::trainer
