#include "trainer/training/train_step.h"

namespace beamgrid::trainer {

torch::Tensor TrainStep(Model& model, Optimiser& optimiser, const DeviceBatch& batch,
                        double learning_rate) {
  const ModelOutput output = model.forward(batch.input, batch.targets);
  const torch::Tensor loss = model.TotalLoss(output, batch.targets);
  optimiser.DropGradients();
  loss.backward();
  model.OnGradients();
  optimiser.Step(learning_rate);
  // Detached: the epoch's sum of losses would otherwise grow a graph of all its steps.
  return loss.detach();
}

}  // namespace beamgrid::trainer
