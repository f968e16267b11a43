// Initial values. Each fills a float32 CPU tensor from a CPU generator; the store moves it afterwards, so a
// seed gives the same weights on every device.
#pragma once
#include <ATen/ATen.h>

#include <functional>

namespace beit::nn {

using Init = std::function<void(at::Tensor&, at::Generator&)>;

Init constant(double value);
inline Init zeros() { return constant(0.0); }
inline Init ones() { return constant(1.0); }
Init normal(double std);
Init uniform(double bound);  // in [-bound, bound]

// Normal of mean 0 and deviation `std`, truncated at one `std` on either side, then times `scale`: what BEiT
// pre-training does to every matrix and token (the truncation is tighter than the usual two of other ViTs).
Init truncated_normal(double std, double scale = 1.0);

}  // namespace beit::nn
