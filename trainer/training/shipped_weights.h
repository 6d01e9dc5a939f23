#pragma once
// Weights in the number type that they are shipped in. The metrics of a trial are measured with
// these, size_bytes counts them and model.pt holds them.
//
// precision    a floating tensor of n elements                               bytes
// fp32         as it is                                                      4 n
// fp16, bf16   rounded to the nearest                                        2 n
// int8         n > 17,000: uint8 codes, and a table of 256 floats that       n + 1024
//              stand evenly from the tensor's least to its greatest value
//              smaller: as it is                                             4 n
//
// Tensors of integers are shipped as they are. int8 is the quantisation of Skalic and Austin 2018;
// fp16 and bf16 halved the models of the 7th and the 4th place in 2018.

#include <filesystem>
#include <string>

#include "registry/model_spec.h"
#include "registry/util/files.h"
#include "trainer/training/checkpoint.h"

namespace beamgrid::trainer {

/// Precision is a number type that weights are shipped in.
enum class Precision { kFp32, kFp16, kBf16, kInt8 };

/// Throws SpecError for another word than fp32, fp16, bf16 and int8.
[[nodiscard]] Precision ParsePrecision(const std::string& word);

/// The precision that the training settings ask for, fp32 where `train` says nothing.
[[nodiscard]] Precision PrecisionOf(const Options& train);

/// The bytes of one tensor as shipped under its name (kStatisticsPrefix). Looks at its type and
/// shape only, so it may be on the meta device.
[[nodiscard]] std::int64_t ShippedBytes(const std::string& name, const torch::Tensor& tensor,
                                        Precision precision);

/// ShippedWeights holds weights in the form that model.pt stores them in.
class ShippedWeights {
 public:
  /// Converts the weights. Those that need no conversion are shared with `weights`, not copied.
  ShippedWeights(const NamedTensors& weights, Precision precision);

  /// Reads a file that Write made. Throws Error with the path and what is wrong.
  [[nodiscard]] static ShippedWeights Read(const std::filesystem::path& path);

  /// A dictionary of the tensors by name, which Python's torch.load(path, weights_only=False) reads
  /// (LibTorch tags it with its type). With int8 a quantised tensor x is two entries:
  ///   x = state[name + ".table"][state[name].long()]
  [[nodiscard]] std::vector<char> Pickled() const;
  /// Writes that. Throws Error where the disk refuses.
  void Write(const std::filesystem::path& path) const;

  /// Gives `weights` the shipped values, in place. Throws Error where one of them is missing or has
  /// another shape.
  void CopyTo(const NamedTensors& weights) const;

  /// Every tensor by name with its shipped values, in whatever floating type.
  [[nodiscard]] NamedTensors Weights() const;

  /// The tensors as the file holds them: see Write.
  [[nodiscard]] const NamedTensors& Stored() const { return stored_; }

  /// The bytes of all tensors as stored: the sum of ShippedBytes.
  [[nodiscard]] std::int64_t Bytes() const;

 private:
  ShippedWeights() = default;
  void AddQuantised(const std::string& name, const torch::Tensor& tensor);
  [[nodiscard]] const torch::Tensor* Find(const std::string& name) const;
  /// The tensor's values in whatever type; a quantised one is looked up in its table. Throws Error
  /// where there is none of that name.
  [[nodiscard]] torch::Tensor Values(const std::string& name) const;

  NamedTensors stored_;  ///< what the file holds
};

}  // namespace beamgrid::trainer
