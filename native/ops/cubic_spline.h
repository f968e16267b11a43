// Interpolating cubic splines of one variable, as a matrix: what lies at the targets is a fixed linear
// combination of what lies at the sources, so that a grid is resized by one matrix an axis.
#pragma once
#include <ATen/ATen.h>

#include <vector>

namespace beit::ops {

// (targets, sources) float64. Not-a-knot at both ends, as FITPACK's interpolating splines and SciPy's; a
// parabola through three sources, a constant of one. A target outside the sources takes the value at the
// nearest end. Sources ascend, and there are one or at least three.
at::Tensor cubic_spline_weights(const std::vector<double>& sources, const std::vector<double>& targets);

}  // namespace beit::ops
