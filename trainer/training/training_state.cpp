// TrainingLoop: what the last checkpoint holds, and going on from it.

#include <algorithm>
#include <utility>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace {

/// Copies a file, sharing the bytes where the file system allows it; the original may be replaced,
/// never changed in place. Either way the file is there entirely or not at all.
void LinkOrCopy(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::remove(to);
  std::error_code error;
  std::filesystem::create_hard_link(from, to, error);
  if (error) WriteFileAtomically(to, ReadFile(from));
}

/// The generators that dropout, sampling and noise draw from: a resumed trial must draw what it
/// would have drawn. The order of the data needs none, it follows from seed and epoch.
std::vector<std::pair<std::string, at::Generator>> Generators(torch::Device device) {
  std::vector<std::pair<std::string, at::Generator>> generators = {
      {"cpu", at::globalContext().defaultGenerator(torch::kCPU)}};
  if (device.is_cuda()) {
    generators.emplace_back("cuda", at::globalContext().defaultGenerator(device));
  }
  return generators;
}

NamedTensors GeneratorStates(torch::Device device) {
  NamedTensors states;
  for (auto& [name, generator] : Generators(device)) {
    const std::scoped_lock lock(generator.mutex());
    states.emplace_back(name, generator.get_state());
  }
  return states;
}

/// Numbers of examples. What is no such number is passed over: a wrong count of skipped records is
/// no reason to train again from the beginning.
std::vector<std::uint32_t> NumbersFrom(const boost::json::array& list) {
  std::vector<std::uint32_t> numbers;
  for (const boost::json::value& item : list) {
    if (item.is_int64() && std::in_range<std::uint32_t>(item.get_int64())) {
      numbers.push_back(static_cast<std::uint32_t>(item.get_int64()));
    }
  }
  return numbers;
}

void RestoreGenerators(torch::Device device, const NamedTensors& states) {
  auto generators = Generators(device);
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::scoped_lock lock(generators[i].second.mutex());
    generators[i].second.set_state(states[i].second);
  }
}

}  // namespace

NamedTensors TrainingLoop::ModelTensors() const { return TensorsOf(*model_); }

void TrainingLoop::SaveLast() {
  const auto begin = Clock::now();
  NamedTensors tensors = WithPrefix("model.", ModelTensors());
  const auto add = [&](const NamedTensors& more) {
    tensors.insert(tensors.end(), more.begin(), more.end());
  };
  add(WithPrefix("loss.", TensorsOf(model_->loss())));
  add(WithPrefix("optimiser.", optimiser_->State()));
  add(WithPrefix("average.", average_->State()));
  add(WithPrefix("generator.", GeneratorStates(device_)));
  add({{"loss_sum", loss_sum_}});
  // Damaged records are counted once in all, so the count must know which ones they were.
  const boost::json::object meta = {{"fingerprint", fingerprint_},
                                    {"epoch", progress_.epoch},
                                    {"position", progress_.position},
                                    {"epoch_examples", progress_.epoch_examples},
                                    {"damaged", boost::json::value_from(train_->Damaged())},
                                    {"result", ToJson(progress_.result)}};
  WriteCheckpoint(directory_ / kLastCheckpoint, meta, tensors);
  // A large model on a slow disk must not spend its time on checkpoints: at most a twentieth.
  constexpr int kTrainingPerCheckpoint = 20;
  const auto end = Clock::now();
  next_checkpoint_ = end + std::max<Clock::duration>(hooks_.checkpoint_interval,
                                                     kTrainingPerCheckpoint * (end - begin));
}

void TrainingLoop::Resume() {
  // Our own first: this attempt may have been resumed before and be further than the earlier one.
  std::vector<std::filesystem::path> candidates = {directory_ / kLastCheckpoint};
  if (!trial_.resume_from.empty()) candidates.emplace_back(trial_.resume_from);
  for (const std::filesystem::path& last : candidates) {
    if (!std::filesystem::exists(last)) continue;
    try {
      ResumeFrom(last);
      Log("goes on from " + last.string() + " after " + std::to_string(progress_.result.examples) +
          " examples");
      return;
    } catch (const std::runtime_error& error) {
      if (IsMachineFault(SystemCode(error))) throw;  // later it may well be readable
      Log(std::string("cannot go on from a checkpoint: ") + error.what());
    } catch (const std::invalid_argument& error) {
      Log("cannot go on from " + last.string() + ": " + error.what());
    }
    // A checkpoint that was refused may have filled some of the tensors.
    StartAfresh();
  }
}

void TrainingLoop::ResumeFrom(const std::filesystem::path& last) {
  CheckpointReader checkpoint(last);
  const JsonReader meta(checkpoint.meta(), last.string());
  if (meta.Text("fingerprint") != fingerprint_) {
    throw Error(last.string() + ": the checkpoint is of another trial");
  }
  TrialResult result = TrialResultFromJson(meta.At("result"));
  // Opened for its hash alone. A last checkpoint whose best epoch is lost is of no use: the trial
  // would fail at its very end.
  const std::filesystem::path best = last.parent_path() / kBestCheckpoint;
  if (result.best_epoch > 0) static_cast<void>(CheckpointReader(best));

  checkpoint.ReadInto(WithPrefix("model.", ModelTensors()));
  checkpoint.ReadInto(WithPrefix("loss.", TensorsOf(model_->loss())));
  checkpoint.ReadInto(WithPrefix("optimiser.", optimiser_->State()));
  checkpoint.ReadInto(WithPrefix("average.", average_->State()));
  checkpoint.ReadInto({{"loss_sum", loss_sum_}});
  // After everything that could draw. The current states serve as tensors of the right size.
  const NamedTensors generators = GeneratorStates(device_);
  checkpoint.ReadInto(WithPrefix("generator.", generators));
  RestoreGenerators(device_, generators);
  progress_ = {.epoch = meta.Integer("epoch"),
               .position = meta.Integer("position"),
               .epoch_examples = meta.Integer("epoch_examples"),
               .result = std::move(result)};
  if (meta.Has("damaged")) train_->RecallDamaged(NumbersFrom(meta.List("damaged")));
  if (std::filesystem::weakly_canonical(last) ==
      std::filesystem::weakly_canonical(directory_ / kLastCheckpoint)) {
    return;
  }
  // The other attempt's files become this one's at once, the best first as ever: the folder that
  // they lie in may be deleted while we train.
  if (progress_.result.best_epoch > 0) LinkOrCopy(best, directory_ / kBestCheckpoint);
  LinkOrCopy(last, directory_ / kLastCheckpoint);
}

}  // namespace beamgrid::trainer
