// Positions learned for one grid of patches, made fit for another.
#pragma once
#include <ATen/ATen.h>

#include <vector>

namespace beit::ops {

struct Grid {
  int64_t rows;
  int64_t columns;
};

// Where `count` offsets of a window lie among those of a window that reaches to `reach` >= count: the sums 1,
// 1 + q, 1 + q + q^2, ... with q such that the last is `reach`, so that near offsets keep their places and
// far ones are drawn out. q is at most `greatest`; where that is too small, the last falls short of `reach`.
std::vector<double> geometric_offsets(int64_t count, int64_t reach, double greatest);

// Relative position biases (R, H) of a grid -> (R', H) of another, by the rule of run_class_finetuning.py of
// microsoft/unilm (beit/), each axis by itself: the table's offsets stand at geometric_offsets() in the
// larger window, and a cubic spline through them gives the biases at the whole offsets. A smaller window is
// made by the same rule turned around: the spline goes through the large window's whole offsets, and the
// small window's are read at their geometric places. (The original only grows: its search for q ends at 1.01,
// which cuts the middle out of a table that should shrink.) The three rows for the class token are copied.
at::Tensor resize_relative_positions(const at::Tensor& table, Grid from, Grid to);

// Absolute positions (1, 1 + N, D) of a grid -> (1, 1 + N', D) of another: bicubic as PyTorch's interpolate
// does it (align_corners false, not antialiased), as the original does. The class token's stays.
at::Tensor resize_absolute_positions(const at::Tensor& positions, Grid from, Grid to);

}  // namespace beit::ops
