#include "data/philox.h"

#include <cmath>
#include <numbers>

namespace beit {

// Box and Muller.
std::array<double, 2> SampleRandom::normal_pair() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace beit
