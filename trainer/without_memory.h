#pragma once
// Building modules of any size for nothing but their shapes.

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/torch.h>

namespace beamgrid::trainer {

/// While it lives, on this thread, tensor operations go to the meta device's kernels: modules can
/// be built and their parameters counted, but memory is not touched and values mean nothing. No
/// tensor that was made before may be used meanwhile.
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

/// While it lives, the tensors of this thread have memory again, WithoutMemory or not: for what can
/// only be known by loading or trying.
class WithMemory {
 private:
  torch::NoGradGuard no_gradient_;
  c10::impl::ForceDispatchKeyGuard usual_{
      c10::impl::LocalDispatchKeySet(c10::impl::PODLocalDispatchKeySet{})};
};

}  // namespace beamgrid::trainer
