// Precompiled for every file of the addon: ATen suffices (autograd included) and costs a sixth of
// torch/torch.h.
#pragma once
#include <ATen/ATen.h>
#include <napi.h>
