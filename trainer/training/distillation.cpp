#include "trainer/training/distillation.h"

#include "registry/util/error.h"
#include "registry/util/system_error.h"
#include "trainer/training/failures.h"

namespace beamgrid::trainer {

std::unique_ptr<Teacher> OpenTeacher(const ModelSpec& model, const DataSpec& data) {
  const std::optional<NamedFile> file = TeacherOf(model);
  if (!file) return nullptr;
  try {
    return std::make_unique<Teacher>(*file, data.classes);
  } catch (const Error& error) {
    if (IsMachineFault(SystemCode(error))) throw;
    throw DataFilesError(std::string("train.teacher: ") + error.what());
  }
}

torch::Tensor TeacherMatrix(const Teacher& teacher, const Batch& batch, std::int64_t classes,
                            torch::Device device) {
  // As positions in the flattened matrix: some numbers a video cross to the device, not 3862.
  std::vector<std::int64_t> positions;
  std::vector<float> probabilities;
  for (std::int64_t video = 0; video < batch.Size(); ++video) {
    const std::string& id = batch.ids[static_cast<std::size_t>(video)];
    const std::optional<TeacherList> list = teacher.Find(id);
    if (!list) {
      throw DataFilesError("train.teacher: " + teacher.path() +
                           ": has no list for the training example '" + id +
                           "'; predict for all files of data.train");
    }
    for (const std::int32_t label : list->classes) positions.push_back(video * classes + label);
    probabilities.insert(probabilities.end(), list->probabilities.begin(),
                         list->probabilities.end());
  }
  const torch::TensorOptions on_device(device);
  // No position is there twice, so the order of the copies does not matter.
  return torch::zeros({batch.Size() * classes}, on_device.dtype(torch::kFloat))
      .index_copy_(0, torch::tensor(positions, torch::kLong).to(device),
                   torch::tensor(probabilities, torch::kFloat).to(device))
      .view({batch.Size(), classes});
}

torch::Tensor TeacherCrossEntropy(const torch::Tensor& probabilities, const torch::Tensor& teacher,
                                  const Targets& targets) {
  constexpr double kEpsilon = 1e-5;
  const torch::Tensor p =
      probabilities.to(torch::promoteTypes(probabilities.scalar_type(), torch::kFloat));
  const torch::Tensor cells =
      -(teacher * (p + kEpsilon).log() + (1 - teacher) * (1 - p + kEpsilon).log());
  const torch::Tensor weighted = targets.weights.defined() ? cells * targets.weights : cells;
  return weighted.sum() / static_cast<double>(p.size(0));
}

}  // namespace beamgrid::trainer
