#pragma once
// Guards under which modules of any size can be built for nothing but their shapes.

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/torch.h>

namespace beamgrid::trainer {

/// WithoutMemory sends this thread's tensor operations to the meta device's kernels while it lives:
/// modules can be built and their parameters counted, but memory is not touched and values mean
/// nothing. No tensor that was made before may be used meanwhile.
class WithoutMemory {
 public:
  WithoutMemory() = default;

 private:
  torch::NoGradGuard no_gradient_;
  // LibTorch's own guard takes back the functionality but leaves the thread's backend "meta"; the
  // outer one restores all of it.
  c10::impl::ForceDispatchKeyGuard restore_{c10::impl::tls_local_dispatch_key_set()};
  c10::impl::IncludeDispatchKeyGuard meta_{c10::DispatchKeySet(c10::DispatchKey::Meta)};
};

/// WithMemory gives the tensors of this thread memory again while it lives, WithoutMemory or not:
/// for what can only be known by loading or trying.
class WithMemory {
 private:
  torch::NoGradGuard no_gradient_;
  c10::impl::ForceDispatchKeyGuard usual_{
      c10::impl::LocalDispatchKeySet(c10::impl::PODLocalDispatchKeySet{})};
};

}  // namespace beamgrid::trainer
