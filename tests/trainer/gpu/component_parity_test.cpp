// Every component of the catalogue gives on the GPU what it gives on the CPU, gradients included.

#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/script_files.h"

namespace beamgrid::trainer::contract {
namespace {

constexpr double kTolerance = 1e-4;
const std::vector<std::int64_t> kLengths = {6, 1, 3, 2};

struct Batch {
  Sequence input;
  Targets targets;
};

Batch RandomBatch(const Shape& shape) {
  return {RandomSequence(kLengths, 6, shape.width()),
          RandomTargets(static_cast<std::int64_t>(kLengths.size()), shape.classes)};
}

/// Lengths stay on the CPU: so says Sequence.
Batch On(const Batch& batch, torch::Device device) {
  return {{batch.input.frames.to(device), batch.input.mask.to(device), batch.input.lengths},
          {batch.targets.labels.to(device)}};
}

/// Output of a training forward, and the gradients of all parameters.
std::vector<torch::Tensor> Train(const Subject& subject, const Batch& batch) {
  subject.module->train();
  const torch::Tensor output = subject.run(batch.input, batch.targets);
  std::vector<torch::Tensor> results = {output.detach().cpu()};
  if (output.requires_grad()) output.square().sum().backward();
  for (const torch::Tensor& parameter : subject.module->parameters()) {
    if (parameter.grad().defined()) results.push_back(parameter.grad().cpu());
  }
  return results;
}

/// Dropout and the like cannot be compared between devices.
bool DrawsInTraining(const Case& c, const Shape& shape, const Batch& batch) {
  const std::optional<Subject> subject = Build(c, shape);
  subject->module->train();
  const torch::NoGradGuard no_gradient;
  torch::manual_seed(1);
  const torch::Tensor one = subject->run(batch.input, batch.targets);
  torch::manual_seed(2);
  return !one.allclose(subject->run(batch.input, batch.targets));
}

void ExpectClose(const torch::Tensor& cpu, const torch::Tensor& gpu) {
  ASSERT_EQ(cpu.sizes(), gpu.sizes());
  EXPECT_TRUE(cpu.allclose(gpu, kTolerance, kTolerance))
      << "differ by " << (cpu - gpu).abs().max().item<double>();
}

void ExpectParity(const Case& c, const Shape& shape, torch::Device device) {
  const std::optional<Subject> cpu = Build(c, shape);
  if (!cpu) return;
  const std::optional<Subject> gpu = Build(c, shape);
  gpu->module->to(device);
  const Batch batch = RandomBatch(shape);
  if (!DrawsInTraining(c, shape, batch)) {
    const std::vector<torch::Tensor> expected = Train(*cpu, batch);
    const std::vector<torch::Tensor> actual = Train(*gpu, On(batch, device));
    ASSERT_EQ(expected.size(), actual.size());
    for (std::size_t i = 0; i < expected.size(); ++i) ExpectClose(expected[i], actual[i]);
  }
  const torch::NoGradGuard no_gradient;
  cpu->module->eval();
  gpu->module->eval();
  const Batch on_gpu = On(batch, device);
  ExpectClose(cpu->run(batch.input, batch.targets), gpu->run(on_gpu.input, on_gpu.targets).cpu());
}

class ComponentParity : public ::testing::TestWithParam<ComponentInfo> {};

TEST_P(ComponentParity, CpuAndGpuAgree) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device";
  const ScriptFiles files;
  for (const Case& c : CasesOf(GetParam(), files.GivenFor(GetParam()))) {
    for (const Shape& shape : Shapes()) {
      SCOPED_TRACE(c.label + ", " + std::to_string(shape.features.size()) + " features");
      ExpectParity(c, shape, torch::kCUDA);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, ComponentParity, ::testing::ValuesIn(Components()),
                         [](const auto& info) {
                           return info.param.criterion + "_" + info.param.name;
                         });

}  // namespace
}  // namespace beamgrid::trainer::contract
