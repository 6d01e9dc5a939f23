// Every component on a GPU against itself on the CPU. Skipped where there is no GPU.

#include <gtest/gtest.h>

#include "tests/trainer/components/contract.h"

namespace beamgrid::trainer::contract {
namespace {

Sequence OnGpu(const Sequence& input) {
  return {input.frames.detach().cuda().requires_grad_(), input.mask.cuda(), input.lengths};
}

/// Values, and the gradients of a fixed weighted sum of them by parameter, on the device of
/// `input`.
std::pair<torch::Tensor, std::vector<torch::Tensor>> ValuesAndGradients(const Subject& subject,
                                                                        const Sequence& input,
                                                                        const Targets& targets) {
  subject.module->eval();
  subject.module->zero_grad();
  const torch::Tensor values = subject.run(input, targets);
  const torch::Tensor weights =
      torch::linspace(-1, 1, values.numel(), values.options().requires_grad(false));
  if (values.requires_grad()) (values.flatten() * weights).sum().backward();
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : subject.module->parameters()) {
    gradients.push_back(parameter.grad().defined() ? parameter.grad().cpu() : torch::Tensor());
  }
  return {values.detach().cpu(), gradients};
}

class GpuParityTest : public ::testing::TestWithParam<ComponentInfo> {};

TEST_P(GpuParityTest, GivesTheNumbersOfTheCpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  for (const Case& c : CasesOf(GetParam())) {
    for (const Shape& shape : Shapes()) {
      SCOPED_TRACE(c.label + ", " + std::to_string(shape.features.size()) + " features");
      torch::manual_seed(41);
      const std::optional<Subject> subject = Build(c, shape);
      if (!subject) continue;
      const Sequence input = RandomSequence({5, 1, 3}, 5, shape.width());
      const Targets targets = RandomTargets(3, shape.classes);
      const auto [cpu, cpu_gradients] = ValuesAndGradients(*subject, input, targets);
      subject->module->to(torch::kCUDA);
      const auto [gpu, gpu_gradients] =
          ValuesAndGradients(*subject, OnGpu(input), {targets.labels.cuda()});
      EXPECT_TRUE(torch::allclose(cpu, gpu, 1e-3, 1e-4));
      for (std::size_t i = 0; i < cpu_gradients.size(); ++i) {
        ASSERT_EQ(cpu_gradients[i].defined(), gpu_gradients[i].defined()) << "parameter " << i;
        if (!cpu_gradients[i].defined()) continue;
        EXPECT_TRUE(torch::allclose(cpu_gradients[i], gpu_gradients[i], 1e-2, 1e-3))
            << "gradient of parameter " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, GpuParityTest, ::testing::ValuesIn(Components()),
                         [](const auto& info) {
                           return info.param.criterion + "_" + info.param.name;
                         });

}  // namespace
}  // namespace beamgrid::trainer::contract
