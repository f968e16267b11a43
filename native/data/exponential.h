#pragma once
#include <cmath>

#include "data/host_device.h"

namespace beit {

// e^x of |x| < 700, within one unit of the last place and the same on every machine, where libraries differ
// in it.
BEIT_HOST_DEVICE inline double exponential(double x) {
  // x = n ln 2 + r, |r| < 0.35; n times the upper part of ln 2 is exact.
  const double n = nearbyint(x * 0x1.71547652b82fep+0);
  const double high = x - n * 0x1.62e42feep-1, low = n * 0x1.a39ef35793c76p-33;
  const double r = high - low;
  // (e^r - 1 - r) / r^2 by its series: 1 / k! from k = 14 down to 2
  double sum = 1.0 / 87178291200.0;
  double factorial = 87178291200.0;
  for (int k = 14; k > 2; k--) {
    factorial /= k;
    sum = sum * r + 1.0 / factorial;
  }
  return ldexp(1.0 + (high + (r * r * sum - low)), static_cast<int>(n));
}

}  // namespace beit
